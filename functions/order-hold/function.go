// Package orderhold gives an order more time while staff decide on a payment that is held for review.
package orderhold

import (
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-hold",
		runtime.On(order.HoldForReview),
		runtime.On(order.EndReview),
	)
}
