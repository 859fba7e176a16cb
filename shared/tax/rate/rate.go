// Package rate finds the tax rates that apply to a destination. It is a pure
// core: cart/price calls it, and it knows neither carts nor databases.
package rate

// Methods of a rule: what Match is compared with.
const (
	State   = "state"       // US state code
	City    = "city"        // "ST+City", * as wildcard
	ZipSpan = "zipspan"     // "from-to" or a single US zip
	Zip4    = "zip4"        // "12345-6789"
	Country = "country"     // ISO 3166 alpha-2
	IntProv = "intprovince" // "CC+pattern"
	IntZip  = "intzip"      // "CC+pattern"
)

// The bits of Rule.Apply: what besides the items the rule taxes.
const (
	ApplyItems     = 1
	ApplyShipping  = 2
	ApplyHandling  = 4
	ApplyInsurance = 8
	ApplySpecial   = 16
	ApplyBonding   = 32
)

// Rule is one row of a shop's tax table. Rows are evaluated from top to bottom;
// the last matching row of each kind (state or country, local) wins
// (CommerceRack cart specification, §6.1).
type Rule struct {
	Method  string `json:"method"`
	Match   string `json:"match"`
	Rate    string `json:"rate"` // percent, decimal
	Apply   int    `json:"apply"`
	Zone    string `json:"zone,omitempty"`
	Expires string `json:"expires,omitempty"` // YYYYMMDD, the first day on which the rule no longer holds
}

// Destination is the address that decides the rates.
type Destination struct {
	Country string `json:"country"` // ISO 3166 alpha-2; empty means US
	Region  string `json:"region"`
	City    string `json:"city"`
	Postal  string `json:"postal"`
}
