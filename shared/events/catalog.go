package events

// CatalogChanged says that products which a sales channel lists have changed:
// their prices, or what is told of them. Of others nothing is said.
type CatalogChanged struct {
	ShopID   string   `json:"shop_id"`
	Products []string `json:"products"`
}

// Type names the fact.
func (CatalogChanged) Type() string { return Prefix + "catalog.changed.v1" }

// Subject is the shop.
func (e CatalogChanged) Subject() string { return e.ShopID }
