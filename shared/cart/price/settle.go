package price

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

// surcharge is an amount besides goods, shipping, handling and insurance.
type surcharge struct {
	id      string
	cents   int64
	title   string
	taxable bool
}

// settle applies coupons, quotes shipping and selects a method.
//
// The original calculates shipping and tax before its coupons and settles only
// when it is asked again; its answer is then that of coupons first, shipping
// after (CommerceRack cart specification, §4). What remains of the first round
// is the method it chose, without the discounts.
func (e *engine) settle() {
	goods := slices.Clone(e.lines)
	dest := e.destination()
	e.classify(dest)
	wanted := e.cart.ShippingID
	if !e.cart.Marketplace {
		e.payFee()
		facts := e.facts(dest)
		if e.a.Has(perlnum.StickyShipping) {
			e.findRates(dest)
			e.quote(&facts, &dest)
			wanted = e.selectMethod(wanted)
			facts = e.facts(dest)
		}
		e.promote(&facts)
		e.runOffers(&facts)
		e.lines = facts.Lines
		e.findRates(dest)
		facts.Lines = e.lines
		e.quote(&facts, &dest)
		e.netCharges(&e.offer)
		e.lowerShipping()
		for range maxRounds {
			if next := e.selectMethod(wanted); next == wanted {
				break
			} else {
				wanted = next
			}
		}
	} else {
		e.lines = goods
		e.dictated()
	}
	e.sums = line.Sum(e.a, e.lines, line.All, line.Taxation{Rate: e.rate, Included: e.cfg.General.TaxIncluded})
	e.out.ShipRegion, e.out.ShipPostal = text(dest.Region), text(dest.Postal)
}

// maxRounds bounds how often a method is chosen again because the one before
// named no id that is offered.
const maxRounds = 4

var fiveDigits = regexp.MustCompile(`^[0-9]{5}`)

// destination normalises the address: a US zip in its usual form, without a
// region that is no US state.
func (e *engine) destination() Destination {
	d := e.cart.Ship
	if e.cart.Marketplace {
		return d
	}
	if d.Country == "" {
		d.Country = "US"
	}
	if d.Country == "US" && fiveDigits.MatchString(d.Postal) {
		d.Postal = quote.NormalPostal(d.Postal, d.Country)
		if !quote.USState(d.Region) {
			d.Region = ""
		}
	}
	return d
}

// facts returns what rules may ask. Its lines are a copy.
func (e *engine) facts(d Destination) promotion.Facts {
	f := promotion.Facts{
		Lines: slices.Clone(e.lines), Country: d.Country, Region: d.Region, Postal: d.Postal,
		Address1: d.Address1, Address2: d.Address2, HasStreet: d.Address1 != "" || d.Address2 != "",
		Schedule: e.cart.Schedule, Referrer: e.cart.Referrer, IPAddress: e.cart.IPAddress, Site: e.cart.MultiVarSite,
		Shipping: e.a.Int(0), Now: e.now,
		Weight: line.Weight(e.a, e.lines),
	}
	for _, c := range e.coupons {
		f.Coupons = append(f.Coupons, c.code)
	}
	return f
}

// promote runs the coupons: those entered by code, then those that apply by
// themselves. A wholesale schedule may forbid them.
func (e *engine) promote(f *promotion.Facts) {
	if e.cart.Schedule != "" && e.schedule != nil && e.schedule.PromotionMode == 0 {
		for _, c := range e.coupons {
			e.refused = append(e.refused, refusal{c.code, "schedule " + e.schedule.ID, "the schedule allows no coupons"})
		}
		return
	}
	now := e.now.Unix()
	apply := func(c *promotion.Coupon) {
		list := "COUPON-" + strings.ToUpper(c.Code)
		if reason := promotion.Apply(e.a, f, c, e.rules[list]); reason != "" {
			e.refused = append(e.refused, refusal{c.Code, list, reason})
		}
	}
	for _, c := range e.coupons {
		if !c.coupon.Auto {
			apply(c.coupon)
		}
	}
	var automatic []*promotion.Coupon
	for i := range e.cfg.Coupons {
		c := &e.cfg.Coupons[i]
		if c.Auto && (c.Begins <= 0 || c.Begins <= now) && (c.Expires <= 0 || c.Expires >= now) {
			automatic = append(automatic, c)
		}
	}
	slices.SortFunc(automatic, func(x, y *promotion.Coupon) int { return strings.Compare(x.Code, y.Code) })
	for _, c := range automatic {
		apply(c)
	}
}

