package perlnum_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rackless/rackless/shared/perlnum"
)

var (
	perl  = perlnum.CommerceRack()
	exact = perlnum.Exact(perlnum.HalfUp, 2)
)

func TestNumbersAreReadAsPerlReadsThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "0", "abc": "0", " 12 oz": "12", "+5": "5", "-.5": "-0.5", "1.": "1", "1.2.3": "1.2", "1e2": "100", "1e": "1", "1e+2x": "100",
		".": "0", "-": "0", "$5": "0", "007": "7", "123456789012345678901": "1.23456789012346e+20",
		"0.000001": "1e-06", "12e-9999": "12", "1e15": "1e+15", "0.1234567890123456": "0.123456789012346",
	} {
		if got := perl.Parse(text).String(); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"": "0", " 12 oz": "12", "-.5": "-0.5", "1e2": "100", "1e99": "0", "0.1234567890123456": "0.1234567890123456", "1.500": "1.5",
		"123456789012345678901": "123456789012345678901",
	} {
		if got := exact.Parse(text).String(); got != want {
			t.Errorf("exactly, %q is %s, want %s", text, got, want)
		}
	}
}

func TestCentsOfTheThreeKinds(t *testing.T) {
	t.Parallel()
	cutting := *exact
	cutting.Quirks = perlnum.CutCents
	rounding := *exact
	rounding.Quirks = perlnum.BinaryFloat
	for text, want := range map[string][4]int64{ // as the original, exact, cutting decimals, rounding doubles
		"64.35": {6435, 6435, 6435, 6435}, "1.005": {100, 101, 100, 100}, "2.675": {267, 268, 267, 267}, "-1.009": {-100, -101, -100, -101},
		"1.14": {114, 114, 114, 114}, "1e20": {1 << 53, 1 << 53, 1 << 53, 1 << 53}, "-1e20": {-1 << 53, -1 << 53, -1 << 53, -1 << 53},
	} {
		for i, a := range []*perlnum.Arith{perl, exact, &cutting, &rounding} {
			if got := a.Parse(text).Cents(); got != want[i] {
				t.Errorf("%s: %d in arithmetic %d, want %d", text, got, i, want[i])
			}
		}
	}
}

func TestArithmetic(t *testing.T) {
	t.Parallel()
	for _, a := range []*perlnum.Arith{perl, exact} {
		x, y := a.Parse("7.5"), a.Parse("-2.5")
		for text, got := range map[string]perlnum.Num{
			"5": x.Add(y), "10": x.Sub(y), "-18.75": x.Mul(y), "-3": x.Div(y), "0.075": x.Percent(), "-7.5": x.Neg(), "22.5": x.Times(3),
			"8": x.Ceil(), "7": x.Whole(), "0": x.Div(a.Int(0)),
		} {
			if got.String() != text {
				t.Errorf("got %s, want %s", got, text)
			}
		}
		if x.Int() != 7 || y.Int() != -2 || x.Nearest() != 8 || x.Healed() != 7 || x.Units() != 750 || x.Cmp(y) != 1 || y.Cmp(x) != -1 || x.Cmp(x) != 0 {
			t.Errorf("%s: whole parts or comparisons are wrong", x)
		}
		if x.RoundTo(0).String() != "8" || x.Money() != "7.50" || x.Fixed(1) != "7.5" || y.Ceil().String() != "-2" {
			t.Errorf("%s is rounded or printed wrongly", x)
		}
	}
	var none perlnum.Num
	if none.Add(none) != none || none.Sub(none) != none || none.Mul(none) != none || none.Percent() != none || none.Neg() != none || none.Round() != none ||
		none.RoundTo(1) != none || none.Times(2) != none || none.Whole() != none {
		t.Error("the zero value is no zero")
	}
	if none.Int() != 0 || none.Cents() != 0 || none.Units() != 0 || none.Healed() != 0 || none.Nearest() != 0 || none.String() != "0" || none.Money() != "0.00" {
		t.Error("the zero value is not 0")
	}
}

func TestQuirksHaveNames(t *testing.T) {
	t.Parallel()
	all := perlnum.AllQuirks.Each()
	seen := map[string]bool{}
	for _, q := range all {
		if seen[q.String()] || strings.Contains(q.String(), "+") || !perlnum.AllQuirks.Has(q) {
			t.Errorf("%v is no single quirk", q)
		}
		seen[q.String()] = true
	}
	if got := strings.Count(perlnum.AllQuirks.String(), "+"); got != len(all)-1 || perlnum.Quirk(0).String() != "none" {
		t.Errorf("%s, %s", perlnum.AllQuirks, perlnum.Quirk(0))
	}
}

