// Package webhookreplay sends deliveries of an endpoint again.
package webhookreplay

import (
	"net/http"

	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/webhook"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("webhook-replay", runtime.Write(http.StatusOK, webhook.Replay))
}
