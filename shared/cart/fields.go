package cart

import (
	"maps"
	"net/mail"
	"slices"
	"strconv"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/tax/rate"
)

// The bounds of a cart.
const (
	maxItems   = 500
	maxQty     = 1_000_000
	maxText    = 4000 // of an option's text
	maxCoupons = 20
	maxTenders = 20
)

// Fields is what can be set on a cart. What is absent stays as it is; a list
// replaces the whole list.
type Fields struct {
	Items    *[]price.Item      `json:"items,omitempty"`
	AddItems []price.Item       `json:"add_items,omitempty"` // joined to a line of the same product and options, or appended
	Email    *string            `json:"email,omitempty"`
	Ship     *price.Destination `json:"ship,omitempty"`
	Billing  *Contact           `json:"billing,omitempty"`
	Notes    *string            `json:"notes,omitempty"`
	Coupons  *[]string          `json:"coupons,omitempty"`

	ShippingID   *string         `json:"shipping_id,omitempty"`
	PayBy        *string         `json:"pay_by,omitempty"`
	Insurance    *bool           `json:"insurance,omitempty"`
	Referrer     *string         `json:"referrer,omitempty"`
	VATID        *string         `json:"vat_id,omitempty"` // of a business in the European Union
	PaymentQueue *[]price.Tender `json:"payment_queue,omitempty"`

	Admin *AdminFields `json:"admin,omitempty"`
}

// AdminFields is what only staff with the scope cart:admin may set.
type AdminFields struct {
	Schedule     *string            `json:"schedule,omitempty"`
	TaxExempt    *bool              `json:"tax_exempt,omitempty"`
	Exemption    *price.Exemption   `json:"exemption,omitempty"` // a certificate that staff have seen
	IPAddress    *string            `json:"ip_address,omitempty"`
	MultiVarSite *string            `json:"multi_var_site,omitempty"`
	Payments     *[]price.Payment   `json:"payments,omitempty"`
	OrderID      *string            `json:"order_id,omitempty"`
	Marketplace  *bool              `json:"marketplace,omitempty"`
	Surcharges   *[]price.Surcharge `json:"surcharges,omitempty"`
}

// AdminScope lets staff dictate amounts.
const AdminScope = "cart:admin"

// Validate refuses what no cart can hold.
func (in Fields) Validate() error {
	var f fault.Fields
	if in.Items != nil {
		checkItems(&f, "/items", *in.Items)
	}
	checkItems(&f, "/add_items", in.AddItems)
	if in.Email != nil && *in.Email != "" {
		a, err := mail.ParseAddress(*in.Email)
		f.Check(err == nil && a.Address == *in.Email && len(*in.Email) <= 254, "/email", "must be an e-mail address such as name@example.com")
	}
	if in.Notes != nil {
		f.Check(len(*in.Notes) <= 2000, "/notes", "must not exceed 2000 characters")
	}
	if in.Coupons != nil {
		f.Check(len(*in.Coupons) <= maxCoupons, "/coupons", "must not hold more than %d codes", maxCoupons)
		for i, code := range *in.Coupons {
			f.Check(code != "" && len(code) <= 40, "/coupons/"+strconv.Itoa(i), "must have 1 to 40 characters")
		}
	}
	if in.PaymentQueue != nil {
		f.Check(len(*in.PaymentQueue) <= maxTenders, "/payment_queue", "must not hold more than %d tenders", maxTenders)
		for i, t := range *in.PaymentQueue {
			f.Check(t.Tender != "" && len(t.Tender) <= 20, "/payment_queue/"+strconv.Itoa(i)+"/tender", "must name a tender, e.g. CREDIT")
			f.Check(t.Balance == nil, "/payment_queue/"+strconv.Itoa(i)+"/balance", "is looked up, not given")
		}
	}
	for path, text := range map[string]*string{"/shipping_id": in.ShippingID, "/pay_by": in.PayBy, "/referrer": in.Referrer} {
		f.Check(text == nil || len(*text) <= 200, path, "must not exceed 200 characters")
	}
	if in.VATID != nil && *in.VATID != "" {
		_, ok := rate.VATID(*in.VATID)
		f.Check(ok, "/vat_id", "must be a VAT id of a member state with its check digits, e.g. DE136695976")
	}
	if in.Ship != nil {
		d := *in.Ship
		f.Check(len(d.Country) <= 2 && len(d.Region) <= 60 && len(d.City) <= 60 && len(d.Postal) <= 20 && len(d.Address1) <= 100 && len(d.Address2) <= 100,
			"/ship", "must be an address: country a code of two letters, region and city up to 60 characters, postal up to 20, address lines up to 100")
	}
	return f.Err()
}

