// Package paymentdecline refuses a payment that is held for review.
package paymentdecline

import (
	"net/http"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("payment-decline", func(env *runtime.Env) ([]runtime.Operation, error) {
		find, err := gateways.Open(env)
		return []runtime.Operation{runtime.Staged(http.StatusOK, payment.Decide(find, payment.Decline))}, err
	})
}
