package quote

import (
	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
)

// Areas of destination.
const (
	Domestic  = "dom"
	Canada    = "can"
	Elsewhere = "int"
)

// Area returns the area of a country.
func Area(country string) string {
	switch country {
	case "", "US":
		return Domestic
	case "CA":
		return Canada
	}
	return Elsewhere
}

// Attributes with a product's own charges.
const (
	HandlingAttribute  = "zoovy:ship_handling"
	InsuranceAttribute = "zoovy:ship_insurance"
)

func (c *Charges) area(area string) *AreaCharges {
	switch area {
	case Domestic:
		return &c.Domestic
	case Canada:
		return &c.Canada
	}
	return &c.Elsewhere
}

// Amount adds up the components that are switched on (CommerceRack cart
// specification, §8), before rules.
func (c *Charges) Amount(a *perlnum.Arith, area, attribute string, lines []line.Line) perlnum.Num {
	at := c.area(area)
	sum := a.Int(0)
	if c.PerLine {
		sum = sum.Add(at.PerLine(a, lines))
	}
	if c.PerProduct {
		sum = sum.Add(PerProduct(a, attribute, lines))
	}
	if c.ByWeight {
		sum = sum.Add(at.ByWeight(a, area, lines))
	}
	if c.ByPrice {
		sum = sum.Add(at.ByPrice(a, lines))
	}
	return sum
}

// PerLine is FirstLine and NextLine for each further line; lines count, not
// pieces.
func (c *AreaCharges) PerLine(a *perlnum.Arith, lines []line.Line) perlnum.Num {
	n := line.Count(lines, line.Real)
	if n == 0 {
		return a.Int(0)
	}
	return a.Parse(c.FirstLine).Round().Add(a.Parse(c.NextLine).Times(n - 1).Round())
}

// PerProduct adds up an attribute of the lines, whatever their quantity.
func PerProduct(a *perlnum.Arith, attribute string, lines []line.Line) perlnum.Num {
	sum := a.Int(0)
	for i := range lines {
		if fee := lines[i].Attributes[attribute]; fee != "" {
			sum = sum.Add(a.Parse(fee).Round())
		}
	}
	return sum
}

// ByWeight looks up the dimensional weight of the goods; beyond the table it is
// free.
func (c *AreaCharges) ByWeight(a *perlnum.Arith, area string, lines []line.Line) perlnum.Num {
	sums := line.Sum(a, lines, line.Real, line.Taxation{})
	weight := sums.Weight166
	if area == Domestic {
		weight = sums.Weight194
	}
	text, _ := c.Weight.find(a, weight)
	return a.Parse(text).Round()
}

// ByPrice looks up the goods' total; beyond the table it is free.
func (c *AreaCharges) ByPrice(a *perlnum.Arith, lines []line.Line) perlnum.Num {
	text, _ := c.Price.numeric().find(a, line.Total(a, lines, line.Real))
	return a.Parse(text).Round()
}

// numeric leaves out rows whose bound is not a number.
func (t Table) numeric() Table {
	rows := t[:0:0]
	for _, row := range t {
		ok := row.Upto != ""
		for i := range len(row.Upto) {
			c := row.Upto[i]
			ok = ok && (c == '.' || (c >= '0' && c <= '9'))
		}
		if ok {
			rows = append(rows, row)
		}
	}
	return rows
}
