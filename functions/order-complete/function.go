// Package ordercomplete states that an order is paid, and that it is completed when it has been
// shipped, too.
package ordercomplete

import (
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-complete", runtime.On(order.CompleteCaptured), runtime.On(order.CompleteShipped))
}
