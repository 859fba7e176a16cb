package quote

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/perlnum"
)

const (
	maxTiers   = 1000
	maxPattern = 60
	maxName    = 120
)

var (
	methodID    = regexp.MustCompile(`^[^\s].{0,39}$`)
	zipSpan     = regexp.MustCompile(`^[0-9]{1,5}-[0-9]{1,5}$`)
	carrierForm = regexp.MustCompile(`^[A-Za-z0-9_-]{0,20}$`)
)

// Validate refuses a method that could offer no price.
func (m Method) Validate() error {
	var f fault.Fields
	f.Check(methodID.MatchString(m.ID), "/id", "must be 1 to 40 characters and begin with no space")
	f.Check(m.Name != "" && len(m.Name) <= maxName, "/name", "must be 1 to %d characters", maxName)
	f.Check(carrierForm.MatchString(m.Carrier), "/carrier", "must be a code of up to 20 letters and digits")
	f.Check(fixedKeys[m.Region] != [2]string{}, "/region", "must be US, CA or INT")
	f.Merge("/item_price", perlnum.CheckAmount(m.ItemPrice))
	f.Merge("/add_price", perlnum.CheckAmount(m.AddPrice))
	f.Merge("/total", perlnum.CheckAmount(m.Total))
	f.Merge("/min_price", perlnum.CheckAmount(m.MinPrice))
	f.Merge("/min_weight", perlnum.CheckWeight(m.MinWeight))
	switch m.Handler {
	case Simple, Free, Fixed:
	case Weight, Price:
		f.Merge("/table", m.Table.validate(checkBound, checkPrice))
	case Local:
		f.Merge("/table", m.Table.validate(checkSpan, perlnum.CheckAmount))
	case LocalCanada:
		f.Merge("/table", m.Table.validate(checkPattern, checkInstructed))
	default:
		f.Add("/handler", "must be SIMPLE, WEIGHT, PRICE, FREE, FIXED, LOCAL or LOCAL_CANADA")
	}
	return f.Err()
}

// validate checks the bounds and prices of a table.
func (t Table) validate(bound, price func(string) error) error {
	var f fault.Fields
	f.Check(len(t) <= maxTiers, "", "must not have more than %d rows", maxTiers)
	for i, row := range t {
		f.Merge(fmt.Sprintf("/%d/upto", i), bound(row.Upto))
		f.Merge(fmt.Sprintf("/%d/price", i), price(row.Price))
	}
	return f.Err()
}

func checkBound(s string) error {
	_, err := money.ParseDecimal(s)
	return err
}

// checkPrice accepts an amount, or "%" and a percentage.
func checkPrice(s string) error { return perlnum.CheckAmount(strings.TrimPrefix(s, "%")) }

func checkSpan(s string) error {
	if !zipSpan.MatchString(s) {
		return fault.New(fault.Invalid, "must be zips such as 90000-96199")
	}
	return nil
}

func checkPattern(s string) error {
	if _, err := regexp.Compile("^(?:" + s + ")"); err != nil || len(s) > maxPattern {
		return fault.New(fault.Invalid, "must be the beginning of a postal code, or a regular expression for it")
	}
	return nil
}

// checkInstructed accepts an amount with instructions after a bar.
func checkInstructed(s string) error {
	amount, _, _ := strings.Cut(s, "|")
	return perlnum.CheckAmount(amount)
}

// Validate refuses amounts and tables that are none.
func (c Charges) Validate() error {
	var f fault.Fields
	f.Check(c.Mode >= Off && c.Mode <= Separate, "/mode", "must be 0, 1 or 2")
	f.Merge("/domestic", c.Domestic.validate())
	f.Merge("/canada", c.Canada.validate())
	f.Merge("/elsewhere", c.Elsewhere.validate())
	return f.Err()
}

func (c *AreaCharges) validate() error {
	var f fault.Fields
	f.Merge("/first_line", perlnum.CheckAmount(c.FirstLine))
	f.Merge("/next_line", perlnum.CheckAmount(c.NextLine))
	f.Merge("/weight", c.Weight.validate(checkBound, perlnum.CheckAmount))
	f.Merge("/price", c.Price.validate(checkBound, perlnum.CheckAmount))
	return f.Err()
}
