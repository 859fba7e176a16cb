package line_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
)

func level(l perlnum.Level) *perlnum.Arith {
	a := perlnum.Exact(perlnum.HalfUp, 2)
	a.Level = l
	return a
}

func TestKeysAndKinds(t *testing.T) {
	t.Parallel()
	for stid, want := range map[string]string{"MUG": "MUG", "77*MUG:A001/B0##": "MUG:A001", "%SAVE": "%SAVE", "*X": "X"} {
		l := line.Line{STID: stid}
		if got := l.Key(); got != want {
			t.Errorf("%s has key %s, want %s", stid, got, want)
		}
	}
	lines := []line.Line{{STID: "77*MUG"}, {STID: "GC", Virtual: "GIFTCARD"}, {STID: "KIT@PEN", Master: "KIT"}, {STID: "%SAVE"}, {STID: "X", Promotion: true}}
	counts := []int64{line.Count(lines, line.All), line.Count(lines, line.Real), line.Count(lines, line.RealNoGift), line.Count(lines, line.RealNoAssembly)}
	if !slices.Equal(counts, []int64{5, 3, 2, 2}) || !lines[0].Claimed() || lines[1].Claimed() {
		t.Errorf("counts %v", counts)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": false, "0": false, "1": true, "2x": true, "on": true, "ON": true, "yes": true, "True": true, "no": false, "off": false, "-1": false} {
		if got := line.IsTrue(text); got != want {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a                *perlnum.Arith
		included         bool
		total, taxable   int64
		due, weight, w94 string
	}{
		"original": {perlnum.CommerceRack(), false, 2000 + 37*3 - 100, 2000 + 37*3 - 100 + 500, "1.51", "56", "112"},
		"unit":     {level(perlnum.PerUnit), false, 2000 + 38*3 - 100, 2000 + 38*3 - 100, "2.02", "56", "112"},
		"line":     {level(perlnum.PerLine), false, 2000 + 113 - 100, 2000 + 113 - 100, "2.01", "56", "112"},
		"order":    {level(perlnum.PerOrder), false, 2000 + 113 - 100, 2000 + 113 - 100, "2.01", "56", "112"},
		"included": {level(perlnum.PerLine), true, 2000 + 113 - 100, 2000 + 113 - 100, "1.83", "56", "112"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, ten := c.a, c.a.Int(10)
			twenty := a.Int(20)
			lines := []line.Line{
				{STID: "A", Qty: 2, Price: a.Parse("10"), Weight: a.Int(16), Attributes: map[string]string{"zoovy:pkg_depth": "10", "zoovy:pkg_width": "10", "zoovy:pkg_height": "5.9"}},
				{STID: "B", Qty: 3, Price: a.Parse("0.375"), Weight: a.Int(8), Attributes: map[string]string{"zoovy:pkg_exclusive": "1", "zoovy:pkg_depth": "1", "zoovy:pkg_width": "1", "zoovy:pkg_height": "1"}},
				{STID: "C", Qty: 5, Price: a.Parse("1"), Master: "KIT", Weight: a.Int(99), NotTaxable: true},
				{STID: "%D", Qty: 1, Price: a.Parse("-1"), Weight: a.Int(0), TaxRate: &twenty, Attributes: map[string]string{"zoovy:pkg_exclusive": "1"}},
			}
			lines[3].TaxRate = &ten
			s := line.Sum(a, lines, line.All, line.Taxation{Rate: &ten, Included: c.included})
			if s.Total != c.total || s.Weight.String() != c.weight || s.Count != 10 || s.CubicInches != 501 {
				t.Errorf("%+v", s)
			}
			if name != "original" && (s.Taxable != c.taxable || s.TaxDue.String() != c.due) {
				t.Errorf("taxable %d, tax %s, want %d, %s", s.Taxable, s.TaxDue, c.taxable, c.due)
			}
			if name == "original" && s.Taxable != c.taxable {
				t.Errorf("taxable %d, want %d", s.Taxable, c.taxable)
			}
			if none := line.Sum(a, lines, line.All, line.Taxation{}); !none.TaxDue.IsZero() {
				t.Errorf("without rate, the tax is %s", none.TaxDue)
			}
			if got := line.Weight(a, lines).String(); got != c.weight {
				t.Errorf("weight %s", got)
			}
		})
	}
}

// Parts of lines add up to the sums, at every level, wherever a line stands.
func TestPartsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := level(rapid.SampledFrom([]perlnum.Level{perlnum.PerLine, perlnum.PerUnit, perlnum.PerOrder}).Draw(t, "level"))
		on := line.Taxation{Included: rapid.Bool().Draw(t, "included")}
		rate := a.Parse(rapid.SampledFrom([]string{"0", "7.25", "19", "33.333"}).Draw(t, "rate"))
		on.Rate = &rate
		var lines []line.Line
		for i := range rapid.IntRange(1, 8).Draw(t, "lines") {
			l := line.Line{STID: string(rune('A' + i)), Qty: rapid.Int64Range(1, 50).Draw(t, "qty"), Weight: a.Int(0), NotTaxable: rapid.Bool().Draw(t, "exempt")}
			l.Price = a.Int(rapid.Int64Range(0, 99999).Draw(t, "price")).Div(a.Int(1000))
			if rapid.Bool().Draw(t, "component") {
				l.Master = "KIT"
			}
			lines = append(lines, l)
		}
		s := line.Sum(a, lines, line.All, on)
		amounts, taxes := line.Amounts(a, lines), line.Taxes(a, lines, on, s.TaxDue.Cents())
		for _, l := range amounts {
			s.Total -= l
		}
		due := s.TaxDue.Cents()
		for _, x := range taxes {
			due -= x
		}
		if s.Total != 0 || due != 0 {
			t.Fatalf("%d of the total and %d of the tax are in no line", s.Total, due)
		}
		if room, total := line.Room(a, lines, line.All), line.Total(a, lines, line.All).Cents(); room > total {
			t.Fatalf("%d can be taken off %d", room, total)
		}
	})
}
