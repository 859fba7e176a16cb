// Package ebaynotification acts on what eBay tells by webhook, once its signature is checked.
package ebaynotification

import (
	"net/http"

	"github.com/rackless/rackless/shared/ebay/reach"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("ebay-notification", func(env *runtime.Env) ([]runtime.Operation, error) {
		e, err := reach.Open(env)
		if err != nil {
			return nil, err
		}
		return []runtime.Operation{
			runtime.Write(http.StatusOK, e.Receive),
		}, nil
	})
}
