// Package orderplace makes an order of a cart and starts its checkout.
package orderplace

import (
	"net/http"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-place",
		runtime.WriteThenWait(http.StatusAccepted, order.Place, order.Settled),
		runtime.Warm[events.CheckoutStarted](),
	)
}
