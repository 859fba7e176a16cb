// Package promotion is the rule language that coupons and shipping methods
// share (does a rule match a cart?) and what a coupon then does to its discount
// line. It is a pure core under cart/price.
package promotion

// Rule is one row of a rule list (CommerceRack cart specification, §7.5, §10).
type Rule struct {
	Name       string `json:"name,omitempty"`
	Match      string `json:"match"`                 // what is tested, e.g. SUBTOTAL/GT
	Filter     string `json:"filter,omitempty"`      // products, regions or a number, depending on Match
	MatchValue string `json:"match_value,omitempty"` // the number to compare with
	Exec       string `json:"exec"`                  // what is done on a match, e.g. SET or SHIP/ADD-VALUE
	Value      string `json:"value,omitempty"`       // a price modifier: -10%, +1.50, =5
	Schedule   string `json:"schedule,omitempty"`    // shipping rules only: runs for this schedule, * for any
}

// RuleList is a list of rules with its id: SHIP-<method id>, SHIP-HANDLING,
// SHIP-INSURANCE or COUPON-<code>. Rules run in order.
type RuleList struct {
	ID    string `json:"id"`
	Rules []Rule `json:"rules"`
}

// Coupon is a discount code, or a discount that applies by itself (Auto). What
// it does is in the rule list COUPON-<Code>.
type Coupon struct {
	Code       string `json:"code"` // upper case
	Title      string `json:"title,omitempty"`
	NotTaxable bool   `json:"not_taxable,omitempty"` // a rebate: it leaves the taxable base alone
	Stackable  bool   `json:"stackable,omitempty"`
	Auto       bool   `json:"auto,omitempty"`
	Begins     int64  `json:"begins,omitempty"`  // Unix seconds, 0 for always
	Expires    int64  `json:"expires,omitempty"` // Unix seconds, 0 for never
	Disabled   bool   `json:"disabled,omitempty"`
	LimitedUse bool   `json:"limited_use,omitempty"` // cannot be entered by a shopper
}
