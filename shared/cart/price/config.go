package price

import (
	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

// The policies.
const (
	CommerceRack = "commercerack" // the cents of the CommerceRack original
	Exact        = "exact"        // decimals, rounded where the shop says
)

// Config is what a shop has configured that matters for prices. Every field is
// a section that shop-configure accepts and stores by itself; a section that is
// stored is valid (see Validate).
type Config struct {
	General         General              `json:"general"`
	TaxRules        []rate.Rule          `json:"tax_rules,omitempty"`
	ShippingMethods []quote.Method       `json:"shipping_methods,omitempty"`
	RuleLists       []promotion.RuleList `json:"rule_lists,omitempty"`
	Coupons         []promotion.Coupon   `json:"coupons,omitempty"`
	Offers          []promotion.Offer    `json:"offers,omitempty"`
	Handling        quote.Charges        `json:"handling"`
	Insurance       quote.Charges        `json:"insurance"`
	PaymentFees     []PaymentFee         `json:"payment_fees,omitempty"`
	Schedules       []schedule.Schedule  `json:"schedules,omitempty"`
	VAT             *rate.VAT            `json:"vat,omitempty"` // in place of TaxRules; exact only
}

// General is the section of single settings.
type General struct {
	Policy             string   `json:"policy"`              // commercerack or exact
	Currency           string   `json:"currency"`            // ISO 4217; commercerack knows two decimals only
	Namespace          string   `json:"namespace,omitempty"` // the merchant's own attributes: <namespace>:minqty
	QuoteWithoutPostal bool     `json:"quote_without_postal,omitempty"`
	Rounding           Rounding `json:"rounding"`     // exact only
	TaxIncluded        bool     `json:"tax_included"` // exact only: product prices contain the tax
}

// Rounding says how and where the exact policy rounds to the currency's
// smallest unit.
type Rounding struct {
	Mode  string `json:"mode,omitempty"`  // half-even, half-up (the default) or half-down
	Level string `json:"level,omitempty"` // unit, line (the default) or order
}

// PaymentFee is a surcharge for paying with a tender. CommerceRack charges it
// for COD, CHKOD, CHECK and WIRE (cart specification, §9).
type PaymentFee struct {
	Tender string `json:"tender"`
	Amount string `json:"amount"`
}
