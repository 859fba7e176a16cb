// Package orderget returns an order to its buyer or to staff.
package orderget

import (
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-get", runtime.Read(order.Get))
}
