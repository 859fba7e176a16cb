package price

import (
	"fmt"
	"strings"

	"github.com/rackless/rackless/shared/cart/line"
)

// Step is a step of a derivation. Its amount is the sum of its steps' amounts;
// one that was not applied is no part of the sum and says why.
type Step struct {
	Label      string `json:"label"`
	Amount     string `json:"amount"` // two decimals, or the currency's
	Detail     string `json:"detail,omitempty"`
	Rule       string `json:"rule,omitempty"` // what in the configuration it comes from
	NotApplied bool   `json:"not_applied,omitempty"`
	Steps      []Step `json:"steps,omitempty"`
}

// refusal is something that was considered and not applied.
type refusal struct {
	label, rule, reason string
}

// explain derives the order total from its summands.
func (e *engine) explain(charges map[string]charge) *Step {
	c := &e.out.Cents
	root := e.step("Order total", c.Order, "goods, shipping, tax, insurance, handling and surcharges")
	root.Steps = append(root.Steps, e.goodsStep(), e.shippingStep(), e.taxStep(charges))
	for _, x := range []struct {
		id, label string
		cents     int64
	}{{"ins", "Insurance", c.Insurance}, {"hnd", "Handling", c.Handling}, {"spc", "Surcharge", c.Special}, {"bnd", "Bonding", cents(charges["bnd"].amount)}} {
		if charges[x.id].amount == nil {
			continue
		}
		s := e.step(x.label, x.cents, "")
		if m := charges[x.id].method; m != nil {
			s.Detail = *m
		}
		root.Steps = append(root.Steps, s)
	}
	return &root
}

func (e *engine) step(label string, units int64, detail string) Step {
	return Step{Label: label, Amount: e.a.Minor(units).Money(), Detail: detail}
}

func (e *engine) left(r refusal) Step {
	return Step{Label: r.label, Amount: e.a.Int(0).Money(), Detail: r.reason, Rule: r.rule, NotApplied: true}
}

func (e *engine) goodsStep() Step {
	s := e.step("Goods", e.out.Cents.Items, "the lines; components of kits are in the kit's price")
	amounts := line.Amounts(e.a, e.lines)
	for i := range e.lines {
		l := &e.lines[i]
		if l.Master != "" {
			continue
		}
		one := e.step(l.Name, amounts[i], fmt.Sprintf("%d × %s", l.Qty, l.Price))
		if one.Label == "" {
			one.Label = l.STID
		}
		if l.Discount() {
			one.Rule = e.source(strings.TrimPrefix(l.STID, "%"))
		}
		if d := e.details[l.STID]; d.basePrice != "" && d.basePrice != l.Price.String() {
			one.Detail += ", base price " + d.basePrice
		}
		s.Steps = append(s.Steps, one)
	}
	for _, r := range e.refused {
		s.Steps = append(s.Steps, e.left(r))
	}
	return s
}

func (e *engine) shippingStep() Step {
	s := e.step("Shipping", e.out.Cents.Shipping, "no method is selected")
	if r := e.shipping; r != nil {
		s.Detail = r.Name
		rest := e.out.Cents.Shipping - cents(r.Handling) - cents(r.Insurance)
		own := e.step(r.Name, rest, "the method's price after its rules")
		for _, o := range e.shippingOffers {
			own.Detail += " and offer " + o.ID
		}
		own.Rule = "method " + r.ID
		s.Steps = append(s.Steps, own)
		if r.Handling != nil {
			s.Steps = append(s.Steps, e.step("Handling", cents(r.Handling), "is part of the price of every method"))
		}
		if r.Insurance != nil {
			s.Steps = append(s.Steps, e.step("Insurance", cents(r.Insurance), "is part of the price of every method"))
		}
	}
	for i := range e.offer.Rates {
		if r := &e.offer.Rates[i]; r != e.shipping {
			s.Steps = append(s.Steps, e.left(refusal{r.Name, "method " + r.ID, "offered at " + r.Amount.Money() + ", not selected"}))
		}
	}
	for _, r := range e.offer.Rejected {
		s.Steps = append(s.Steps, e.left(refusal{r.ID, "method " + r.ID, r.Reason}))
	}
	return s
}

func (e *engine) taxStep(charges map[string]charge) Step {
	s := e.step("Tax", e.out.Cents.Tax, "")
	switch {
	case charges["tax"].amount != nil:
		s.Detail = "as the marketplace says"
		return s
	case e.rate == nil:
		s.Detail = "no rate was looked up"
		return s
	case e.exempt(e.destination()):
		s.Detail = "the buyer is exempt"
	case e.supply != nil:
		s.Detail = e.rate.String() + " % (" + e.supply.Reason + ")"
	default:
		s.Detail = e.rate.String() + " %" + e.ratesText()
	}
	if e.cfg.General.TaxIncluded {
		s.Detail += "; prices contain it: " + e.a.Minor(e.out.Cents.TaxIncluded).Money()
		return s
	}
	goods := e.step("Goods", e.sums.TaxDue.Cents(), "on "+e.a.Minor(e.sums.Taxable).Money())
	s.Steps = append(s.Steps, goods)
	for _, id := range taxedCharges {
		if units, taxed := e.chargeTax(charges[id]); taxed {
			s.Steps = append(s.Steps, e.step(chargeLabels[id], units, "on "+charges[id].amount.Money()))
		}
	}
	return s
}

var chargeLabels = map[string]string{"shp": "Shipping", "ins": "Insurance", "hnd": "Handling", "spc": "Surcharge", "bnd": "Bonding"}

func (e *engine) ratesText() string {
	var parts []string
	if e.rates.State != nil {
		parts = append(parts, "state or country "+*e.rates.State)
	}
	if e.rates.Local != nil {
		parts = append(parts, "local "+*e.rates.Local)
	}
	if e.rates.Zone != nil && *e.rates.Zone != "" {
		parts = append(parts, "zone "+*e.rates.Zone)
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// source names what a discount line comes from.
func (e *engine) source(id string) string {
	for i := range e.offers {
		if o := e.offers[i].ID; id == o || strings.HasPrefix(id, o+"-") {
			return "offer " + o
		}
	}
	return "COUPON-" + id
}
