package promotion

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/shopspring/decimal"
)

// What an offer lowers.
const (
	OnGoods    = "goods"
	OnShipping = "shipping"
)

// How an offer lowers it.
const (
	Percent = "percent" // Value per cent off each piece, or off shipping
	Each    = "each"    // Value off each piece
	Across  = "across"  // Value off all pieces together, or off shipping
	Sale    = "price"   // each piece, or shipping, costs Value at most
	BuyGet  = "buy_get" // of Buy+Get pieces, Get cost Value per cent less, the cheapest
)

// Offer is a promotion as today's shops know it: where coupons and rule lists
// are CommerceRack's language, an offer says what it wants. Offers run after
// coupons, by priority and then by id.
type Offer struct {
	ID        string `json:"id"`
	Title     string `json:"title,omitempty"`
	Code      string `json:"code,omitempty"`     // to be entered by the buyer; empty: applies by itself
	Priority  int    `json:"priority,omitempty"` // the lowest runs first
	Exclusive bool   `json:"exclusive,omitempty"`
	Begins    int64  `json:"begins,omitempty"`  // Unix seconds, 0 for always
	Expires   int64  `json:"expires,omitempty"` // Unix seconds, 0 for never
	Disabled  bool   `json:"disabled,omitempty"`

	If       []Condition `json:"if,omitempty"`       // all must hold
	Products string      `json:"products,omitempty"` // a filter as in rules; empty: all goods
	On       string      `json:"on"`
	Kind     string      `json:"kind"`
	Value    string      `json:"value"`
	Buy      int64       `json:"buy,omitempty"`
	Get      int64       `json:"get,omitempty"`

	Tiers       []Tier `json:"tiers,omitempty"` // the last one that is reached replaces Value
	MaxPieces   int64  `json:"max_pieces,omitempty"`
	MaxDiscount string `json:"max_discount,omitempty"` // for one order
}

// Condition is the test of a rule.
type Condition struct {
	Match      string `json:"match"`
	Filter     string `json:"filter,omitempty"`
	MatchValue string `json:"match_value,omitempty"`
}

// Tier is a better value from a number of matching pieces, or from their total.
type Tier struct {
	Pieces int64  `json:"pieces,omitempty"`
	Amount string `json:"amount,omitempty"`
	Value  string `json:"value"`
}

const maxTiers, maxConditions, maxBuy = 50, 20, 1000

var kinds = map[string][]string{
	OnGoods:    {Percent, Each, Across, Sale, BuyGet},
	OnShipping: {Percent, Across, Sale},
}

// Validate refuses an offer that would lower nothing, or that cannot be read.
func (o Offer) Validate() error {
	var f fault.Fields
	f.Check(couponCode.MatchString(o.ID), "/id", "must be 1 to 30 capitals, digits, _ and -")
	f.Check(o.Code == "" || couponCode.MatchString(o.Code), "/code", "must be up to 30 capitals, digits, _ and -")
	f.Check(len(o.Title) <= maxText, "/title", "must not exceed %d characters", maxText)
	f.Check(o.Expires == 0 || o.Expires >= o.Begins, "/expires", "must not be before it begins")
	f.Check(kinds[o.On] != nil, "/on", "must be goods or shipping")
	f.Check(slices.Contains(kinds[o.On], o.Kind), "/kind", "must be one of %s", strings.Join(kinds[o.On], ", "))
	f.Merge("/value", o.checkValue(o.Value))
	if o.Kind == BuyGet {
		f.Check(o.Buy >= 1 && o.Buy <= maxBuy, "/buy", "must be 1 to %d", maxBuy)
		f.Check(o.Get >= 1 && o.Get <= maxBuy, "/get", "must be 1 to %d", maxBuy)
	}
	f.Check(o.MaxPieces >= 0, "/max_pieces", "must not be negative")
	f.Merge("/max_discount", perlnum.CheckAmount(o.MaxDiscount))
	f.Check(len(o.Tiers) <= maxTiers, "/tiers", "must not be more than %d", maxTiers)
	for i, t := range o.Tiers {
		f.Merge(fmt.Sprintf("/tiers/%d/value", i), o.checkValue(t.Value))
		f.Merge(fmt.Sprintf("/tiers/%d/amount", i), perlnum.CheckAmount(t.Amount))
		f.Check(t.Pieces >= 0 && (t.Pieces > 0) != (t.Amount != ""), fmt.Sprintf("/tiers/%d", i), "must begin at pieces or at an amount")
	}
	f.Check(len(o.If) <= maxConditions, "/if", "must not be more than %d", maxConditions)
	for i, c := range o.If {
		r := Rule{Match: c.Match, Filter: c.Filter, MatchValue: c.MatchValue, Exec: "STOP"}
		f.Merge(fmt.Sprintf("/if/%d", i), r.validate(true))
	}
	f.Check(len(o.Products) <= maxFilter, "/products", "must not exceed %d characters", maxFilter)
	if _, err := ParseFilter(o.Products); err != nil {
		f.Add("/products", "cannot be read: %v", err)
	}
	return f.Err()
}

var hundred = decimal.New(100, 0)

func (o *Offer) checkValue(s string) error {
	d, err := money.ParseDecimal(s)
	switch {
	case err != nil:
		return err
	case d.IsNegative():
		return fault.New(fault.Invalid, "must not be negative")
	case (o.Kind == Percent || o.Kind == BuyGet) && d.GreaterThan(hundred):
		return fault.New(fault.Invalid, "must be a percentage up to 100")
	}
	return nil
}

// CompiledOffer is an offer that is ready to run.
type CompiledOffer struct {
	Offer
	conditions []Compiled
	products   Filter
}

// CompileOffer prepares an offer. The error names what cannot be understood.
func CompileOffer(o Offer) (CompiledOffer, error) {
	c := CompiledOffer{Offer: o}
	for _, condition := range o.If {
		test, err := Compile(Rule{Match: condition.Match, Filter: condition.Filter, MatchValue: condition.MatchValue})
		if err != nil {
			return c, err
		}
		c.conditions = append(c.conditions, test)
	}
	var err error
	if o.Products != "" {
		c.products, err = ParseFilter(o.Products)
	}
	return c, err
}

// Idle says why an offer does not apply to a cart, "" if it does.
func (c *CompiledOffer) Idle(a *perlnum.Arith, f *Facts, codes []string) string {
	now := f.Now.Unix()
	switch {
	case c.Disabled:
		return "it is disabled"
	case c.Begins > now:
		return "it has not begun"
	case c.Expires > 0 && c.Expires < now:
		return "it has expired"
	case c.Code != "" && !slices.Contains(codes, c.Code):
		return "its code was not entered"
	}
	for i := range c.conditions {
		if !c.conditions[i].Test(a, f).Applies {
			return "its condition " + c.conditions[i].Match + " does not hold"
		}
	}
	return ""
}
