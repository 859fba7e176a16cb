package perlnum

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func drawDec(t *rapid.T, label string) (dec, decimal.Decimal) {
	c := rapid.OneOf(
		rapid.Int64Range(-1_000_000, 1_000_000), rapid.Int64(), rapid.SampledFrom([]int64{0, 5, -5, 1<<63 - 1, -1 << 63}),
	).Draw(t, label)
	s := rapid.Int32Range(0, maxScale).Draw(t, label+" scale")
	d := decimal.New(c, -s)
	if rapid.Bool().Draw(t, label+" huge") {
		d = d.Mul(decimal.New(7, 17))
		return small(d), d
	}
	return newDec(c, s), d
}

// The fast numbers calculate as the big ones do.
func TestDecAgreesWithDecimal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, a := drawDec(t, "x")
		y, b := drawDec(t, "y")
		places := rapid.Int32Range(0, 6).Draw(t, "places")
		same := func(op string, got dec, want decimal.Decimal) {
			if !got.decimal().Equal(want) {
				t.Fatalf("%s: %s, %s gives %s, want %s", op, a, b, got.decimal(), want)
			}
			if got.String() != want.String() {
				t.Fatalf("%s prints %s, want %s", op, got, want)
			}
		}
		same("add", x.add(y), a.Add(b))
		same("sub", x.sub(y), a.Sub(b))
		same("mul", x.mul(y), a.Mul(b))
		same("neg", x.neg(), a.Neg())
		same("shift", x.shift(places-3), a.Shift(places-3))
		same("truncate", x.truncate(), a.Truncate(0))
		same("ceil", x.ceil(), a.Ceil())
		same("half up", x.round(places, HalfUp), a.Round(places))
		same("half even", x.round(places, HalfEven), a.RoundBank(places))
		if got, want := x.cmp(y), a.Cmp(b); got != want {
			t.Fatalf("cmp %s, %s: %d, want %d", a, b, got, want)
		}
		if got, want := x.round(places, HalfUp).fixed(places), a.Round(places).StringFixed(places); got != want {
			t.Fatalf("fixed: %s, want %s", got, want)
		}
		if !b.IsZero() {
			same("div", x.div(y, 20), a.DivRound(b, 20))
		}
		if p, ok := parseSmall(a.String()); ok {
			same("parse", p, a)
		}
	})
}

func TestRoundHalfDown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"0.125": "0.12", "-0.125": "-0.12", "0.1251": "0.13", "-0.1251": "-0.13", "2": "2"} {
		d, _ := parseSmall(text)
		if got := d.round(2, HalfDown).String(); got != want {
			t.Errorf("%s rounds to %s, want %s", text, got, want)
		}
		big := dec{big: new(d.decimal())}
		if got := big.round(2, HalfDown).String(); got != want {
			t.Errorf("big %s rounds to %s, want %s", text, got, want)
		}
	}
}
