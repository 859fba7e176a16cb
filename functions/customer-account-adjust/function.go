// Package customeraccountadjust adds to what a customer has with the shop, or takes
// from it.
package customeraccountadjust

import (
	"net/http"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("customer-account-adjust", runtime.Write(http.StatusOK, customer.Adjust))
}
