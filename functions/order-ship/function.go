// Package ordership notes that goods of an order have left the warehouse.
package ordership

import (
	"net/http"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-ship", runtime.Write(http.StatusOK, order.RecordShipment))
}
