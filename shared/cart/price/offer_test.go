package price_test

import (
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

// offerCart is 3 × 10.00, 2 × 25.00 and 1 × 0.99 that is not taxed: 80.99.
func offerCart() (*price.Config, map[string]*price.Product, price.Cart) {
	cfg := exact("USD")
	cfg.TaxRules = []rate.Rule{{Method: rate.State, Match: "CA", Rate: "10", Apply: rate.ApplyItems}}
	cfg.ShippingMethods = []quote.Method{
		{ID: "GROUND", Name: "Ground", Region: "US", Handler: quote.Simple, Enabled: true, ItemPrice: "8"},
		{ID: "AIR", Name: "Air", Region: "US", Handler: quote.Simple, Enabled: true, ItemPrice: "20"},
	}
	cfg.Handling = quote.Charges{Mode: quote.Merged, PerLine: true, Domestic: quote.AreaCharges{FirstLine: "2"}}
	pen := product("PEN", "0.99")
	pen.Taxable = false
	return cfg, goods(product("MUG", "10"), product("LAMP", "25"), pen), price.Cart{
		Items:   []price.Item{{Product: "MUG", Qty: 3}, {Product: "LAMP", Qty: 2}, {Product: "PEN", Qty: 1}},
		Ship:    price.Destination{Country: "US", Region: "CA", Postal: "92101"},
		Explain: true,
	}
}

func TestOffers(t *testing.T) {
	t.Parallel()
	type offer = promotion.Offer
	for name, c := range map[string]struct {
		offers          []offer
		codes           []string
		items, tax, shp int64
		reason          string
	}{
		"none":           {items: 8099, tax: 800, shp: 1000},
		"percent":        {[]offer{{On: "goods", Kind: "percent", Value: "10"}}, nil, 7289, 720, 1000, ""},
		"percent_filter": {[]offer{{On: "goods", Kind: "percent", Value: "10", Products: "MUG"}}, nil, 7799, 770, 1000, ""},
		"each":           {[]offer{{On: "goods", Kind: "each", Value: "1.50"}}, nil, 8099 - 450 - 300 - 99, 725, 1000, ""},
		"across":         {[]offer{{On: "goods", Kind: "across", Value: "10"}}, nil, 7099, 701, 1000, ""},
		"across_capped":  {[]offer{{On: "goods", Kind: "across", Value: "1000"}}, nil, 0, 0, 1000, ""},
		"sale_price":     {[]offer{{On: "goods", Kind: "price", Value: "20", Products: "LAMP"}}, nil, 7099, 700, 1000, ""},
		"sale_no_rise":   {[]offer{{On: "goods", Kind: "price", Value: "30", Products: "LAMP"}}, nil, 8099, 800, 1000, "it would lower nothing"},
		"buy_2_get_1":    {[]offer{{On: "goods", Kind: "buy_get", Buy: 2, Get: 1, Value: "100"}}, nil, 8099 - 1000 - 99, 700, 1000, ""},
		"buy_1_get_1_50": {[]offer{{On: "goods", Kind: "buy_get", Buy: 1, Get: 1, Value: "50", Products: "MUG"}}, nil, 7599, 750, 1000, ""},
		"max_pieces":     {[]offer{{On: "goods", Kind: "each", Value: "5", MaxPieces: 2}}, nil, 8099 - 500 - 99, 750, 1000, ""},
		"max_discount":   {[]offer{{On: "goods", Kind: "percent", Value: "50", MaxDiscount: "7"}}, nil, 7399, 731, 1000, ""},
		"tier_pieces": {[]offer{{On: "goods", Kind: "percent", Value: "1", Products: "MUG",
			Tiers: []promotion.Tier{{Pieces: 2, Value: "20"}, {Pieces: 4, Value: "50"}}}}, nil, 7499, 740, 1000, ""},
		"tier_amount": {[]offer{{On: "goods", Kind: "across", Value: "0",
			Tiers: []promotion.Tier{{Amount: "50", Value: "5"}, {Amount: "80", Value: "8"}, {Amount: "81", Value: "9"}}}}, nil, 7299, 721, 1000, ""},
		"free_shipping":    {[]offer{{On: "shipping", Kind: "percent", Value: "100"}}, nil, 8099, 800, 200, ""},
		"shipping_less":    {[]offer{{On: "shipping", Kind: "across", Value: "3"}}, nil, 8099, 800, 700, ""},
		"shipping_flat":    {[]offer{{On: "shipping", Kind: "price", Value: "4.95"}}, nil, 8099, 800, 695, ""},
		"shipping_at_most": {[]offer{{On: "shipping", Kind: "percent", Value: "100", MaxDiscount: "2.50"}}, nil, 8099, 800, 750, ""},
		"code_missing":     {[]offer{{Code: "SAVE", On: "goods", Kind: "percent", Value: "10"}}, nil, 8099, 800, 1000, "its code was not entered"},
		"code_entered":     {[]offer{{Code: "SAVE", On: "goods", Kind: "percent", Value: "10"}}, []string{"save"}, 7289, 720, 1000, ""},
		"not_begun":        {[]offer{{Begins: benchNow.Unix() + 1, On: "goods", Kind: "percent", Value: "10"}}, nil, 8099, 800, 1000, "it has not begun"},
		"expired":          {[]offer{{Expires: benchNow.Unix() - 1, On: "goods", Kind: "percent", Value: "10"}}, nil, 8099, 800, 1000, "it has expired"},
		"disabled":         {[]offer{{Disabled: true, On: "goods", Kind: "percent", Value: "10"}}, nil, 8099, 800, 1000, "it is disabled"},
		"no_goods":         {[]offer{{On: "goods", Kind: "percent", Value: "10", Products: "SOFA"}}, nil, 8099, 800, 1000, "no goods match"},
		"condition_fails": {[]offer{{On: "goods", Kind: "percent", Value: "10", If: []promotion.Condition{{Match: "SUBTOTAL/GT", MatchValue: "100"}}}},
			nil, 8099, 800, 1000, "its condition SUBTOTAL/GT does not hold"},
		"condition_holds": {[]offer{{On: "goods", Kind: "percent", Value: "10", If: []promotion.Condition{{Match: "STATE_MATCH", Filter: "CA"}}}},
			nil, 7289, 720, 1000, ""},
		"one_after_another": {[]offer{{ID: "B", On: "goods", Kind: "percent", Value: "50"}, {ID: "A", On: "goods", Kind: "across", Value: "10.99"}}, nil, 3500, 345, 1000, ""},
		"priority":          {[]offer{{ID: "B", Priority: -1, On: "goods", Kind: "percent", Value: "50"}, {ID: "A", On: "goods", Kind: "across", Value: "10.99"}}, nil, 2950, 291, 1000, ""},
		"exclusive_first":   {[]offer{{ID: "A", Exclusive: true, On: "goods", Kind: "across", Value: "1"}, {ID: "B", On: "goods", Kind: "across", Value: "9"}}, nil, 7999, 790, 1000, "A allows no other offer"},
		"exclusive_second":  {[]offer{{ID: "A", On: "goods", Kind: "across", Value: "1"}, {ID: "B", Exclusive: true, On: "goods", Kind: "across", Value: "9"}}, nil, 7999, 790, 1000, "it allows no other offer, and A applied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, products, cart := offerCart()
			for _, o := range c.offers {
				if o.ID == "" {
					o.ID = "OFFER"
				}
				cfg.Offers = append(cfg.Offers, o)
			}
			cart.Coupons = c.codes
			out := totals(t, cfg, products, cart)
			if got := out.Cents; got.Items != c.items || got.Tax != c.tax || got.Shipping != c.shp {
				t.Errorf("items %d, tax %d, shipping %d; want %d, %d, %d", got.Items, got.Tax, got.Shipping, c.items, c.tax, c.shp)
			}
			if len(out.CouponErrors) > 0 {
				t.Errorf("refused: %v", out.CouponErrors)
			}
			addUp(t, out)
			if text := show(t, out.Explanation); !strings.Contains(text, c.reason) {
				t.Errorf("%q is not in %s", c.reason, text)
			}
		})
	}
}

