package payment

import (
	"context"
	"strings"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// ActInput asks for a capture, a void or a refund.
type ActInput struct {
	ID          string `json:"-" path:"id"`
	AmountCents int64  `json:"amount_cents,omitempty"` // in the currency's smallest unit; 0: all that is left
}

// Validate refuses amounts that cannot be.
func (in ActInput) Validate() error {
	var f fault.Fields
	f.Check(in.AmountCents >= 0, "/amount_cents", "must not be negative")
	return f.Err()
}

// VoidInput asks to let go of all that is set aside.
type VoidInput struct {
	ID string `json:"-" path:"id"`
}

// Acted is what an operation came to. A refusal by the gateway is an outcome
// too: the payment is then what it was.
type Acted struct {
	Payment
	Operation struct {
		ID     string `json:"id"`
		State  State  `json:"state"` // succeeded, held or declined
		Detail string `json:"detail,omitempty"`
	} `json:"operation"`
}

// Act returns what staff do to one payment through its gateway: Capture or
// Refund. More than is left, or a payment that is not in a state for it, is
// refused with kind Conflict.
func Act(gateways Gateways, kind Kind) func(context.Context, *txn.Runner, string, ActInput) (func(*txn.Tx) (Acted, error), error) {
	return func(ctx context.Context, run *txn.Runner, name string, in ActInput) (func(*txn.Tx) (Acted, error), error) {
		return act(ctx, gateways, run, name, in.ID, kind, in.AmountCents)
	}
}

// VoidOne returns how staff let go of what a payment has set aside.
func VoidOne(gateways Gateways) func(context.Context, *txn.Runner, string, VoidInput) (func(*txn.Tx) (Acted, error), error) {
	return func(ctx context.Context, run *txn.Runner, name string, in VoidInput) (func(*txn.Tx) (Acted, error), error) {
		return act(ctx, gateways, run, name, in.ID, Void, 0)
	}
}

func act(ctx context.Context, gateways Gateways, run *txn.Runner, name, id string, kind Kind, cents int64) (func(*txn.Tx) (Acted, error), error) {
	var a *attempt
	err := run.Do(ctx, func(tx *txn.Tx) error {
		p, err := lockOne(ctx, tx, id)
		if err != nil {
			return err
		}
		if a, err = resumed(ctx, tx, name, p, kind); err != nil || a != nil {
			return err
		}
		amount, err := allowed(p, kind, cents)
		if err != nil {
			return err
		}
		a, err = begin(ctx, tx, name, p, kind, amount)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.execute(ctx, gateways, run); err != nil {
		return nil, err
	}
	return func(tx *txn.Tx) (Acted, error) {
		p, err := lockOne(ctx, tx, id)
		if err != nil {
			return Acted{}, err
		}
		if _, err := a.record(ctx, tx, &p); err != nil {
			return Acted{}, err
		}
		out := Acted{Payment: p}
		out.Operation.ID, out.Operation.State, out.Operation.Detail = a.ID, a.outcome.State, a.outcome.Detail
		return out, nil
	}, nil
}

// allowed returns how much of a payment may be captured, voided or refunded now.
func allowed(p Payment, kind Kind, cents int64) (int64, error) {
	var left int64
	open := p.ClosedAt == nil
	switch {
	case p.Gateway == "" && !IsOffline(p.Tender) && !(kind == Refund && p.isLedger()):
		return 0, fault.New(fault.Conflict, "nobody collects a %s payment", p.Tender)
	case kind == Capture && p.Gateway == "" && open && p.class() == '1':
		left = max(0, p.AmountCents-p.CapturedCents-p.ReturningCents)
	case kind == Capture && open && (p.class() == '1' || p.class() == '0'):
		left = max(0, p.AuthorizedCents-p.CapturedCents-p.ReturningCents)
	case kind == Void && p.Gateway == "" && p.CapturedCents == 0 && p.class() == '1':
		left = p.AmountCents
	case kind == Void:
		left = unused(p)
	case (kind == Approve || kind == Decline) && open && p.class() == '4':
		left = p.AmountCents
	case kind == Refund:
		left = p.CapturedCents - p.RefundedCents
	}
	if cents == 0 {
		cents = left
	}
	if cents > left || left == 0 {
		return 0, fault.New(fault.Conflict, "payment %s has status %s: %d cents are left to %s, not %d", p.ID, p.Status, left, kind, max(cents, 1)).
			With("left_cents", left)
	}
	return cents, nil
}

// unused returns what of a payment a gateway still keeps aside.
func unused(p Payment) int64 {
	if p.Gateway == "" || !strings.ContainsRune("0124", rune(p.class())) {
		return 0
	}
	return p.AuthorizedCents - p.CapturedCents
}

// CaptureConfirmed takes the money of a confirmed order where the shop's payment
// methods say so.
func CaptureConfirmed(gateways Gateways) func(context.Context, *txn.Runner, string, events.OrderConfirmed) (func(*txn.Tx) error, error) {
	return func(ctx context.Context, run *txn.Runner, name string, e events.OrderConfirmed) (func(*txn.Tx) error, error) {
		return captureOrder(ctx, run, gateways, name, e.OrderID, shop.OnConfirm)
	}
}

// CaptureShipped does so as an order's goods leave the warehouse: when the last of
// them do, or, where shop and gateway allow it, for each shipment so much that what
// was taken is the price of all that has left.
func CaptureShipped(gateways Gateways) func(context.Context, *txn.Runner, string, events.OrderShipped) (func(*txn.Tx) error, error) {
	return func(ctx context.Context, run *txn.Runner, name string, e events.OrderShipped) (func(*txn.Tx) error, error) {
		if e.Complete {
			return captureOrder(ctx, run, gateways, name, e.OrderID, shop.OnShip)
		}
		return captureDue(ctx, run, gateways, name, e.OrderID, e.DueCents)
	}
}

func captureOrder(ctx context.Context, run *txn.Runner, gateways Gateways, name, orderID, when string) (func(*txn.Tx) error, error) {
	return capture(ctx, run, gateways, name, orderID, func(_ *txn.Tx, p Payment) (Kind, int64, error) {
		cents, err := allowed(p, Capture, 0)
		now := p.CaptureOn == when ||
			p.CaptureOn == shop.AtOnce && when == shop.OnConfirm || // a charge that was held, or had to be judged first
			p.CaptureOn == shop.OnEachShipment && when == shop.OnShip // the last of them
		if err != nil || !now || p.Gateway == "" {
			return "", 0, nil // nothing to capture, or not now
		}
		return Capture, cents, nil
	})
}

// captureDue takes what is due of an order's total and was not taken, from the
// payments that can be captured in parts, the first first.
func captureDue(ctx context.Context, run *txn.Runner, gateways Gateways, name, orderID string, due int64) (func(*txn.Tx) error, error) {
	var missing int64
	var counted *txn.Tx // the transaction in which missing was counted
	return capture(ctx, run, gateways, name, orderID, func(tx *txn.Tx, p Payment) (Kind, int64, error) {
		if counted != tx {
			payments, err := OfOrder(ctx, tx, orderID)
			if err != nil {
				return "", 0, err
			}
			counted, missing = tx, due
			for _, p := range payments {
				missing -= p.CapturedCents
			}
		}
		left, err := allowed(p, Capture, 0)
		if err != nil || p.Gateway == "" || p.CaptureOn != shop.OnEachShipment || !p.InParts || missing <= 0 {
			return "", 0, nil // nothing to capture, or not now
		}
		cents := min(left, missing)
		missing -= cents
		return Capture, cents, nil
	})
}

func capture(ctx context.Context, run *txn.Runner, gateways Gateways, name, orderID string, wants func(*txn.Tx, Payment) (Kind, int64, error)) (func(*txn.Tx) error, error) {
	attempts, err := beginAll(ctx, run, name, orderID, wants)
	if err == nil {
		err = executeAll(ctx, gateways, run, attempts)
	}
	if err != nil {
		return nil, err
	}
	return func(tx *txn.Tx) error { return recordAll(ctx, tx, attempts) }, nil
}
