// Package ebaypublish puts listings of products up at eBay, revises them or ends them.
package ebaypublish

import (
	"net/http"

	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/ebay/reach"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("ebay-publish", func(env *runtime.Env) ([]runtime.Operation, error) {
		e, err := reach.Open(env)
		if err != nil {
			return nil, err
		}
		return []runtime.Operation{
			runtime.Write(http.StatusAccepted, ebay.Ask),
			runtime.OnStaged(e.Publish),
		}, nil
	})
}
