// Package ordererase removes an erased customer from their orders and carts; amounts and goods
// stay.
package ordererase

import (
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-erase", runtime.On(order.EraseBuyer))
}
