package perlnum

import "slices"

// Spread makes whole smallest units of parts so that they add up to total: each
// part is rounded down, and what is missing goes to those with the largest
// remainders, to the first of equal ones.
func Spread(a *Arith, total int64, parts []Num) []int64 {
	units := make([]int64, len(parts))
	if len(parts) == 0 {
		return units
	}
	scale := a.Int(1)
	for range a.Exponent {
		scale = scale.Times(10)
	}
	rest := make([]Num, len(parts))
	order := make([]int, len(parts))
	missing := total
	for i, p := range parts {
		exact := p.Mul(scale)
		low := exact.Whole()
		if exact.Less(low) {
			low = low.Sub(a.Int(1))
		}
		units[i], rest[i], order[i] = low.Int(), exact.Sub(low), i
		missing -= units[i]
	}
	slices.SortStableFunc(order, func(i, j int) int { return rest[j].Cmp(rest[i]) })
	n := int64(len(parts))
	each, left := missing/n, missing%n
	for at, i := range order {
		units[i] += each
		switch {
		case left > 0 && int64(at) < left:
			units[i]++
		case left < 0 && int64(at) >= n+left:
			units[i]--
		}
	}
	return units
}
