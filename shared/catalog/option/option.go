// Package option prices the options a buyer chooses on a product and forms the
// identifiers of what was chosen. It is a pure core under cart/price.
package option

// Group is a product's option group (CommerceRack product specification, §2).
type Group struct {
	ID         string  `json:"id"` // two characters
	Prompt     string  `json:"prompt,omitempty"`
	Type       string  `json:"type"` // select, radio, imgselect, imggrid, biglist, cb, text, textarea, number, hidden, calendar, readonly, attribs, assembly
	Inventory  int     `json:"inventory,omitempty"`
	Optional   *bool   `json:"optional,omitempty"`
	FeePerChar string  `json:"fee_per_char,omitempty"`
	FeePerWord string  `json:"fee_per_word,omitempty"`
	FeePerLine string  `json:"fee_per_line,omitempty"`
	RushFee    string  `json:"rush_fee,omitempty"`
	RushDays   int     `json:"rush_days,omitempty"`
	Values     []Value `json:"values,omitempty"`
}

// Value is one choice of a group.
type Value struct {
	ID     string `json:"id"` // two characters
	Prompt string `json:"prompt,omitempty"`
	Price  string `json:"price,omitempty"`  // price modifier
	Weight string `json:"weight,omitempty"` // weight modifier
}
