package perlnum

import "strings"

// Modify applies a price modifier as coupons and shipping rules read it (cart
// specification, §2.1, parser A): "+1.50", "-2", "+10%", "=5"; no sign means
// plus, a minus anywhere means minus, "=" without minus replaces the price. It
// returns the price and the difference, both rounded to the smallest unit; what
// the price becomes is their sum.
func (a *Arith) Modify(price Num, modifier string) (base, diff Num) {
	return a.modify(price, modifier, Num.Round)
}

// ModifiedWeight returns a weight after a modifier, in arithmetic of two
// decimals whatever the currency.
func (a *Arith) ModifiedWeight(weight Num, modifier string) Num {
	base, diff := a.modify(weight, modifier, func(x Num) Num { return x.RoundTo(2) })
	return base.Add(diff)
}

func (a *Arith) modify(price Num, modifier string, round func(Num) Num) (base, diff Num) {
	base = round(price)
	if strings.IndexFunc(modifier, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 {
		return base, a.Int(0)
	}
	minus := strings.Contains(modifier, "-")
	n := a.Parse(keep(modifier, "0123456789.-"))
	switch {
	case !minus && strings.HasPrefix(modifier, "="):
		return a.Int(0), round(n)
	case !strings.Contains(modifier, "%"):
		return base, round(a.Int(0).Add(n))
	case minus:
		return base, round(a.Int(0).Sub(base.Mul(n.Neg().Percent())))
	default:
		return base, round(a.Int(0).Add(base.Mul(n.Percent())))
	}
}

// Modified returns the price after a modifier.
func (a *Arith) Modified(price Num, modifier string) Num {
	base, diff := a.Modify(price, modifier)
	return base.Add(diff)
}

// Difference returns what a modifier adds to a price.
func (a *Arith) Difference(price Num, modifier string) Num {
	_, diff := a.Modify(price, modifier)
	return diff
}

// ModifiedByOption returns the price after the modifier of a chosen option
// (cart specification, §2.1, parser B): with a sign as above, otherwise the
// number itself is the new price.
func (a *Arith) ModifiedByOption(price Num, modifier string) Num {
	switch {
	case modifier == "" || modifier == "=":
		return price
	case strings.ContainsAny(modifier, "+-"):
		return a.Modified(price, modifier)
	}
	return a.Parse(keep(modifier, "0123456789."))
}

// keep returns s without the bytes that are not in set.
func keep(s, set string) string {
	for i := range len(s) {
		if strings.IndexByte(set, s[i]) < 0 {
			var b strings.Builder
			for i := range len(s) {
				if strings.IndexByte(set, s[i]) >= 0 {
					b.WriteByte(s[i])
				}
			}
			return b.String()
		}
	}
	return s
}

// ModifierNumber returns the number in a modifier, without sign rules.
func (a *Arith) ModifierNumber(modifier string) Num {
	n := keep(modifier, "0123456789.-")
	if strings.IndexFunc(n, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 {
		return a.Int(0)
	}
	return a.Parse(n)
}

// ShowModifier returns a modifier as a shop shows it: -20%, +$5.00, $2.50.
func (a *Arith) ShowModifier(modifier string) string {
	if modifier == "" || modifier == "0" {
		return ""
	}
	sign := ""
	if strings.Contains(modifier, "-") {
		sign = "-"
	}
	if strings.Contains(modifier, "+") {
		sign = "+"
	}
	n := keep(modifier, "0123456789.")
	if strings.Contains(modifier, "%") {
		return sign + n + "%"
	}
	return sign + "$" + a.Parse(n).Fixed(2)
}
