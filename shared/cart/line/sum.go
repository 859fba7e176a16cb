package line

import "github.com/rackless/rackless/shared/perlnum"

// Divisors of dimensional weight: cubic inches per pound, and the ounces of a
// pound (cart specification, §5).
const (
	ground = 194 // domestic
	air    = 166 // international
	pound  = 16
)

// Sums are the sums over lines (cart specification, §5).
type Sums struct {
	Total   int64       // in the smallest unit, components left out
	Taxable int64       // in the smallest unit
	TaxDue  perlnum.Num // in the major unit, rounded
	Count   int64       // pieces, promotions left out

	Weight      perlnum.Num // ounces
	Weight194   perlnum.Num // ounces, dimensional for ground
	Weight166   perlnum.Num // ounces, dimensional for air
	Legacy194   perlnum.Num // as 194, without rounding up, for rate tables
	Legacy166   perlnum.Num
	CubicInches int64
}

// ItemsTotal returns Total as an amount.
func (s *Sums) ItemsTotal(a *perlnum.Arith) perlnum.Num { return a.Minor(s.Total) }

// Taxation says at which rate, in percent, goods are taxed, and whether prices
// contain the tax.
type Taxation struct {
	Rate     *perlnum.Num // nil: none was looked up
	Included bool
}

// Sum adds up the lines that filter accepts.
func Sum(a *perlnum.Arith, lines []Line, filter func(*Line) bool, on Taxation) Sums {
	s := Sums{Weight: a.Int(0), Weight194: a.Int(0), Weight166: a.Int(0), Legacy194: a.Int(0), Legacy166: a.Int(0)}
	taxDue, onGoods := a.Int(0), a.Int(0)
	hundredths := a.Int(0) // of the smallest unit: how the original keeps tax
	for i := range lines {
		l := &lines[i]
		if !filter(l) {
			continue
		}
		if l.Master == "" {
			s.addWeight(a, l)
		}
		if !l.Discount() {
			s.Count += l.Qty
		}
		r, known := l.rate(a, on.Rate)
		if !known {
			continue
		}
		if a.Has(perlnum.UnitCents) {
			hundredths = hundredths.Add(r.Percent().Mul(a.Int(l.Price.Cents())).Times(l.Qty).RoundTo(2))
		} else {
			tax := l.tax(a, r, on.Included)
			taxDue = taxDue.Add(tax)
			if Real(l) {
				onGoods = onGoods.Add(tax)
			}
		}
	}
	s.Total = Total(a, lines, filter).Cents()
	s.Taxable = amounts(a, lines, func(l *Line) bool {
		if l.NotTaxable {
			return filter(l) && a.Has(perlnum.ExemptInTaxable)
		}
		return filter(l) && on.Rate != nil
	}).Cents()
	if taxDue.Sign() < 0 && onGoods.Sign() >= 0 {
		taxDue = a.Int(0) // discounts on goods that are not taxed give no tax back
	}
	s.TaxDue = taxDue.Round()
	if a.Has(perlnum.UnitCents) {
		s.TaxDue = hundredths.Div(a.Int(unitsPerMajor(a))).Round()
	}
	return s
}

// unitsPerMajor is 100 for currencies with cents.
func unitsPerMajor(a *perlnum.Arith) int64 {
	n := int64(1)
	for range a.Exponent {
		n *= 10
	}
	return n
}

// rate returns the tax rate of a line and whether the line takes part in tax at
// all. A line's own rate counts only next to a known rate of the destination,
// as in the original.
func (l *Line) rate(a *perlnum.Arith, cart *perlnum.Num) (perlnum.Num, bool) {
	switch {
	case l.NotTaxable:
		return a.Int(0), true
	case cart == nil:
		return perlnum.Num{}, false
	case l.TaxRate != nil:
		return *l.TaxRate, true
	}
	return *cart, true
}

func (s *Sums) addWeight(a *perlnum.Arith, l *Line) {
	own := l.Weight.Times(l.Qty)
	s.Weight = s.Weight.Add(own)
	slack := a.Parse(almostOne)
	if len(l.Attributes) == 0 { // no dimensions: what follows, in short
		s.Legacy194, s.Legacy166 = s.Legacy194.Add(own), s.Legacy166.Add(own)
		if least := slack.Times(pound); l.Weight.Less(least) {
			own = least.Times(l.Qty)
		}
		s.Weight194, s.Weight166 = s.Weight194.Add(own), s.Weight166.Add(own)
		return
	}
	depth, width, height := l.inches(a, "zoovy:pkg_depth"), l.inches(a, "zoovy:pkg_width"), l.inches(a, "zoovy:pkg_height")
	cubic := depth * width * height
	s.CubicInches += cubic

	if IsTrue(l.Attributes["zoovy:pkg_exclusive"]) {
		slack = a.Int(0)
	}
	s.Weight194 = s.Weight194.Add(dimensional(a, cubic, ground, slack, l).Times(l.Qty))
	s.Weight166 = s.Weight166.Add(dimensional(a, cubic, air, slack, l).Times(l.Qty))

	if cubic <= 0 {
		s.Legacy194 = s.Legacy194.Add(own)
		s.Legacy166 = s.Legacy166.Add(own)
		return
	}
	up := a.Int(0) // the legacy weights round up where the attribute exists, whatever it says
	if _, ok := l.Attributes["zoovy:pkg_exclusive"]; ok {
		up = a.Parse(almostOne)
	}
	s.Legacy194 = s.Legacy194.Add(legacy(a, cubic, ground, up, l).Times(l.Qty))
	s.Legacy166 = s.Legacy166.Add(legacy(a, cubic, air, up, l).Times(l.Qty))
}

// almostOne rounds a weight up when it is cut to whole pounds.
const almostOne = "0.9999"

// Weight adds up the weight of the lines, components left out, in ounces.
func Weight(a *perlnum.Arith, lines []Line) perlnum.Num {
	sum := a.Int(0)
	for i := range lines {
		if l := &lines[i]; l.Master == "" {
			sum = sum.Add(l.Weight.Times(l.Qty))
		}
	}
	return sum
}

// inches returns a package dimension, cut to whole inches.
func (l *Line) inches(a *perlnum.Arith, attribute string) int64 {
	v, ok := l.Attributes[attribute]
	if !ok {
		return 0
	}
	return a.Parse(v).Int()
}

func dimensional(a *perlnum.Arith, cubic, divisor int64, slack perlnum.Num, l *Line) perlnum.Num {
	w := a.Int(cubic).Div(a.Int(divisor)).Add(slack).Times(pound)
	if l.Weight.Less(w) {
		return w
	}
	return l.Weight
}

func legacy(a *perlnum.Arith, cubic, divisor int64, up perlnum.Num, l *Line) perlnum.Num {
	w := a.Int(cubic).Div(a.Int(divisor)).Add(up).Whole().Times(pound)
	if l.Weight.Less(w) {
		return w
	}
	return l.Weight
}

// IsTrue reads a flag as the original does: ON, a positive whole number, or a
// word that begins with Y or T.
func IsTrue(v string) bool {
	if v == "" {
		return false
	}
	switch v[0] {
	case 'y', 'Y', 't', 'T':
		return true
	}
	if v == "ON" || v == "on" || v == "On" || v == "oN" {
		return true
	}
	return (&perlnum.Arith{}).Parse(v).Int() > 0
}
