package price

import "github.com/rackless/rackless/shared/catalog/option"

// Product is what the engine needs to know of a product. Amounts are decimal
// strings in the shop's currency, as the merchant wrote them.
type Product struct {
	ID        string `json:"id"` // PID, upper case
	Name      string `json:"name,omitempty"`
	BasePrice string `json:"base_price"`
	Weight    string `json:"weight,omitempty"` // ounces, or pounds#ounces: 2#8
	Taxable   bool   `json:"taxable"`
	TaxClass  string `json:"tax_class,omitempty"` // of VAT rates, e.g. reduced
	Cost      string `json:"cost,omitempty"`
	MSRP      string `json:"msrp,omitempty"`
	QtyPrice  string `json:"qty_price,omitempty"` // quantity prices: 3=24.95,12/240
	Assembly  string `json:"assembly,omitempty"`  // kit: PID*QTY,PID*QTY
	Virtual   string `json:"virtual,omitempty"`   // fulfilment: GIFTCARD, FIXEDPRICE:n, SUPPLIER:code

	Options []option.Group `json:"options,omitempty"`
	SKUs    []SKU          `json:"skus,omitempty"`

	// Attributes is CommerceRack's long tail, namespace:name to value, e.g.
	// zoovy:ship_cost1, zoovy:schedule_ws, zoovy:pkg_depth.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// SKU overrides a product for one combination of its inventory options.
type SKU struct {
	ID         string            `json:"id"`               // PID:IDVV…
	Price      *string           `json:"price,omitempty"`  // nil: the product's, with its options' modifiers
	Weight     *string           `json:"weight,omitempty"` // ounces; nil likewise
	Cost       string            `json:"cost,omitempty"`
	Assembly   string            `json:"assembly,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}
