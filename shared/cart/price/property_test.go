package price_test

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

func drawAmount(t *rapid.T, label string) string {
	return fmt.Sprintf("%d.%02d", rapid.IntRange(0, 500).Draw(t, label), rapid.IntRange(0, 99).Draw(t, label+" cents"))
}

var drawnPercent = rapid.SampledFrom([]string{"0", "1", "7.25", "8.875", "19", "33.333", "50", "100"})

// drawShop returns a shop with coupons and offers, products and a cart.
func drawShop(t *rapid.T, policy string) (*price.Config, map[string]*price.Product, price.Cart) {
	cfg := &price.Config{General: price.General{Policy: policy, Currency: "USD"}}
	if policy == price.Exact {
		cfg.General.Rounding = price.Rounding{
			Mode:  rapid.SampledFrom([]string{"half-up", "half-even", "half-down"}).Draw(t, "mode"),
			Level: rapid.SampledFrom([]string{"unit", "line", "order"}).Draw(t, "level"),
		}
		cfg.General.TaxIncluded = rapid.Bool().Draw(t, "tax included")
	}
	cfg.TaxRules = []rate.Rule{
		{Method: rate.State, Match: "CA", Rate: drawnPercent.Draw(t, "state"), Apply: rapid.IntRange(0, 63).Draw(t, "apply")},
		{Method: rate.ZipSpan, Match: "92000-92199", Rate: drawnPercent.Draw(t, "zip"), Apply: 1},
	}
	cfg.ShippingMethods = []quote.Method{
		{ID: "S", Name: "Simple", Region: "US", Handler: quote.Simple, Enabled: true, ItemPrice: drawAmount(t, "first"), AddPrice: drawAmount(t, "next")},
		{ID: "P", Name: "Price", Region: "US", Handler: quote.Price, Enabled: true, Table: quote.Table{{Upto: "100", Price: "9.95"}, {Upto: "9999999", Price: "%3.5"}}},
	}
	cfg.Handling = quote.Charges{Mode: rapid.IntRange(0, 2).Draw(t, "handling"), PerLine: true, Domestic: quote.AreaCharges{FirstLine: "1.25", NextLine: "0.333"}}
	for i := range rapid.IntRange(0, 3).Draw(t, "coupons") {
		code := fmt.Sprintf("C%d", i)
		cfg.Coupons = append(cfg.Coupons, promotion.Coupon{Code: code, Auto: true, NotTaxable: rapid.Bool().Draw(t, "rebate")})
		cfg.RuleLists = append(cfg.RuleLists, promotion.RuleList{ID: "COUPON-" + code, Rules: []promotion.Rule{{
			Match: "SOME_IN_FILTER", Filter: rapid.SampledFrom([]string{"*", "P1*", "P2,P3"}).Draw(t, "filter"),
			Exec:  rapid.SampledFrom([]string{"SET", "ADD*ONE", "ADD*MATCHITEMS", "ADD*MATCHSKU", "MATCHADD*BOGO", "ADD*EFFECTIVESUBTOTAL"}).Draw(t, "exec"),
			Value: rapid.SampledFrom([]string{"-5", "-10%", "-33.333%", "-0.99", "-500"}).Draw(t, "value"),
		}}})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "offers") {
		cfg.Offers = append(cfg.Offers, promotion.Offer{
			ID: fmt.Sprintf("O%d", i), On: promotion.OnGoods, Products: rapid.SampledFrom([]string{"", "P1*", "P2,P3"}).Draw(t, "products"),
			Kind: rapid.SampledFrom([]string{"percent", "each", "across", "price", "buy_get"}).Draw(t, "kind"), Buy: 2, Get: 1,
			Value: drawnPercent.Draw(t, "off"), MaxPieces: rapid.Int64Range(0, 4).Draw(t, "pieces"),
		})
	}
	products, cart := make(map[string]*price.Product), price.Cart{Ship: price.Destination{Country: "US", Region: "CA", Postal: "92101"}, Explain: true}
	for i := range rapid.IntRange(1, 6).Draw(t, "lines") {
		id := fmt.Sprintf("P%d", i)
		products[id] = &price.Product{ID: id, Name: id, BasePrice: drawAmount(t, "price") + rapid.SampledFrom([]string{"", "5", "49"}).Draw(t, "finer"), Taxable: rapid.Bool().Draw(t, "taxable")}
		cart.Items = append(cart.Items, price.Item{Product: id, Qty: rapid.Int64Range(1, 30).Draw(t, "qty")})
	}
	return cfg, products, cart
}

func priced(t *rapid.T, cfg *price.Config, products map[string]*price.Product, cart price.Cart) price.Totals {
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	out, err := price.Price(cfg, products, cart, benchNow)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPartsMakeTheWhole(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{price.Exact, price.CommerceRack} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				cfg, products, cart := drawShop(r, policy)
				addUp(r, priced(r, cfg, products, cart))
			})
		})
	}
}

func TestTheOrderOfLinesDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg, products, cart := drawShop(t, price.Exact)
		want := priced(t, cfg, products, cart)
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(cart.Items), func(i, j int) {
			cart.Items[i], cart.Items[j] = cart.Items[j], cart.Items[i]
		})
		if got := priced(t, cfg, products, cart); got.Cents != want.Cents {
			t.Fatalf("%+v, in another order %+v", want.Cents, got.Cents)
		}
	})
}

func TestDiscountsNeverRaiseTheGoods(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg, products, cart := drawShop(t, price.Exact)
		with := priced(t, cfg, products, cart)
		cfg.Coupons, cfg.Offers = nil, nil
		without := priced(t, cfg, products, cart)
		if with.Cents.Items > without.Cents.Items || with.Cents.Items < 0 {
			t.Fatalf("goods cost %d, with discounts %d", without.Cents.Items, with.Cents.Items)
		}
	})
}

func TestReplayGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{price.Exact, price.CommerceRack} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				cfg, products, cart := drawShop(t, policy)
				before := bytesOf(t, cfg) + bytesOf(t, products) + bytesOf(t, cart)
				first, second := bytesOf(t, priced(t, cfg, products, cart)), bytesOf(t, priced(t, cfg, products, cart))
				if first != second {
					t.Fatalf("%s\nand then\n%s", first, second)
				}
				if after := bytesOf(t, cfg) + bytesOf(t, products) + bytesOf(t, cart); after != before {
					t.Fatal("the input was changed")
				}
			})
		})
	}
}

func bytesOf(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A million pieces take as long as one.
func TestTheWorkDoesNotDependOnQuantities(t *testing.T) {
	cfg, products, cart := shopOf(price.Exact, 20, 10)
	cfg.Offers = []promotion.Offer{{ID: "O", On: "goods", Kind: "buy_get", Buy: 2, Get: 1, Value: "100"}}
	cfg.Coupons = append(cfg.Coupons, promotion.Coupon{Code: "BOGO", Auto: true})
	cfg.RuleLists = append(cfg.RuleLists, promotion.RuleList{ID: "COUPON-BOGO", Rules: []promotion.Rule{{Match: "SOME_IN_FILTER", Filter: "*", Exec: "MATCHADD*BOGO", Value: "-50%"}}})
	allocations := func(qty int64) float64 {
		for i := range cart.Items {
			cart.Items[i].Qty = qty
		}
		return testing.AllocsPerRun(10, func() {
			if _, err := price.Price(cfg, products, cart, benchNow); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := allocations(3), allocations(900_000); many > 2*few {
		t.Errorf("%v allocations for 3 pieces, %v for 900000", few, many)
	}
}

// FuzzPrice feeds the engine with configurations and carts from anybody: it may
// refuse them, but not panic, and what it prices adds up.
func FuzzPrice(f *testing.F) {
	f.Add(`{"general":{"policy":"exact","currency":"USD"},"rule_lists":[{"id":"COUPON-A","rules":[{"match":"TRUE","exec":"SET","value":"-5%"}]}],"coupons":[{"code":"A","auto":true}]}`,
		`{"P":{"id":"P","base_price":"10","taxable":true}}`, `{"items":[{"product":"P","qty":2}],"ship":{"country":"US"}}`)
	f.Add(`{"general":{"policy":"commercerack","currency":"USD"},"shipping_methods":[{"id":"L","region":"CA","handler":"LOCAL_CANADA","enabled":true,"table":[{"upto":"M[","price":"1|x"}]}]}`,
		`{"P":{"id":"P","base_price":"1e9","options":[{"id":"A0","type":"select","values":[{"id":"00","price":"+%"}]}],"assembly":"P*2,Q*"}}`,
		`{"items":[{"product":"P","qty":-1,"options":{"A0":"00"}},{"raw":{"stid":"*@/:","qty":1,"price":"x"}}],"coupons":["%"],"payment_queue":[{"tender":"GIFTCARD"}]}`)
	f.Fuzz(func(t *testing.T, config, products, cart string) {
		var cfg price.Config
		var goods map[string]*price.Product
		var c price.Cart
		if json.Unmarshal([]byte(config), &cfg) != nil || json.Unmarshal([]byte(products), &goods) != nil || json.Unmarshal([]byte(cart), &c) != nil {
			return // not what is tried here
		}
		for id, p := range goods {
			if p == nil || strings.TrimSpace(id) == "" {
				return
			}
		}
		c.Explain = true
		valid := cfg.Validate() == nil
		out, err := price.Price(&cfg, goods, c, benchNow)
		if err == nil && valid && out.Cents.Order != out.Cents.Items+out.Cents.Shipping+out.Cents.Tax+out.Cents.Insurance+out.Cents.Handling+out.Cents.Special && out.Sum.BndTotal == nil {
			t.Errorf("%+v does not add up", out.Cents)
		}
	})
}
