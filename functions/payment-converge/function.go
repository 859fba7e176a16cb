// Package paymentconverge asks a gateway that has told something of a payment what has become
// of it.
package paymentconverge

import (
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("payment-converge", func(env *runtime.Env) ([]runtime.Operation, error) {
		find, err := gateways.Open(env)
		return []runtime.Operation{runtime.OnStaged(payment.Converge(find))}, err
	})
}
