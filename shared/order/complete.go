package order

import (
	"context"
	"fmt"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/txn"
)

// CompleteCaptured states that an order is paid once all of its money was taken,
// and that it is completed if all of it has left, too.
func CompleteCaptured(ctx context.Context, tx *txn.Tx, e events.PaymentCaptured) error {
	return complete(ctx, tx, e.OrderID)
}

// CompleteShipped states that an order is completed once all of it has left, if all
// of its money was taken.
func CompleteShipped(ctx context.Context, tx *txn.Tx, e events.OrderShipped) error {
	if !e.Complete {
		return nil
	}
	return complete(ctx, tx, e.OrderID)
}

// complete brings a confirmed order as far as its payments and shipments are; which
// comes first does not matter, since it locks the order. An order that staff have
// put into a pool of their own stays in it.
func complete(ctx context.Context, tx *txn.Tx, orderID string) error {
	o, err := load(ctx, tx, orderID, " FOR UPDATE")
	if err != nil || o.State != state.Confirmed || o.CompletedAt != nil {
		return err
	}
	paid := o.PaidAt != nil
	if !paid {
		err := tx.QueryRow(ctx, `SELECT COALESCE(sum(captured_cents), 0) >= $2 FROM payments WHERE order_id = $1`, o.ID, o.TotalCents).Scan(&paid)
		if err != nil {
			return fmt.Errorf("add up what was paid of order %s: %w", o.ID, err)
		}
		if !paid {
			return nil
		}
		emitPaid(tx, o)
	}
	done := o.ShippedAt != nil
	if !done && o.PaidAt != nil {
		return nil
	}
	tx.Later(`
		UPDATE orders
		SET paid_at = COALESCE(paid_at, $2), completed_at = CASE WHEN $3 THEN $2::timestamptz END,
		    pool = CASE WHEN $3 AND pool IN ('RECENT', 'PENDING', 'APPROVED', 'PROCESS') THEN 'COMPLETED' ELSE pool END,
		    version = version + 1, updated_at = $2
		WHERE order_id = $1`, o.ID, tx.Now, done)
	if done {
		tx.Emit(events.OrderCompleted{OrderID: o.ID, Number: o.Number, Email: o.Email})
	}
	return nil
}

func emitPaid(tx *txn.Tx, o Order) {
	tx.Emit(events.OrderPaid{OrderID: o.ID, Number: o.Number, Email: o.Email, Currency: o.Currency, TotalCents: o.TotalCents})
}
