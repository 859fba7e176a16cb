package price_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog/option"
	"github.com/rackless/rackless/shared/catalog/schedule"
)

func shelf() map[string]*price.Product {
	text := func(s string) *string { return &s }
	sized := []option.Group{{ID: "A0", Prompt: "Size", Type: "select", Inventory: 1, Values: []option.Value{{ID: "00", Prompt: "S"}, {ID: "01", Prompt: "L", Price: "+2"}, {ID: "02", Prompt: "XL"}}}}
	shirt := product("SHIRT", "10")
	shirt.Options = sized
	shirt.SKUs = []price.SKU{
		{ID: "SHIRT:A000", Price: text("9"), Weight: text("1#")}, {ID: "SHIRT:A001", Attributes: map[string]string{"zoovy:schedule_ws": "7", "zoovy:virtual": "GIFTCARD", "zoovy:virtual_ship": "LOCAL"}},
	}
	mug := product("MUG", "10")
	mug.Weight, mug.QtyPrice = "1#", "5=8"
	mug.Attributes = map[string]string{"shop:minqty": "2", "shop:incqty": "3", "shop:maxqty": "9", "zoovy:schedule_ws": "BASE*0.5"}
	pen := product("PEN", "1")
	pen.Options = []option.Group{{ID: "B0", Prompt: "Engraving", Type: "text", FeePerChar: "0.10"}}
	kit := product("KIT", "25")
	kit.Assembly = "MUG*2, PEN,MUG"
	sizedKit := product("SET", "25")
	sizedKit.Options, sizedKit.SKUs = sized, []price.SKU{{ID: "SET:A000", Price: text("20"), Assembly: "SHIRT:A000*1"}}
	m := goods(shirt, mug, pen, kit, sizedKit, product("NONE", ""), product("GIFT", "5"))
	for id, list := range map[string]string{"SELF": "SELF", "LOST": "NOWHERE", "ZERO": "PEN*0", "BARE": "SHIRT"} {
		p := product(id, "5")
		p.Assembly = list
		m[id] = &p
	}
	return m
}

func TestLines(t *testing.T) {
	t.Parallel()
	forced, two, taxed, exempt := "3.33", int64(2), "50", false
	for name, c := range map[string]struct {
		items    []price.Item
		schedule string
		want     string // stid × qty @ price of each line
		problem  string
	}{
		"plain":             {[]price.Item{{Product: "GIFT", Qty: 2}}, "", "GIFT × 2 @ 5", ""},
		"merged":            {[]price.Item{{Product: "GIFT", Qty: 2}, {Product: "GIFT", Qty: 3}}, "", "GIFT × 5 @ 5", ""},
		"merged_forced_qty": {[]price.Item{{Product: "GIFT", Qty: 2}, {Product: "GIFT", Qty: 3, ForceQty: &two}}, "", "GIFT × 2 @ 5", ""},
		"unknown":           {[]price.Item{{Product: "SOFA", Qty: 1}}, "", "", "Product 'SOFA' is not valid"},
		"negative":          {[]price.Item{{Product: "GIFT", Qty: -1}}, "", "", "Negative quantities"},
		"zero":              {[]price.Item{{Product: "GIFT"}}, "", "", "removed from cart"},
		"no_price":          {[]price.Item{{Product: "NONE", Qty: 1}}, "", "", "price not set"},
		"forced_price":      {[]price.Item{{Product: "GIFT", Qty: 1, ForcePrice: &forced}}, "", "GIFT × 1 @ 3.33", ""},
		"limits_min_inc":    {[]price.Item{{Product: "MUG", Qty: 1}}, "", "MUG × 3 @ 10", ""},
		"limits_max_break":  {[]price.Item{{Product: "MUG", Qty: 10}}, "", "MUG × 9 @ 8", ""},
		"schedule":          {[]price.Item{{Product: "MUG", Qty: 3}}, "WS", "MUG × 3 @ 5", ""},
		"sku_price":         {[]price.Item{{Product: "SHIRT", Qty: 1, Options: map[string]string{"A0": "00"}}}, "", "SHIRT:A000 × 1 @ 9", ""},
		"sku_derived":       {[]price.Item{{Product: "SHIRT", Qty: 1, Options: map[string]string{"A0": "01"}}}, "", "SHIRT:A001 × 1 @ 12", ""},
		"sku_schedule":      {[]price.Item{{Product: "SHIRT", Qty: 1, Options: map[string]string{"A0": "01"}}}, "WS", "SHIRT:A001 × 1 @ 7", ""},
		"sku_not_listed":    {[]price.Item{{Product: "SHIRT", Qty: 1, Options: map[string]string{"A0": "02"}}}, "", "SHIRT:A002 × 1 @ 10", ""},
		"option_missing":    {[]price.Item{{Product: "SHIRT", Qty: 1}}, "", "", "was not selected"},
		"texts_never_merge": {[]price.Item{{Product: "PEN", Qty: 1, Options: map[string]string{"B0": "Ann"}}, {Product: "PEN", Qty: 1, Options: map[string]string{"B0": "Bob"}}}, "",
			"PEN/B0##/##00 × 1 @ 1.3; PEN/B0##/##01 × 1 @ 1.3", ""},
		"kit":              {[]price.Item{{Product: "KIT", Qty: 2}}, "", "KIT × 2 @ 25; KIT@MUG × 6 @ 0; KIT@PEN/B0 × 2 @ 0", ""},
		"kit_twice":        {[]price.Item{{Product: "KIT", Qty: 1}, {Product: "KIT", Qty: 1}}, "", "KIT × 2 @ 25; KIT@MUG × 6 @ 0; KIT@PEN/B0 × 2 @ 0", ""},
		"kit_of_sku":       {[]price.Item{{Product: "SET", Qty: 1, Options: map[string]string{"A0": "00"}}}, "", "SET:A000 × 1 @ 20; SET:A000@SHIRT:A000 × 1 @ 0", ""},
		"kit_of_itself":    {[]price.Item{{Product: "SELF", Qty: 1}}, "", "", "cannot reference itself"},
		"kit_part_lost":    {[]price.Item{{Product: "LOST", Qty: 1}}, "", "", "could not be loaded"},
		"kit_part_zero":    {[]price.Item{{Product: "ZERO", Qty: 1}}, "", "", "Detected invalid quantity"},
		"kit_part_refused": {[]price.Item{{Product: "BARE", Qty: 1}}, "", "", "was not selected"},
		"raw":              {[]price.Item{{Raw: &price.Raw{STID: "!adj", Description: "Adjustment", Qty: -1, Price: "2.50", TaxRate: &taxed, Taxable: &exempt}}}, "", "!adj × -1 @ 2.5", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := exact("USD")
			cfg.General.Namespace = "shop"
			cfg.Schedules = []schedule.Schedule{{ID: "WS"}}
			products := shelf()
			for id, p := range products {
				if err := p.Validate(); err != nil {
					t.Fatalf("%s: %v", id, err)
				}
			}
			out := totals(t, cfg, products, price.Cart{Items: c.items, Schedule: c.schedule})
			var lines []string
			for _, l := range out.Lines {
				lines = append(lines, fmt.Sprintf("%s × %d @ %s", l.STID, l.Qty, l.Price))
			}
			if got := strings.Join(lines, "; "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if got := strings.Join(out.Errors, "; "); !strings.Contains(got, c.problem) || (got == "") != (c.problem == "") {
				t.Errorf("problems %q, want %q", got, c.problem)
			}
		})
	}
}

