// Package paymentcapture takes authorized money: by request, or when an order is confirmed or goods
// leave, as the payment method says.
package paymentcapture

import (
	"net/http"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("payment-capture", func(env *runtime.Env) ([]runtime.Operation, error) {
		find, err := gateways.Open(env)
		return []runtime.Operation{
			runtime.Staged(http.StatusOK, payment.Act(find, payment.Capture)),
			runtime.OnStaged(payment.CaptureConfirmed(find)),
			runtime.OnStaged(payment.CaptureShipped(find)),
		}, err
	})
}
