// Package inventoryadjust sets or adds to the stock of SKUs.
package inventoryadjust

import (
	"net/http"

	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("inventory-adjust", runtime.Write(http.StatusOK, inventory.Adjust))
}
