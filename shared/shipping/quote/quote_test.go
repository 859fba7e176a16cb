package quote_test

import (
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
)

var exact = perlnum.Exact(perlnum.HalfUp, 2)

// offer quotes two pieces at 20.00 and 24 ounces and one at 5.00 without weight.
func offer(t *testing.T, change func(in *quote.Input), methods ...quote.Method) quote.Offer {
	t.Helper()
	in := &quote.Input{
		Methods: methods, Handling: &quote.Charges{}, Insurance: &quote.Charges{}, Rules: func(string) []promotion.Compiled { return nil },
		Facts: &promotion.Facts{
			Lines: []line.Line{
				{STID: "MUG", SKU: "MUG", Product: "MUG", Qty: 2, Price: exact.Parse("20"), Weight: exact.Int(24)},
				{STID: "PEN:A000/B001", SKU: "PEN", Product: "PEN", Qty: 1, Price: exact.Parse("5"), Weight: exact.Int(0), Attributes: map[string]string{"zoovy:ship_handling": "0.75"}},
			},
			Country: "US", Region: "CA", Postal: "92101", Shipping: exact.Int(0), Weight: exact.Int(48),
		},
		Product: func(id string) map[string]string {
			return map[string]map[string]string{"MUG": {"zoovy:ship_cost1": "4", "zoovy:ship_cost2": "1"}, "PEN": {"zoovy:ship_cost1": "2", "zoovy:ship_cost2": "0.5"}}[id]
		},
	}
	if change != nil {
		change(in)
	}
	for _, m := range methods {
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	return quote.Quote(exact, in)
}

func method(handler string) quote.Method {
	return quote.Method{ID: "M", Name: "Method", Carrier: "SLOW", Region: "US", Handler: handler, Enabled: true}
}

func TestHandlers(t *testing.T) {
	t.Parallel()
	table := quote.Table{{Upto: "16", Price: "3"}, {Upto: "100", Price: "%10"}}
	for name, c := range map[string]struct {
		change func(m *quote.Method)
		kind   string
		to     func(in *quote.Input)
		want   string
	}{
		"simple":        {func(m *quote.Method) { m.ItemPrice, m.AddPrice = "$5", "1.25" }, quote.Simple, nil, "7.5"},
		"free":          {func(m *quote.Method) { m.Total = "45" }, quote.Free, nil, "0"},
		"not_free":      {func(m *quote.Method) { m.Total = "45.01" }, quote.Free, nil, ""},
		"weight":        {func(m *quote.Method) { m.Table = quote.Table{{Upto: "100", Price: "9"}, {Upto: "48", Price: "7"}} }, quote.Weight, nil, "7"},
		"too_heavy":     {func(m *quote.Method) { m.Table = quote.Table{{Upto: "47", Price: "7"}} }, quote.Weight, nil, ""},
		"too_light":     {func(m *quote.Method) { m.MinWeight, m.Table = "3#1", quote.Table{{Upto: "100", Price: "7"}} }, quote.Weight, nil, ""},
		"price_percent": {func(m *quote.Method) { m.Table = table }, quote.Price, nil, "4.5"},
		"price_least":   {func(m *quote.Method) { m.MinPrice, m.Table = "46", table }, quote.Price, nil, ""},
		"fixed":         {func(*quote.Method) {}, quote.Fixed, nil, "5.5"},
		"local":         {func(m *quote.Method) { m.Table = quote.Table{{Upto: "92000-92199", Price: "2"}} }, quote.Local, nil, "2"},
		"not_local":     {func(m *quote.Method) { m.Table = quote.Table{{Upto: "10000-10999", Price: "2"}} }, quote.Local, nil, ""},
		"canada": {func(m *quote.Method) {
			m.Region, m.Table = "CA", quote.Table{{Upto: "M", Price: "3"}, {Upto: "M5", Price: "4|ring twice"}}
		}, quote.LocalCanada, func(in *quote.Input) { in.Facts.Country, in.Facts.Postal = "CA", "m5v 2t6" }, "4"},
		"disabled": {func(m *quote.Method) { m.Enabled = false }, quote.Simple, nil, ""},
		"region":   {func(m *quote.Method) { m.Region = "INT" }, quote.Simple, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := method(c.kind)
			c.change(&m)
			got := ""
			if o := offer(t, c.to, m); len(o.Rates) == 1 && o.Rates[0].Carrier != "ERR" {
				got = o.Rates[0].Amount.String()
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestNothingIsOffered(t *testing.T) {
	t.Parallel()
	m := method(quote.Simple)
	if o := offer(t, func(in *quote.Input) { in.Facts.Lines = nil }, m); len(o.Rates) != 0 {
		t.Error("an empty cart is shipped")
	}
	if o := offer(t, func(in *quote.Input) { in.Facts.Postal = "" }, m); len(o.Rates) != 0 {
		t.Error("it is shipped nowhere")
	}
	if o := offer(t, func(in *quote.Input) { in.Facts.Postal, in.QuoteWithoutPostal = "", true }, m); len(o.Rates) != 1 {
		t.Error("nothing is quoted without postal code")
	}
}

func TestPackages(t *testing.T) {
	t.Parallel()
	m := method(quote.Simple)
	m.ItemPrice = "5"
	for virtual, want := range map[string]string{
		"FIXEDPRICE:3": "Shipping 11", "FIXEDPRICE:0": "Shipping 5", "SUPPLIER:ACME": "Method 5", "GIFTCARD": "Shipping 5", "ODD": "Shipping 5",
	} {
		o := offer(t, func(in *quote.Input) { in.Facts.Lines[1].Virtual = virtual }, m)
		if got := o.Rates[0].Name + " " + o.Rates[0].Amount.String(); got != want {
			t.Errorf("%s: %s, want %s", virtual, got, want)
		}
	}
}

func TestChargesAreMergedOrSeparate(t *testing.T) {
	t.Parallel()
	m := method(quote.Simple)
	m.ItemPrice = "5"
	charges := func(mode int) *quote.Charges {
		return &quote.Charges{Mode: mode, PerLine: true, PerProduct: true, ByWeight: true, ByPrice: true, Domestic: quote.AreaCharges{
			FirstLine: "1", NextLine: "0.50", Weight: quote.Table{{Upto: "1000", Price: "0.10"}}, Price: quote.Table{{Upto: "any", Price: "9"}, {Upto: "100", Price: "0.20"}},
		}}
	}
	merged := offer(t, func(in *quote.Input) { in.Handling = charges(quote.Merged) }, m)
	if got := merged.Rates[0]; got.Amount.String() != "7.35" || got.Handling == nil || merged.Handling != nil {
		t.Errorf("%s with handling %v", got.Amount, got.Handling)
	}
	separate := offer(t, func(in *quote.Input) { in.Handling, in.Insurance = charges(quote.Separate), charges(quote.Separate) }, m)
	if separate.Rates[0].Amount.String() != "5" || separate.Handling == nil || separate.Insurance == nil {
		t.Errorf("%+v", separate)
	}
	optional := offer(t, func(in *quote.Input) {
		in.Insurance = charges(quote.Separate)
		in.Insurance.Optional = true
	}, m)
	if optional.InsuranceQuote == nil || optional.Insurance != nil && !optional.Insurance.IsZero() {
		t.Errorf("optional insurance is charged: %+v", optional)
	}
}

func TestRulesChangeAPrice(t *testing.T) {
	t.Parallel()
	f := &promotion.Facts{Lines: []line.Line{{STID: "MUG", Qty: 3, Price: exact.Int(10)}, {STID: "LAMP", Qty: 1, Price: exact.Int(5)}}, Schedule: "WS"}
	for text, want := range map[string]string{
		"SHIP/ADD-VALUE|+1": "9", "SHIP/ADD-VALUE|-50%": "4", "SHIP/SET-VALUE|$2.50": "2.5", "SHIP/ADD-VALUE-MATCH-ITEM|1": "11",
		"SHIP/ADD-VALUE-MATCH-SKU|1": "9", "SHIP/ADD-VALUE-COUNT-ITEM|1": "12", "SHIP/ADD-VALUE-COUNT-ITEM-MINUS-ONE|1": "10",
		"SHIP/ADD-VALUE-COUNT-ITEM-MINUS-ONE|10%": "9.6", "SHIP/ADD-PERCENT-MATCH|10%": "11", "SHIP/ADD-PERCENT-SUBTOTAL|10%": "11.5",
		"SHIP/DISABLE|": "", "STOP|": "8", "UNKNOWN|1": "8",
	} {
		exec, value, _ := strings.Cut(text, "|")
		for schedule, runs := range map[string]bool{"": true, "WS": true, "*": true, "WT": false} {
			c, err := promotion.Compile(promotion.Rule{Match: "SOME_IN_FILTER", Filter: "MUG", Exec: exec, Value: value, Schedule: schedule})
			if err != nil {
				t.Fatal(err)
			}
			price, ok := quote.RunRules(exact, []promotion.Compiled{c}, f, exact.Int(8), line.All)
			got, expected := "", want
			if ok {
				got = price.String()
			}
			if !runs {
				expected = "8"
			}
			if got != expected {
				t.Errorf("%s for schedule %q: %q, want %q", text, schedule, got, expected)
			}
		}
	}
}

func TestMethodsAreValidated(t *testing.T) {
	t.Parallel()
	good := method(quote.Weight)
	for path, change := range map[string]func(m *quote.Method){
		"/id": func(m *quote.Method) { m.ID = " M" }, "/name": func(m *quote.Method) { m.Name = "" }, "/carrier": func(m *quote.Method) { m.Carrier = "U P S" },
		"/region": func(m *quote.Method) { m.Region = "EU" }, "/handler": func(m *quote.Method) { m.Handler = "DRONE" }, "/item_price": func(m *quote.Method) { m.ItemPrice = "x" },
		"/add_price": func(m *quote.Method) { m.AddPrice = "1x" }, "/total": func(m *quote.Method) { m.Total = "x" }, "/min_price": func(m *quote.Method) { m.MinPrice = "x" },
		"/min_weight":    func(m *quote.Method) { m.MinWeight = "x" },
		"/table/0/upto":  func(m *quote.Method) { m.Table = quote.Table{{Upto: "x", Price: "1"}} },
		"/table/1/price": func(m *quote.Method) { m.Table = quote.Table{{Upto: "1", Price: "1"}, {Upto: "2", Price: "1.2.3"}} },
		"/table":         func(m *quote.Method) { m.Table = make(quote.Table, 1001) },
	} {
		bad := good
		change(&bad)
		if err := bad.Validate(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "; "+path+":") {
			t.Errorf("%s is not refused: %v", path, err)
		}
	}
	for _, m := range []quote.Method{
		{ID: "M", Name: "M", Region: "US", Handler: quote.Local, Table: quote.Table{{Upto: "92101", Price: "1"}}},
		{ID: "M", Name: "M", Region: "CA", Handler: quote.LocalCanada, Table: quote.Table{{Upto: "M[", Price: "1"}}},
	} {
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), "/table/0/upto") {
			t.Errorf("%s: %v", m.Handler, err)
		}
	}
	err := quote.Charges{Mode: 3, Canada: quote.AreaCharges{FirstLine: "x", NextLine: "x", Weight: quote.Table{{Upto: "", Price: "1"}}, Price: quote.Table{{Upto: "1", Price: "x"}}}}.Validate()
	for _, path := range []string{"/mode", "/canada/first_line", "/canada/next_line", "/canada/weight/0/upto", "/canada/price/0/price"} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not refused: %v", path, err)
		}
	}
}

// FuzzTable: any table either is refused or prices without failing.
func FuzzTable(f *testing.F) {
	f.Add("WEIGHT", "16", "3", "100", "7")
	f.Add("LOCAL_CANADA", "M[", "3|x", "(", "")
	f.Add("LOCAL", "1-2-3", "3", "-", "%")
	f.Fuzz(func(t *testing.T, handler, upto1, price1, upto2, price2 string) {
		m := method(handler)
		m.Table = quote.Table{{Upto: upto1, Price: price1}, {Upto: upto2, Price: price2}}
		_ = m.Validate()
		in := &quote.Input{
			Methods: []quote.Method{m}, Handling: &quote.Charges{}, Insurance: &quote.Charges{}, Rules: func(string) []promotion.Compiled { return nil },
			Facts:   &promotion.Facts{Lines: []line.Line{{STID: "A", Qty: 1, Price: exact.Int(5), Weight: exact.Int(5)}}, Country: "US", Postal: "92101"},
			Product: func(string) map[string]string { return nil },
		}
		if o := quote.Quote(exact, in); len(o.Rates) != 1 {
			t.Errorf("%d rates", len(o.Rates))
		}
	})
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"california|": "CA", " ca|": "CA", "|": "", "Atlantis|": "Atlantis", "Ontario|Canada": "ON", "|Canada": "", "Nowhere|Canada": "Nowhere", "Bayern|Germany": "Bayern",
	} {
		state, country, _ := strings.Cut(text, "|")
		if got := quote.NormalState(state, country); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"92101|": "92101", "92101 1234|US": "92101-1234", "9210|US": "9210", "sw1a1aa|UK": "SW1A 1AA", "m5v2t6|CA": "M5V 2T6", "M5|Canada": "M5",
		"10 115|Germany": "10115", " 1010|Austria": "1010", "??|UK": "",
	} {
		zip, country, _ := strings.Cut(text, "|")
		if got := quote.NormalPostal(zip, country); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]bool{"P.O. Box 12|CA": true, "1 Main St|CA": false, "1 Main St|AE": true, "|AE": false, "P.O. Box 12|": false} {
		address, region, _ := strings.Cut(text, "|")
		if got := quote.PostOnly(address, region); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if !quote.ZipInRanges(exact, "92101", "10000-10999,92000-92199") || quote.ZipInRanges(exact, "92101", ",93000-94000") {
		t.Error("a zip is in the wrong range")
	}
	if !quote.USState("CA") || quote.USState("ON") {
		t.Error("a state is none")
	}
}

func TestTheOfferIsSortedAndExplained(t *testing.T) {
	t.Parallel()
	pickup, fast, slow, negative, never := method(quote.Simple), method(quote.Simple), method(quote.Simple), method(quote.Simple), method(quote.Simple)
	pickup.ID, pickup.Carrier, pickup.ItemPrice = "PICKUP", "CPU", "0"
	fast.ID, fast.Carrier, fast.ItemPrice = "FAST", "FAST", "20"
	slow.ID, slow.Carrier, slow.ItemPrice = "SLOW", "", "5"
	negative.ID, negative.ItemPrice, negative.UseRules = "NEG", "1", true
	never.ID, never.UseRules = "NEVER", true
	rules := func(id string) []promotion.Compiled {
		rule := promotion.Rule{Match: "TRUE", Exec: "SHIP/ADD-VALUE", Value: "-3"}
		if id == "SHIP-NEVER" {
			rule.Exec = "SHIP/DISABLE"
		}
		c, err := promotion.Compile(rule)
		if err != nil {
			t.Error(err)
		}
		return []promotion.Compiled{c}
	}
	o := offer(t, func(in *quote.Input) { in.Rules = rules }, pickup, fast, slow, negative, never)
	var got []string
	for _, r := range o.Rates {
		got = append(got, r.ID+" "+r.Carrier+" "+r.Amount.String())
	}
	if want := "NEG SLOW 0; SLOW SLOW 5; FAST FAST 20; PICKUP CPU 0"; strings.Join(got, "; ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	if len(o.Rejected) != 1 || o.Rejected[0].ID != "NEVER" || !o.Rates[0].Defaultable() || o.Rates[3].Defaultable() {
		t.Errorf("%+v", o)
	}
	free := offer(t, func(in *quote.Input) { in.Rules, in.RulesOff = rules, true }, never)
	if len(free.Rates) != 1 || len(free.Rejected) != 0 {
		t.Errorf("rules run for a schedule that has none: %+v", free)
	}
}

func TestChargesByArea(t *testing.T) {
	t.Parallel()
	c := quote.Charges{
		PerLine: true, ByWeight: true, Domestic: quote.AreaCharges{FirstLine: "1"}, Canada: quote.AreaCharges{FirstLine: "2"},
		Elsewhere: quote.AreaCharges{FirstLine: "3", Weight: quote.Table{{Upto: "1000", Price: "0.5"}}},
	}
	lines := []line.Line{{STID: "A", Qty: 2, Price: exact.Int(1), Weight: exact.Int(1)}}
	for country, want := range map[string]string{"": "1", "US": "1", "CA": "2", "DE": "3.5"} {
		if got := c.Amount(exact, quote.Area(country), quote.HandlingAttribute, lines).String(); got != want {
			t.Errorf("%s: %s, want %s", country, got, want)
		}
		if got := c.Amount(exact, quote.Area(country), quote.HandlingAttribute, nil).String(); got != "0" && country != "DE" {
			t.Errorf("%s: %s for nothing", country, got)
		}
	}
}

func TestFixedPrices(t *testing.T) {
	t.Parallel()
	attributes := map[string]map[string]string{
		"A": {"one": "4", "two": "1"}, "B": {"one": "4", "two": "0.5"}, "C": {"one": "1", "two": "1", "zoovy:ship_markup": "0.25"},
	}
	product := func(id string) map[string]string { return attributes[id] }
	lines := []*line.Line{{STID: "A", Qty: 2}, {STID: "B:A000/B001", Qty: 2}, {STID: "77*C", Qty: 3}, {STID: "%SAVE", Qty: 1}}
	if got := quote.FixedPrice(exact, lines, product, "one", "two").String(); got != "10.25" {
		t.Errorf("%s, want 4 + 2×1 + 1×0.5 + 3×1 + 3×0.25", got)
	}
	if got := quote.FixedPrice(exact, nil, product, "one", "two"); !got.IsZero() {
		t.Errorf("%s for nothing", got)
	}
	if got := quote.ProductID("KIT@77*C:A000/B001"); got != "C" {
		t.Error(got)
	}
}
