// Package cartupdate changes what is in a cart and how it is to be shipped and paid.
package cartupdate

import (
	"net/http"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("cart-update", runtime.Write(http.StatusOK, cart.Update))
}
