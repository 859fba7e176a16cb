// Package paymentrefund gives captured money back.
package paymentrefund

import (
	"net/http"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("payment-refund", runtime.Staged(http.StatusOK, payment.Act(gateways.Find, payment.Refund)))
}
