// Package cartprice returns what a cart comes to now, to the cent.
package cartprice

import (
	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("cart-price", runtime.Read(cart.Price))
}
