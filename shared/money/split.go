package money

import (
	"cmp"
	"math/big"
	"slices"
)

// Allocate spreads total minor units over parts in proportion to weights, by
// largest remainder: every part is its exact share rounded down (toward zero),
// and the units left over go to the largest remainders, equal ones to the
// earlier part. The parts always add up to total, and a part never has the
// opposite sign of total. Negative weights count as their magnitude; if all
// weights are zero the parts share equally. Without parts nothing is returned.
func Allocate(total int64, weights []int64) []int64 {
	n := len(weights)
	if n == 0 {
		return nil
	}
	sum := new(big.Int)
	mag := make([]*big.Int, n)
	for i, w := range weights {
		mag[i] = new(big.Int).Abs(big.NewInt(w))
		sum.Add(sum, mag[i])
	}
	if sum.Sign() == 0 {
		for i := range mag {
			mag[i].SetInt64(1)
		}
		sum.SetInt64(int64(n))
	}

	t := big.NewInt(total)
	parts := make([]int64, n)
	rest := make([]*big.Int, n)
	order := make([]int, n)
	left := total
	for i, m := range mag {
		var q, r big.Int
		q.QuoRem(m.Mul(m, t), sum, &r)
		parts[i] = q.Int64()
		rest[i] = r.Abs(&r)
		order[i] = i
		left -= parts[i]
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(rest[b].Cmp(rest[a]), cmp.Compare(a, b))
	})
	unit := int64(cmp.Compare(left, 0))
	for _, i := range order {
		if left == 0 {
			break
		}
		parts[i] += unit
		left -= unit
	}
	return parts
}

// Split spreads total minor units over n equal parts; the earlier parts are
// the larger ones. It returns nil for n < 1.
func Split(total int64, n int) []int64 {
	if n < 1 {
		return nil
	}
	return Allocate(total, make([]int64, n))
}
