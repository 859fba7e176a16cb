// Package reach makes of the environment of a function how it reaches eBay.
package reach

import (
	"fmt"

	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/seal"
)

// Open returns eBay as the environment says.
func Open(env *runtime.Env) (*ebay.Ebay, error) {
	c, err := config.Load[client.Config]()
	if err != nil {
		return nil, err
	}
	keys, err := seal.Parse(env.Config.CredentialsKey)
	if err != nil {
		return nil, fmt.Errorf("CREDENTIALS_KEY: %w", err)
	}
	return &ebay.Ebay{App: client.New(c, env.Clock, nil), Keys: keys}, nil
}
