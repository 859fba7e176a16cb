package price_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

var benchNow = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// shopOf returns a shop with promotions automatic promotions and a cart of
// lines lines.
func shopOf(policy string, lines, promotions int) (*price.Config, map[string]*price.Product, price.Cart) {
	cfg := &price.Config{
		General: price.General{Policy: policy, Currency: "USD"},
		TaxRules: []rate.Rule{
			{Method: rate.State, Match: "CA", Rate: "7.25", Apply: rate.ApplyItems | rate.ApplyShipping},
			{Method: rate.ZipSpan, Match: "92000-92199", Rate: "0.5", Apply: rate.ApplyItems},
		},
		ShippingMethods: []quote.Method{
			{ID: "GROUND", Name: "Ground", Carrier: "SLOW", Region: "US", Handler: quote.Simple, Enabled: true, ItemPrice: "4.95", AddPrice: "0.25"},
			{ID: "AIR", Name: "Air", Carrier: "FAST", Region: "US", Handler: quote.Price, Enabled: true,
				Table: quote.Table{{Upto: "50", Price: "9.95"}, {Upto: "100000", Price: "19.95"}}},
		},
	}
	for i := range promotions {
		code := fmt.Sprintf("P%03d", i)
		cfg.Coupons = append(cfg.Coupons, promotion.Coupon{Code: code, Title: "Promotion " + code, Auto: true, Stackable: true})
		cfg.RuleLists = append(cfg.RuleLists, promotion.RuleList{ID: "COUPON-" + code, Rules: []promotion.Rule{
			{Match: "SOME_IN_FILTER", Filter: fmt.Sprintf("SKU%d*,X%d*", i%10, i), Exec: "ADD*MATCHITEMS", Value: "-1%"},
		}})
	}
	products := make(map[string]*price.Product, lines)
	cart := price.Cart{Ship: price.Destination{Country: "US", Region: "CA", City: "San Diego", Postal: "92101"}}
	for i := range lines {
		id := fmt.Sprintf("SKU%d", i)
		products[id] = &price.Product{ID: id, Name: "Product " + id, BasePrice: fmt.Sprintf("%d.%02d", 5+i%40, i%100), Weight: "12", Taxable: i%5 != 0}
		cart.Items = append(cart.Items, price.Item{Product: id, Qty: int64(1 + i%7)})
	}
	return cfg, products, cart
}

// go test -bench Price -benchmem ./shared/cart/price
func BenchmarkPrice(b *testing.B) {
	for _, policy := range []string{price.CommerceRack, price.Exact} {
		for _, size := range [][2]int{{1, 0}, {10, 5}, {50, 20}, {100, 20}, {200, 50}, {400, 50}} {
			b.Run(fmt.Sprintf("%s/%dx%d", policy, size[0], size[1]), func(b *testing.B) {
				cfg, products, cart := shopOf(policy, size[0], size[1])
				b.ReportAllocs()
				for b.Loop() {
					if _, err := price.Price(cfg, products, cart, benchNow); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
