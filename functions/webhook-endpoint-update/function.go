// Package webhookendpointupdate changes an endpoint: its address, its events, its secret, or whether it is on.
package webhookendpointupdate

import (
	"net/http"

	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/webhook/post"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("webhook-endpoint-update", func(env *runtime.Env) ([]runtime.Operation, error) {
		endpoints, err := post.Open(env)
		return []runtime.Operation{runtime.Write(http.StatusOK, endpoints.Update)}, err
	})
}
