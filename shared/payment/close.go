package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// How often and how long a refund is repeated that a gateway refuses for now:
// longer than any takes to settle, which is a day or two.
const (
	refundPause    = 6 * time.Hour
	refundAttempts = 28
)

// CloseOrder gives back everything when an order has ended without being
// delivered: what was set aside is voided, what was taken refunded, gift cards
// get their money back. From its first transaction on nothing can be authorized
// or captured for the order, however late such an event arrives; an operation
// that is under way is first brought to its outcome. What a gateway refuses for
// now, such as a refund while the capture is being settled, is tried again by a
// timer; attempts is how often that was.
func CloseOrder(ctx context.Context, run *txn.Runner, gateways Gateways, name, orderID string, attempts int) (func(*txn.Tx) error, error) {
	var underWay []*attempt
	err := run.Do(ctx, func(tx *txn.Tx) (err error) {
		if err := stop(ctx, tx, orderID); err != nil {
			return err
		}
		underWay, err = pending(ctx, tx, orderID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := finish(ctx, run, gateways, underWay); err != nil {
		return nil, err
	}
	var returns []*attempt
	for parts := true; parts; { // what is kept aside first, then what was taken
		returns, err = beginAll(ctx, run, name, orderID, func(tx *txn.Tx, p Payment) (Kind, int64, error) {
			kind, cents := remainder(p)
			if cents == 0 {
				return "", 0, giveBack(ctx, tx, &p)
			}
			return kind, cents, nil
		})
		if err == nil {
			err = executeAll(ctx, gateways, run, returns)
		}
		parts = slices.ContainsFunc(returns, func(a *attempt) bool { return a.Kind == Void && a.CapturedCents > 0 && a.outcome.State == Succeeded })
		if err == nil && parts {
			err = run.Do(ctx, func(tx *txn.Tx) error { return recordAll(ctx, tx, returns) })
		}
		if err != nil {
			return nil, err
		}
	}
	return func(tx *txn.Tx) error {
		again := slices.ContainsFunc(returns, func(a *attempt) bool { return a.outcome.State == Declined && a.outcome.Retryable })
		if again && attempts < refundAttempts {
			tx.EmitAt(tx.Now.Add(refundPause), events.PaymentReturnDue{OrderID: orderID, Attempts: attempts + 1})
		}
		return recordAll(ctx, tx, returns)
	}, nil
}

// ReleaseSuspect lets go of what a gateway has set aside for a payment that the
// shop's policy refuses. A void that the gateway does not grant is tried again when
// the order ends.
func ReleaseSuspect(gateways Gateways) func(context.Context, *txn.Runner, string, events.PaymentSuspected) (func(*txn.Tx) error, error) {
	return func(ctx context.Context, run *txn.Runner, name string, e events.PaymentSuspected) (func(*txn.Tx) error, error) {
		attempts, err := beginAll(ctx, run, name, e.OrderID, func(_ *txn.Tx, p Payment) (Kind, int64, error) {
			if p.ID != e.PaymentID || p.Status != statusSuspect {
				return "", 0, nil
			}
			return Void, unused(p), nil
		})
		if err == nil {
			err = executeAll(ctx, gateways, run, attempts)
		}
		if err != nil {
			return nil, err
		}
		return func(tx *txn.Tx) error { return recordAll(ctx, tx, attempts) }, nil
	}
}

// stop keeps anything new from beginning on the payments of an order.
func stop(ctx context.Context, tx *txn.Tx, orderID string) error {
	_, err := tx.Exec(ctx, `
		UPDATE payments
		SET closed_at = $2
		WHERE order_id = $1 AND closed_at IS NULL`, orderID, tx.Now)
	if err != nil {
		return fmt.Errorf("close payments: %w", err)
	}
	return nil
}

// finish brings operations to their outcome and records it.
func finish(ctx context.Context, run *txn.Runner, gateways Gateways, attempts []*attempt) error {
	if err := executeAll(ctx, gateways, run, attempts); err != nil || len(attempts) == 0 {
		return err
	}
	return run.Do(ctx, func(tx *txn.Tx) error { return recordAll(ctx, tx, attempts) })
}

// remainder returns what a gateway still has to give back of a payment: the
// money that is set aside, or else the money that was taken.
func remainder(p Payment) (Kind, int64) {
	if cents := unused(p); cents > 0 {
		return Void, cents
	}
	if p.Gateway == "" || p.class() == '6' {
		return "", 0
	}
	return Refund, p.CapturedCents - p.RefundedCents
}

// giveBack takes back a payment with which no gateway has to do anything.
func giveBack(ctx context.Context, tx *txn.Tx, p *Payment) error {
	switch left := p.CapturedCents - p.RefundedCents; {
	case p.isLedger() && left > 0:
		if err := shop.RefundGiftCard(ctx, tx, p.GiftCard, left, p.OrderID, p.ID); err != nil {
			return err
		}
		p.Status, p.RefundedCents = statusDeposited, p.CapturedCents
		tx.Emit(events.PaymentRefunded{OrderID: p.OrderID, PaymentID: p.ID, AmountCents: left})
	case p.GiftCard != "" && p.class() != '3' && p.class() != '6':
		if err := shop.ReleaseGiftCard(ctx, tx, p.GiftCard, p.OrderID); err != nil {
			return err
		}
		if p.CapturedCents > 0 { // a purchase order: what people have received, they give back
			return nil
		}
		p.Status = statusVoided
	case p.Status == statusNew, p.Gateway == "" && p.class() == '1' && p.CapturedCents == 0: // what people have received, they give back
		p.Status = statusVoided
	default:
		return nil
	}
	save(tx, *p)
	return nil
}
