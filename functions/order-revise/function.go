// Package orderrevise changes a confirmed order: its goods, their prices, where they
// go and how. Its stock, coupons and payments follow.
package orderrevise

import (
	"net/http"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-revise", runtime.Write(http.StatusOK, order.Revise))
}
