package events

// CheckoutStarted says that a cart has got its first address: an order is
// likely to follow. The functions of the chain wake up on it.
type CheckoutStarted struct {
	CartID string `json:"cart_id"`
}

// Type names the fact.
func (CheckoutStarted) Type() string { return Prefix + "cart.checkout_started.v1" }

// Subject is the cart.
func (e CheckoutStarted) Subject() string { return e.CartID }
