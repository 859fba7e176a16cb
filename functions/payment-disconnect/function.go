// Package paymentdisconnect forgets the shop's account at a payment gateway.
package paymentdisconnect

import (
	"net/http"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("payment-disconnect", runtime.Write(http.StatusNoContent, payment.Disconnect))
}
