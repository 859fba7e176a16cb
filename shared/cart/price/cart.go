package price

// Cart is what is to be priced.
type Cart struct {
	Items    []Item      `json:"items"`
	Ship     Destination `json:"ship"`
	Coupons  []string    `json:"coupons,omitempty"`  // as entered, in order
	Schedule string      `json:"schedule,omitempty"` // wholesale schedule

	ShippingID   string `json:"shipping_id,omitempty"` // the wanted shipping method
	PayBy        string `json:"pay_by,omitempty"`      // the wanted tender
	Insurance    bool   `json:"insurance,omitempty"`   // wants optional insurance
	TaxExempt    bool   `json:"tax_exempt,omitempty"`
	Referrer     string `json:"referrer,omitempty"`
	IPAddress    string `json:"ip_address,omitempty"`
	MultiVarSite string `json:"multi_var_site,omitempty"` // A or B

	PaymentQueue []Tender  `json:"payment_queue,omitempty"`
	Payments     []Payment `json:"payments,omitempty"` // recorded ones
	OrderID      string    `json:"order_id,omitempty"` // the cart has become this order

	Marketplace bool        `json:"marketplace,omitempty"` // the surcharges were set by a marketplace
	Surcharges  []Surcharge `json:"surcharges,omitempty"`

	VATID     string     `json:"vat_id,omitempty"` // of a buyer who is a business in the EU
	Exemption *Exemption `json:"exemption,omitempty"`

	Explain bool `json:"explain,omitempty"` // ask for the derivation of the totals
}

// Item is a line as the buyer asks for it.
type Item struct {
	Product string            `json:"product"`
	Qty     int64             `json:"qty"`
	Options map[string]string `json:"options,omitempty"` // group id to value id, or text

	ForcePrice *string `json:"force_price,omitempty"` // e.g. dictated by a marketplace
	ForceQty   *int64  `json:"force_qty,omitempty"`
	Raw        *Raw    `json:"raw,omitempty"` // taken over as it is; Product and the rest are ignored
}

// Raw is a line that no product stands behind, e.g. an adjustment.
type Raw struct {
	STID        string            `json:"stid"`
	SKU         string            `json:"sku,omitempty"`
	Product     string            `json:"product,omitempty"`
	Name        string            `json:"name,omitempty"`
	Description string            `json:"description,omitempty"`
	Qty         int64             `json:"qty"`
	Price       string            `json:"price"`
	Weight      string            `json:"weight,omitempty"`   // ounces
	Taxable     *bool             `json:"taxable,omitempty"`  // not set: taxable
	TaxRate     *string           `json:"tax_rate,omitempty"` // percent, instead of the destination's
	Master      string            `json:"master,omitempty"`   // stid of the kit this is a component of
	Promotion   bool              `json:"promotion,omitempty"`
	Virtual     string            `json:"virtual,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`
}

// Destination is where the goods go.
type Destination struct {
	Country  string `json:"country,omitempty"` // ISO 3166 alpha-2
	Region   string `json:"region,omitempty"`
	City     string `json:"city,omitempty"`
	Postal   string `json:"postal,omitempty"`
	Address1 string `json:"address1,omitempty"`
	Address2 string `json:"address2,omitempty"`
}

// Tender is an intended payment. Balance is that of a gift card, nil when the
// card is unknown.
type Tender struct {
	Tender  string  `json:"tender"`
	Amount  string  `json:"amount,omitempty"` // fixed amount; empty: a share of the rest
	Charge  string  `json:"charge,omitempty"` // POINTS, RMC: amount to take
	Code    string  `json:"code,omitempty"`   // of a gift card
	Balance *string `json:"balance,omitempty"`
	Expires bool    `json:"expires,omitempty"` // an expiring gift card is used first
}

// Payment is a recorded payment; Parent is the one it follows up (a refund).
type Payment struct {
	ID     string `json:"id"`
	Parent string `json:"parent,omitempty"`
	Tender string `json:"tender"`
	Amount string `json:"amount"`
	Status string `json:"status"` // three digits
	Voided bool   `json:"voided,omitempty"`
}

// Surcharge is an amount dictated from outside.
type Surcharge struct {
	ID       string `json:"id"` // tax, shp, hnd, ins, spc
	Amount   string `json:"amount"`
	Title    string `json:"title,omitempty"`
	Taxable  bool   `json:"taxable,omitempty"`
	Required int    `json:"required,omitempty"` // 0 optional, bit 0 required, bit 1 permanent
}

// Exemption is a certificate by which a buyer pays no tax.
type Exemption struct {
	Certificate string `json:"certificate"`
	Region      string `json:"region,omitempty"`  // only there; empty: everywhere
	Expires     string `json:"expires,omitempty"` // YYYYMMDD, the first day on which it no longer holds
}
