// Package ebaylist returns listings at eBay with their state, eBay's last error and what to do about it.
package ebaylist

import (
	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("ebay-list", runtime.Read(ebay.List))
}
