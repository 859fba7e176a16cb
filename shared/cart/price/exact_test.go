package price_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

func exact(currency string) *price.Config {
	return &price.Config{General: price.General{Policy: price.Exact, Currency: currency, QuoteWithoutPostal: true}}
}

func goods(list ...price.Product) map[string]*price.Product {
	m := make(map[string]*price.Product)
	for _, p := range list {
		m[p.ID] = &p
	}
	return m
}

func totals(t *testing.T, cfg *price.Config, products map[string]*price.Product, cart price.Cart) price.Totals {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	out, err := price.Price(cfg, products, cart, benchNow)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func product(id, amount string) price.Product {
	return price.Product{ID: id, Name: "Product " + id, BasePrice: amount, Taxable: true}
}

func TestRoundingModesAndLevels(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode, level, currency string
		amount                string
		qty                   int64
		items, tax            int64
	}{
		"line_half_up":     {"half-up", "line", "USD", "0.125", 3, 38, 4},
		"unit_half_up":     {"half-up", "unit", "USD", "0.125", 3, 39, 3},
		"unit_half_even":   {"half-even", "unit", "USD", "0.125", 3, 36, 3},
		"unit_half_down":   {"half-down", "unit", "USD", "0.125", 3, 36, 3},
		"line_half_down":   {"half-down", "line", "USD", "0.115", 1, 11, 1},
		"order":            {"half-up", "order", "USD", "0.125", 3, 38, 4},
		"no_decimals":      {"half-up", "line", "JPY", "99.5", 1, 100, 10},
		"three_decimals":   {"half-up", "line", "BHD", "1.2345", 1, 1235, 124},
		"default_is_line":  {"", "", "USD", "0.125", 3, 38, 4},
		"many_pieces_unit": {"half-up", "unit", "USD", "0.014", 1000, 1000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := exact(c.currency)
			cfg.General.Rounding = price.Rounding{Mode: c.mode, Level: c.level}
			cfg.TaxRules = []rate.Rule{{Method: rate.Country, Match: "US", Rate: "10", Apply: rate.ApplyItems}}
			out := totals(t, cfg, goods(product("A", c.amount)), price.Cart{Items: []price.Item{{Product: "A", Qty: c.qty}}})
			if out.Cents.Items != c.items || out.Cents.Tax != c.tax {
				t.Errorf("items %d, tax %d, want %d, %d", out.Cents.Items, out.Cents.Tax, c.items, c.tax)
			}
		})
	}
}

func TestOrderLevelRoundsOnceAndSpreads(t *testing.T) {
	t.Parallel()
	cfg := exact("USD")
	cfg.General.Rounding.Level = "order"
	cfg.TaxRules = []rate.Rule{{Method: rate.Country, Match: "US", Rate: "7.5", Apply: rate.ApplyItems}}
	products := goods(product("A", "0.334"), product("B", "0.333"), product("C", "0.333"))
	out := totals(t, cfg, products, price.Cart{Items: []price.Item{{Product: "A", Qty: 1}, {Product: "B", Qty: 1}, {Product: "C", Qty: 1}}})
	if out.Cents.Items != 100 || out.Cents.Tax != 8 {
		t.Fatalf("items %d, tax %d", out.Cents.Items, out.Cents.Tax)
	}
	var shown []string
	for _, l := range out.Lines {
		shown = append(shown, l.Extended+" "+l.Tax)
	}
	if want := []string{"0.34 0.03", "0.33 0.03", "0.33 0.02"}; !slices.Equal(shown, want) {
		t.Errorf("lines %v, want %v", shown, want)
	}
}

