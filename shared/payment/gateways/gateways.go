// Package gateways is the list of gateways that the payment functions offer. It
// is where a new one is added.
package gateways

import (
	"context"
	"fmt"
	"time"

	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/authorizenet"
	"github.com/rackless/rackless/shared/payment/stripe"
	"github.com/rackless/rackless/shared/payment/testgateway"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/seal"
	"github.com/rackless/rackless/shared/txn"
)

// environment is how the gateways are reached.
type environment struct {
	AuthorizeNet authorizenet.Config
	Stripe       stripe.Config
}

// Open returns the gateways: "test", and those at which a shop has an account of
// its own, called with that account's credentials.
func Open(env *runtime.Env) (payment.Gateways, error) {
	reach, err := config.Load[environment]()
	if err != nil {
		return nil, err
	}
	keys, err := seal.Parse(env.Config.CredentialsKey)
	if err != nil {
		return nil, fmt.Errorf("CREDENTIALS_KEY: %w", err)
	}
	return func(ctx context.Context, run *txn.Runner, name string) (payment.Gateway, error) {
		switch name {
		case "test":
			return testgateway.Gateway{Run: run}, nil
		case payment.AuthorizeNet, payment.Stripe:
		default:
			return nil, fault.New(fault.NotFound, "there is no gateway %s", name)
		}
		account, sandbox, err := payment.AccountOf(ctx, run, keys, name)
		if err != nil {
			return nil, err
		}
		if name == payment.Stripe {
			return stripe.New(reach.Stripe, stripe.Credentials{Key: account.SecretKey}, nil), nil
		}
		c := reach.AuthorizeNet
		if sandbox {
			c.URL = c.SandboxURL
		}
		return authorizenet.New(c, authorizenet.Credentials{Login: account.Login, TransactionKey: account.TransactionKey}, nil, env.Clock), nil
	}, nil
}

// Verify tells whether a webhook is signed with one of the keys of a shop's account;
// an account without one has signed nothing.
func Verify(in payment.NoticeInput, keys []string, now time.Time) error {
	if in.Gateway == payment.Stripe {
		return stripe.VerifyWebhook(in.Body, in.Stripe, now, keys...)
	}
	return authorizenet.VerifyWebhook(in.Body, in.AuthorizeNet, keys...)
}
