// Package ebaychallenge shows eBay that the address to which it is to send notices is ours.
package ebaychallenge

import (
	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("ebay-challenge", func(*runtime.Env) ([]runtime.Operation, error) {
		endpoint, err := config.Load[ebay.Endpoint]()
		return []runtime.Operation{runtime.Read(endpoint.Challenge)}, err
	})
}
