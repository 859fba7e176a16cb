// Package orderhistory tells who did what to an order, and when.
package orderhistory

import (
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-history", runtime.Read(order.Chronicle))
}
