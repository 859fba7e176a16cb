package price

import (
	"fmt"
	"regexp"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/perlnum"
)

// maxQty bounds a line's pieces, so that no sum leaves the range of whole
// cents.
const maxQty = 1_000_000

// validate refuses what no cart can have.
func (c *Cart) validate() error {
	var f fault.Fields
	for i := range c.Items {
		it := &c.Items[i]
		qty := it.Qty
		if it.Raw != nil {
			qty = it.Raw.Qty
		}
		f.Check(qty >= -maxQty && qty <= maxQty, path("/items", i, "/qty"), "must be at most %d", maxQty)
	}
	return f.Err()
}

func path(list string, i int, field string) string { return fmt.Sprintf("%s/%d%s", list, i, field) }

var namespaceShape = regexp.MustCompile(`^[a-z0-9]{0,20}$`)

// Validate refuses settings that do not go together.
func (g General) Validate() error {
	var f fault.Fields
	exponent, known := money.Exponent(g.Currency)
	f.Check(known || g.Currency == "", "/currency", "is no ISO 4217 currency code")
	f.Check(namespaceShape.MatchString(g.Namespace), "/namespace", "must be up to 20 small letters and digits")
	_, mode := roundingModes[g.Rounding.Mode]
	f.Check(mode, "/rounding/mode", "must be half-up, half-even or half-down")
	_, level := roundingLevels[g.Rounding.Level]
	f.Check(level, "/rounding/level", "must be unit, line or order")
	switch g.Policy {
	case CommerceRack:
		f.Check(!known || exponent == 2, "/currency", "must have two decimals under the policy commercerack")
		f.Check(g.Rounding == Rounding{}, "/rounding", "can only be chosen under the policy exact")
		f.Check(!g.TaxIncluded, "/tax_included", "is possible under the policy exact only")
	case Exact:
	default:
		f.Add("/policy", "must be commercerack or exact")
	}
	return f.Err()
}

// Validate refuses a fee that is never charged.
func (p PaymentFee) Validate() error {
	var f fault.Fields
	f.Check(feeTitles[p.Tender] != "", "/tender", "must be COD, CHKOD, CHECK or WIRE")
	f.Merge("/amount", perlnum.CheckAmount(p.Amount))
	return f.Err()
}

// Validate refuses a configuration of which a section is invalid. That lists
// name no key twice is for those to see who store them.
func (c Config) Validate() error {
	var f fault.Fields
	f.Merge("/general", c.General.Validate())
	f.Merge("/handling", c.Handling.Validate())
	f.Merge("/insurance", c.Insurance.Validate())
	section(&f, "/tax_rules", c.TaxRules)
	section(&f, "/shipping_methods", c.ShippingMethods)
	section(&f, "/rule_lists", c.RuleLists)
	section(&f, "/coupons", c.Coupons)
	section(&f, "/offers", c.Offers)
	section(&f, "/payment_fees", c.PaymentFees)
	section(&f, "/schedules", c.Schedules)
	if c.VAT != nil {
		f.Merge("/vat", c.VAT.Validate())
		f.Check(c.General.Policy == Exact, "/vat", "is possible under the policy exact only")
	}
	return f.Err()
}

func section[T interface{ Validate() error }](f *fault.Fields, name string, entries []T) {
	for i, entry := range entries {
		f.Merge(path(name, i, ""), entry.Validate())
	}
}

const maxGroups, maxValues, maxSKUs, maxAttributes = 50, 500, 5000, 1000

// Validate refuses amounts, weights and modifiers that are none.
func (p Product) Validate() error {
	var f fault.Fields
	f.Merge("/base_price", perlnum.CheckAmount(p.BasePrice))
	f.Merge("/cost", perlnum.CheckAmount(p.Cost))
	f.Merge("/msrp", perlnum.CheckAmount(p.MSRP))
	f.Merge("/weight", perlnum.CheckWeight(p.Weight))
	f.Check(len(p.Options) <= maxGroups, "/options", "must not be more than %d", maxGroups)
	for i, g := range p.Options {
		f.Check(len(g.ID) == 2, path("/options", i, "/id"), "must be two characters")
		f.Check(len(g.Values) <= maxValues, path("/options", i, "/values"), "must not be more than %d", maxValues)
		for _, fee := range []struct{ name, amount string }{
			{"/fee_per_char", g.FeePerChar}, {"/fee_per_word", g.FeePerWord}, {"/fee_per_line", g.FeePerLine}, {"/rush_fee", g.RushFee},
		} {
			f.Merge(path("/options", i, fee.name), perlnum.CheckAmount(fee.amount))
		}
		for j, v := range g.Values {
			at := path("/options", i, "/values")
			f.Check(len(v.ID) == 2, path(at, j, "/id"), "must be two characters")
			f.Merge(path(at, j, "/price"), perlnum.CheckModifier(v.Price))
			f.Merge(path(at, j, "/weight"), perlnum.CheckWeightModifier(v.Weight))
		}
	}
	f.Check(len(p.SKUs) <= maxSKUs, "/skus", "must not be more than %d", maxSKUs)
	for i, s := range p.SKUs {
		f.Check(s.ID != "", path("/skus", i, "/id"), "must be given")
		if s.Price != nil {
			f.Merge(path("/skus", i, "/price"), perlnum.CheckAmount(*s.Price))
		}
		if s.Weight != nil {
			f.Merge(path("/skus", i, "/weight"), perlnum.CheckWeight(*s.Weight))
		}
	}
	f.Check(len(p.Attributes) <= maxAttributes, "/attributes", "must not be more than %d", maxAttributes)
	return f.Err()
}
