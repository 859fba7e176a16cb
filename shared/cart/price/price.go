// Package price is the pricing engine: a pure function from a shop's
// configuration, products, a cart and the time to totals. The functions
// cart-price and order-place call it, and so does the oracle runner. It does no
// I/O, reads no clock and never changes what it is given.
package price

import (
	"slices"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

// Price calculates the totals of a cart at a time. cfg must be valid; products
// holds every product the cart names, kit components included. A line that
// cannot be added (unknown product, missing option) is reported in
// Totals.Errors and left out; an error is returned only for input that no cart
// can have.
func Price(cfg *Config, products map[string]*Product, cart Cart, now time.Time) (Totals, error) {
	a, err := cfg.General.arith()
	if err != nil {
		return Totals{}, err
	}
	return PriceWith(a, cfg, products, cart, now)
}

// PriceWith is Price with an arithmetic of the caller's choice: how single
// quirks of the original are examined.
func PriceWith(a *perlnum.Arith, cfg *Config, products map[string]*Product, cart Cart, now time.Time) (Totals, error) {
	if err := cart.validate(); err != nil {
		return Totals{}, err
	}
	e := engine{a: a, cfg: cfg, products: products, cart: &cart, now: now.UTC()}
	e.out.Policy, e.out.Currency = cfg.General.Policy, cfg.General.Currency
	if err := e.compile(); err != nil {
		return Totals{}, err
	}
	e.schedule = e.scheduleOf(cart.Schedule)
	for i := range cart.Items {
		e.add(&cart.Items[i])
	}
	e.activateCoupons()
	e.settle()
	e.total()
	return e.out, nil
}

// arith returns the arithmetic of the shop's policy.
func (g *General) arith() (*perlnum.Arith, error) {
	exponent, ok := money.Exponent(g.Currency)
	if !ok {
		return nil, fault.New(fault.Invalid, "%q is no ISO 4217 currency code", g.Currency)
	}
	switch g.Policy {
	case CommerceRack:
		return perlnum.CommerceRack(), nil
	case Exact:
		mode, known := roundingModes[g.Rounding.Mode]
		level, ok := roundingLevels[g.Rounding.Level]
		if !known || !ok {
			return nil, fault.New(fault.Invalid, "%q at %q is no way of rounding", g.Rounding.Mode, g.Rounding.Level)
		}
		a := perlnum.Exact(mode, exponent)
		a.Level = level
		return a, nil
	}
	return nil, fault.New(fault.Invalid, "%q is no price policy", g.Policy)
}

var (
	roundingModes = map[string]perlnum.Rounding{
		"": perlnum.HalfUp, "half-up": perlnum.HalfUp, "half-even": perlnum.HalfEven, "half-down": perlnum.HalfDown,
	}
	roundingLevels = map[string]perlnum.Level{
		"": perlnum.PerLine, "unit": perlnum.PerUnit, "line": perlnum.PerLine, "order": perlnum.PerOrder,
	}
)

// engine prices one cart.
type engine struct {
	a        *perlnum.Arith
	cfg      *Config
	products map[string]*Product
	cart     *Cart
	now      time.Time

	schedule *schedule.Schedule // of the cart; nil if it is not configured
	rules    map[string][]promotion.Compiled
	lines    []line.Line // goods, then promotions
	details  map[string]detail
	coupons  []entered // active ones, by code

	rates     rate.Rates
	rate      *perlnum.Num // combined; nil where none was looked up
	sums      line.Sums
	offer     quote.Offer
	shipping  *quote.Rate // the selected method
	surcharge []surcharge
	refused   []refusal // coupons and offers that gave nothing

	offers         []promotion.CompiledOffer
	shippingOffers []*promotion.CompiledOffer
	shares         map[string][]Discount // by stid
	supply         *rate.Supply          // under VAT

	out Totals
}

// detail is what a line shows besides what it is calculated from.
type detail struct {
	basePrice string
	qtyPrice  string
	weight    string // as it was written, where the line shows that
	options   []ChosenOption
}

// entered is a coupon with the code it was entered by.
type entered struct {
	code   string
	coupon *promotion.Coupon
}

func (e *engine) scheduleOf(id string) *schedule.Schedule {
	id = strings.ToUpper(id)
	for i := range e.cfg.Schedules {
		if e.cfg.Schedules[i].ID == id {
			return &e.cfg.Schedules[i]
		}
	}
	return nil
}

func (e *engine) compile() error {
	e.rules = make(map[string][]promotion.Compiled, len(e.cfg.RuleLists))
	for _, list := range e.cfg.RuleLists {
		compiled := make([]promotion.Compiled, len(list.Rules))
		for i, r := range list.Rules {
			var err error
			if compiled[i], err = promotion.Compile(r); err != nil {
				return fault.From(fault.Invalid, err, "rule %d of %s", i+1, list.ID)
			}
		}
		e.rules[list.ID] = compiled
	}
	return e.compileOffers()
}

// activateCoupons takes the entered codes in order, as the original adds them
// to a cart: one that cannot be stacked removes those before it, even if it is
// then refused itself (CommerceRack cart specification, §10).
func (e *engine) activateCoupons() {
	now := e.now.Unix()
	for _, code := range e.cart.Coupons {
		code = strings.ToUpper(code)
		if code == "" {
			continue
		}
		c := e.coupon(code)
		if c != nil {
			e.coupons = slices.DeleteFunc(e.coupons, func(x entered) bool { return !c.Stackable || x.code == code })
		}
		switch {
		case c == nil && e.offerCode(code):
		case c == nil:
			e.refuse(code, "Coupon "+code+" could not be found.")
		case c.LimitedUse:
			e.refuse(code, "Coupon "+code+" cannot be added directly from the SITE")
		case c.Disabled:
			e.refuse(code, "Coupon "+code+" is no longer available.")
		case c.Begins > 0 && c.Begins > now:
			e.refuse(code, "Coupon "+code+" is not available yet.")
		case c.Expires > 0 && c.Expires < now:
			e.refuse(code, "Coupon "+code+" has expired.")
		default:
			e.coupons = append(e.coupons, entered{code, c})
		}
	}
	slices.SortFunc(e.coupons, func(x, y entered) int { return strings.Compare(x.code, y.code) })
}

func (e *engine) refuse(code, why string) {
	if e.out.CouponErrors == nil {
		e.out.CouponErrors = make(map[string]string)
	}
	e.out.CouponErrors[code] = why
	e.refused = append(e.refused, refusal{code, "COUPON-" + code, why})
}

// coupon finds a coupon by code. A code of more than five characters that is
// unknown is tried again with its first five, the length of old codes.
func (e *engine) coupon(code string) *promotion.Coupon {
	for i := range e.cfg.Coupons {
		if e.cfg.Coupons[i].Code == code {
			return &e.cfg.Coupons[i]
		}
	}
	if len(code) > 5 {
		return e.coupon(code[:5])
	}
	return nil
}
