// Package cataloglist lists products, or those whose id or name begins with a text.
package cataloglist

import (
	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("catalog-list", runtime.Read(catalog.List))
}
