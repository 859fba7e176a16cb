package quote

import (
	"strings"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/promotion"
)

// RunRules applies a rule list to a price and reports whether it is still
// offered (CommerceRack cart specification, §7.5). The result may be negative.
// subtotal says which lines SHIP/ADD-PERCENT-SUBTOTAL takes its percentage of.
func RunRules(a *perlnum.Arith, rules []promotion.Compiled, f *promotion.Facts, price perlnum.Num,
	subtotal func(*line.Line) bool) (perlnum.Num, bool) {
	for i := range rules {
		r := &rules[i]
		if !forSchedule(&r.Rule, f.Schedule) {
			continue
		}
		f.Shipping = price
		found := r.Test(a, f)
		if !found.Applies {
			continue
		}
		switch r.Exec {
		case "STOP":
			return price, true
		case "SHIP/DISABLE":
			return price, false
		}
		price = act(a, r, f, &found, price, subtotal)
	}
	return price, true
}

// forSchedule reports whether a rule that is bound to a wholesale schedule runs
// for this one.
func forSchedule(r *promotion.Rule, schedule string) bool {
	return r.Schedule == "" || (schedule != "" && (r.Schedule == schedule || r.Schedule == "*"))
}

func act(a *perlnum.Arith, r *promotion.Compiled, f *promotion.Facts, found *promotion.Result, price perlnum.Num,
	subtotal func(*line.Line) bool) perlnum.Num {
	switch r.Exec {
	case "SHIP/ADD-VALUE":
		return a.Modified(price, r.Value)
	case "SHIP/SET-VALUE":
		return a.Parse(strings.Map(digitOrDot, r.Value))
	case "SHIP/ADD-VALUE-MATCH-ITEM":
		return price.Add(a.Difference(price, r.Value).Times(found.Qty))
	case "SHIP/ADD-VALUE-MATCH-SKU":
		return price.Add(a.Difference(price, r.Value).Times(found.Lines))
	case "SHIP/ADD-VALUE-COUNT-ITEM":
		return price.Add(a.Difference(price, r.Value).Times(pieces(f.Lines)))
	case "SHIP/ADD-VALUE-COUNT-ITEM-MINUS-ONE":
		return price.Add(minusOne(a, r.Value, price).Times(found.Qty - 1))
	case "SHIP/ADD-PERCENT-MATCH":
		total := a.Int(0)
		if found.Matches > 0 {
			total = found.TotalItem
		}
		return price.Add(a.Modified(total, r.Value).Sub(total))
	case "SHIP/ADD-PERCENT-SUBTOTAL":
		total := line.Total(a, f.Lines, subtotal)
		return price.Add(a.Modified(total, r.Value).Sub(total))
	}
	return price
}

// minusOne is the amount per piece after the first. The original mixes up the
// arguments of its search for a percent sign, so that only an empty value or a
// lone "%" takes that way, on which the price itself is added.
func minusOne(a *perlnum.Arith, value string, price perlnum.Num) perlnum.Num {
	switch {
	case !a.Has(perlnum.LegacyRuleTexts):
		return a.Difference(price, value)
	case value == "" || value == "%":
		return a.Modified(price, value)
	}
	return a.Parse(strings.Map(func(r rune) rune {
		if r == '-' {
			return r
		}
		return digitOrDot(r)
	}, value))
}

func digitOrDot(r rune) rune {
	if (r >= '0' && r <= '9') || r == '.' {
		return r
	}
	return -1
}

func pieces(lines []line.Line) int64 {
	n := int64(0)
	for i := range lines {
		if line.Real(&lines[i]) {
			n += lines[i].Qty
		}
	}
	return n
}
