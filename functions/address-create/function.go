// Package addresscreate adds an address to a customer.
package addresscreate

import (
	"net/http"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("address-create", runtime.Write(http.StatusCreated, customer.CreateAddress))
}
