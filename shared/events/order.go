package events

import "time"

// OrderLine is a sellable unit of an order and how many of it. Promotions and
// adjustments are no lines in this sense.
type OrderLine struct {
	SKU string `json:"sku"`
	Qty int64  `json:"qty"`
}

// OrderPlaced says that a buyer has ordered. Nothing is reserved or paid yet.
type OrderPlaced struct {
	OrderID    string      `json:"order_id"`
	CartID     string      `json:"cart_id"`
	Number     string      `json:"number"`
	Currency   string      `json:"currency"`
	TotalCents int64       `json:"total_cents"`
	Lines      []OrderLine `json:"lines"`
	ExpiresAt  time.Time   `json:"expires_at"` // when the order ends unless it is confirmed
}

// Type names the fact.
func (OrderPlaced) Type() string { return Prefix + "order.placed.v1" }

// Subject is the order.
func (e OrderPlaced) Subject() string { return e.OrderID }

// OrderConfirmed says that an order is accepted: its goods are committed and its
// payment is authorized.
type OrderConfirmed struct {
	OrderID    string `json:"order_id"`
	Number     string `json:"number"`
	Email      string `json:"email"`
	Currency   string `json:"currency"`
	TotalCents int64  `json:"total_cents"`
}

// Type names the fact.
func (OrderConfirmed) Type() string { return Prefix + "order.confirmed.v1" }

// Subject is the order.
func (e OrderConfirmed) Subject() string { return e.OrderID }

// OrderPaid says that all the money of an order was taken.
type OrderPaid struct {
	OrderID    string `json:"order_id"`
	Number     string `json:"number"`
	Email      string `json:"email"`
	Currency   string `json:"currency"`
	TotalCents int64  `json:"total_cents"`
}

// Type names the fact.
func (OrderPaid) Type() string { return Prefix + "order.paid.v1" }

// Subject is the order.
func (e OrderPaid) Subject() string { return e.OrderID }

// OrderCompleted says that an order is paid and that all of it has left.
type OrderCompleted struct {
	OrderID string `json:"order_id"`
	Number  string `json:"number"`
	Email   string `json:"email"`
}

// Type names the fact.
func (OrderCompleted) Type() string { return Prefix + "order.completed.v1" }

// Subject is the order.
func (e OrderCompleted) Subject() string { return e.OrderID }

// OrderCancelled says that an order was called off: by the buyer, by staff or
// because its goods ran out.
type OrderCancelled struct {
	OrderID string `json:"order_id"`
	Number  string `json:"number"`
	Email   string `json:"email"`
	Reason  string `json:"reason"` // buyer, staff or stock
}

// Type names the fact.
func (OrderCancelled) Type() string { return Prefix + "order.cancelled.v1" }

// Subject is the order.
func (e OrderCancelled) Subject() string { return e.OrderID }

// OrderExpired says that an order was not confirmed in time.
type OrderExpired struct {
	OrderID string `json:"order_id"`
	Number  string `json:"number"`
	Email   string `json:"email"`
}

// Type names the fact.
func (OrderExpired) Type() string { return Prefix + "order.expired.v1" }

// Subject is the order.
func (e OrderExpired) Subject() string { return e.OrderID }

// OrderDue is the timer of an order: the time until which it could be confirmed
// is over.
type OrderDue struct {
	OrderID string `json:"order_id"`
}

// Type names the fact.
func (OrderDue) Type() string { return Prefix + "order.due.v1" }

// Subject is the order.
func (e OrderDue) Subject() string { return e.OrderID }

// OrderShipped says that goods of an order have left the warehouse.
type OrderShipped struct {
	OrderID    string      `json:"order_id"`
	Number     string      `json:"number"`
	Email      string      `json:"email"`
	ShipmentID string      `json:"shipment_id"`
	Carrier    string      `json:"carrier"`
	Tracking   string      `json:"tracking,omitempty"`
	Lines      []OrderLine `json:"lines"`
	Complete   bool        `json:"complete"`            // nothing of the order is left
	DueCents   int64       `json:"due_cents,omitempty"` // what of the order's total is for all that has left so far, in the currency's smallest unit
}

// Type names the fact.
func (OrderShipped) Type() string { return Prefix + "order.shipped.v1" }

// Subject is the order.
func (e OrderShipped) Subject() string { return e.OrderID }

// OrderImported says that an order which was placed and paid at a marketplace is
// now one of the shop's: its goods are off the shelf and its money is in.
type OrderImported struct {
	OrderID    string `json:"order_id"`
	Number     string `json:"number"`
	Channel    string `json:"channel"`   // such as ebay
	Reference  string `json:"reference"` // the marketplace's own id of the order
	Currency   string `json:"currency"`
	TotalCents int64  `json:"total_cents"` // in the currency's smallest unit
}

// Type names the fact.
func (OrderImported) Type() string { return Prefix + "order.imported.v1" }

// Subject is the order.
func (e OrderImported) Subject() string { return e.OrderID }

// OrderRevised says that the merchant's staff have changed a confirmed order.
type OrderRevised struct {
	OrderID    string `json:"order_id"`
	Number     string `json:"number"`
	Email      string `json:"email"`
	Currency   string `json:"currency"`
	WasCents   int64  `json:"was_cents"` // the total, in the currency's smallest unit
	TotalCents int64  `json:"total_cents"`
}

// Type names the fact.
func (OrderRevised) Type() string { return Prefix + "order.revised.v1" }

// Subject is the order.
func (e OrderRevised) Subject() string { return e.OrderID }
