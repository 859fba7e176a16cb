// Package paymentcapture takes authorized money: by request, or when an order is confirmed and the
// payment method says so.
package paymentcapture

import (
	"net/http"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("payment-capture",
		runtime.Staged(http.StatusOK, payment.Act(gateways.Find, payment.Capture)),
		runtime.OnStaged(payment.CaptureConfirmed(gateways.Find)),
		runtime.Warm[events.CheckoutStarted](),
	)
}
