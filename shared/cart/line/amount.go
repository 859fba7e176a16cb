package line

import (
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/perlnum"
)

// Amount returns price times quantity, rounded as the arithmetic says: cents
// are made of the unit price, of the line's amount, or not yet.
func (l *Line) Amount(a *perlnum.Arith) perlnum.Num {
	switch {
	case perUnit(a):
		return a.Minor(l.Price.Cents() * l.Qty)
	case a.Level == perlnum.PerLine:
		return l.Price.Times(l.Qty).Round()
	}
	return l.Price.Times(l.Qty)
}

func perUnit(a *perlnum.Arith) bool { return a.Has(perlnum.UnitCents) || a.Level == perlnum.PerUnit }

// Total adds up the lines that filter accepts, components left out, in whole
// smallest units.
func Total(a *perlnum.Arith, lines []Line, filter func(*Line) bool) perlnum.Num {
	return amounts(a, lines, func(l *Line) bool { return l.Master == "" && filter(l) })
}

func amounts(a *perlnum.Arith, lines []Line, filter func(*Line) bool) perlnum.Num {
	if perUnit(a) {
		var units int64
		for i := range lines {
			if l := &lines[i]; filter(l) {
				units += l.Price.Cents() * l.Qty
			}
		}
		return a.Minor(units)
	}
	return unrounded(a, lines, filter).Round()
}

func unrounded(a *perlnum.Arith, lines []Line, filter func(*Line) bool) perlnum.Num {
	sum := a.Int(0)
	for i := range lines {
		if l := &lines[i]; filter(l) {
			sum = sum.Add(l.Amount(a))
		}
	}
	return sum
}

// Room returns how many smallest units can be taken off the lines before they
// cost less than nothing.
func Room(a *perlnum.Arith, lines []Line, filter func(*Line) bool) int64 {
	return max(0, unrounded(a, lines, func(l *Line) bool { return l.Master == "" && filter(l) }).Units())
}

// tax returns the tax on a line at a rate in percent, rounded as the arithmetic
// says. included says that the price contains the tax.
func (l *Line) tax(a *perlnum.Arith, rate perlnum.Num, included bool) perlnum.Num {
	portion := rate.Percent()
	if included {
		portion = rate.Div(rate.Add(a.Int(percent)))
	}
	switch a.Level {
	case perlnum.PerUnit:
		return l.Price.Round().Mul(portion).Round().Times(l.Qty)
	case perlnum.PerLine:
		return l.Amount(a).Mul(portion).Round()
	}
	return l.Amount(a).Mul(portion)
}

const percent = 100

// Amounts returns what each line contributes to Total, in the smallest unit:
// the parts add up to it. Components contribute nothing.
func Amounts(a *perlnum.Arith, lines []Line) []int64 {
	parts := make([]perlnum.Num, len(lines))
	for i := range lines {
		if l := &lines[i]; l.Master == "" {
			parts[i] = l.Amount(a)
		}
	}
	return spread(a, lines, Total(a, lines, All).Cents(), parts)
}

// Taxes returns the tax of each line in the smallest unit: the parts add up to
// Sums.TaxDue.
func Taxes(a *perlnum.Arith, lines []Line, on Taxation, due int64) []int64 {
	parts := make([]perlnum.Num, len(lines))
	for i := range lines {
		if r, known := lines[i].rate(a, on.Rate); known {
			parts[i] = lines[i].tax(a, r, on.Included)
		}
	}
	return spread(a, lines, due, parts)
}

// spread leaves alone what is rounded already.
func spread(a *perlnum.Arith, lines []Line, total int64, parts []perlnum.Num) []int64 {
	if perUnit(a) || a.Level == perlnum.PerLine {
		units, sum := make([]int64, len(parts)), int64(0)
		for i, p := range parts {
			units[i] = p.Cents()
			sum += units[i]
		}
		if sum == total {
			return units
		}
	}
	return Spread(a, lines, total, parts)
}

// Spread makes whole smallest units of the lines' parts of a total by largest
// remainder. Of equal remainders the line with the first stid wins, wherever it
// stands.
func Spread(a *perlnum.Arith, lines []Line, total int64, parts []perlnum.Num) []int64 {
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return strings.Compare(lines[i].STID, lines[j].STID) })
	sorted, units := make([]perlnum.Num, len(parts)), make([]int64, len(parts))
	for at, i := range order {
		sorted[at] = parts[i]
	}
	for at, part := range perlnum.Spread(a, total, sorted) {
		units[order[at]] = part
	}
	return units
}
