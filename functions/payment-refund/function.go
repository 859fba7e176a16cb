// Package paymentrefund gives captured money back: by request, or when an order was
// revised and comes to less.
package paymentrefund

import (
	"net/http"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("payment-refund", func(env *runtime.Env) ([]runtime.Operation, error) {
		find, err := gateways.Open(env)
		return []runtime.Operation{
			runtime.Staged(http.StatusOK, payment.Act(find, payment.Refund)),
			runtime.OnStaged(payment.ReturnOverpaid(find)),
		}, err
	})
}
