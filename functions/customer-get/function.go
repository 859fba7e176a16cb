// Package customerget returns a customer to staff or to the customer.
package customerget

import (
	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("customer-get", runtime.Read(customer.Get))
}
