package payment

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// Covered is what the payments of an order come to, in the currency's smallest unit:
// what was taken, is set aside or is awaited, without what goes back.
func Covered(payments []Payment) int64 {
	var sum int64
	for _, p := range payments {
		sum += p.covers()
	}
	return sum
}

func (p Payment) covers() int64 {
	switch {
	case p.class() != '0' && p.class() != '1':
		return 0
	case p.Gateway == "" && p.class() == '1': // awaited
		return p.AmountCents - p.RefundedCents - p.ReturningCents
	}
	return p.AuthorizedCents - p.RefundedCents - p.ReturningCents
}

// Cover makes the payments of a revised order come to its new total: more opens
// payments for what is missing, which the next step of the checkout tries; what is
// too much goes back, the last payment first. What a person has received, a person
// gives back; it is noted on the payment. Payments that are being worked on, or
// whose order has ended, are refused with kind Conflict, more that does not make up
// for the difference with Unprocessable. revision names this one.
func Cover(ctx context.Context, tx *txn.Tx, orderID, currency string, total int64, more []Intent, revision string) error {
	payments, err := lockOrder(ctx, tx, orderID)
	if err != nil {
		return err
	}
	busy, err := pending(ctx, tx, orderID)
	if err != nil {
		return err
	}
	if len(busy) > 0 || slices.ContainsFunc(payments, func(p Payment) bool { return p.ClosedAt == nil && (p.class() == '4' || p.class() == '5') }) || ended(payments) {
		return fault.New(fault.Conflict, "the payments of the order are being worked on, or have ended")
	}
	missing := total - Covered(payments)
	for _, in := range more {
		missing -= in.AmountCents
	}
	switch {
	case missing > 0:
		return fault.New(fault.Unprocessable, "%d cents are not paid for: name a payment for them", missing).With("missing_cents", missing)
	case missing < 0 && len(more) > 0:
		return fault.New(fault.Unprocessable, "the payment is %d cents too much", -missing)
	case len(more) > 0:
		for _, p := range payments { // what was refused before is given up
			if p.ClosedAt == nil && p.covers() == 0 && p.class() != '3' {
				p.ClosedAt = &tx.Now
				save(tx, p)
			}
		}
		var batch pgx.Batch
		QueueOpen(&batch, tx, orderID, currency, more, &payments)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return fmt.Errorf("open payments of a revision: %w", err)
		}
		tx.Emit(events.PaymentRetried{OrderID: orderID})
		return nil
	}
	excess := -missing
	for i := len(payments) - 1; i >= 0 && excess > 0; i-- {
		p := &payments[i]
		cents := min(excess, p.covers())
		if cents == 0 {
			continue
		}
		excess -= cents
		if err := p.reduce(ctx, tx, cents, revision); err != nil {
			return err
		}
	}
	return nil
}

// reduce gives a part of a payment back to a ledger, or notes that it goes back.
func (p *Payment) reduce(ctx context.Context, tx *txn.Tx, cents int64, revision string) error {
	if p.isLedger() {
		if err := shop.RefundGiftCard(ctx, tx, p.GiftCard, cents, p.OrderID, revision); err != nil {
			return err
		}
		if p.RefundedCents += cents; p.RefundedCents == p.CapturedCents {
			p.Status = statusDeposited
		}
		tx.Emit(events.PaymentRefunded{OrderID: p.OrderID, PaymentID: p.ID, AmountCents: cents})
		save(tx, *p)
		return nil
	}
	p.ReturningCents += cents
	if kind, _ := p.overpaid(); kind != "" && p.Gateway != "" {
		tx.Emit(events.PaymentOverpaid{OrderID: p.OrderID, PaymentID: p.ID})
	}
	save(tx, *p)
	return nil
}

// overpaid returns what has to be done that the money goes back which has to. A part
// of what is set aside is just not taken.
func (p Payment) overpaid() (Kind, int64) {
	aside := p.AuthorizedCents - p.CapturedCents
	switch {
	case p.ReturningCents == 0 || p.ReturningCents < aside:
		return "", 0
	case p.CapturedCents == 0:
		return Void, aside
	case p.ReturningCents > aside:
		return Refund, min(p.ReturningCents-aside, p.CapturedCents-p.RefundedCents)
	}
	return "", 0
}

// ReturnOverpaid gives back what of a payment was too much. What the gateway refuses
// for now is tried again by a timer.
func ReturnOverpaid(gateways Gateways) func(context.Context, *txn.Runner, string, events.PaymentOverpaid) (func(*txn.Tx) error, error) {
	return func(ctx context.Context, run *txn.Runner, name string, e events.PaymentOverpaid) (func(*txn.Tx) error, error) {
		attempts, err := beginAll(ctx, run, name, e.OrderID, func(_ *txn.Tx, p Payment) (Kind, int64, error) {
			if p.ID != e.PaymentID || p.ClosedAt != nil { // whoever closed it gives all of it back
				return "", 0, nil
			}
			kind, cents := p.overpaid()
			return kind, cents, nil
		})
		if err == nil {
			err = executeAll(ctx, gateways, run, attempts)
		}
		if err != nil {
			return nil, err
		}
		return func(tx *txn.Tx) error {
			for _, a := range attempts {
				if a.outcome.State == Declined && a.outcome.Retryable && e.Attempts < refundAttempts {
					tx.EmitAt(tx.Now.Add(refundPause), events.PaymentOverpaid{OrderID: e.OrderID, PaymentID: e.PaymentID, Attempts: e.Attempts + 1})
				}
			}
			return recordAll(ctx, tx, attempts)
		}, nil
	}
}
