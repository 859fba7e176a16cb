// Package addresslist lists the addresses of a customer.
package addresslist

import (
	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("address-list", runtime.Read(customer.ListAddresses))
}
