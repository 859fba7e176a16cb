// Package shopget returns the shop in which the caller acts.
package shopget

import (
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/shop"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("shop-get", runtime.Read(shop.Get))
}
