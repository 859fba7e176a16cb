// Package webhookdeliverylist lists what endpoints were told, and how that went.
package webhookdeliverylist

import (
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/webhook"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("webhook-delivery-list", runtime.Read(webhook.Deliveries))
}
