package schedule

import (
	"regexp"
	"slices"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
)

var idShape = regexp.MustCompile(`^[A-Z0-9_]{1,20}$`)

// The modes of coupons under a schedule.
const (
	noCoupons = 0
	alternate = 2
)

var variables = []string{"BASE", "COST", "SHIP", "MSRP"}

// CheckFormula refuses a formula that cannot be read or that names an unknown
// variable.
func CheckFormula(text string) error {
	formula, err := ParseFormula(text)
	if err != nil {
		return fault.New(fault.Invalid, "%v", err)
	}
	for _, name := range formula.Variables() {
		if !slices.Contains(variables, name) {
			return fault.New(fault.Invalid, "%s is no variable; there are BASE, COST, SHIP and MSRP", name)
		}
	}
	return nil
}

// Validate refuses a schedule that cannot be.
func (s Schedule) Validate() error {
	var f fault.Fields
	f.Check(idShape.MatchString(s.ID), "/id", "must be 1 to 20 capitals and digits")
	f.Check(len(s.Title) <= 80, "/title", "must not exceed 80 characters")
	if s.DiscountFormula != "" || s.DiscountDefault {
		f.Merge("/discount_formula", CheckFormula(s.DiscountFormula))
	}
	if s.Currency != "" {
		_, known := money.Exponent(s.Currency)
		f.Check(known, "/currency", "is no ISO 4217 currency code")
	}
	f.Check(s.PromotionMode >= noCoupons && s.PromotionMode <= alternate, "/promotion_mode", "must be 0, 1 or 2")
	return f.Err()
}
