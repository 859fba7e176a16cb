package quote

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/promotion"
)

// Input is what a quotation depends on. Facts holds all lines of the cart,
// promotions included.
type Input struct {
	Methods            []Method
	Handling           *Charges
	Insurance          *Charges
	Rules              func(list string) []promotion.Compiled // by id, e.g. SHIP-M1
	Facts              *promotion.Facts
	Product            func(id string) map[string]string // attributes of a product
	QuoteWithoutPostal bool
	RulesOff           bool // the wholesale schedule runs no shipping rules
	WantInsurance      bool
}

// Rate is an offered method.
type Rate struct {
	ID        string
	Name      string
	Carrier   string
	Amount    perlnum.Num
	Handling  *perlnum.Num // the part of Amount that is handling
	Insurance *perlnum.Num // the part that is insurance
}

// Defaultable reports whether the method may be chosen without the buyer.
func (r *Rate) Defaultable() bool { return r.Carrier != "CPU" && r.Carrier != "OTHER" }

// Offer is the outcome of a quotation. Handling and Insurance are set where
// they are charges of their own.
type Offer struct {
	Rates          []Rate // cheapest first
	Rejected       []Rejected
	Handling       *perlnum.Num
	Insurance      *perlnum.Num // what is charged
	InsuranceQuote *perlnum.Num // what it would cost
}

// Rejected is a method that is not offered, and why.
type Rejected struct {
	ID, Reason string
}

type quoter struct {
	a      *perlnum.Arith
	in     *Input
	offer  *Offer
	sums   line.Sums
	total  perlnum.Num
	weight perlnum.Num  // whole ounces, rounded up
	pkg    []*line.Line // the lines of the package at hand
}

// Quote prices all methods for a cart (CommerceRack cart specification, §7). It
// offers nothing for an empty cart, nor without a postal code unless the shop
// quotes without one.
func Quote(a *perlnum.Arith, in *Input) Offer {
	var offer Offer
	packages := split(in.Facts.Lines)
	if len(packages) == 0 || (in.Facts.Postal == "" && !in.QuoteWithoutPostal) {
		return offer
	}
	q := quoter{a: a, in: in, offer: &offer, sums: line.Sum(a, in.Facts.Lines, line.All, line.Taxation{})}
	q.total = q.sums.ItemsTotal(a)
	var all []Rate
	for _, p := range packages {
		rates := q.rate(p)
		if len(packages) == 1 {
			all = rates
			break
		}
		cheapest := slices.MinFunc(rates, func(x, y Rate) int { return x.Amount.Cmp(y.Amount) })
		if all == nil {
			all = []Rate{{Name: "Shipping", Carrier: "SLOW", Amount: a.Int(0)}}
		}
		all[0].Amount = all[0].Amount.Add(cheapest.Amount)
	}
	if len(packages) > 1 {
		all[0] = Row(a, "Shipping", all[0].Amount, "SLOW", "")
	}
	q.charge(all)
	offer.Rates = Sort(a, all)
	return offer
}

// parcel is the lines that are sent together.
type parcel struct {
	id    string
	lines []*line.Line
}

var (
	fixedPrice = regexp.MustCompile(`^FIXEDPRICE:[0-9]+$`)
	supplier   = regexp.MustCompile(`^(SUPPLIER|GENERIC|API|PARTNER|):[A-Z0-9]+$`)
)

// split groups lines into packages (§7.1). Goods of a supplier that the shop
// does not know ship from its own stock.
func split(lines []line.Line) []parcel {
	var parcels []parcel
	for i := range lines {
		l := &lines[i]
		id := parcelOf(l)
		if id == "NULL" {
			continue
		}
		at := slices.IndexFunc(parcels, func(p parcel) bool { return p.id == id })
		if at < 0 {
			at = len(parcels)
			parcels = append(parcels, parcel{id: id})
		}
		parcels[at].lines = append(parcels[at].lines, l)
	}
	return parcels
}

func parcelOf(l *line.Line) string {
	id := l.VirtualShip
	if id == "" {
		id = l.Virtual
	}
	switch {
	case l.Discount():
		if l.Weight.IsZero() {
			return "NULL"
		}
	case strings.Contains(l.Master, "*"):
		return "NULL"
	case id == "":
		return "LOCAL"
	}
	switch {
	case id == "LOCAL" || id == "NULL" || id == "GIFTCARD" || fixedPrice.MatchString(id):
		return id
	case supplier.MatchString(id):
		return "LOCAL"
	}
	return "ERROR?was=" + id
}

// rate prices one package. Its rates use the sums of the whole cart.
func (q *quoter) rate(p parcel) []Rate {
	var rates []Rate
	switch {
	case p.id == "LOCAL":
		q.pkg = p.lines
		rates = q.methods()
	case strings.HasPrefix(p.id, "FIXEDPRICE:"):
		each := q.a.Parse(strings.TrimPrefix(p.id, "FIXEDPRICE:"))
		if each.IsZero() {
			return []Rate{Row(q.a, "Free Shipping", q.a.Int(0), "SLOW", "")}
		}
		return []Rate{Row(q.a, "Shipping", each.Times(int64(len(q.in.Facts.Lines))).Round(), "SLOW", "")}
	}
	if len(rates) == 0 {
		pounds := q.sums.Weight194.Div(q.a.Int(16)).Fixed(2)
		return []Rate{Row(q.a, "Actual Cost to be Determined ["+pounds+" lbs]", q.a.Int(0), "ERR", "")}
	}
	return rates
}

