// Package ebayrun makes work for an account at eBay begin now: publish, sync, import or
// reconcile.
package ebayrun

import (
	"net/http"

	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("ebay-run", runtime.Write(http.StatusAccepted, ebay.RunNow))
}
