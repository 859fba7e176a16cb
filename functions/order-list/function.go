// Package orderlist returns a page of orders: a buyer's own, or the shop's.
package orderlist

import (
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-list", runtime.Read(order.List))
}
