// Package ebaystatus tells how selling at eBay goes: accounts, queues, quotas and what failed.
package ebaystatus

import (
	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("ebay-status", runtime.Read(ebay.StatusOf))
}
