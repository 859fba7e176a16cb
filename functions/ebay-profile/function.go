// Package ebayprofile makes or replaces a profile of listings, or previews the description of a product with it.
package ebayprofile

import (
	"net/http"

	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("ebay-profile", runtime.Write(http.StatusOK, ebay.PutProfile))
}
