// Package paymentauthorize sets the money of an order aside once its goods are reserved.
package paymentauthorize

import (
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("payment-authorize", func(env *runtime.Env) ([]runtime.Operation, error) {
		find, err := gateways.Open(env)
		return []runtime.Operation{
			runtime.OnStaged(payment.AuthorizeOrder(find)),
			runtime.OnStaged(payment.AuthorizeRetried(find)),
			runtime.Warm[events.CheckoutStarted](),
		}, err
	})
}
