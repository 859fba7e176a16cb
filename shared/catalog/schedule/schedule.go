// Package schedule calculates wholesale prices (formulas per price schedule)
// and quantity prices. It is a pure core under cart/price.
package schedule

// Schedule is a wholesale price list (CommerceRack cart specification, §3.1).
type Schedule struct {
	ID              string `json:"id"` // upper case
	Title           string `json:"title,omitempty"`
	DiscountDefault bool   `json:"discount_default,omitempty"` // use DiscountFormula for products without a price of their own
	DiscountFormula string `json:"discount_formula,omitempty"`
	Currency        string `json:"currency,omitempty"`
	PromotionMode   int    `json:"promotion_mode"` // 0 no coupons, 1 as for everybody, 2 alternate
	ShippingRules   bool   `json:"shipping_rules"` // false: shipping rules do not run
}