func checkItems(f *fault.Fields, path string, items []price.Item) {
	f.Check(len(items) <= maxItems, path, "must not hold more than %d lines", maxItems)
	for i, item := range items[:min(len(items), maxItems)] {
		at := path + "/" + strconv.Itoa(i)
		f.Check(item.Raw != nil || item.Product != "" && len(item.Product) <= 40, at+"/product", "must name a product")
		f.Check(item.Qty >= 0 && item.Qty <= maxQty, at+"/qty", "must be between 0 and %d", maxQty)
		f.Check(len(item.Options) <= 50, at+"/options", "must not hold more than 50 options")
		for id, value := range item.Options {
			f.Check(len(id) <= 10 && len(value) <= maxText, at+"/options/"+id, "must not exceed %d characters", maxText)
		}
	}
}

// authorize refuses what the caller may not dictate.
func (in Fields) authorize(who principal.Principal) error {
	if who.Has(AdminScope) {
		return nil
	}
	dictated := func(items []price.Item) bool {
		return slices.ContainsFunc(items, func(i price.Item) bool { return i.ForcePrice != nil || i.ForceQty != nil || i.Raw != nil })
	}
	if in.Admin != nil || dictated(in.AddItems) || in.Items != nil && dictated(*in.Items) {
		return fault.New(fault.Forbidden, "forced prices, raw lines and the admin section need the scope %s", AdminScope)
	}
	return nil
}

// apply sets the fields on a cart.
func (in Fields) apply(c *Cart) {
	content := &c.Content
	assign(&content.Items, in.Items)
	for _, item := range in.AddItems {
		content.Items = add(content.Items, item)
	}
	content.Items = slices.DeleteFunc(content.Items, func(i price.Item) bool { return i.Qty == 0 && i.Raw == nil && i.ForceQty == nil })
	assign(&c.Email, in.Email)
	assign(&c.Billing, in.Billing)
	assign(&c.Notes, in.Notes)
	assign(&content.Ship, in.Ship)
	assign(&content.Coupons, in.Coupons)
	assign(&content.ShippingID, in.ShippingID)
	assign(&content.PayBy, in.PayBy)
	assign(&content.Insurance, in.Insurance)
	assign(&content.Referrer, in.Referrer)
	assign(&content.VATID, in.VATID)
	assign(&content.PaymentQueue, in.PaymentQueue)
	if admin := in.Admin; admin != nil {
		assign(&content.Schedule, admin.Schedule)
		assign(&content.TaxExempt, admin.TaxExempt)
		if admin.Exemption != nil {
			content.Exemption = admin.Exemption
		}
		assign(&content.IPAddress, admin.IPAddress)
		assign(&content.MultiVarSite, admin.MultiVarSite)
		assign(&content.Payments, admin.Payments)
		assign(&content.OrderID, admin.OrderID)
		assign(&content.Marketplace, admin.Marketplace)
		assign(&content.Surcharges, admin.Surcharges)
	}
}

func assign[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// add joins an item to the line of the same product and options, so that adding
// twice is one line of two.
func add(items []price.Item, item price.Item) []price.Item {
	i := slices.IndexFunc(items, func(i price.Item) bool {
		return i.Product == item.Product && i.Raw == nil && item.Raw == nil && i.ForcePrice == nil && item.ForcePrice == nil &&
			i.ForceQty == nil && item.ForceQty == nil && maps.Equal(i.Options, item.Options)
	})
	if i < 0 {
		return append(items, item)
	}
	items[i].Qty = min(items[i].Qty+item.Qty, maxQty)
	return items
}
