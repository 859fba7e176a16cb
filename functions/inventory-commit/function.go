// Package inventorycommit takes the goods of a confirmed order off the shelf.
package inventorycommit

import (
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("inventory-commit", runtime.On(inventory.Commit))
}
