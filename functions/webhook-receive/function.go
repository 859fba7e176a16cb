// Package webhookreceive keeps what a payment gateway tells by webhook, once its signature
// is checked.
package webhookreceive

import (
	"fmt"
	"net/http"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/seal"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("webhook-receive", func(env *runtime.Env) ([]runtime.Operation, error) {
		keys, err := seal.Parse(env.Config.CredentialsKey)
		if err != nil {
			return nil, fmt.Errorf("CREDENTIALS_KEY: %w", err)
		}
		return []runtime.Operation{runtime.Write(http.StatusOK, payment.Receive(keys, gateways.Verify))}, nil
	})
}
