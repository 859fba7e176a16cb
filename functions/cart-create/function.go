// Package cartcreate opens a cart for a customer, a guest or the merchant.
package cartcreate

import (
	"net/http"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("cart-create", runtime.Write(http.StatusCreated, cart.Create))
}