func TestModifiersAndWeights(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"+1.50": "11.5", "-2": "8", "10%": "11", "-10%": "9", "=5": "5", "$-3": "7", "": "10", "x": "10"} {
		if got := exact.Modified(exact.Int(10), text).String(); got != want {
			t.Errorf("10 %s is %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{"+1": "11", "5": "5", "=5": "5", "": "10", "=": "10"} {
		if got := exact.ModifiedByOption(exact.Int(10), text).String(); got != want {
			t.Errorf("10 with option %s is %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{"": "", "0": "", "-20%": "-20%", "+5": "+$5.00", "2.5": "$2.50"} {
		if got := exact.ShowModifier(text); got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
	if exact.ModifierNumber("-x").String() != "0" || exact.ModifierNumber("$-3").String() != "-3" || exact.ModifiedWeight(exact.Int(10), "+10%").String() != "11" {
		t.Error("a modifier's number is wrong")
	}
	for text, want := range map[string]bool{"": true, "8": true, "1#8": true, "1#": true, "#8": true, "1 # 8": true, "#": true, "x": false, "1#x": false, ".": false} {
		if err := perlnum.CheckWeight(text); (err == nil) != want {
			t.Errorf("weight %q: %v", text, err)
		}
	}
	for text, want := range map[string]bool{"": true, "+8": true, "=1#8": true, "-10%": true, "x": false} {
		if err := perlnum.CheckWeightModifier(text); (err == nil) != want {
			t.Errorf("weight modifier %q: %v", text, err)
		}
	}
}

func TestFaultsAreLocated(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "-10%": "", "+1.50": "", "=5": "", "$-3": "", "+$ 3.": "", "1.2.3": "position 4", "5-": "position 2", "%5": "position 1",
		"--=5": "position 3", "a": "position 1", "+": "must be a modifier", strings.Repeat("1", 25): "must be a modifier",
	} {
		if err := perlnum.CheckModifier(text); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("modifier %q: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]bool{"": true, "1.50": true, "$5": true, "10.": true, "-3": true, "1,000": false, "x": false, "$": false, "1e5": false} {
		if err := perlnum.CheckAmount(text); (err == nil) != want {
			t.Errorf("amount %q: %v", text, err)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"1234.5": "$1,234.50", "-1": "(-$1.00)", "0": "$0.00", "1234567.891": "$1,234,567.89"} {
		if got := exact.Parse(text).Dollars(); got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
	rates := map[string]string{"EUR": "1.25", "USD": "1"}
	rate := func(c string) string { return rates[c] }
	if got := exact.Convert(exact.Int(10), "USD", "USD", rate).String(); got != "10" {
		t.Errorf("converted to itself, 10 is %s", got)
	}
}

// Parts add up to the total, and none is further than one unit from its share.
func TestSpread(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.SliceOfN(rapid.Int64Range(-1_000_000, 1_000_000), 1, 20).Draw(t, "ten-thousandths")
		parts, sum := make([]perlnum.Num, len(cents)), exact.Int(0)
		for i, c := range cents {
			parts[i] = exact.Int(c).Div(exact.Int(10_000))
			sum = sum.Add(parts[i])
		}
		total := sum.Cents()
		left := total
		for i, units := range perlnum.Spread(exact, total, parts) {
			left -= units
			if off := exact.Minor(units).Sub(parts[i]); off.Cmp(exact.Parse("0.01")) > 0 || off.Cmp(exact.Parse("-0.01")) < 0 {
				t.Fatalf("%s became %d", parts[i], units)
			}
		}
		if left != 0 {
			t.Fatalf("%d is left of %d", left, total)
		}
	})
	if got := perlnum.Spread(exact, 5, nil); len(got) != 0 {
		t.Errorf("nothing is spread as %v", got)
	}
}

// FuzzModify: a text that is accepted changes an amount the same way in both
// kinds of arithmetic, to the cent.
func FuzzModify(f *testing.F) {
	for _, s := range []string{"+1.50", "-10%", "=5", "$-3", "", "1#8", "x%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		perl.Modified(perl.Int(10), s)
		perl.WeightModifier(s)
		exact.Parse(s)
		x := exact.Modified(exact.Int(10), s)
		if perlnum.CheckModifier(s) == nil && len(s) < 8 {
			if y := perl.Modified(perl.Int(10), s); x.Cents()-y.Cents() > 1 || y.Cents()-x.Cents() > 1 {
				t.Errorf("10 %s is %s and %s", s, x, y)
			}
		}
	})
}
