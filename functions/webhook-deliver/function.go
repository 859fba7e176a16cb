// Package webhookdeliver tells merchants' own programs what happens in their shop.
package webhookdeliver

import (
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/webhook"
	"github.com/rackless/rackless/shared/webhook/post"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("webhook-deliver", func(env *runtime.Env) ([]runtime.Operation, error) {
		deliver, err := post.Deliver(env)
		return []runtime.Operation{
			runtime.On(webhook.Tell[events.CustomerCreated]),
			runtime.On(webhook.Tell[events.CustomerErased]),
			runtime.On(webhook.Tell[events.InventoryRejected]),
			runtime.On(webhook.Tell[events.OrderCancelled]),
			runtime.On(webhook.Tell[events.OrderCompleted]),
			runtime.On(webhook.Tell[events.OrderConfirmed]),
			runtime.On(webhook.Tell[events.OrderExpired]),
			runtime.On(webhook.Tell[events.OrderImported]),
			runtime.On(webhook.Tell[events.OrderPaid]),
			runtime.On(webhook.Tell[events.OrderPlaced]),
			runtime.On(webhook.Tell[events.OrderRevised]),
			runtime.On(webhook.Tell[events.OrderShipped]),
			runtime.On(webhook.Tell[events.PaymentAuthorized]),
			runtime.On(webhook.Tell[events.PaymentCaptured]),
			runtime.On(webhook.Tell[events.PaymentDeclined]),
			runtime.On(webhook.Tell[events.PaymentHeld]),
			runtime.On(webhook.Tell[events.PaymentRefunded]),
			runtime.On(webhook.Tell[events.PaymentVoided]),
			runtime.OnStaged(deliver),
		}, err
	})
}
