// Package inventoryreserve sets aside the goods of an order that was placed.
package inventoryreserve

import (
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("inventory-reserve", runtime.On(inventory.Reserve), runtime.Warm[events.CheckoutStarted]())
}
