package price

// Totals is the outcome. Amounts are decimal strings in the cart's currency,
// nil where the total is not set (no shipping selected, no surcharge). The
// integers of Cents are what the order total is made of.
type Totals struct {
	Policy   string `json:"policy"`
	Currency string `json:"currency"`

	Cents Cents  `json:"cents"`
	Sum   Sum    `json:"sum"`
	Lines []Line `json:"lines"` // promotions have an stid that begins with %

	TaxRate      *string `json:"tax_rate"` // percent, combined
	TaxZone      *string `json:"tax_zone"`
	TaxNote      string  `json:"tax_note,omitempty"` // how VAT treats the sale
	TaxedCharges Taxed   `json:"taxed_charges"`

	ShipRegion      *string      `json:"ship_region"` // after normalisation
	ShipPostal      *string      `json:"ship_postal"`
	ShippingMethods []ShipMethod `json:"shipping_methods"` // cheapest first
	ShippingID      *string      `json:"shipping_id"`      // the selected one

	PaymentQueue  []Charge `json:"payment_queue"`
	PaymentStatus string   `json:"payment_status"`
	PaymentMethod string   `json:"payment_method"`

	Errors       []string          `json:"errors,omitempty"`
	CouponErrors map[string]string `json:"coupon_errors,omitempty"`

	Offers []string `json:"offers,omitempty"` // ids of those that applied, in the order in which they ran

	Explanation *Step `json:"explanation,omitempty"` // if the cart asks for it
}

// Cents are the summands of the order total in the currency's smallest unit.
type Cents struct {
	Items     int64 `json:"items_total"`
	Shipping  int64 `json:"shp_total"`
	Tax       int64 `json:"tax_total"`
	Insurance int64 `json:"ins_total"`
	Handling  int64 `json:"hnd_total"`
	Special   int64 `json:"spc_total"`
	Order     int64 `json:"order_total"`

	TaxIncluded int64 `json:"tax_included,omitempty"` // contained in the others: Order does not count it
}

// Sum is CommerceRack's summary (cart specification, §12). items_*, tax_total,
// order_total and the balances have two decimals; the charges are raw.
type Sum struct {
	ItemsTotal   string `json:"items_total"`
	ItemsCount   int64  `json:"items_count"` // pieces, without promotions
	ItemsTaxable string `json:"items_taxable"`
	ItemsTaxDue  string `json:"items_taxdue"`

	ShpTotal   *string `json:"shp_total"`
	ShpMethod  *string `json:"shp_method"`
	ShpCarrier *string `json:"shp_carrier"`
	HndTotal   *string `json:"hnd_total"`
	HndMethod  *string `json:"hnd_method"`
	InsTotal   *string `json:"ins_total"`
	InsMethod  *string `json:"ins_method"`
	InsQuote   *string `json:"ins_quote"`
	SpcTotal   *string `json:"spc_total"`
	SpcMethod  *string `json:"spc_method"`
	BndTotal   *string `json:"bnd_total"`

	TaxTotal     string  `json:"tax_total"`
	TaxRateState *string `json:"tax_rate_state"` // percent
	TaxRateZone  *string `json:"tax_rate_zone"`

	OrderTotal   string  `json:"order_total"`
	BalanceDue   string  `json:"balance_due_total"`
	BalancePaid  string  `json:"balance_paid_total"`
	BalanceAuth  string  `json:"balance_auth_total"`
	GfcTotal     *string `json:"gfc_total"`
	GfcAvailable *string `json:"gfc_available"`
	PntTotal     *string `json:"pnt_total"`
	RmcTotal     *string `json:"rmc_total"`
	RmcAvailable *string `json:"rmc_available"`

	Weight      string `json:"pkg_weight"`     // ounces
	Weight194   string `json:"pkg_weight_194"` // dimensional, ground
	Weight166   string `json:"pkg_weight_166"` // dimensional, air
	CubicInches string `json:"pkg_cubic_inches"`
}

// Line is a priced cart line.
type Line struct {
	STID        string         `json:"stid"`
	SKU         string         `json:"sku"`
	Product     string         `json:"product"`
	Name        string         `json:"name,omitempty"`
	Description string         `json:"description,omitempty"`
	Qty         int64          `json:"qty"`
	Price       string         `json:"price"` // per unit
	BasePrice   string         `json:"base_price,omitempty"`
	Extended    string         `json:"extended"`
	Tax         string         `json:"tax,omitempty"` // on the line, or contained in it; exact only
	Weight      string         `json:"weight"`        // ounces per unit
	Taxable     bool           `json:"taxable"`
	Promotion   bool           `json:"is_promo,omitempty"`
	Master      string         `json:"asm_master,omitempty"` // the kit this is a component of
	QtyPrice    string         `json:"qty_price,omitempty"`
	Options     []ChosenOption `json:"options,omitempty"`
	Discounts   []Discount     `json:"discounts,omitempty"` // its parts of offers, which have lines of their own
}

// Discount is a line's part of an offer's discount.
type Discount struct {
	Offer  string `json:"offer"`
	Amount string `json:"amount"`
}

// ChosenOption is an option on a line.
type ChosenOption struct {
	ID    string `json:"id"`
	Value string `json:"v,omitempty"`
	Key   string `json:"key"`
	Data  string `json:"data,omitempty"` // as shown
	Fee   string `json:"fee"`
}

// Taxed says which charges carry tax; nil: not known, no rates were looked up.
type Taxed struct {
	Shipping  *bool `json:"shp_taxable"`
	Handling  *bool `json:"hnd_taxable"`
	Insurance *bool `json:"ins_taxable"`
	Special   *bool `json:"spc_taxable"`
}

// ShipMethod is an offered shipping method.
type ShipMethod struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Carrier   string  `json:"carrier"`
	Amount    string  `json:"amount"`
	Handling  *string `json:"handling,omitempty"`  // the part of Amount that is handling
	Insurance *string `json:"insurance,omitempty"` // the part that is insurance
}

// Charge is what a tender of the payment queue is to be charged.
type Charge struct {
	Tender  string  `json:"tender"`
	Code    string  `json:"code,omitempty"`
	Charge  string  `json:"charge"`
	Balance *string `json:"balance,omitempty"`
}
