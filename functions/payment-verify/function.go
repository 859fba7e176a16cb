// Package paymentverify asks the bank whether a buyer's instrument is good, without
// an order.
package paymentverify

import (
	"net/http"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("payment-verify", func(env *runtime.Env) ([]runtime.Operation, error) {
		find, err := gateways.Open(env)
		return []runtime.Operation{runtime.Staged(http.StatusOK, payment.VerifyInstrument(find))}, err
	})
}
