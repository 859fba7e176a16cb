// Package ordercancel calls an order off: by request, because its goods ran out or because
// its time is up.
package ordercancel

import (
	"net/http"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-cancel",
		runtime.Write(http.StatusOK, order.Cancel),
		runtime.On(order.CancelRejected),
		runtime.On(order.ExpireDue),
	)
}
