// Package ebayreconcile compares the listings at eBay with ours and mends what differs.
package ebayreconcile

import (
	"github.com/rackless/rackless/shared/ebay/reach"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("ebay-reconcile", func(env *runtime.Env) ([]runtime.Operation, error) {
		e, err := reach.Open(env)
		if err != nil {
			return nil, err
		}
		return []runtime.Operation{
			runtime.OnStaged(e.Reconcile),
		}, nil
	})
}
