package payment

import (
	"context"

	"github.com/rackless/rackless/shared/txn"
)

// DecideInput names a payment that is held for review.
type DecideInput struct {
	ID string `json:"-" path:"id"`
}

// Decide returns how staff let a held payment go on (Approve) or refuse it
// (Decline). An order whose payments are then all good goes on to its
// confirmation; one with a refused payment waits until it is paid in another way
// or its time is up. A payment that is not held, or whose order has ended, is
// refused with kind Conflict. If the gateway does not do it, as for a buyer who
// has not yet identified themselves at their bank, the payment stays held.
func Decide(gateways Gateways, kind Kind) func(context.Context, *txn.Runner, string, DecideInput) (func(*txn.Tx) (Acted, error), error) {
	return func(ctx context.Context, run *txn.Runner, name string, in DecideInput) (func(*txn.Tx) (Acted, error), error) {
		var orderID string
		err := run.Read(ctx, func(tx *txn.Tx) error {
			p, err := query(ctx, tx, `WHERE payment_id = $1`, in.ID)
			if len(p) > 0 {
				orderID = p[0].OrderID
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		record, err := act(ctx, gateways, run, name, in.ID, kind, 0)
		if err != nil {
			return nil, err
		}
		return func(tx *txn.Tx) (Acted, error) {
			if _, err := lockOrder(ctx, tx, orderID); err != nil { // all of them, in the order in which everyone locks them
				return Acted{}, err
			}
			out, err := record(tx)
			if err != nil || out.Operation.State != Succeeded {
				return out, err
			}
			payments, err := OfOrder(ctx, tx, orderID)
			if err != nil {
				return out, err
			}
			return out, conclude(ctx, tx, orderID, payments)
		}, nil
	}
}
