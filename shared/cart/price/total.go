package price

import (
	"cmp"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/payment/status"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/tax/rate"
)

// charge is a summand of the order total besides goods and tax.
type charge struct {
	amount  *perlnum.Num // nil: not set
	method  *string
	taxable *bool // nil: not known
}

// total adds up the order and fills in the outcome.
func (e *engine) total() {
	charges := e.charges()
	tax, included := e.tax(charges)

	c := Cents{
		Items:     e.sums.ItemsTotal(e.a).Cents(),
		Shipping:  cents(charges["shp"].amount),
		Insurance: cents(charges["ins"].amount),
		Handling:  cents(charges["hnd"].amount),
		Special:   cents(charges["spc"].amount),
		Tax:       tax, TaxIncluded: included,
	}
	bonding := cents(charges["bnd"].amount)
	c.Order = c.Items + c.Shipping + c.Tax + c.Insurance + c.Handling + c.Special + bonding
	e.out.Cents = c
	e.summary(charges)
	e.pay(c.Order)
	e.show()
	if e.cart.Explain {
		e.out.Explanation = e.explain(charges)
	}
}

func cents(x *perlnum.Num) int64 {
	if x == nil {
		return 0
	}
	return x.Cents()
}

// charges collects shipping, handling, insurance and surcharges.
func (e *engine) charges() map[string]charge {
	m := make(map[string]charge)
	if e.rate != nil {
		for id, bit := range map[string]int{
			"shp": rate.ApplyShipping, "hnd": rate.ApplyHandling, "ins": rate.ApplyInsurance,
			"spc": rate.ApplySpecial, "bnd": rate.ApplyBonding,
		} {
			on := e.rates.Apply&bit != 0
			m[id] = charge{taxable: &on}
		}
	}
	put := func(id string, amount *perlnum.Num, method string) {
		if amount != nil {
			m[id] = charge{amount, &method, m[id].taxable}
		}
	}
	if e.shipping != nil {
		put("shp", &e.shipping.Amount, e.shipping.Name)
	}
	if len(e.lines) == 0 && !e.cart.Marketplace {
		zero := e.a.Int(0)
		put("shp", &zero, "Empty Cart")
	}
	put("hnd", e.offer.Handling, "Handling")
	put("ins", e.offer.Insurance, "Insurance")
	for i := range e.surcharge {
		s := &e.surcharge[i]
		amount := e.a.Minor(s.cents)
		m[s.id] = charge{&amount, &s.title, &s.taxable}
	}
	return m
}

// taxedCharges are the charges that may carry tax.
var taxedCharges = []string{"shp", "ins", "hnd", "spc", "bnd"}

// tax returns the tax that is added to the prices, in the smallest unit
// (CommerceRack cart specification, §6.3), and the tax that they contain.
func (e *engine) tax(charges map[string]charge) (added, included int64) {
	if fixed := charges["tax"].amount; fixed != nil {
		return fixed.Cents(), 0
	}
	total := e.sums.TaxDue.Cents()
	for _, id := range taxedCharges {
		units, _ := e.chargeTax(charges[id])
		total += units
	}
	if e.cfg.General.TaxIncluded {
		return 0, total
	}
	return total, 0
}

// chargeTax returns the tax on a charge and whether it carries any.
func (e *engine) chargeTax(c charge) (units int64, taxed bool) {
	if e.rate == nil || c.amount == nil || c.taxable == nil || !*c.taxable || c.amount.Sign() <= 0 {
		return 0, false
	}
	portion := e.rate.Percent()
	if e.cfg.General.TaxIncluded {
		portion = e.rate.Div(e.rate.Add(e.a.Int(100)))
	}
	due := c.amount.Mul(portion)
	if e.a.Has(perlnum.CutFeeTax) {
		return due.Times(100).Int(), true
	}
	return due.Cents(), true
}

// pay evaluates recorded payments and spreads what is due over the queue.
func (e *engine) pay(total int64) {
	payments := make([]status.Payment, len(e.cart.Payments))
	for i, p := range e.cart.Payments {
		payments[i] = status.Payment{
			ID: p.ID, Parent: p.Parent, Tender: p.Tender,
			Amount: e.a.Parse(p.Amount).Cents(), Status: p.Status, Voided: p.Voided,
		}
	}
	b := status.Evaluate(payments, total, e.sums.Count)
	e.out.PaymentStatus, e.out.PaymentMethod = b.Status, b.Method
	s := &e.out.Sum
	due, auth := b.Due, b.Auth
	if len(e.cart.PaymentQueue) > 0 {
		left, extra := e.allocate(b.Due)
		if e.cart.OrderID == "" {
			due, auth = left, auth+extra
		}
	}
	s.BalancePaid, s.BalanceDue, s.BalanceAuth = e.a.Minor(b.Paid).Money(), e.a.Minor(due).Money(), e.a.Minor(auth).Money()
}

