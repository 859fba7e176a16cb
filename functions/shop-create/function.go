// Package shopcreate opens a shop, with its hosts and a first API key.
package shopcreate

import (
	"net/http"

	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/shop"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("shop-create", runtime.Write(http.StatusCreated, shop.Create))
}
