// Package ebayorderimport makes paid orders of eBay orders of the shop, each once.
package ebayorderimport

import (
	"github.com/rackless/rackless/shared/ebay/reach"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("ebay-order-import", func(env *runtime.Env) ([]runtime.Operation, error) {
		e, err := reach.Open(env)
		if err != nil {
			return nil, err
		}
		return []runtime.Operation{
			runtime.OnStaged(e.Import),
		}, nil
	})
}
