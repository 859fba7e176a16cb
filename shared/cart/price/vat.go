package price

import (
	"strings"

	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

// exempt reports whether the buyer pays no tax at a destination.
func (e *engine) exempt(d Destination) bool {
	x := e.cart.Exemption
	if e.cart.TaxExempt || x == nil {
		return e.cart.TaxExempt
	}
	day := e.now.Format("20060102")
	return x.Certificate != "" && (x.Expires == "" || day < x.Expires) && (x.Region == "" || strings.EqualFold(x.Region, d.Region))
}

// classify gives the lines the VAT rates of their classes. Goods whose prices
// contain the tax of the seller's country cost less where no tax is charged.
func (e *engine) classify(d Destination) {
	v := e.cfg.VAT
	if v == nil {
		return
	}
	s := v.Supply(strings.ToUpper(d.Country), e.cart.VATID)
	e.supply = &s
	e.out.TaxNote = s.Reason
	for i := range e.lines {
		l := &e.lines[i]
		p := e.products[l.Product]
		if l.NotTaxable || p == nil {
			continue
		}
		if s.Zero() && e.cfg.General.TaxIncluded {
			l.Price = e.net(l.Price, v.Rate(v.Home, p.TaxClass))
		}
		if p.TaxClass != "" && l.TaxRate == nil {
			own := e.a.Parse(e.vatRate(p.TaxClass))
			l.TaxRate = &own
		}
	}
}

// vatRate is the rate of a class at the place of supply.
func (e *engine) vatRate(class string) string {
	if e.supply.Zero() {
		return "0"
	}
	return e.cfg.VAT.Rate(e.supply.Country, class)
}

func (e *engine) net(gross perlnum.Num, percent string) perlnum.Num {
	hundred := e.a.Int(100)
	return gross.Times(100).Div(hundred.Add(e.a.Parse(percent))).Round()
}

// vatRates are the rates of the destination under VAT: the standard rate, also
// for all charges.
func (e *engine) vatRates() rate.Rates {
	standard := e.vatRate("")
	return rate.Rates{State: &standard, Zone: &e.supply.Country, Apply: rate.ApplyBonding*2 - 1}
}

// netCharges takes the seller's tax out of shipping, handling and insurance
// where no tax is charged.
func (e *engine) netCharges(o *quote.Offer) {
	if e.supply == nil || !e.supply.Zero() || !e.cfg.General.TaxIncluded {
		return
	}
	home := e.cfg.VAT.Rate(e.cfg.VAT.Home, "")
	net := func(x *perlnum.Num) *perlnum.Num {
		if x == nil {
			return nil
		}
		n := e.net(*x, home)
		return &n
	}
	o.Handling, o.Insurance, o.InsuranceQuote = net(o.Handling), net(o.Insurance), net(o.InsuranceQuote)
	for i := range o.Rates {
		r := &o.Rates[i]
		r.Amount, r.Handling, r.Insurance = e.net(r.Amount, home), net(r.Handling), net(r.Insurance)
	}
}
