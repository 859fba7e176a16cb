// Package catalogupsert writes products, up to 500 at a time.
package catalogupsert

import (
	"net/http"

	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("catalog-upsert", runtime.Write(http.StatusOK, catalog.Upsert))
}
