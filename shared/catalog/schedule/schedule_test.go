package schedule_test

import (
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/perlnum"
)

var exact = perlnum.Exact(perlnum.HalfUp, 2)

func TestFormulas(t *testing.T) {
	t.Parallel()
	value := func(name string) (perlnum.Num, bool) {
		n, ok := map[string]string{"BASE": "10", "COST": "4"}[name]
		return exact.Parse(n), ok
	}
	for text, want := range map[string]string{
		"BASE": "10", "BASE*0.9": "9", "(BASE-COST)/2+COST": "7", "-COST + BASE": "6", "+BASE": "10", "1.5*-2": "-3", "BASE/0": "0", "OTHER+1": "1", "2-3-4": "-5", ".5*8": "4",
	} {
		f, err := schedule.ParseFormula(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := f.Eval(exact, value).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestFormulaFaultsAreLocated(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "position 1", "BASE*": "ends at position 6", "BASE COST": `"C" at position 6`, "(BASE": "position 6", "(BASE;": `";" at position 6`,
		"1..2": "begins no number", "%": `"%" at position 1`, strings.Repeat("(", 60) + "1": "nested too deeply", "MOON*2": "MOON is no variable",
	} {
		if err := schedule.CheckFormula(text); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestSchedulesAreValidated(t *testing.T) {
	t.Parallel()
	if err := (schedule.Schedule{ID: "WS", DiscountDefault: true, DiscountFormula: "BASE*.9", Currency: "EUR", PromotionMode: 2}).Validate(); err != nil {
		t.Error(err)
	}
	err := schedule.Schedule{ID: "w s", Title: strings.Repeat("t", 81), DiscountDefault: true, Currency: "XXZ", PromotionMode: 3}.Validate()
	for _, path := range []string{"/id", "/title", "/discount_formula", "/currency", "/promotion_mode"} {
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not refused: %v", path, err)
		}
	}
}

func TestSanitize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"base * .9": "BASE*0.9", "+BASE*": "BASE", "(BASE": "(BASE)", "BASE)": "(BASE)", ".5*BASE": "0.5*BASE", "": ""} {
		if got := schedule.Sanitize(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestQuantityPrices(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		table string
		qty   int64
		want  string
	}{
		{"3=9,12=8", 2, ""}, {"3=9,12=8", 3, "9"}, {"3=9,12=8", 12, "8"}, {"6/100", 6, "16.67"}, {"0/5", 3, ""}, {"x", 3, ""}, {"2=$8.50\n4=8", 2, "8.5"},
	} {
		got, ok := schedule.QtyBreak(exact, c.table, c.qty)
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%d pieces of %q cost %s (%v), want %s", c.qty, c.table, got, ok, c.want)
		}
	}
}

// FuzzFormula: what is accepted can be evaluated, under both kinds of
// arithmetic, and what is sanitised stays so.
func FuzzFormula(f *testing.F) {
	for _, s := range []string{"BASE*0.9", "(BASE-COST)/2", "((1", "--1", "1..2", "9e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if clean := schedule.Sanitize(s); len(s) < 100 && strings.Count(clean, "(") != strings.Count(clean, ")") {
			t.Errorf("%q becomes %q", s, clean)
		}
		formula, err := schedule.ParseFormula(s)
		if err != nil {
			return
		}
		for _, a := range []*perlnum.Arith{perlnum.CommerceRack(), exact} {
			formula.Eval(a, func(string) (perlnum.Num, bool) { return a.Int(3), true })
		}
	})
}
