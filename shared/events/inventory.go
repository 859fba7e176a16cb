package events

// InventoryReserved says that all goods of an order are set aside for it.
type InventoryReserved struct {
	OrderID string `json:"order_id"`
}

// Type names the fact.
func (InventoryReserved) Type() string { return Prefix + "inventory.reserved.v1" }

// Subject is the order.
func (e InventoryReserved) Subject() string { return e.OrderID }

// InventoryRejected says that an order cannot be served and that nothing is set
// aside for it: the goods are short, or, for an order that was confirmed, its
// reservation had expired and the goods have gone to others.
type InventoryRejected struct {
	OrderID string     `json:"order_id"`
	Lines   []Shortage `json:"lines"` // what is short, by SKU
}

// Shortage is a SKU of which there is less than was wanted.
type Shortage struct {
	SKU       string `json:"sku"`
	Wanted    int64  `json:"wanted"`
	Available int64  `json:"available"`
}

// Type names the fact.
func (InventoryRejected) Type() string { return Prefix + "inventory.rejected.v1" }

// Subject is the order.
func (e InventoryRejected) Subject() string { return e.OrderID }

// InventoryChanged says that the stock of SKUs which a sales channel lists has
// changed. Of SKUs that no channel lists nothing is said.
type InventoryChanged struct {
	ShopID string   `json:"shop_id"`
	SKUs   []string `json:"skus"`
}

// Type names the fact.
func (InventoryChanged) Type() string { return Prefix + "inventory.changed.v1" }

// Subject is the shop: no SKU is an id by itself.
func (e InventoryChanged) Subject() string { return e.ShopID }
