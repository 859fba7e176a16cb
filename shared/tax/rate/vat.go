package rate

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
)

// VAT is how a shop in the European Union taxes goods, in place of a table of
// rules (Directive 2006/112/EC, articles 32 to 34, 138, 146 and 194 ff.).
type VAT struct {
	Home  string    `json:"home"` // ISO 3166 alpha-2: where goods are sent from
	OSS   bool      `json:"oss"`  // above the threshold of article 59c: consumers pay the rate of where they are
	Rates []VATRate `json:"rates"`
}

// VATRate is the rate of a class of goods in a member state.
type VATRate struct {
	Country string `json:"country"`
	Class   string `json:"class,omitempty"` // empty: the standard rate
	Rate    string `json:"rate"`            // percent
}

// members are the member states.
var members = []string{
	"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
	"MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}

// Member reports whether a country is a member state.
func Member(country string) bool { return slices.Contains(members, country) }

// Supply is where a sale is taxed, and how.
type Supply struct {
	Country string // whose rates apply
	Reverse bool   // the buyer owes the tax
	Export  bool   // the goods leave the union
	Reason  string
}

// Zero reports whether the seller charges no tax.
func (s Supply) Zero() bool { return s.Reverse || s.Export }

// Supply finds the place of supply of goods sent to a country. A buyer with a
// VAT id of another member state than Home is a business.
func (v *VAT) Supply(country, vatID string) Supply {
	if country == "" {
		country = v.Home
	}
	if !Member(country) {
		return Supply{Country: v.Home, Export: true, Reason: "export to " + country}
	}
	if country == v.Home {
		return Supply{Country: v.Home, Reason: "sale within " + v.Home}
	}
	reason := "sale to a consumer in " + country
	if vatID != "" {
		state, ok := VATID(vatID)
		switch {
		case ok && state != v.Home:
			return Supply{Country: country, Reverse: true, Reason: "reverse charge: sale to a business in " + country + " with a VAT id of " + state}
		case ok:
			reason += ", whose VAT id is of " + state
		default:
			reason += ", whose VAT id is not valid"
		}
	}
	if v.OSS {
		return Supply{Country: country, Reason: reason}
	}
	return Supply{Country: v.Home, Reason: reason + ", below the threshold"}
}

// Rate returns the rate of a class of goods in a country: its own, or else the
// standard rate.
func (v *VAT) Rate(country, class string) string {
	standard := "0"
	for _, r := range v.Rates {
		if r.Country != country {
			continue
		}
		if r.Class == class {
			return r.Rate
		}
		if r.Class == "" {
			standard = r.Rate
		}
	}
	return standard
}

var classShape = regexp.MustCompile(`^[a-z0-9_-]{0,30}$`)

// Validate refuses rates that are none, and a home outside the union.
func (v VAT) Validate() error {
	var f fault.Fields
	f.Check(Member(v.Home), "/home", "must be a member state of the European Union")
	standard := map[string]bool{}
	for i, r := range v.Rates {
		at := fmt.Sprintf("/rates/%d", i)
		f.Check(Member(r.Country), at+"/country", "must be a member state of the European Union")
		f.Check(classShape.MatchString(r.Class), at+"/class", "must be up to 30 small letters and digits")
		f.Merge(at+"/rate", checkPercent(r.Rate))
		standard[r.Country] = standard[r.Country] || r.Class == ""
	}
	f.Check(standard[v.Home], "/rates", "must have a standard rate of %s", v.Home)
	return f.Err()
}

func checkPercent(s string) error {
	d, err := money.ParseDecimal(s)
	if err == nil && (d.IsNegative() || d.GreaterThan(hundred)) {
		err = fault.New(fault.Invalid, "must be a percentage from 0 to 100")
	}
	return err
}