// findRates looks up the tax rates of the destination. An empty cart has none.
func (e *engine) findRates(d Destination) {
	if len(e.lines) == 0 {
		return
	}
	e.rates = rate.Rates{}
	switch {
	case e.exempt(d):
	case e.supply != nil:
		e.rates = e.vatRates()
	default:
		to := rate.Destination{Country: d.Country, Region: d.Region, City: d.City, Postal: d.Postal}
		e.rates = rate.Find(e.a, e.cfg.TaxRules, to, e.now)
	}
	combined := e.rates.Combined(e.a)
	e.rate = &combined
}

// quote prices the shipping methods. The quotation cuts a US postal code to
// five digits and empties an unknown region.
func (e *engine) quote(f *promotion.Facts, d *Destination) {
	e.offer = quote.Offer{}
	if len(f.Lines) == 0 {
		return
	}
	e.offer = quote.Quote(e.a, &quote.Input{
		Methods: e.cfg.ShippingMethods, Handling: &e.cfg.Handling, Insurance: &e.cfg.Insurance,
		Rules:              func(list string) []promotion.Compiled { return e.rules[list] },
		Facts:              f,
		Product:            e.productAttributes,
		QuoteWithoutPostal: e.cfg.General.QuoteWithoutPostal,
		RulesOff:           e.cart.Schedule != "" && (e.schedule == nil || !e.schedule.ShippingRules),
		WantInsurance:      e.cart.Insurance,
	})
	if len(e.offer.Rates) > 0 && d.Country == "US" {
		if zip := fiveDigits.FindString(d.Postal); zip != "" {
			d.Postal, f.Postal = zip, zip
		}
	}
}

func (e *engine) productAttributes(id string) map[string]string {
	if p := e.products[id]; p != nil {
		return p.Attributes
	}
	return nil
}

// selectMethod sets the selected method: the wanted one, or else the first that
// may be chosen by itself. It returns the id that is wanted from now on.
func (e *engine) selectMethod(wanted string) string {
	e.shipping = nil
	rates := e.offer.Rates
	if slices.ContainsFunc(rates, func(r quote.Rate) bool { return wanted != "" && r.ID == wanted }) {
		i := slices.IndexFunc(rates, func(r quote.Rate) bool { return r.ID == wanted || r.Name == wanted })
		e.shipping = &rates[i]
		return wanted
	}
	for i := range rates {
		if rates[i].Defaultable() {
			e.shipping = &rates[i]
			return rates[i].ID
		}
	}
	return ""
}

// payFee adds the surcharge for the tender the buyer wants (CommerceRack cart
// specification, §9). One tender in the payment queue is the wanted one; with
// several there is none.
func (e *engine) payFee() {
	payBy := e.cart.PayBy
	switch len(e.cart.PaymentQueue) {
	case 0:
	case 1:
		payBy = e.cart.PaymentQueue[0].Tender
	default:
		payBy = ""
	}
	title, charged := feeTitles[payBy]
	for _, fee := range e.cfg.PaymentFees {
		if charged && fee.Tender == payBy && set(fee.Amount) {
			cents := e.a.Parse(fee.Amount).Round().Cents()
			e.surcharge = append(e.surcharge, surcharge{"spc", cents, title, true})
		}
	}
}

var feeTitles = map[string]string{
	"COD":   "Surcharge for COD payment",
	"CHKOD": "Surcharge for Check on Delivery",
	"CHECK": "Surcharge for payment by Check",
	"WIRE":  "Surcharge for payment by Wire Transfer",
}

// dictated takes over a marketplace's amounts.
func (e *engine) dictated() {
	for _, s := range e.cart.Surcharges {
		row := surcharge{s.ID, e.a.Parse(s.Amount).Cents(), s.Title, s.Taxable}
		if s.Required == 0 {
			row.cents = 0
		}
		e.surcharge = slices.DeleteFunc(e.surcharge, func(x surcharge) bool { return x.id == s.ID })
		e.surcharge = append(e.surcharge, row)
	}
}

// text returns nil for an empty string.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
