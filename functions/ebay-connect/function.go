// Package ebayconnect connects the shop with an account at eBay, changes its settings or lets go of it.
package ebayconnect

import (
	"net/http"

	"github.com/rackless/rackless/shared/ebay/reach"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("ebay-connect", func(env *runtime.Env) ([]runtime.Operation, error) {
		e, err := reach.Open(env)
		if err != nil {
			return nil, err
		}
		return []runtime.Operation{
			runtime.Staged(http.StatusOK, e.Connect),
		}, nil
	})
}
