package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// Converge acts on a notice: it asks the gateway what has become of the payment
// that it is about. One that waited, for the buyer's bank or for a review at the
// gateway, becomes what the gateway says; what the merchant has done at the gateway
// itself, a capture, a void or a refund, is noted; whatever else is under way comes
// to its end by itself. Notices may come twice, late or in any order.
func Converge(gateways Gateways) func(context.Context, *txn.Runner, string, events.PaymentNoticed) (func(*txn.Tx) error, error) {
	return func(ctx context.Context, run *txn.Runner, name string, e events.PaymentNoticed) (func(*txn.Tx) error, error) {
		nothing := func(*txn.Tx) error { return nil }
		var p Payment
		var held *attempt
		err := run.Read(ctx, func(tx *txn.Tx) (err error) {
			p, held, err = noticed(ctx, tx, name, e.PaymentID)
			return err
		})
		if err != nil || p.ID == "" {
			return nothing, err
		}
		gateway, err := gateways(ctx, run, p.Gateway)
		if err != nil {
			return nil, unknown(err)
		}
		if held == nil {
			standing, found, err := gateway.Standing(ctx, newAttempt(name, p, Approve, p.AmountCents).Operation)
			if err != nil || !found {
				return nothing, unknown(err)
			}
			return func(tx *txn.Tx) error { return align(ctx, tx, p, standing) }, nil
		}
		outcome, found, err := gateway.Lookup(ctx, held.Operation)
		if err != nil {
			return nil, unknown(err)
		}
		if !found || outcome.State == Held {
			return nothing, nil
		}
		return func(tx *txn.Tx) error { return settleHeld(ctx, tx, p, outcome) }, nil
	}
}

// noticed returns the payment of a notice, empty if nothing can have happened to
// it, and the operation that is held at the gateway, if one is.
func noticed(ctx context.Context, tx *txn.Tx, name, id string) (Payment, *attempt, error) {
	found, err := query(ctx, tx, `WHERE payment_id = $1`, id)
	if err != nil || len(found) == 0 {
		return Payment{}, nil, err
	}
	p := found[0]
	if p.class() != '4' || p.heldByPolicy() {
		if unused(p) == 0 && p.CapturedCents == p.RefundedCents {
			return Payment{}, nil, nil // it is at its end, or was never there
		}
		return p, nil, quiet(ctx, tx, p.ID)
	}
	held := newAttempt(name, p, p.sale(), p.AmountCents)
	held.Resumed = true
	err = tx.QueryRow(ctx, `
		SELECT operation_id, created_at
		FROM payment_operations
		WHERE payment_id = $1 AND kind IN ('authorize', 'charge') AND state = 'held'
		ORDER BY created_at DESC
		LIMIT 1`, p.ID).Scan(&held.ID, &held.Since)
	if errors.Is(err, pgx.ErrNoRows) {
		return Payment{}, nil, nil
	}
	if err != nil {
		return Payment{}, nil, fmt.Errorf("find what is held of payment %s: %w", p.ID, err)
	}
	return p, held, nil
}

// quiet refuses with kind Unavailable while an operation is under way on a payment:
// what the gateway says then may be its effect.
func quiet(ctx context.Context, tx *txn.Tx, id string) error {
	var busy bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM payment_operations WHERE payment_id = $1 AND state = 'pending')`, id).Scan(&busy); err != nil {
		return fmt.Errorf("see whether payment %s is being worked on: %w", id, err)
	}
	if busy {
		return fault.New(fault.Unavailable, "payment %s is being worked on", id)
	}
	return nil
}

// align notes what a merchant has done at the gateway. was is the payment as it
// stood when the gateway was asked; if it has changed since, the answer is asked
// for again.
func align(ctx context.Context, tx *txn.Tx, was Payment, at Standing) error {
	p, err := lockOne(ctx, tx, was.ID)
	if err != nil {
		return err
	}
	if err := quiet(ctx, tx, p.ID); err != nil {
		return err
	}
	if p.Status != was.Status || p.AuthorizedCents != was.AuthorizedCents || p.CapturedCents != was.CapturedCents || p.RefundedCents != was.RefundedCents {
		return fault.New(fault.Unavailable, "payment %s has changed", p.ID)
	}
	switch taken := at.CapturedCents - p.CapturedCents; {
	case taken > 0 && at.CapturedCents <= p.AmountCents:
		p.CapturedCents, p.AuthorizedCents, p.Status = at.CapturedCents, max(p.AuthorizedCents, at.CapturedCents), statusCaptured
		tx.Emit(events.PaymentCaptured{OrderID: p.OrderID, PaymentID: p.ID, AmountCents: taken})
	case at.CapturedCents == 0 && at.AsideCents == 0 && p.CapturedCents > 0: // the capture was voided before it was settled
		at.RefundedCents = p.CapturedCents
	}
	if returned := min(at.RefundedCents, p.CapturedCents) - p.RefundedCents; returned > 0 {
		if p.RefundedCents += returned; p.RefundedCents == p.CapturedCents {
			p.Status = statusRefunded
		}
		tx.Emit(events.PaymentRefunded{OrderID: p.OrderID, PaymentID: p.ID, AmountCents: returned})
	}
	switch {
	case at.AsideCents >= p.AuthorizedCents-p.CapturedCents:
	case p.CapturedCents == 0 && at.AsideCents == 0:
		p.Status = statusLetGo
		tx.Emit(events.PaymentVoided{OrderID: p.OrderID, PaymentID: p.ID})
	default:
		p.AuthorizedCents = p.CapturedCents + at.AsideCents
	}
	if p.AuthorizedCents == was.AuthorizedCents && p.CapturedCents == was.CapturedCents && p.RefundedCents == was.RefundedCents && p.Status == was.Status {
		return nil
	}
	p.Detail = "done at the gateway"
	save(tx, p)
	return nil
}

// settleHeld records what a held payment has become, unless somebody has decided
// meanwhile.
func settleHeld(ctx context.Context, tx *txn.Tx, p Payment, outcome Outcome) error {
	payments, err := lockOrder(ctx, tx, p.OrderID)
	if err != nil {
		return err
	}
	for i := range payments {
		now := &payments[i]
		if now.ID != p.ID {
			continue
		}
		if now.class() != '4' || now.ClosedAt != nil {
			return nil
		}
		askedBuyer := now.AwaitsBuyer
		now.Status, now.Detail, now.AwaitsBuyer, now.AuthorizedCents = outcome.Status, outcome.Detail, false, 0
		if outcome.State == Succeeded {
			now.AuthorizedCents = now.AmountCents
			if askedBuyer { // nobody has looked at it yet
				now.judge(tx, outcome)
			}
			if now.class() == '0' {
				now.CapturedCents = now.AmountCents
				tx.Emit(events.PaymentCaptured{OrderID: now.OrderID, PaymentID: now.ID, AmountCents: now.AmountCents})
			}
		}
		save(tx, *now)
	}
	return conclude(ctx, tx, p.OrderID, payments)
}