// methods prices the shop's own methods for the destination's region.
func (q *quoter) methods() []Rate {
	region, weight := "INT", q.sums.Legacy166
	switch strings.ToUpper(q.in.Facts.Country) {
	case "", "US":
		region, weight = "US", q.sums.Legacy194
	case "CA":
		region = "CA"
	}
	if weight.Whole().Less(weight) {
		weight = weight.Whole().Add(q.a.Int(1))
	}
	if weight.Sign() <= 0 {
		weight = q.a.Int(0)
	}
	q.weight = weight

	var rates []Rate
	for i := range q.in.Methods {
		m := &q.in.Methods[i]
		if m.Region != region || !m.Enabled {
			continue
		}
		price, ok := q.price(m)
		if !ok {
			q.reject(m.ID, "the cart does not qualify for "+m.Handler)
			continue
		}
		if m.UseRules && !q.in.RulesOff {
			if price, ok = RunRules(q.a, q.in.Rules("SHIP-"+m.ID), q.in.Facts, price, line.All); !ok {
				q.reject(m.ID, "disabled by its rules")
				continue
			}
		}
		rates = append(rates, named(m, price))
	}
	return rates
}

func (q *quoter) reject(id, reason string) {
	q.offer.Rejected = append(q.offer.Rejected, Rejected{id, reason})
}

func named(m *Method, price perlnum.Num) Rate {
	r := Rate{ID: strings.TrimLeft(m.ID, " \t\r\n"), Name: strings.TrimRight(m.Name, " \t\r\n"), Carrier: m.Carrier, Amount: price}
	if r.Carrier == "" {
		r.Carrier = "SLOW"
	}
	return r
}

// charge works out handling and insurance and adds to the rates what is merged
// into them (§8).
func (q *quoter) charge(rates []Rate) {
	a := q.a
	if amount, ok := q.charges(q.in.Handling, HandlingAttribute, "SHIP-HANDLING", false); ok {
		if q.in.Handling.Mode == Separate {
			q.offer.Handling = &amount
		} else {
			for i := range rates {
				rates[i].Handling, rates[i].Amount = &amount, rates[i].Amount.Add(amount)
			}
		}
	}
	if amount, ok := q.charges(q.in.Insurance, InsuranceAttribute, "SHIP-INSURANCE", true); ok {
		if q.in.Insurance.Mode != Separate {
			for i := range rates {
				rates[i].Insurance, rates[i].Amount = &amount, rates[i].Amount.Add(amount)
			}
			return
		}
		charged := amount
		if q.in.Insurance.Optional && !q.in.WantInsurance {
			charged = a.Int(0)
		}
		q.offer.InsuranceQuote, q.offer.Insurance = &amount, &charged
	}
}

func (q *quoter) charges(c *Charges, attribute, list string, byPrice bool) (perlnum.Num, bool) {
	if c.Mode == Off {
		return perlnum.Num{}, false
	}
	used := *c
	used.ByPrice = used.ByPrice && byPrice
	amount := used.Amount(q.a, Area(q.in.Facts.Country), attribute, q.in.Facts.Lines)
	if q.in.RulesOff {
		return amount, true
	}
	return RunRules(q.a, q.in.Rules(list), q.in.Facts, amount, line.Real)
}

// Sort orders rates by whole cents, those that may not be chosen by
// themselves as if they were 1000 dearer, and lifts negative ones to 0.
func Sort(a *perlnum.Arith, rates []Rate) []Rate {
	rank := func(r *Rate) int64 {
		cents := r.Amount.Times(100).Int()
		if !r.Defaultable() {
			cents += 100_000
		}
		return cents
	}
	slices.SortStableFunc(rates, func(x, y Rate) int { return int(max(-1, min(1, rank(&x)-rank(&y)))) })
	for i := range rates {
		if rates[i].Amount.Sign() < 0 {
			rates[i].Amount = a.Int(0)
		}
	}
	return rates
}

// Row makes a rate that no configured method stands behind. Without an id one
// is formed of carrier, name and amount.
func Row(a *perlnum.Arith, name string, amount perlnum.Num, carrier, id string) Rate {
	if amount.Sign() < 0 {
		amount = a.Int(0)
	}
	amount = amount.Round()
	if carrier == "" {
		carrier = "SLOW"
	}
	if id == "" {
		id = strings.Map(func(r rune) rune {
			if (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') || r == '-' {
				return r
			}
			return '-'
		}, strings.ToUpper(carrier+"-"+name+"-"+amount.Money()))
	}
	return Rate{ID: id, Name: name, Carrier: carrier, Amount: amount}
}
