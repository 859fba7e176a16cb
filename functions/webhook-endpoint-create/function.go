// Package webhookendpointcreate adds an endpoint at which a merchant's own program is told what happens.
package webhookendpointcreate

import (
	"net/http"

	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/webhook/post"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("webhook-endpoint-create", func(env *runtime.Env) ([]runtime.Operation, error) {
		endpoints, err := post.Open(env)
		return []runtime.Operation{runtime.Write(http.StatusCreated, endpoints.Create)}, err
	})
}
