package demo

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/oracle"
	"github.com/rackless/rackless/shared/shop"
)

// bodies are the requests that make of a shop, its products and a cart what was
// recorded.
type bodies struct {
	shop     map[string]any // every section, so that nothing of the case before is left
	products catalog.UpsertInput
	cart     cart.CreateInput
}

func bodiesOf(input json.RawMessage) (b bodies, err error) {
	cfg, products, content, err := oracle.Cart(input)
	if err != nil {
		return b, err
	}
	b.shop = map[string]any{
		"general": cfg.General, "handling": cfg.Handling, "insurance": cfg.Insurance,
		"tax_rules": whole(cfg.TaxRules), "shipping_methods": whole(cfg.ShippingMethods), "rule_lists": whole(cfg.RuleLists),
		"coupons": whole(cfg.Coupons), "payment_fees": whole(cfg.PaymentFees), "schedules": whole(cfg.Schedules),
		"payment_methods": methods(),
	}
	var cards []shop.GiftCardInput
	for i, t := range content.PaymentQueue {
		if t.Balance != nil {
			cards = append(cards, shop.GiftCardInput{Code: t.Code, Balance: *t.Balance})
			content.PaymentQueue[i].Balance = nil // the shop knows it
		}
	}
	if len(cards) > 0 {
		b.shop["gift_cards"] = cards
	}
	for _, p := range products {
		b.products.Products = append(b.products.Products, catalog.ProductInput{Product: *p})
	}
	slices.SortFunc(b.products.Products, func(x, y catalog.ProductInput) int { return strings.Compare(x.ID, y.ID) })
	b.cart.Fields = fields(content)
	return b, nil
}

// whole returns a list that is sent even if it is empty.
func whole[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// fields returns what is set on a cart to make it the recorded one. What only
// staff may dictate is sent where the record has it.
func fields(c price.Cart) cart.Fields {
	email := "demo@example.com"
	f := cart.Fields{
		Items: &c.Items, Email: &email, Ship: &c.Ship, Coupons: &c.Coupons, ShippingID: &c.ShippingID, PayBy: &c.PayBy,
		Insurance: &c.Insurance, Referrer: &c.Referrer, PaymentQueue: &c.PaymentQueue,
	}
	if c.Schedule != "" || c.TaxExempt || c.IPAddress != "" || c.MultiVarSite != "" || c.Payments != nil || c.OrderID != "" || c.Marketplace || c.Surcharges != nil {
		f.Admin = &cart.AdminFields{
			Schedule: &c.Schedule, TaxExempt: &c.TaxExempt, IPAddress: &c.IPAddress, MultiVarSite: &c.MultiVarSite,
			Payments: &c.Payments, OrderID: &c.OrderID, Marketplace: &c.Marketplace, Surcharges: &c.Surcharges,
		}
	}
	return f
}

// methods are the ways to pay: cards through the test gateway, and all that is
// paid to a person.
func methods() []shop.PaymentMethod {
	all := []shop.PaymentMethod{{Tender: "CREDIT", Gateway: "test", Capture: shop.OnConfirm, Enabled: true}}
	for _, tender := range []string{"CASH", "CHECK", "CHKOD", "COD", "MO", "PO", "WIRE"} {
		all = append(all, shop.PaymentMethod{Tender: tender, Capture: shop.Manual, Enabled: true})
	}
	return all
}
