// Package customeraccountlist shows what a customer has with the shop: points, credit
// for returned goods, and the credit line of purchase orders.
package customeraccountlist

import (
	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("customer-account-list", runtime.Read(customer.Accounts))
}