func TestTaxIncluded(t *testing.T) {
	t.Parallel()
	cfg := exact("EUR")
	cfg.General.TaxIncluded = true
	cfg.TaxRules = []rate.Rule{{Method: rate.Country, Match: "DE", Rate: "19", Apply: rate.ApplyItems | rate.ApplyShipping}}
	cfg.ShippingMethods = []quote.Method{{ID: "DHL", Name: "DHL", Region: "INT", Handler: quote.Simple, Enabled: true, ItemPrice: "5.95"}}
	out := totals(t, cfg, goods(product("A", "119.00")), price.Cart{
		Items: []price.Item{{Product: "A", Qty: 1}}, Ship: price.Destination{Country: "DE", Postal: "10115"}, Explain: true,
	})
	want := price.Cents{Items: 11900, Shipping: 595, TaxIncluded: 1900 + 95, Order: 12495}
	if out.Cents != want {
		t.Errorf("%+v, want %+v", out.Cents, want)
	}
	if out.Lines[0].Tax != "19.00" || !strings.Contains(show(t, out.Explanation), "prices contain it: 19.95") {
		t.Errorf("line tax %s, explanation %s", out.Lines[0].Tax, show(t, out.Explanation))
	}
}

func show(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestVAT(t *testing.T) {
	t.Parallel()
	cfg := exact("EUR")
	cfg.General.TaxIncluded = true
	cfg.VAT = &rate.VAT{Home: "DE", OSS: true, Rates: []rate.VATRate{
		{Country: "DE", Rate: "19"}, {Country: "DE", Class: "food", Rate: "7"}, {Country: "FR", Rate: "20"}, {Country: "FR", Class: "food", Rate: "5.5"},
	}}
	cfg.ShippingMethods = []quote.Method{{ID: "DHL", Name: "DHL", Region: "INT", Handler: quote.Simple, Enabled: true, ItemPrice: "11.90"}}
	cfg.ShippingMethods = append(cfg.ShippingMethods, quote.Method{ID: "UPS", Name: "UPS", Region: "INT", Handler: quote.Simple, Enabled: true, ItemPrice: "23.80"})
	cfg.Handling = quote.Charges{Mode: quote.Merged, PerLine: true, Elsewhere: quote.AreaCharges{FirstLine: "2.38"}}
	food := product("FOOD", "10.70")
	food.TaxClass = "food"
	products := goods(product("BOOK", "119.00"), food)
	for name, c := range map[string]struct {
		country, id string
		exempt      *price.Exemption
		want        price.Cents
		note        string
	}{
		"home":     {"DE", "", nil, price.Cents{Items: 12970, Shipping: 1428, TaxIncluded: 1900 + 70 + 228, Order: 14398}, "within DE"},
		"consumer": {"FR", "", nil, price.Cents{Items: 12970, Shipping: 1428, TaxIncluded: 1983 + 56 + 238, Order: 14398}, "consumer in FR"},
		"business": {"FR", "FR83404833048", nil, price.Cents{Items: 11000, Shipping: 1200, Order: 12200}, "reverse charge"},
		"export":   {"CH", "", nil, price.Cents{Items: 11000, Shipping: 1200, Order: 12200}, "export to CH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := totals(t, cfg, products, price.Cart{
				Items: []price.Item{{Product: "BOOK", Qty: 1}, {Product: "FOOD", Qty: 1}},
				Ship:  price.Destination{Country: c.country, Postal: "10115"}, VATID: c.id, Exemption: c.exempt, Explain: true,
			})
			if out.Cents != c.want || !strings.Contains(out.TaxNote, c.note) {
				t.Errorf("%+v %q, want %+v %q", out.Cents, out.TaxNote, c.want, c.note)
			}
			addUp(t, out)
		})
	}
}

