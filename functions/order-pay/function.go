// Package orderpay takes another instrument of the buyer for the payments of an order that
// were declined.
package orderpay

import (
	"net/http"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-pay", runtime.Write(http.StatusAccepted, order.Pay))
}
