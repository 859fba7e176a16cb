package order

import (
	"context"
	"fmt"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// Confirm accepts an order whose payments are authorized; in the same transaction
// the reservation of its goods is made to last. If its time is up it expires
// instead; if its goods are gone, because the reservation had run out, it is
// cancelled. An order that has ended already stays as it is.
func Confirm(ctx context.Context, tx *txn.Tx, e events.PaymentAuthorized) error {
	o, err := load(ctx, tx, e.OrderID, " FOR UPDATE")
	if err != nil || o.State.Settled() {
		return err
	}
	if !tx.Now.Before(o.ExpiresAt) {
		return end(ctx, tx, o, state.Expired, "")
	}
	err = inventory.Keep(ctx, tx, o.ID)
	if fault.Is(err, fault.Conflict) {
		return end(ctx, tx, o, state.Cancelled, "stock")
	}
	if err != nil {
		return err
	}
	var paid bool // by gift cards and charges, which are taken at once
	err = tx.QueryRow(ctx, `
		UPDATE orders AS o
		SET state = $2, version = version + 1, updated_at = $3,
		    paid_at = CASE WHEN (SELECT COALESCE(sum(captured_cents), 0) FROM payments AS p WHERE p.order_id = o.order_id) >= total_cents THEN $3::timestamptz END
		WHERE order_id = $1
		RETURNING paid_at IS NOT NULL`, o.ID, state.Confirmed, tx.Now).Scan(&paid)
	if err != nil {
		return fmt.Errorf("confirm order %s: %w", o.ID, err)
	}
	tx.Emit(events.OrderConfirmed{OrderID: o.ID, Number: o.Number, Email: o.Email, Currency: o.Currency, TotalCents: o.TotalCents})
	if paid {
		emitPaid(tx, o)
	}
	return nil
}

// CancelRejected cancels an order whose goods are not to be had.
func CancelRejected(ctx context.Context, tx *txn.Tx, e events.InventoryRejected) error {
	o, err := load(ctx, tx, e.OrderID, " FOR UPDATE")
	if err != nil || !state.Can(o.State, state.Cancelled) {
		return err
	}
	return end(ctx, tx, o, state.Cancelled, "stock")
}

// ExpireDue ends an order that was not confirmed in time.
func ExpireDue(ctx context.Context, tx *txn.Tx, e events.OrderDue) error {
	o, err := load(ctx, tx, e.OrderID, " FOR UPDATE")
	if err != nil || o.State.Settled() || tx.Now.Before(o.ExpiresAt) {
		return err
	}
	return end(ctx, tx, o, state.Expired, "")
}

// CancelInput calls an order off.
type CancelInput struct {
	ID string `json:"-" path:"id"`
}

// Cancel calls an order off: a buyer's own while it is pending, any by staff. A
// repeated cancellation changes nothing; once goods have left, there is none. Money, goods, coupons and gift cards
// are given back by the functions that act on order.cancelled.
func Cancel(ctx context.Context, tx *txn.Tx, in CancelInput) (Order, error) {
	o, err := load(ctx, tx, in.ID, " FOR UPDATE")
	if err != nil {
		return Order{}, err
	}
	reason := "buyer"
	if tx.Who.Kind == principal.Staff {
		reason = "staff"
	}
	switch {
	case o.State == state.Cancelled:
		return Get(ctx, tx, GetInput{ID: in.ID})
	case len(o.Shipments) > 0:
		return Order{}, fault.New(fault.Conflict, "goods of order %s have left: refund what comes back", o.Number)
	case !state.Can(o.State, state.Cancelled), o.State == state.Confirmed && reason == "buyer":
		return Order{}, fault.New(fault.Conflict, "order %s is %s and cannot be cancelled any more", o.Number, o.State).With("state", o.State)
	}
	if err := end(ctx, tx, o, state.Cancelled, reason); err != nil {
		return Order{}, err
	}
	return Get(ctx, tx, GetInput{ID: in.ID})
}

// end closes an order without delivery and states it.
func end(ctx context.Context, tx *txn.Tx, o Order, to state.State, reason string) error {
	move(tx, o, to, reason)
	if err := shop.ReleaseCoupons(ctx, tx, o.ID); err != nil {
		return err
	}
	if to == state.Expired {
		tx.Emit(events.OrderExpired{OrderID: o.ID, Number: o.Number, Email: o.Email})
	} else {
		tx.Emit(events.OrderCancelled{OrderID: o.ID, Number: o.Number, Email: o.Email, Reason: reason})
	}
	return nil
}

// move changes the state of a locked order; the database refuses what
// state.Transitions does not have.
func move(tx *txn.Tx, o Order, to state.State, reason string) {
	tx.Later(`
		UPDATE orders
		SET state = $2, reason = $3, version = version + 1, updated_at = $4
		WHERE order_id = $1`, o.ID, to, reason, tx.Now)
}

// Settled reports whether the checkout of an order has come to its end; if so, it
// reloads the order.
func Settled(ctx context.Context, tx *txn.Tx, o Order) (Order, bool, error) {
	if err := tx.QueryRow(ctx, `SELECT state FROM orders WHERE order_id = $1`, o.ID).Scan(&o.State); err != nil {
		return o, false, fmt.Errorf("look whether order %s has settled: %w", o.ID, err)
	}
	if !o.State.Settled() {
		return o, false, nil
	}
	latest, err := Get(ctx, tx, GetInput{ID: o.ID})
	return latest, latest.State.Settled(), err
}