func TestExemptionCertificates(t *testing.T) {
	t.Parallel()
	cfg := exact("USD")
	cfg.TaxRules = []rate.Rule{{Method: rate.State, Match: "CA", Rate: "10", Apply: rate.ApplyItems}}
	for name, c := range map[string]struct {
		exemption *price.Exemption
		tax       int64
	}{
		"none":         {nil, 100},
		"everywhere":   {&price.Exemption{Certificate: "X1"}, 0},
		"region":       {&price.Exemption{Certificate: "X1", Region: "CA", Expires: "20260702"}, 0},
		"other_region": {&price.Exemption{Certificate: "X1", Region: "NY"}, 100},
		"expired":      {&price.Exemption{Certificate: "X1", Expires: "20260701"}, 100},
		"no_number":    {&price.Exemption{}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := totals(t, cfg, goods(product("A", "10")), price.Cart{
				Items: []price.Item{{Product: "A", Qty: 1}}, Exemption: c.exemption, Explain: true,
				Ship: price.Destination{Country: "US", Region: "CA", Postal: "92101"},
			})
			if out.Cents.Tax != c.tax {
				t.Errorf("tax %d, want %d", out.Cents.Tax, c.tax)
			}
			if exempt := strings.Contains(show(t, out.Explanation), "the buyer is exempt"); exempt != (c.tax == 0) {
				t.Errorf("the explanation says exempt: %v", exempt)
			}
		})
	}
}

type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// addUp checks that every step is the sum of its steps, that the root is the
// order total, and that the summands make it.
func addUp(t failer, out price.Totals) {
	t.Helper()
	c := out.Cents
	var special int64
	if out.Sum.BndTotal != nil {
		special = decimal.RequireFromString(*out.Sum.BndTotal).Shift(2).IntPart()
	}
	if sum := c.Items + c.Shipping + c.Tax + c.Insurance + c.Handling + c.Special + special; sum != c.Order {
		t.Errorf("the summands are %d, the order total is %d", sum, c.Order)
	}
	if out.Explanation == nil {
		t.Fatal("nothing is explained")
	}
	if out.Explanation.Amount != out.Sum.OrderTotal {
		t.Errorf("%s is explained, the total is %s", out.Explanation.Amount, out.Sum.OrderTotal)
	}
	var walk func(s *price.Step)
	walk = func(s *price.Step) {
		sum := decimal.Zero
		for i := range s.Steps {
			walk(&s.Steps[i])
			if !s.Steps[i].NotApplied {
				sum = sum.Add(decimal.RequireFromString(s.Steps[i].Amount))
			}
		}
		if len(s.Steps) > 0 && !sum.Equal(decimal.RequireFromString(s.Amount)) && slices.ContainsFunc(s.Steps, func(s price.Step) bool { return !s.NotApplied }) {
			t.Errorf("%s is %s, its steps %s", s.Label, s.Amount, sum)
		}
	}
	walk(out.Explanation)
}

