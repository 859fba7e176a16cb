// Package webhookendpointlist lists the endpoints of the shop.
package webhookendpointlist

import (
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/webhook"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("webhook-endpoint-list", runtime.Read(webhook.List))
}
