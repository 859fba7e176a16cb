// Package customerupdate changes a customer. A new password ends the customer's
// other sessions.
package customerupdate

import (
	"net/http"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("customer-update", runtime.Write(http.StatusOK, customer.Update))
}
