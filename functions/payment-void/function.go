// Package paymentvoid lets go of authorized money: by request, when the shop's policy refuses it, or
// when an order has ended, where it also gives back what was taken.
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
	return runtime.Wired("payment-void", func(env *runtime.Env) ([]runtime.Operation, error) {
		find, err := gateways.Open(env)
		return []runtime.Operation{
			runtime.Staged(http.StatusOK, payment.VoidOne(find)),
			runtime.OnStaged(payment.ReleaseSuspect(find)),
			runtime.OnStaged(func(ctx context.Context, run *txn.Runner, name string, e events.OrderCancelled) (func(*txn.Tx) error, error) {
				return payment.CloseOrder(ctx, run, find, name, e.OrderID, 0)
			}),
			runtime.OnStaged(func(ctx context.Context, run *txn.Runner, name string, e events.OrderExpired) (func(*txn.Tx) error, error) {
				return payment.CloseOrder(ctx, run, find, name, e.OrderID, 0)
			}),
			runtime.OnStaged(func(ctx context.Context, run *txn.Runner, name string, e events.PaymentReturnDue) (func(*txn.Tx) error, error) {
				return payment.CloseOrder(ctx, run, find, name, e.OrderID, e.Attempts)
			}),
		}, err
	})
}
