// Package shopconfigure changes what a shop has configured: hosts, taxes, shipping, rules, coupons, schedules, payment methods and gift cards.
package shopconfigure

import (
	"net/http"

	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/shop"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("shop-configure", runtime.Write(http.StatusOK, shop.Configure))
}
