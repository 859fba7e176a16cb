// Package ebaysync tells eBay the quantities and prices that have changed, as few calls as its limits allow.
package ebaysync

import (
	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/ebay/reach"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("ebay-sync", func(env *runtime.Env) ([]runtime.Operation, error) {
		e, err := reach.Open(env)
		if err != nil {
			return nil, err
		}
		return []runtime.Operation{
			runtime.On(ebay.StockChanged),
			runtime.On(ebay.CatalogChanged),
			runtime.OnStaged(e.Sync),
		}, nil
	})
}
