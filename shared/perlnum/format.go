package perlnum

import (
	"math"
	"strings"
)

// symbols are the currency signs of CommerceRack's pages.
var symbols = map[string]string{
	"USD": "&#36;", "EUR": "&euro;", "CAD": "$", "GBP": "&pound;", "JPY": "&#165;", "MXN": "$", "AUD": "$", "KRW": "&#8361;",
}

// Dollars returns an amount as $1,234.50, a negative one as (-$1.00).
func (x Num) Dollars() string {
	if x.Sign() < 0 {
		return "(-$" + commas(strings.TrimPrefix(x.Fixed(2), "-")) + ")"
	}
	return "$" + commas(x.Fixed(2))
}

// WithSymbol returns an amount with the HTML sign of a currency before it.
func (x Num) WithSymbol(currency string) string {
	if x.Sign() < 0 {
		return "-" + symbols[currency] + commas(x.Neg().Fixed(2))
	}
	return symbols[currency] + commas(x.Fixed(2))
}

// commas groups the digits before the point.
func commas(s string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = "-", rest
	}
	whole, rest, found := strings.Cut(s, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if found {
		b.WriteString("." + rest)
	}
	return b.String()
}

// Ceil returns the least whole number that is not less than x.
func (x Num) Ceil() Num {
	switch {
	case x.a == nil:
		return x
	case x.a.double():
		return Num{a: x.a, f: math.Ceil(x.f)}
	}
	return Num{a: x.a, d: x.d.ceil()}
}

// UpToEnding rounds a price up to the next one that ends in cents, e.g. 95. A
// price of 0 stays.
func (x Num) UpToEnding(cents int64) Num {
	if x.a == nil || x.IsZero() {
		return x
	}
	gap := x.a.Int(100 - cents).Div(x.a.Int(100))
	return x.Add(gap).Ceil().Sub(gap).Round()
}

// UpToMultiple rounds a price up to a multiple of cents. Zero price or
// multiple change nothing.
func (x Num) UpToMultiple(cents int64) Num {
	if x.a == nil || x.IsZero() || cents == 0 {
		return x
	}
	price := x.Times(100)
	if rest := price.Int() % cents; rest > 0 {
		price = price.Add(x.a.Int(cents - rest))
	}
	return price.Div(x.a.Int(100)).Round()
}

// Convert converts between US dollars and a currency; rate gives the units of a
// currency for one dollar, "" for one that is not known, whose amounts are 0.
// Nothing is rounded.
func (a *Arith) Convert(amount Num, from, to string, rate func(currency string) string) Num {
	from, to = strings.ToUpper(from), strings.ToUpper(to)
	switch {
	case from == to:
		return amount
	case to == "USD":
		return amount.Div(a.Parse(rate(from)))
	case from == "USD":
		return amount.Mul(a.Parse(rate(to)))
	}
	return amount.Div(a.Parse(rate(from))).Mul(a.Parse(rate(to)))
}
