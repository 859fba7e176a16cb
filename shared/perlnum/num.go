package perlnum

import (
	"math"
	"strconv"
)

// Num is a number in the arithmetic of the Arith that made it. The zero value
// is 0 in any arithmetic. Numbers of two arithmetics must not be mixed.
type Num struct {
	a *Arith
	f float64 // the value of a double
	d dec     // the value of a decimal
}

func (x Num) with(y Num) *Arith {
	if x.a != nil {
		return x.a
	}
	return y.a
}

// Add returns x+y.
func (x Num) Add(y Num) Num {
	a := x.with(y)
	switch {
	case a == nil:
		return Num{}
	case a.double():
		return Num{a: a, f: x.f + y.f}
	}
	return Num{a: a, d: x.d.add(y.d)}
}

// Sub returns x-y.
func (x Num) Sub(y Num) Num {
	a := x.with(y)
	switch {
	case a == nil:
		return Num{}
	case a.double():
		return Num{a: a, f: x.f - y.f}
	}
	return Num{a: a, d: x.d.sub(y.d)}
}

// Mul returns x*y.
func (x Num) Mul(y Num) Num {
	a := x.with(y)
	switch {
	case a == nil:
		return Num{}
	case a.double():
		return Num{a: a, f: x.f * y.f}
	}
	return Num{a: a, d: x.d.mul(y.d)}
}

// Times returns x*n.
func (x Num) Times(n int64) Num {
	switch {
	case x.a == nil:
		return x
	case x.a.double():
		return Num{a: x.a, f: x.f * float64(n)}
	}
	return Num{a: x.a, d: x.d.mul(newDec(n, 0))}
}

// quotientDigits is the precision of a decimal division; prices have at most
// four decimals, so that no sum of quotients comes near it.
const quotientDigits = 28

// Div returns x/y, and 0 if y is 0.
func (x Num) Div(y Num) Num {
	a := x.with(y)
	switch {
	case a == nil || y.IsZero():
		return Num{a: a}
	case a.double():
		return Num{a: a, f: x.f / y.f}
	}
	return Num{a: a, d: x.d.div(y.d, quotientDigits)}
}

// Percent returns x/100, the factor that x percent is.
func (x Num) Percent() Num {
	switch {
	case x.a == nil:
		return x
	case x.a.double():
		return Num{a: x.a, f: x.f / 100}
	}
	return Num{a: x.a, d: x.d.shift(-2)}
}

// Neg returns 0-x, which for a zero double is not the negative zero.
func (x Num) Neg() Num {
	switch {
	case x.a == nil:
		return x
	case x.a.double():
		return Num{a: x.a, f: 0 - x.f}
	}
	return Num{a: x.a, d: x.d.neg()}
}

// Cmp returns -1, 0 or 1 as x is less than, equal to or greater than y.
func (x Num) Cmp(y Num) int {
	a := x.with(y)
	switch {
	case a == nil:
		return 0
	case !a.double():
		return x.d.cmp(y.d)
	case x.f < y.f:
		return -1
	case x.f > y.f:
		return 1
	}
	return 0
}

// Less reports whether x < y.
func (x Num) Less(y Num) bool { return x.Cmp(y) < 0 }

// Sign returns -1, 0 or 1.
func (x Num) Sign() int { return x.Cmp(Num{}) }

// IsZero reports whether x is 0.
func (x Num) IsZero() bool { return x.Sign() == 0 }

// Round returns x rounded to the currency's smallest unit: a double as C's
// printf("%.2f") does, from its exact binary value; a decimal by the mode of
// its Arith.
func (x Num) Round() Num {
	switch {
	case x.a == nil:
		return x
	case x.a.double():
		return Num{a: x.a, f: fixed2(x.f)}
	}
	return Num{a: x.a, d: x.d.round(x.a.Exponent, x.a.Rounding)}
}

// RoundTo returns x rounded to places decimals, which are not those of money.
func (x Num) RoundTo(places int) Num {
	switch {
	case x.a == nil:
		return x
	case x.a.double():
		return Num{a: x.a, f: parseFloat(strconv.FormatFloat(x.f, 'f', places, 64))}
	}
	return Num{a: x.a, d: x.d.round(int32(places), x.a.Rounding)}
}

// Cents returns x in the smallest unit. With CutCents a finer amount is cut
// toward zero after six decimals of a cent (which heals binary noise: 64.35
// dollars are 6435 cents); otherwise it is rounded.
func (x Num) Cents() int64 {
	switch {
	case x.a == nil:
		return 0
	case x.a.double() && x.a.Has(CutCents):
		return healedInt(x.f * 100)
	case x.a.double():
		return clampInt(math.Round(fixed2(x.f) * 100))
	}
	shifted := x.d.shift(x.a.Exponent)
	if x.a.Has(CutCents) {
		return shifted.round(6, HalfUp).int()
	}
	return shifted.round(0, x.a.Rounding).int()
}

// Units returns x in whole smallest units, cut toward zero.
func (x Num) Units() int64 {
	switch {
	case x.a == nil:
		return 0
	case x.a.double():
		return healedInt(x.f * 100)
	}
	return x.d.shift(x.a.Exponent).int()
}

// Int returns x without its decimals, as Perl's int and C's %d do: no noise is
// healed.
func (x Num) Int() int64 {
	switch {
	case x.a == nil:
		return 0
	case x.a.double():
		return clampInt(math.Trunc(x.f))
	}
	return x.d.int()
}

// Whole returns x without its decimals, as a number.
func (x Num) Whole() Num {
	switch {
	case x.a == nil:
		return x
	case x.a.double():
		return Num{a: x.a, f: math.Trunc(x.f)}
	}
	return Num{a: x.a, d: x.d.truncate()}
}

// Healed returns x without its decimals after rounding it to six of them.
func (x Num) Healed() int64 {
	switch {
	case x.a == nil:
		return 0
	case x.a.double():
		return healedInt(x.f)
	}
	return x.d.round(6, HalfUp).int()
}

// Nearest returns the whole number nearest to x, by its rounding.
func (x Num) Nearest() int64 {
	switch {
	case x.a == nil:
		return 0
	case x.a.double():
		return clampInt(math.RoundToEven(x.f))
	}
	return x.d.round(0, x.a.Rounding).int()
}

// String returns x as Perl prints it: 15 significant digits.
func (x Num) String() string {
	switch {
	case x.a == nil:
		return "0"
	case x.a.double():
		return formatG15(x.f)
	}
	return x.d.String()
}

// Fixed returns x with places decimals.
func (x Num) Fixed(places int) string {
	switch {
	case x.a == nil:
		return dec{}.fixed(int32(places))
	case x.a.double():
		return strconv.FormatFloat(x.f, 'f', places, 64)
	}
	return x.d.round(int32(places), x.a.Rounding).fixed(int32(places))
}

// Money returns x with the currency's decimals.
func (x Num) Money() string {
	if x.a == nil || x.a.double() {
		return x.Fixed(2)
	}
	return x.Fixed(int(x.a.Exponent))
}
