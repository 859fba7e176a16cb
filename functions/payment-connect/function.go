// Package paymentconnect connects the shop with its account at a payment gateway.
package paymentconnect

import (
	"fmt"
	"net/http"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/seal"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("payment-connect", func(env *runtime.Env) ([]runtime.Operation, error) {
		keys, err := seal.Parse(env.Config.CredentialsKey)
		if err != nil {
			return nil, fmt.Errorf("CREDENTIALS_KEY: %w", err)
		}
		return []runtime.Operation{runtime.Write(http.StatusOK, payment.Connect(keys))}, nil
	})
}