func TestAnOffersPartsAddUp(t *testing.T) {
	t.Parallel()
	cfg, products, cart := offerCart()
	cfg.Offers = []promotion.Offer{{ID: "SEVEN", Title: "Seven", On: "goods", Kind: "across", Value: "7"}}
	out := totals(t, cfg, products, cart)
	parts := map[string]string{}
	lines := map[string]string{}
	for _, l := range out.Lines {
		for _, d := range l.Discounts {
			parts[l.STID] = d.Offer + " " + d.Amount
		}
		if l.Promotion {
			lines[l.STID] = l.Extended
		}
	}
	if parts["MUG"] != "SEVEN 2.59" || parts["LAMP"] != "SEVEN 4.32" || parts["PEN"] != "SEVEN 0.09" {
		t.Errorf("parts %v", parts)
	}
	if lines["%SEVEN"] != "-6.91" || lines["%SEVEN-2"] != "-0.09" {
		t.Errorf("discount lines %v", lines)
	}
}

func TestOffersAreValidated(t *testing.T) {
	t.Parallel()
	good := promotion.Offer{ID: "A", On: "goods", Kind: "percent", Value: "10"}
	for path, change := range map[string]func(o *promotion.Offer){
		"/id":             func(o *promotion.Offer) { o.ID = "a b" },
		"/code":           func(o *promotion.Offer) { o.Code = "a b" },
		"/title":          func(o *promotion.Offer) { o.Title = strings.Repeat("t", 121) },
		"/expires":        func(o *promotion.Offer) { o.Begins, o.Expires = 5, 4 },
		"/on":             func(o *promotion.Offer) { o.On = "tax" },
		"/kind":           func(o *promotion.Offer) { o.On, o.Kind = "shipping", "each" },
		"/value":          func(o *promotion.Offer) { o.Value = "101" },
		"/buy":            func(o *promotion.Offer) { o.Kind, o.Get = "buy_get", 1 },
		"/get":            func(o *promotion.Offer) { o.Kind, o.Buy = "buy_get", 1 },
		"/max_pieces":     func(o *promotion.Offer) { o.MaxPieces = -1 },
		"/max_discount":   func(o *promotion.Offer) { o.MaxDiscount = "much" },
		"/tiers/0":        func(o *promotion.Offer) { o.Tiers = []promotion.Tier{{Value: "1"}} },
		"/tiers/0/value":  func(o *promotion.Offer) { o.Tiers = []promotion.Tier{{Pieces: 1, Value: "-1"}} },
		"/tiers/0/amount": func(o *promotion.Offer) { o.Tiers = []promotion.Tier{{Amount: "x", Value: "1"}} },
		"/tiers":          func(o *promotion.Offer) { o.Tiers = make([]promotion.Tier, 51) },
		"/if/0/match":     func(o *promotion.Offer) { o.If = []promotion.Condition{{Match: "MOON/FULL"}} },
		"/if":             func(o *promotion.Offer) { o.If = make([]promotion.Condition, 21) },
		"/products":       func(o *promotion.Offer) { o.Products = "[" },
	} {
		bad := good
		change(&bad)
		if err := bad.Validate(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "; "+path+":") {
			t.Errorf("%s is not refused: %v", path, err)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