func TestALineWithTextIsAddedAHundredTimes(t *testing.T) {
	t.Parallel()
	items := make([]price.Item, 101)
	for i := range items {
		items[i] = price.Item{Product: "PEN", Qty: 1, Options: map[string]string{"B0": "Ann"}}
	}
	out := totals(t, exact("USD"), shelf(), price.Cart{Items: items})
	if len(out.Lines) != 100 || len(out.Errors) != 1 || !strings.Contains(out.Errors[0], "99 max") {
		t.Errorf("%d lines, %v", len(out.Lines), out.Errors)
	}
}

func TestSectionsAreValidated(t *testing.T) {
	t.Parallel()
	for text, g := range map[string]price.General{
		"/currency":       {Policy: price.CommerceRack, Currency: "JPY"},
		"/rounding":       {Policy: price.CommerceRack, Currency: "USD", Rounding: price.Rounding{Mode: "half-up"}},
		"/tax_included":   {Policy: price.CommerceRack, Currency: "USD", TaxIncluded: true},
		"/policy":         {Currency: "USD"},
		"/namespace":      {Policy: price.Exact, Namespace: "A B"},
		"/rounding/level": {Policy: price.Exact, Rounding: price.Rounding{Level: "house"}},
		"/rounding/mode":  {Policy: price.Exact, Rounding: price.Rounding{Mode: "up"}},
	} {
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), text+":") {
			t.Errorf("%s is not refused: %v", text, err)
		}
	}
	if err := (price.PaymentFee{Tender: "CASH", Amount: "x"}).Validate(); err == nil || !strings.Contains(err.Error(), "/tender") || !strings.Contains(err.Error(), "/amount") {
		t.Error(err)
	}
	x := "x"
	bad := price.Product{BasePrice: "x", Cost: "x", MSRP: "x", Weight: "x", Options: []option.Group{{ID: "ABC", FeePerChar: "x", Values: []option.Value{{ID: "0", Price: "x", Weight: "x"}}}}, SKUs: []price.SKU{{Price: &x, Weight: &x}}}
	err := bad.Validate()
	for _, path := range []string{"/base_price", "/cost", "/msrp", "/weight", "/options/0/id", "/options/0/fee_per_char", "/options/0/values/0/id", "/options/0/values/0/price", "/options/0/values/0/weight", "/skus/0/id", "/skus/0/price", "/skus/0/weight"} {
		if err == nil || !strings.Contains(err.Error(), path+":") {
			t.Errorf("%s is not refused: %v", path, err)
		}
	}
}
