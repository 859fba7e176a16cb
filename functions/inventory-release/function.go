// Package inventoryrelease gives back the goods of an order that was cancelled or has expired.
package inventoryrelease

import (
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("inventory-release", runtime.On(inventory.ReleaseCancelled), runtime.On(inventory.ReleaseExpired))
}
