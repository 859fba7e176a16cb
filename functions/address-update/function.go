// Package addressupdate changes an address of a customer or makes it the
// default of its kind.
package addressupdate

import (
	"net/http"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("address-update", runtime.Write(http.StatusOK, customer.UpdateAddress))
}
