package post

import (
	"context"
	"fmt"

	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/seal"
	"github.com/rackless/rackless/shared/txn"
	"github.com/rackless/rackless/shared/webhook"
)

// Open returns the operations on endpoints as the environment says.
func Open(env *runtime.Env) (webhook.Endpoints, error) {
	c, err := config.Load[Config]()
	if err != nil {
		return webhook.Endpoints{}, err
	}
	keys, err := seal.Parse(env.Config.CredentialsKey)
	if err != nil {
		return webhook.Endpoints{}, fmt.Errorf("CREDENTIALS_KEY: %w", err)
	}
	return webhook.Endpoints{Keys: keys, Insecure: c.Insecure}, nil
}

// Deliver returns the delivery of messages as the environment says.
func Deliver(env *runtime.Env) (func(context.Context, *txn.Runner, string, events.WebhookDue) (func(*txn.Tx) error, error), error) {
	c, err := config.Load[Config]()
	if err != nil {
		return nil, err
	}
	keys, err := seal.Parse(env.Config.CredentialsKey)
	if err != nil {
		return nil, fmt.Errorf("CREDENTIALS_KEY: %w", err)
	}
	return webhook.Deliver(keys, New(c)), nil
}
