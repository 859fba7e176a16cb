// Package catalogget returns a product.
package catalogget

import (
	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("catalog-get", runtime.Read(catalog.Get))
}
