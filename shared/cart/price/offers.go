package price

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
)

// compileOffers prepares the offers in the order in which they run.
func (e *engine) compileOffers() error {
	for _, o := range e.cfg.Offers {
		c, err := promotion.CompileOffer(o)
		if err != nil {
			return fault.From(fault.Invalid, err, "offer %s", o.ID)
		}
		e.offers = append(e.offers, c)
	}
	slices.SortFunc(e.offers, func(x, y promotion.CompiledOffer) int {
		return cmp.Or(cmp.Compare(x.Priority, y.Priority), strings.Compare(x.ID, y.ID))
	})
	return nil
}

// offerCode reports whether an offer asks for a code.
func (e *engine) offerCode(code string) bool {
	return slices.ContainsFunc(e.cfg.Offers, func(o promotion.Offer) bool { return o.Code == code })
}

// runOffers runs the offers on goods and picks those on shipping. An exclusive
// one applies only if none before it did, and none after it does.
func (e *engine) runOffers(f *promotion.Facts) {
	e.out.Offers = nil
	if len(e.offers) == 0 {
		return
	}
	codes := make([]string, len(e.cart.Coupons))
	for i, code := range e.cart.Coupons {
		codes[i] = strings.ToUpper(code)
	}
	goods := slices.Clone(f.Lines)
	ledger := promotion.NewLedger(e.a, goods)
	applied, exclusive := "", ""
	for i := range e.offers {
		o := &e.offers[i]
		reason := ""
		switch {
		case exclusive != "":
			reason = exclusive + " allows no other offer"
		case o.Exclusive && applied != "":
			reason = "it allows no other offer, and " + applied + " applied"
		default:
			reason = o.Idle(e.a, f, codes)
		}
		if reason == "" && o.On == promotion.OnGoods {
			reason = ledger.Apply(f, o)
		} else if reason == "" {
			e.shippingOffers = append(e.shippingOffers, o)
		}
		if reason != "" {
			e.refused = append(e.refused, refusal{cmp.Or(o.Title, o.ID), "offer " + o.ID, reason})
			continue
		}
		applied = o.ID
		e.out.Offers = append(e.out.Offers, o.ID)
		if o.Exclusive {
			exclusive = o.ID
		}
	}
	for _, s := range ledger.Shares {
		stid := goods[s.Line].STID
		if e.shares == nil {
			e.shares = make(map[string][]Discount)
		}
		e.shares[stid] = append(e.shares[stid], Discount{s.Offer, e.a.Minor(s.Units).Money()})
	}
}

// lowerShipping applies the offers on shipping to all methods. Handling and
// insurance in their prices stay.
func (e *engine) lowerShipping() {
	rates := e.offer.Rates
	for _, o := range e.shippingOffers {
		for i := range rates {
			r := &rates[i]
			rest := e.a.Int(0)
			if r.Handling != nil {
				rest = rest.Add(*r.Handling)
			}
			if r.Insurance != nil {
				rest = rest.Add(*r.Insurance)
			}
			if own := r.Amount.Sub(rest); own.Sign() > 0 {
				r.Amount = o.Shipping(e.a, own).Add(rest)
			}
		}
	}
	if len(e.shippingOffers) > 0 {
		quote.Sort(e.a, rates)
	}
}
