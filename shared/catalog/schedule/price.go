package schedule

import (
	"strings"

	"github.com/rackless/rackless/shared/perlnum"
)

// Product is what a wholesale price depends on. Attribute returns an attribute
// of the product and whether it is set at all.
type Product struct {
	BasePrice string
	Cost      string
	MSRP      string
	QtyPrice  string
	Attribute func(name string) (string, bool)
}

// Terms are a product's conditions under a schedule; empty or nil where the
// schedule says nothing.
type Terms struct {
	Price    *perlnum.Num
	Text     string // the price as it was written, if it was a plain number
	QtyPrice string
	MinQty   *string
	IncQty   *string
	Formula  string // the formula that gave the price
}

// For returns a product's terms under a schedule, which need not be configured
// (nil): the product may still name prices for it. A formula that cannot be
// read leaves the base price (CommerceRack cart specification, §3.1).
func For(a *perlnum.Arith, p *Product, id string, s *Schedule) Terms {
	var t Terms
	if id == "" {
		t.QtyPrice = p.QtyPrice
		return t
	}
	key := strings.ToLower(id)
	t.QtyPrice, _ = p.Attribute("zoovy:qtyprice_" + key)
	if v, ok := p.Attribute("zoovy:qtymin_" + key); ok {
		t.MinQty = &v
	}
	if v, ok := p.Attribute("zoovy:qtyinc_" + key); ok {
		t.IncQty = &v
	}
	if p.BasePrice == "" {
		return t
	}
	formula, _ := p.Attribute("zoovy:schedule_" + key)
	if formula == "" && s != nil && s.DiscountDefault {
		formula = s.DiscountFormula
	}
	if s != nil && s.Currency != "" && s.Currency != "USD" {
		formula = "" // a price list in another currency ends up with the base price
	}
	base := a.Parse(p.BasePrice)
	t.Price, t.Text = &base, p.BasePrice
	switch {
	case formula == "":
	case plainNumber(formula):
		n := a.Parse(formula)
		t.Price, t.Text, t.Formula = &n, formula, formula
	default:
		t.Formula = formula
		if f, err := ParseFormula(formula); err == nil {
			n := f.Eval(a, p.variables(a)).Round()
			t.Price, t.Text = &n, n.Money()
		}
	}
	return t
}

// plainNumber reports whether a formula is nothing but digits and dots.
func plainNumber(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) && s[i] != '.' {
			return false
		}
	}
	return true
}

// variables gives each variable rounded; a missing cost or list price is the
// base price.
func (p *Product) variables(a *perlnum.Arith) func(string) (perlnum.Num, bool) {
	return func(name string) (perlnum.Num, bool) {
		var text string
		switch name {
		case "BASE":
			text = p.BasePrice
		case "COST":
			text = p.Cost
		case "MSRP":
			text = p.MSRP
		case "SHIP":
			text, _ = p.Attribute("zoovy:ship_cost1")
			return a.Parse(text).Round(), true
		default:
			return perlnum.Num{}, false
		}
		if text == "" {
			text = p.BasePrice
		}
		return a.Parse(text).Round(), true
	}
}

// QtyBreak returns the unit price of a quantity table for a quantity and
// whether an entry applies. Entries are "N=P" (each) or "N/T" (N for T),
// separated by commas or line ends; the last one that is reached wins
// (CommerceRack cart specification, §3.2).
func QtyBreak(a *perlnum.Arith, table string, qty int64) (perlnum.Num, bool) {
	var price perlnum.Num
	found := false
	for entry := range strings.FieldsFuncSeq(table, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		from, op, amount, ok := splitEntry(entry)
		if !ok || a.Int(qty).Less(a.Parse(from)) {
			continue
		}
		if op == '=' {
			price, found = a.Parse(amount).Round(), true
		} else if n := a.Parse(from); n.Sign() > 0 {
			price, found = a.Parse(amount).Div(n).Round(), true
		}
	}
	return price, found
}

// splitEntry takes an entry apart at its first = or /, neither part being
// empty, and drops what is no number.
func splitEntry(entry string) (from string, op byte, amount string, ok bool) {
	if len(entry) < 3 {
		return "", 0, "", false
	}
	at := strings.IndexAny(entry[1:len(entry)-1], "=/")
	if at < 0 {
		return "", 0, "", false
	}
	at++
	return keep(entry[:at], digit), entry[at], keep(entry[at+1:], func(c byte) bool { return digit(c) || c == '.' }), true
}

func keep(s string, ok func(byte) bool) string {
	b := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		if ok(c) {
			b = append(b, c)
		}
	}
	return string(b)
}
