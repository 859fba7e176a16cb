// Package paymentvoid lets go of authorized money: by request, or when an order has ended, where
// it also gives back what was taken.
package paymentvoid

import (
	"context"
	"net/http"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gateways"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/txn"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("payment-void",
		runtime.Staged(http.StatusOK, payment.VoidOne(gateways.Find)),
		runtime.OnStaged(func(ctx context.Context, run *txn.Runner, name string, e events.OrderCancelled) (func(*txn.Tx) error, error) {
			return payment.CloseOrder(ctx, run, gateways.Find, name, e.OrderID)
		}),
		runtime.OnStaged(func(ctx context.Context, run *txn.Runner, name string, e events.OrderExpired) (func(*txn.Tx) error, error) {
			return payment.CloseOrder(ctx, run, gateways.Find, name, e.OrderID)
		}),
	)
}
