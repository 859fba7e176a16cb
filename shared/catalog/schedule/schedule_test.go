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

func TestTermsOfASchedule(t *testing.T) {
	t.Parallel()
	attributes := map[string]string{"zoovy:schedule_ws": "BASE*0.8-1", "zoovy:schedule_fix": "7.77", "zoovy:schedule_bad": "BASE**", "zoovy:qtyprice_ws": "5=6", "zoovy:qtymin_ws": "3", "zoovy:qtyinc_ws": "2", "zoovy:ship_cost1": "1.25", "zoovy:schedule_ship": "COST+MSRP+SHIP"}
	p := schedule.Product{BasePrice: "10", Cost: "4", QtyPrice: "2=9", Attribute: func(name string) (string, bool) { v, ok := attributes[name]; return v, ok }}
	for name, c := range map[string]struct {
		id   string
		s    *schedule.Schedule
		want string
	}{
		"none":     {"", nil, ""},
		"own":      {"WS", nil, "7"},
		"fixed":    {"FIX", nil, "7.77"},
		"broken":   {"BAD", nil, "10"},
		"parts":    {"SHIP", nil, "15.25"},
		"unnamed":  {"XX", nil, "10"},
		"default":  {"XX", &schedule.Schedule{DiscountDefault: true, DiscountFormula: "BASE/2"}, "5"},
		"currency": {"WS", &schedule.Schedule{Currency: "EUR"}, "10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			terms := schedule.For(exact, &p, c.id, c.s)
			got := ""
			if terms.Price != nil {
				got = terms.Price.String()
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	ws := schedule.For(exact, &p, "WS", nil)
	if ws.QtyPrice != "5=6" || *ws.MinQty != "3" || *ws.IncQty != "2" || schedule.For(exact, &p, "", nil).QtyPrice != "2=9" {
		t.Errorf("%+v", ws)
	}
	unpriced := p
	unpriced.BasePrice = ""
	if terms := schedule.For(exact, &unpriced, "WS", nil); terms.Price != nil {
		t.Error("a product without price has one")
	}
}

func TestRequantify(t *testing.T) {
	t.Parallel()
	three, five, ten, zero := "3", "5", "10", "0"
	for name, c := range map[string]struct {
		item  schedule.Item
		qty   int64
		price string
		want  int64
	}{
		"plain":     {schedule.Item{Qty: 1, Price: "9"}, 4, "9", 4},
		"fixed":     {schedule.Item{Qty: 2, Price: "9", Fixed: true}, 4, "9", 2},
		"minimum":   {schedule.Item{Qty: 5, Price: "9", MinQty: &three}, 1, "9", 3},
		"increment": {schedule.Item{Qty: 1, Price: "9", IncQty: &five}, 6, "9", 10},
		"maximum":   {schedule.Item{Qty: 1, Price: "9", MaxQty: &ten}, 60, "9", 10},
		"no_limit":  {schedule.Item{Qty: 1, Price: "9", MaxQty: &zero}, 60, "9", 60},
		"removed":   {schedule.Item{Qty: 1, Price: "9"}, 0, "9", 0},
		"break":     {schedule.Item{Qty: 1, Price: "9", BasePrice: "9", QtyPrice: "5=8", OptionsDiff: "0.50"}, 5, "8.5", 5},
		"scheduled": {schedule.Item{Qty: 6, Price: "9", BasePrice: "9", SchedulePrice: "7", QtyPrice: "5=8"}, 2, "7", 2},
		"claimed":   {schedule.Item{STID: "7*P", Qty: 1, Price: "9", BasePrice: "9", QtyPrice: "5=8"}, 5, "9", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if price, qty := c.item.Requantify(exact, c.qty); price.String() != c.price || qty != c.want {
				t.Errorf("%d at %s, want %d at %s", qty, price, c.want, c.price)
			}
		})
	}
}
