package rate

import (
	"time"

	"github.com/rackless/rackless/shared/perlnum"
)

// Amounts are what a table is evaluated on outside a cart.
type Amounts struct {
	Subtotal, Shipping, Handling, Insurance, Special perlnum.Num
}

// Evaluation is the tax on Amounts. The base is that of the last matching rule;
// each total is its rate on the base at the time it matched.
type Evaluation struct {
	Rates
	Base       *perlnum.Num
	StateTotal *perlnum.Num
	LocalTotal *perlnum.Num
	Rate       perlnum.Num // combined, three decimals
	Total      perlnum.Num // of the base, rounded
}

// Evaluate calculates tax as the original's stand-alone calculator does, which
// is not how a cart is taxed (CommerceRack cart specification, §6).
func Evaluate(a *perlnum.Arith, rules []Rule, to Destination, on Amounts, today time.Time) Evaluation {
	m := matcher{a: a, to: to.normalised()}
	m.zip, m.zip4 = splitZip(a, m.to.Postal)
	day := today.Format("20060102")
	e := Evaluation{Rates: Find(a, rules, to, today)}
	base := a.Int(0)
	for i := range rules {
		r := &rules[i]
		kind := m.kind(r)
		if kind == noKind || (len(r.Expires) == 8 && day >= r.Expires) {
			continue
		}
		base = on.Subtotal.Round()
		if r.Apply&ApplyItems != 0 {
			base = on.base(r.Apply)
		}
		total := a.Parse(r.Rate).Percent().Mul(on.total(r.Apply)).Round()
		if kind == stateKind {
			e.StateTotal = &total
		} else {
			e.LocalTotal = &total
		}
		last := base
		e.Base = &last
	}
	e.Rate = e.Combined(a).RoundTo(3)
	e.Total = e.Rate.Percent().Mul(base).Round()
	return e
}

// total is what a rule's rate is taken of.
func (on *Amounts) total(apply int) perlnum.Num {
	if apply&ApplyItems == 0 {
		return on.Subtotal
	}
	return on.base(apply)
}

// base is the subtotal and what else the mask names.
func (on *Amounts) base(apply int) perlnum.Num {
	sum := on.Subtotal
	for _, part := range []struct {
		bit    int
		amount perlnum.Num
	}{{ApplyShipping, on.Shipping}, {ApplyHandling, on.Handling}, {ApplyInsurance, on.Insurance}, {ApplySpecial, on.Special}} {
		if apply&part.bit != 0 {
			sum = sum.Add(part.amount)
		}
	}
	return sum
}
