// Package customercreate registers a customer.
package customercreate

import (
	"net/http"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("customer-create", runtime.Write(http.StatusCreated, customer.Create))
}
