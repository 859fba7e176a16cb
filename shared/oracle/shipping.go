package oracle

import (
	"encoding/json"
	"time"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
)

func runShipping(a *perlnum.Arith, input json.RawMessage, _ time.Time) (any, error) {
	var in struct {
		Fn         string                       `json:"fn"`
		Count      scalar                       `json:"count"`
		First      scalar                       `json:"first"`
		Additional scalar                       `json:"additional"`
		Area       string                       `json:"area"`
		Config     map[string]scalar            `json:"config"`
		Items      []rawInput                   `json:"items"`
		Products   map[string]map[string]scalar `json:"products"`
		Address1   *scalar                      `json:"address1"`
		Address2   *scalar                      `json:"address2"`
		Region     scalar                       `json:"region"`
		Country    string                       `json:"country"`
		Zip        scalar                       `json:"zip"`
		Ranges     scalar                       `json:"ranges"`
		State      scalar                       `json:"state"`
		Value      scalar                       `json:"value"`
		Name       string                       `json:"name"`
		Price      scalar                       `json:"price"`
		Carrier    string                       `json:"carrier"`
		ID         string                       `json:"id"`
		Filter     string                       `json:"filter"`
		STID       string                       `json:"stid"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	text := func(s *scalar) string {
		if s == nil {
			return ""
		}
		return string(*s)
	}
	switch in.Fn {
	case "simple_shipping":
		return answers{"amount": quote.SimplePrice(a, in.Count.int(), string(in.First), string(in.Additional)).String()}, nil
	case "handling_charges":
		c := charges(func(name string) string { return string(in.Config[name]) }, "handling", "hand")
		at := map[string]*quote.AreaCharges{quote.Domestic: &c.Domestic, quote.Canada: &c.Canada, quote.Elsewhere: &c.Elsewhere}[in.Area]
		all := lines(a, in.Items)
		return answers{
			"flat": at.PerLine(a, all).String(), "per_product": quote.PerProduct(a, quote.HandlingAttribute, all).String(),
			"by_weight": at.ByWeight(a, in.Area, all).String(), "by_price": at.ByPrice(a, all).String(),
		}, nil
	case "fixed_shipping":
		all := lines(a, in.Items)
		pkg := make([]*line.Line, len(all))
		for i := range all {
			pkg[i] = &all[i]
		}
		product := func(id string) map[string]string { return texts(in.Products[id]) }
		return answers{"amount": quote.FixedPrice(a, pkg, product, "zoovy:ship_cost1", "zoovy:ship_cost2").Money()}, nil
	case "address_checks":
		known := in.Address1 != nil || in.Address2 != nil
		post := 0
		if quote.PostOnly(text(in.Address1), string(in.Region)) {
			post = 1
		}
		return answers{"is_pobox": promotion.POBox(text(in.Address1), text(in.Address2), string(in.Region), known), "is_usps_only": post}, nil
	case "normalize_zip":
		return answers{"zip": quote.NormalPostal(string(in.Zip), in.Country)}, nil
	case "normalize_state":
		return answers{"state": quote.NormalState(string(in.State), in.Country)}, nil
	case "zip_in_range":
		return answers{"in_range": quote.ZipInRanges(a, string(in.Zip), string(in.Ranges))}, nil
	case "parse_money":
		return answers{"amount": a.Parse(signed(string(in.Value))).Round().String()}, nil
	case "shipmethod_row":
		r := quote.Row(a, in.Name, a.Parse(string(in.Price)), in.Carrier, in.ID)
		return answers{"id": r.ID, "name": r.Name, "carrier": r.Carrier, "amount": r.Amount.Money()}, nil
	}
	f, err := promotion.ParseFilter(in.Filter)
	if err != nil {
		return nil, err
	}
	l := line.Line{STID: in.STID}
	return answers{"matches": f.Matches(a, &l)}, nil
}

func runShipRules(a *perlnum.Arith, input json.RawMessage, now time.Time) (any, error) {
	var in struct {
		cartInput
		Items    []rawInput  `json:"items"`
		Rules    []ruleInput `json:"rules"`
		Price    scalar      `json:"price"`
		Schedule string      `json:"schedule"`
		Enabled  *scalar     `json:"schedule_rules_enabled"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	f := promotion.Facts{
		Lines: lines(a, in.Items), Country: string(in.Ship.Country), Region: string(in.Ship.Region), Postal: string(in.Ship.Postal),
		Address1: string(in.Ship.Address1), Address2: string(in.Ship.Address2),
		HasStreet: in.Ship.Address1 != "" || in.Ship.Address2 != "", Schedule: in.Schedule, Now: now,
		Referrer: string(in.cartInput.Cart.Refer), Site: string(in.cartInput.Cart.MultiVarSite), Coupons: in.Coupons,
	}
	f.Weight = line.Weight(a, f.Lines)
	price := a.Parse(string(in.Price))
	available := true
	if in.Schedule == "" || (in.Enabled != nil && in.Enabled.on()) {
		compiled := make([]promotion.Compiled, len(in.Rules))
		for i, r := range rules(in.Rules) {
			var err error
			if compiled[i], err = promotion.Compile(r); err != nil {
				return nil, err
			}
		}
		price, available = quote.RunRules(a, compiled, &f, price, line.All)
	}
	out := answers{"available": available, "price": nil}
	if available {
		out["price"] = price.String()
	}
	return out, nil
}
