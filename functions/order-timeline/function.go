// Package ordertimeline tells what has happened to an order, step by step.
package ordertimeline

import (
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("order-timeline", runtime.Read(order.Timeline(manifest.Consumers)))
}
