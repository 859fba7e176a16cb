// Package testgateway is a bank that does not exist: it answers by a script that
// the buyer's token names and keeps books, so that a test can compare what a
// shop believes with what was booked. A shop uses it under the gateway name
// "test".
package testgateway

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/txn"
)

// The tokens and what happens to an authorization or a charge with them. Anything
// else is declined as an unknown card. What follows up a payment succeeds as long
// as the books allow it.
const (
	TokenApprove   = "tok_approve"            // approved
	TokenUnsettled = "tok_unsettled"          // approved, but the first refund is refused for now
	TokenDecline   = "tok_decline"            // declined
	TokenFunds     = "tok_insufficient_funds" // declined
	TokenHold      = "tok_hold"               // held for review
	TokenLost      = "tok_lost"               // approved, but the reply to the first attempt is lost
	TokenAddress   = "tok_wrong_address"      // approved, though neither street nor postal code match
	TokenCode      = "tok_wrong_code"         // approved, though the card code is wrong
)

// Gateway is the test gateway. It books in transactions of its own, as a bank
// would.
type Gateway struct{ Run *txn.Runner }

// Execute books an operation once and answers by the script.
func (g Gateway) Execute(ctx context.Context, op payment.Operation) (payment.Outcome, error) {
	var outcome payment.Outcome
	first := false
	err := g.Run.Do(ctx, func(tx *txn.Tx) error {
		outcome = script(op)
		var batch pgx.Batch
		var rows []entry
		// The books need no flush of their own: whatever the shop commits of the outcome
		// comes after them in the log and takes them along.
		batch.Queue(`
			SELECT pg_advisory_xact_lock(hashtextextended('test_gateway ' || $1, 0)), set_config('synchronous_commit', 'off', true)`, outcome.Reference)
		queueEntries(&batch, op, outcome.Reference, &rows)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		if i := slices.IndexFunc(rows, func(e entry) bool { return e.ID == op.ID }); i >= 0 {
			outcome, first = rows[i].outcome(op), false
			return nil
		}
		switch {
		case !allowed(op, rows):
			outcome = impossible
		case op.Kind == payment.Refund && op.Token == TokenUnsettled && !slices.ContainsFunc(rows, func(e entry) bool { return e.Kind == payment.Refund }):
			outcome = unsettled
			outcome.Reference = op.Reference // by which the next refund finds it
		}
		first = true
		tx.Later(`
			INSERT INTO test_gateway (operation_id, shop_id, kind, reference, amount_cents, outcome, booked_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			op.ID, tx.Shop, op.Kind, outcome.Reference, op.AmountCents, outcome.State, tx.Now)
		return nil
	})
	if err != nil {
		return payment.Outcome{}, fmt.Errorf("test gateway: %w", err)
	}
	if first && op.Token == TokenLost && (op.Kind == payment.Authorize || op.Kind == payment.Charge) {
		return payment.Outcome{}, fault.New(fault.Unavailable, "the gateway's reply was lost")
	}
	return outcome, nil
}

// Lookup finds an operation in the books. What was held is what was decided
// since.
func (g Gateway) Lookup(ctx context.Context, op payment.Operation) (o payment.Outcome, found bool, err error) {
	err = g.Run.Do(ctx, func(tx *txn.Tx) error {
		var batch pgx.Batch
		var rows []entry
		queueEntries(&batch, op, script(op).Reference, &rows)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		i := slices.IndexFunc(rows, func(e entry) bool { return e.ID == op.ID })
		if found = i >= 0; found {
			o = rows[i].outcome(op)
			if o.State == payment.Held {
				o = decided(o, rows)
			}
		}
		return nil
	})
	if err != nil {
		return o, false, fmt.Errorf("test gateway: %w", err)
	}
	return o, found, nil
}

// entry is one line of the books.
type entry struct {
	ID     string        `db:"operation_id"`
	Kind   payment.Kind  `db:"kind"`
	Amount int64         `db:"amount_cents"`
	State  payment.State `db:"outcome"`
}

// queueEntries adds to a batch the statement that reads what was booked on a
// payment, and the operation itself.
func queueEntries(batch *pgx.Batch, op payment.Operation, reference string, into *[]entry) {
	batch.Queue(`
		SELECT operation_id, kind, amount_cents, outcome
		FROM test_gateway
		WHERE operation_id = $1 OR reference = $2 AND reference <> ''
		ORDER BY booked_at`, op.ID, reference).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[entry])
		return err
	})
}

// impossible is the outcome of what the books do not allow.
var impossible = payment.Outcome{State: payment.Declined, Status: "256", Detail: "the payment is not in a state for this"}

// unsettled is the outcome of a refund that comes too early.
var unsettled = payment.Outcome{State: payment.Declined, Status: "258", Detail: "the capture is not settled yet", Retryable: true}

func (e entry) outcome(op payment.Operation) payment.Outcome {
	o := script(op)
	if e.State == payment.Declined && op.Token == TokenUnsettled {
		return unsettled
	}
	if o.State != e.State {
		return impossible
	}
	return o
}

// decided returns what a held authorization has become.
func decided(o payment.Outcome, booked []entry) payment.Outcome {
	for _, e := range booked {
		switch {
		case e.State != payment.Succeeded:
		case e.Kind == payment.Approve:
			o.State, o.Status, o.Detail, o.InParts = payment.Succeeded, "130", "test authorization, approved", true
		case e.Kind == payment.Decline, e.Kind == payment.Void:
			return impossible
		}
	}
	return o
}

// Standing adds up the books of a payment.
func (g Gateway) Standing(ctx context.Context, op payment.Operation) (s payment.Standing, found bool, err error) {
	var rows []entry
	err = g.Run.Do(ctx, func(tx *txn.Tx) error {
		var batch pgx.Batch
		queueEntries(&batch, op, op.Reference, &rows)
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return s, false, fmt.Errorf("test gateway: %w", err)
	}
	b := sum(rows)
	s = payment.Standing{AsideCents: b.authorized - b.captured, CapturedCents: b.captured, RefundedCents: b.refunded}
	if b.voided {
		s.AsideCents = 0
	}
	return s, len(rows) > 0 && !b.held, nil
}

// sums are what the books of a payment come to.
type sums struct {
	authorized, captured, refunded int64
	held, voided                   bool
}

func sum(booked []entry) (b sums) {
	for _, e := range booked {
		switch {
		case e.State == payment.Held:
			b.held, b.authorized = true, e.Amount
		case e.State != payment.Succeeded:
		case e.Kind == payment.Authorize:
			b.authorized += e.Amount
		case e.Kind == payment.Charge:
			b.authorized, b.captured = b.authorized+e.Amount, b.captured+e.Amount
		case e.Kind == payment.Capture:
			b.captured += e.Amount
		case e.Kind == payment.Refund:
			b.refunded += e.Amount
		case e.Kind == payment.Approve:
			b.held = false
		case e.Kind == payment.Void, e.Kind == payment.Decline:
			b.held, b.voided = false, true // with it the rest of what was captured in part
		}
	}
	return b
}

// allowed tells whether the books of a payment allow an operation on it.
func allowed(op payment.Operation, booked []entry) bool {
	b := sum(booked)
	switch op.Kind {
	case payment.Capture:
		return !b.held && !b.voided && b.captured+op.AmountCents <= b.authorized
	case payment.Void:
		return !b.voided && b.captured < b.authorized
	case payment.Refund:
		return b.refunded+op.AmountCents <= b.captured
	case payment.Approve, payment.Decline:
		return b.held
	}
	return true
}

func script(op payment.Operation) payment.Outcome {
	succeed := func(status, detail string) payment.Outcome {
		return payment.Outcome{State: payment.Succeeded, Status: status, Reference: op.Reference, Detail: detail}
	}
	switch op.Kind {
	case payment.Capture:
		o := succeed("030", "test capture")
		o.Open = op.CapturedCents+op.AmountCents < op.AuthorizedCents
		return o
	case payment.Void:
		return succeed("630", "test void")
	case payment.Refund:
		return succeed("330", "test refund")
	case payment.Approve:
		o := succeed("130", "test authorization, approved")
		o.InParts = true
		return o
	case payment.Decline:
		return succeed("630", "test authorization, declined by staff")
	}
	reference := ident.Derive("tst", op.ID)
	switch op.Token {
	case TokenApprove, TokenLost, TokenUnsettled, TokenAddress, TokenCode:
		o := payment.Outcome{State: payment.Succeeded, Status: "130", Reference: reference, Detail: "test authorization", AVS: "Y", CVV: "M", InParts: true}
		if op.Kind == payment.Charge {
			o.Status, o.Detail = "030", "test charge"
		}
		switch op.Token {
		case TokenAddress:
			o.AVS = "N"
		case TokenCode:
			o.CVV = "N"
		}
		return o
	case TokenHold:
		return payment.Outcome{State: payment.Held, Status: "430", Reference: reference, Detail: "test authorization held for review"}
	case TokenFunds:
		return payment.Outcome{State: payment.Declined, Status: "204", Detail: "insufficient funds"}
	case TokenDecline:
		return payment.Outcome{State: payment.Declined, Status: "230", Detail: "declined"}
	}
	return payment.Outcome{State: payment.Declined, Status: "208", Detail: "the test gateway does not know this token; use tok_approve"}
}
