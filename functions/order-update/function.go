// Package orderupdate does what staff do to an order: pool, flags and notes, all in one step.
package orderupdate

import (
	"net/http"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-update", runtime.Write(http.StatusOK, order.Update))
}
