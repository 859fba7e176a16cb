package perlnum

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// dec is an exact decimal, coef/10^scale. Almost all numbers of a cart fit into
// a word; one that does not is kept in big, and calculated with there.
type dec struct {
	coef  int64
	scale int32 // 0 to maxScale
	big   *decimal.Decimal
}

const maxScale = 18

var pow10 = func() (p [maxScale + 1]int64) {
	p[0] = 1
	for i := range maxScale {
		p[i+1] = p[i] * 10
	}
	return p
}()

// newDec is coef/10^scale.
func newDec(coef int64, scale int32) dec { return dec{coef: coef, scale: scale} }

func small(d decimal.Decimal) dec {
	if e := d.Exponent(); e <= 0 && e >= -maxScale {
		if c := d.Coefficient(); c.IsInt64() {
			return dec{coef: c.Int64(), scale: -e}
		}
	}
	return dec{big: &d}
}

// parseSmall reads digits with an optional sign and dot, if they fit.
func parseSmall(s string) (dec, bool) {
	negative := s[0] == '-'
	if negative || s[0] == '+' {
		s = s[1:]
	}
	if len(s) > maxScale {
		return dec{}, false
	}
	var x dec
	dot := false
	for i := range len(s) {
		switch {
		case isDigit(s[i]):
			x.coef = x.coef*10 + int64(s[i]-'0')
			if dot {
				x.scale++
			}
		case s[i] == '.' && !dot:
			dot = true
		default:
			return dec{}, false
		}
	}
	if negative {
		x.coef = -x.coef
	}
	return x, true
}

func (x dec) decimal() decimal.Decimal {
	if x.big != nil {
		return *x.big
	}
	return decimal.New(x.coef, -x.scale)
}

// scaled returns x's coefficient at a scale that is not less than its own.
func (x dec) scaled(scale int32) (int64, bool) {
	if x.big != nil || scale > maxScale {
		return 0, false
	}
	return times(x.coef, pow10[scale-x.scale])
}

// times returns x*y unless it overflows.
func times(x, y int64) (int64, bool) {
	high, low := bits.Mul64(magnitude(x), magnitude(y))
	if high != 0 || low > 1<<63-1 {
		return 0, false
	}
	if (x < 0) != (y < 0) {
		return -int64(low), true
	}
	return int64(low), true
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return uint64(-(x + 1)) + 1
	}
	return uint64(x)
}

func (x dec) add(y dec) dec {
	scale := max(x.scale, y.scale)
	if a, ok := x.scaled(scale); ok {
		if b, ok := y.scaled(scale); ok {
			if sum := a + b; (sum > a) == (b > 0) {
				return dec{coef: sum, scale: scale}
			}
		}
	}
	return small(x.decimal().Add(y.decimal()))
}

func (x dec) sub(y dec) dec { return x.add(y.neg()) }

func (x dec) neg() dec {
	if x.big == nil && x.coef != -1<<63 {
		return dec{coef: -x.coef, scale: x.scale}
	}
	return small(x.decimal().Neg())
}

func (x dec) mul(y dec) dec {
	if x.big == nil && y.big == nil && x.scale+y.scale <= maxScale {
		if c, ok := times(x.coef, y.coef); ok {
			return dec{coef: c, scale: x.scale + y.scale}
		}
	}
	return small(x.decimal().Mul(y.decimal()))
}

// div returns x/y, rounded half up after places decimals; y is not 0.
func (x dec) div(y dec, places int32) dec {
	if x.big == nil && x.coef == 0 {
		return dec{}
	}
	return small(x.decimal().DivRound(y.decimal(), places))
}

// shift returns x*10^n.
func (x dec) shift(n int32) dec {
	if x.big == nil {
		if s := x.scale - n; s >= 0 && s <= maxScale {
			return dec{coef: x.coef, scale: s}
		} else if s < 0 && -s <= maxScale {
			if c, ok := times(x.coef, pow10[-s]); ok {
				return dec{coef: c}
			}
		}
	}
	return small(x.decimal().Shift(n))
}

func (x dec) cmp(y dec) int {
	scale := max(x.scale, y.scale)
	if a, ok := x.scaled(scale); ok {
		if b, ok := y.scaled(scale); ok {
			switch {
			case a < b:
				return -1
			case a > b:
				return 1
			}
			return 0
		}
	}
	return x.decimal().Cmp(y.decimal())
}

// round returns x with places decimals.
func (x dec) round(places int32, mode Rounding) dec {
	switch {
	case x.big != nil || places < 0:
		return small(roundBig(x.decimal(), places, mode))
	case places >= x.scale:
		return x
	}
	unit := pow10[x.scale-places]
	quotient, rest := x.coef/unit, magnitude(x.coef%unit)
	up := 2*rest > uint64(unit)
	if 2*rest == uint64(unit) {
		up = mode == HalfUp || mode == HalfEven && quotient%2 != 0
	}
	if up {
		if x.coef < 0 {
			quotient--
		} else {
			quotient++
		}
	}
	return dec{coef: quotient, scale: places}
}

func roundBig(d decimal.Decimal, places int32, mode Rounding) decimal.Decimal {
	switch mode {
	case HalfEven:
		return d.RoundBank(places)
	case HalfDown:
		cut := d.Truncate(places)
		half := decimal.New(5, -places-1)
		if d.Sub(cut).Abs().LessThanOrEqual(half) {
			return cut
		}
	}
	return d.Round(places)
}

// truncate returns x without its decimals.
func (x dec) truncate() dec {
	if x.big != nil {
		return small(x.big.Truncate(0))
	}
	return dec{coef: x.coef / pow10[x.scale]}
}

// ceil returns the least whole number that is not less than x.
func (x dec) ceil() dec {
	whole := x.truncate()
	if whole.cmp(x) < 0 {
		return whole.add(newDec(1, 0))
	}
	return whole
}

// int returns a whole number, clamped to whole cents' range.
func (x dec) int() int64 {
	whole := x.truncate()
	switch limit := newDec(maxInt, 0); {
	case whole.cmp(limit) > 0:
		return maxInt
	case whole.cmp(limit.neg()) < 0:
		return -maxInt
	}
	return whole.coef
}

// fixed writes x, which has at most places decimals, with so many.
func (x dec) fixed(places int32) string {
	c, ok := x.scaled(max(places, x.scale))
	if !ok || x.scale > places {
		return x.decimal().StringFixed(places)
	}
	if places == 0 {
		return strconv.FormatInt(c, 10)
	}
	digits := strconv.FormatUint(magnitude(c), 10)
	if missing := int(places) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	sign := ""
	if c < 0 {
		sign = "-"
	}
	at := len(digits) - int(places)
	return sign + digits[:at] + "." + digits[at:]
}

// String writes x without needless zeros.
func (x dec) String() string {
	if x.big != nil {
		return x.big.String()
	}
	for x.scale > 0 && x.coef%10 == 0 {
		x.coef, x.scale = x.coef/10, x.scale-1
	}
	return x.fixed(x.scale)
}