func (e *engine) allocate(due int64) (left, auth int64) {
	a := e.a
	queue := make([]status.Tender, len(e.cart.PaymentQueue))
	for i, t := range e.cart.PaymentQueue {
		queue[i] = status.Tender{
			Tender: t.Tender, Amount: a.Parse(t.Amount), Charge: a.Parse(t.Charge), Expires: t.Expires, At: i,
		}
		if t.Balance != nil {
			balance := a.Parse(*t.Balance)
			queue[i].Balance = &balance
		}
	}
	queue, left, auth = status.Allocate(a, queue, due)
	used := map[string]int64{}
	available := map[string]int64{}
	for _, t := range queue {
		in := e.cart.PaymentQueue[t.At]
		e.out.PaymentQueue = append(e.out.PaymentQueue, Charge{Tender: t.Tender, Code: in.Code, Charge: t.Charge.String(), Balance: in.Balance})
		used[t.Tender] += t.Charge.Cents()
		if t.Balance != nil {
			available[t.Tender] += t.Balance.Cents()
		}
	}
	set := func(tender string, total, avail **string) {
		if used[tender] > 0 {
			*total = text(a.Minor(used[tender]).Money())
			if avail != nil {
				*avail = text(a.Minor(available[tender]).Money())
			}
		}
	}
	s := &e.out.Sum
	set("GIFTCARD", &s.GfcTotal, &s.GfcAvailable)
	set("POINTS", &s.PntTotal, nil)
	set("RMC", &s.RmcTotal, &s.RmcAvailable)
	return left, auth
}

// summary fills in the sums.
func (e *engine) summary(charges map[string]charge) {
	a, c := e.a, &e.out.Cents
	s := &e.out.Sum
	s.ItemsTotal, s.ItemsCount = a.Minor(c.Items).Money(), e.sums.Count
	s.ItemsTaxable, s.ItemsTaxDue = a.Minor(e.sums.Taxable).Money(), e.sums.TaxDue.Money()
	s.TaxTotal, s.OrderTotal = a.Minor(c.Tax).Money(), a.Minor(c.Order).Money()
	s.ShpTotal, s.ShpMethod = number(charges["shp"].amount), charges["shp"].method
	s.HndTotal, s.HndMethod = number(charges["hnd"].amount), charges["hnd"].method
	s.InsTotal, s.InsMethod = number(charges["ins"].amount), charges["ins"].method
	s.SpcTotal, s.SpcMethod = number(charges["spc"].amount), charges["spc"].method
	s.BndTotal = number(charges["bnd"].amount)
	s.InsQuote = number(e.offer.InsuranceQuote)
	if e.shipping != nil {
		s.ShpCarrier = text(e.shipping.Carrier)
		e.out.ShippingID = text(e.shipping.ID)
	}
	s.Weight, s.Weight194, s.Weight166 = e.sums.Weight.String(), e.sums.Weight194.String(), e.sums.Weight166.String()
	s.CubicInches = a.Int(e.sums.CubicInches).String()
	e.out.TaxedCharges = Taxed{
		Shipping: charges["shp"].taxable, Handling: charges["hnd"].taxable,
		Insurance: charges["ins"].taxable, Special: charges["spc"].taxable,
	}
	if e.rate != nil {
		s.TaxRateState, s.TaxRateZone = e.rates.State, e.rates.Local
		e.out.TaxRate = number(e.rate)
		if e.rates.Zone != nil {
			e.out.TaxZone = text(*e.rates.Zone)
		}
	}
}

func number(x *perlnum.Num) *string {
	if x == nil {
		return nil
	}
	s := x.String()
	return &s
}

// show fills in lines and shipping methods.
func (e *engine) show() {
	e.out.Lines = make([]Line, len(e.lines))
	amounts, taxes := e.parts()
	for i := range e.lines {
		l := &e.lines[i]
		d := e.details[l.STID]
		e.out.Lines[i] = Line{
			STID: l.STID, SKU: l.SKU, Product: l.Product, Name: l.Name, Description: l.Description,
			Qty: l.Qty, Price: l.Price.String(), BasePrice: d.basePrice, Extended: l.Price.Times(l.Qty).Money(),
			Weight: cmp.Or(d.weight, l.Weight.String()), Taxable: !l.NotTaxable, Promotion: l.Promotion, Master: l.Master,
			QtyPrice: d.qtyPrice, Options: d.options, Discounts: e.shares[l.STID],
		}
		if amounts != nil && l.Master == "" {
			e.out.Lines[i].Extended = e.a.Minor(amounts[i]).Money()
		}
		if taxes != nil {
			e.out.Lines[i].Tax = e.a.Minor(taxes[i]).Money()
		}
	}
	e.out.ShippingMethods = make([]ShipMethod, len(e.offer.Rates))
	for i, r := range e.offer.Rates {
		e.out.ShippingMethods[i] = ShipMethod{r.ID, r.Name, r.Carrier, r.Amount.String(), number(r.Handling), number(r.Insurance)}
	}
	if e.out.PaymentQueue == nil {
		e.out.PaymentQueue = []Charge{}
	}
}

// parts returns the lines' amounts and taxes so that they add up to the sums.
// The original shows quantity times price, rounded as an amount of its own: it
// may disagree with the line's part of the total, which is cut per unit.
func (e *engine) parts() (amounts, taxes []int64) {
	if e.a.Has(perlnum.UnitCents) {
		return nil, nil
	}
	amounts = line.Amounts(e.a, e.lines)
	if e.rate != nil {
		on := line.Taxation{Rate: e.rate, Included: e.cfg.General.TaxIncluded}
		taxes = line.Taxes(e.a, e.lines, on, e.sums.TaxDue.Cents())
	}
	return amounts, taxes
}
