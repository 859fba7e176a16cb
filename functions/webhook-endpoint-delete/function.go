// Package webhookendpointdelete removes an endpoint.
package webhookendpointdelete

import (
	"net/http"

	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/webhook"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("webhook-endpoint-delete", runtime.Write(http.StatusNoContent, webhook.Delete))
}
