package promotion

import (
	"slices"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
)

// series returns the total of those matching pieces that a MATCHADD action
// discounts. The pieces stand in a row from the dearest to the cheapest; BOGO
// takes every 2nd, B2GO every 3rd, B3GO every 4th, MINUSn all but the first n,
// ONLY1 the first (CommerceRack cart specification, §10).
func series(a *perlnum.Arith, matched []*line.Line, style string) perlnum.Num {
	pick, ok := picks[style]
	if !ok {
		return a.Int(0)
	}
	sorted := slices.Clone(matched)
	slices.SortStableFunc(sorted, func(x, y *line.Line) int { return y.Price.Cmp(x.Price) })
	total := a.Int(0)
	var before int64
	for _, l := range sorted {
		if l.Qty > 0 {
			total = addTimes(a, total, l.Price, pick(before+l.Qty)-pick(before))
			before += l.Qty
		}
	}
	return total
}

// picks gives, for each style, how many of the first n pieces are discounted.
var picks = map[string]func(n int64) int64{
	"BOGO":   func(n int64) int64 { return n / 2 },
	"B2GO":   func(n int64) int64 { return n / 3 },
	"B3GO":   func(n int64) int64 { return n / 4 },
	"MINUS0": func(n int64) int64 { return n },
	"MINUS1": func(n int64) int64 { return max(0, n-1) },
	"MINUS2": func(n int64) int64 { return max(0, n-2) },
	"MINUS3": func(n int64) int64 { return max(0, n-3) },
	"ONLY1":  func(n int64) int64 { return min(n, 1) },
}

// maxSteps bounds the additions one after the other that doubles need to come
// out as in the original.
const maxSteps = 1 << 16

func addTimes(a *perlnum.Arith, total, price perlnum.Num, n int64) perlnum.Num {
	if !a.Has(perlnum.BinaryFloat) || n > maxSteps {
		return total.Add(price.Times(n))
	}
	for range n {
		total = total.Add(price)
	}
	return total
}
