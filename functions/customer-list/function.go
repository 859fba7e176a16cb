// Package customerlist lists the customers of the shop. Staff find them by
// e-mail address or by a part of address or name.
package customerlist

import (
	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("customer-list", runtime.Read(customer.List))
}
