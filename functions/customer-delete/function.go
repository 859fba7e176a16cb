// Package customerdelete erases a customer. The orders stay.
package customerdelete

import (
	"net/http"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("customer-delete", runtime.Write(http.StatusNoContent, customer.Delete))
}
