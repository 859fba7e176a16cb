// Package cartget returns a cart to its owner or to staff.
package cartget

import (
	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("cart-get", runtime.Read(cart.Get))
}
