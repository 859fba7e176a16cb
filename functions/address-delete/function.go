// Package addressdelete removes an address of a customer.
package addressdelete

import (
	"net/http"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("address-delete", runtime.Write(http.StatusNoContent, customer.DeleteAddress))
}