func TestExplanationNamesWhatDidNotApply(t *testing.T) {
	t.Parallel()
	cfg := exact("USD")
	cfg.TaxRules = []rate.Rule{
		{Method: rate.State, Match: "CA", Rate: "7.25", Apply: 63, Zone: "CA"},
		{Method: rate.ZipSpan, Match: "92101", Rate: "1", Apply: 63, Zone: "SAN DIEGO"},
	}
	cfg.Coupons = []promotion.Coupon{
		{Code: "TEN", Title: "Ten off"}, {Code: "BIG"}, {Code: "GONE", Disabled: true, Stackable: true}, {Code: "EARLY", Begins: benchNow.Unix() + 1},
		{Code: "LATE", Expires: benchNow.Unix() - 1}, {Code: "STAFF", LimitedUse: true, Stackable: true},
	}
	cfg.RuleLists = []promotion.RuleList{
		{ID: "COUPON-TEN", Rules: []promotion.Rule{{Match: "TRUE", Exec: "SET", Value: "-10%"}}},
		{ID: "COUPON-BIG", Rules: []promotion.Rule{{Match: "SUBTOTAL/GT", MatchValue: "1000", Exec: "SET", Value: "-50"}}},
		{ID: "SHIP-NEVER", Rules: []promotion.Rule{{Match: "TRUE", Exec: "SHIP/DISABLE"}}},
	}
	cfg.ShippingMethods = []quote.Method{
		{ID: "GROUND", Name: "Ground", Region: "US", Handler: quote.Simple, Enabled: true, ItemPrice: "5"},
		{ID: "AIR", Name: "Air", Region: "US", Handler: quote.Simple, Enabled: true, ItemPrice: "15"},
		{ID: "FREE", Name: "Free", Region: "US", Handler: quote.Free, Enabled: true, Total: "100"},
		{ID: "NEVER", Name: "Never", Region: "US", Handler: quote.Simple, Enabled: true, UseRules: true},
	}
	cfg.Handling = quote.Charges{Mode: quote.Merged, PerLine: true, Domestic: quote.AreaCharges{FirstLine: "1.25"}}
	cfg.Insurance = quote.Charges{Mode: quote.Separate, PerLine: true, Domestic: quote.AreaCharges{FirstLine: "0.75"}}
	cfg.PaymentFees = []price.PaymentFee{{Tender: "COD", Amount: "3"}}
	cart := price.Cart{
		Items: []price.Item{{Product: "A", Qty: 2}}, PayBy: "COD", Explain: true, Insurance: true,
		Ship:    price.Destination{Country: "US", Region: "CA", Postal: "92101"},
		Coupons: []string{"gone", "early", "late", "staff", "none", "ten"},
	}
	for _, policy := range []string{price.Exact, price.CommerceRack} {
		cfg.General.Policy = policy
		out := totals(t, cfg, goods(product("A", "20")), cart)
		addUp(t, out)
		text := show(t, out.Explanation)
		for _, want := range []string{
			"no longer available", "not available yet", "has expired", "directly from the SITE", "could not be found",
			"offered at 16.25, not selected", "does not qualify for FREE", "disabled by its rules", "is part of the price of every method",
			"COUPON-TEN", "Surcharge for COD payment", "state or country 7.25, local 1, zone SAN DIEGO", "2 × 20",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in %s", policy, want, text)
			}
		}
	}
	cart.Coupons = []string{"BIG"}
	if text := show(t, totals(t, cfg, goods(product("A", "20")), cart).Explanation); !strings.Contains(text, "its condition SUBTOTAL/GT does not hold") {
		t.Error(text)
	}
	cfg.Schedules = []schedule.Schedule{{ID: "WS"}}
	cart.Schedule = "WS"
	if text := show(t, totals(t, cfg, goods(product("A", "20")), cart).Explanation); !strings.Contains(text, "the schedule allows no coupons") {
		t.Error(text)
	}
}

func TestWhatNoCartCanHaveIsRefused(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]*price.Config{
		"currency": {General: price.General{Policy: price.Exact, Currency: "XXZ"}},
		"policy":   {General: price.General{Policy: "cheap", Currency: "USD"}},
		"rounding": {General: price.General{Policy: price.Exact, Currency: "USD", Rounding: price.Rounding{Mode: "up"}}},
		"filter": {General: price.General{Policy: price.Exact, Currency: "USD"}, RuleLists: []promotion.RuleList{
			{ID: "COUPON-A", Rules: []promotion.Rule{{Match: "TRUE", Filter: "A[", Exec: "SET"}}}}},
		"offer": {General: price.General{Policy: price.Exact, Currency: "USD"}, Offers: []promotion.Offer{{ID: "A", Products: "A["}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := price.Price(cfg, nil, price.Cart{}, benchNow); !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v", err)
			}
			if err := cfg.Validate(); !fault.Is(err, fault.Invalid) {
				t.Errorf("it is valid: %v", err)
			}
		})
	}
	many := price.Cart{Items: []price.Item{{Product: "A", Qty: 1_000_001}, {Raw: &price.Raw{STID: "X", Qty: -1_000_001}}}}
	if _, err := price.Price(exact("USD"), nil, many, benchNow); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "/items/1/qty") {
		t.Errorf("got %v", err)
	}
}
