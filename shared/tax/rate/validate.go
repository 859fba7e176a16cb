package rate

import (
	"regexp"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/fault"
	"github.com/shopspring/decimal"
)

const (
	maxMatch = 120
	maxZone  = 80
	maxApply = 2*ApplyBonding - 1
)

// matchForms is what Match looks like for each method.
var matchForms = map[string]struct {
	form    *regexp.Regexp
	example string
}{
	State:   {regexp.MustCompile(`^[^,\s][^,\n]{0,59}$`), "a state such as CA"},
	City:    {regexp.MustCompile(`^[A-Z]{2}[ +.,-]+[^*]*\*?[^*]*$`), "a state and a city such as CA+San Diego"},
	ZipSpan: {regexp.MustCompile(`^[0-9]{1,5}(-[0-9]{1,5})?$`), "zips such as 90000-96199, or one zip"},
	Zip4:    {regexp.MustCompile(`^[0-9]{5}-[0-9]{1,4}$`), "a zip such as 92101-1234"},
	Country: {regexp.MustCompile(`^[A-Z]{2}$`), "a country such as DE"},
	IntProv: {regexp.MustCompile(`^[A-Z]{2}\+[^*]*\*?[^*]*$`), "a country and a region such as CA+ON"},
	IntZip:  {regexp.MustCompile(`^[A-Z]{2}\+[^*]*\*?[^*]*$`), "a country and a postal code such as CA+M5*"},
}

var hundred = decimal.New(100, 0)

// Validate refuses a rule that could never match, or whose rate is none.
func (r Rule) Validate() error {
	var f fault.Fields
	form, known := matchForms[r.Method]
	f.Check(known, "/method", "must be state, city, zipspan, zip4, country, intprovince or intzip")
	f.Check(!known || (form.form.MatchString(r.Match) && len(r.Match) <= maxMatch), "/match", "must be %s", form.example)
	f.Merge("/rate", checkPercent(strings.TrimSuffix(r.Rate, ".")))
	f.Check(r.Apply >= 0 && r.Apply <= maxApply, "/apply", "must be 0 to %d", maxApply)
	f.Check(len(r.Zone) <= maxZone, "/zone", "must not exceed %d characters", maxZone)
	if r.Expires != "" {
		_, err := time.Parse("20060102", r.Expires)
		f.Check(err == nil, "/expires", "must be a day as YYYYMMDD")
	}
	return f.Err()
}
