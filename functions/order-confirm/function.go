// Package orderconfirm accepts an order whose payments are authorized.
package orderconfirm

import (
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-confirm",
		runtime.On(order.Confirm),
		runtime.Warm[events.CheckoutStarted](),
	)
}
