// Package quote prices the shipping methods, handling and insurance of a
// package. It is a pure core under cart/price; it asks no carrier.
package quote

// Handlers: how a method's price comes about (CommerceRack cart
// specification, §7.4).
const (
	Simple      = "SIMPLE"       // ItemPrice for the first piece, AddPrice for each further one
	Weight      = "WEIGHT"       // Table of ounces
	Price       = "PRICE"        // Table of item totals; a price "%7.5" is a percentage of the total
	Free        = "FREE"         // free from an item total of Total
	Fixed       = "FIXED"        // the products' own ship costs
	Local       = "LOCAL"        // Table of zip ranges "from-to"
	LocalCanada = "LOCAL_CANADA" // Table of postal prefixes
)

// Method is one way of shipping that a shop offers in one region.
type Method struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Carrier   string `json:"carrier"`
	Region    string `json:"region"` // US, CA or INT
	Handler   string `json:"handler"`
	Enabled   bool   `json:"enabled"`
	UseRules  bool   `json:"use_rules,omitempty"`  // run the rule list SHIP-<ID>
	ItemPrice string `json:"item_price,omitempty"` // SIMPLE
	AddPrice  string `json:"add_price,omitempty"`  // SIMPLE
	Total     string `json:"total,omitempty"`      // FREE: least item total
	MinWeight string `json:"min_weight,omitempty"` // WEIGHT: 8 (ounces) or 1#8 (pounds and ounces)
	MinPrice  string `json:"min_price,omitempty"`  // PRICE: least item total
	Table     Table  `json:"table,omitempty"`
}

// Table maps upper bounds (or zip ranges, or postal prefixes) to prices.
type Table []Tier

// Tier is one row of a table.
type Tier struct {
	Upto  string `json:"upto"`
	Price string `json:"price"`
}

// Modes of handling and insurance.
const (
	Off      = 0
	Merged   = 1 // added to the price of every shipping method
	Separate = 2 // a charge of its own
)

// Charges is a shop's handling or insurance (CommerceRack cart specification,
// §8): the switched-on components are added up.
type Charges struct {
	Mode       int         `json:"mode"`
	Optional   bool        `json:"optional,omitempty"` // insurance: charged only if the buyer wants it
	PerLine    bool        `json:"per_line,omitempty"`
	PerProduct bool        `json:"per_product,omitempty"`
	ByWeight   bool        `json:"by_weight,omitempty"`
	ByPrice    bool        `json:"by_price,omitempty"` // insurance only
	Domestic   AreaCharges `json:"domestic"`
	Canada     AreaCharges `json:"canada"`
	Elsewhere  AreaCharges `json:"elsewhere"`
}

// AreaCharges are the amounts for one area of destination.
type AreaCharges struct {
	FirstLine string `json:"first_line,omitempty"`
	NextLine  string `json:"next_line,omitempty"`
	Weight    Table  `json:"weight,omitempty"` // ounces
	Price     Table  `json:"price,omitempty"`  // item total
}
