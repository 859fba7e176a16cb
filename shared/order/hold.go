package order

import (
	"context"
	"fmt"
	"time"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// HoldForReview gives an order more time when a payment is held for review.
func HoldForReview(ctx context.Context, tx *txn.Tx, e events.PaymentHeld) error {
	return reschedule(ctx, tx, e.OrderID)
}

// EndReview takes the additional time back when a payment was refused.
func EndReview(ctx context.Context, tx *txn.Tx, e events.PaymentDeclined) error {
	return reschedule(ctx, tx, e.OrderID)
}

// reschedule sets when a pending order expires by how its payments stand now, so
// events may come in any order: while one waits for staff, as late as the shop's
// policy says; otherwise as soon as any order. The goods stay reserved as long;
// if they have gone already, the order is cancelled.
func reschedule(ctx context.Context, tx *txn.Tx, orderID string) error {
	o, err := load(ctx, tx, orderID, " FOR UPDATE")
	if err != nil || o.State.Settled() || !tx.Now.Before(o.ExpiresAt) { // order.due ends what is past its time
		return err
	}
	held, err := heldFor(ctx, tx, orderID)
	if err != nil {
		return err
	}
	until := o.CreatedAt.Add(held)
	if usual := tx.Now.Add(lifetime); held == 0 && o.ExpiresAt.After(usual) {
		until = usual
	} else if held <= lifetime {
		return nil
	}
	if until.Equal(o.ExpiresAt) {
		return nil
	}
	err = inventory.KeepUntil(ctx, tx, o.ID, until)
	if fault.Is(err, fault.Conflict) {
		return end(ctx, tx, o, state.Cancelled, "stock")
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE orders
		SET expires_at = $2, version = version + 1, updated_at = $3
		WHERE order_id = $1`, o.ID, until, tx.Now)
	if err != nil {
		return fmt.Errorf("reschedule order %s: %w", o.ID, err)
	}
	tx.EmitAt(until, events.OrderDue{OrderID: o.ID})
	return nil
}

// heldFor returns how long after it was placed an order waits for a decision, by
// the most patient of the methods whose payments wait for one; 0 if none does.
func heldFor(ctx context.Context, tx *txn.Tx, orderID string) (longest time.Duration, err error) {
	payments, err := payment.OfOrder(ctx, tx, orderID)
	if err != nil {
		return 0, err
	}
	for _, p := range payments {
		if !p.InReview() {
			continue
		}
		method, err := shop.PaymentMethodOf(ctx, tx, p.Tender)
		if err != nil && !fault.Is(err, fault.NotFound) { // it may have been taken away since
			return 0, err
		}
		longest = max(longest, method.Hold())
	}
	return longest, nil
}
