// Package shopinspect returns what a shop has configured.
package shopinspect

import (
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/shop"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("shop-inspect", runtime.Read(shop.Inspect))
}
