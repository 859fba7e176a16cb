// Package testgateway is a bank that does not exist: it answers by a script that
// the buyer's token names and keeps books, so that a test can compare what a
// shop believes with what was booked. A shop uses it under the gateway name
// "test".
package testgateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/txn"
)

// The tokens and what happens to an authorization with them. Anything else is
// declined as an unknown card; captures, voids and refunds of what was
// authorized succeed.
const (
	TokenApprove = "tok_approve"            // approved
	TokenDecline = "tok_decline"            // declined
	TokenFunds   = "tok_insufficient_funds" // declined
	TokenHold    = "tok_hold"               // held for review
	TokenLost    = "tok_lost"               // approved, but the reply to the first attempt is lost
)

// Gateway is the test gateway. It books in transactions of its own, as a bank
// would.
type Gateway struct{ Run *txn.Runner }

// Execute books an operation once and answers by the script.
func (g Gateway) Execute(ctx context.Context, op payment.Operation) (payment.Outcome, error) {
	var booked payment.Outcome
	first := false
	err := g.Run.Do(ctx, func(tx *txn.Tx) error {
		outcome := script(op)
		tag, err := tx.Exec(ctx, `
			INSERT INTO test_gateway (operation_id, shop_id, kind, reference, amount_cents, outcome, booked_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT DO NOTHING`,
			op.ID, tx.Shop, op.Kind, outcome.Reference, op.AmountCents, outcome.State, tx.Now)
		booked, first = outcome, tag.RowsAffected() == 1
		return err
	})
	if err != nil {
		return booked, fmt.Errorf("test gateway: %w", err)
	}
	if first && op.Kind == payment.Authorize && op.Token == TokenLost {
		return payment.Outcome{}, fault.New(fault.Unavailable, "the gateway's reply was lost")
	}
	return booked, nil
}

// Lookup finds an operation in the books.
func (g Gateway) Lookup(ctx context.Context, op payment.Operation) (o payment.Outcome, found bool, err error) {
	err = g.Run.Do(ctx, func(tx *txn.Tx) error {
		var one int
		err := tx.QueryRow(ctx, `SELECT 1 FROM test_gateway WHERE operation_id = $1`, op.ID).Scan(&one)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		o, found = script(op), err == nil
		return err
	})
	if err != nil {
		return o, false, fmt.Errorf("test gateway: %w", err)
	}
	return o, found, nil
}

func script(op payment.Operation) payment.Outcome {
	reference := op.Reference
	if reference == "" {
		reference = ident.Derive("tst", op.ID)
	}
	switch {
	case op.Kind == payment.Capture:
		return payment.Outcome{State: payment.Succeeded, Status: "030", Reference: reference, Detail: "test capture"}
	case op.Kind == payment.Void:
		return payment.Outcome{State: payment.Succeeded, Status: "630", Reference: reference, Detail: "test void"}
	case op.Kind == payment.Refund:
		return payment.Outcome{State: payment.Succeeded, Status: "330", Reference: reference, Detail: "test refund"}
	case op.Token == TokenApprove, op.Token == TokenLost:
		return payment.Outcome{State: payment.Succeeded, Status: "130", Reference: reference, Detail: "test authorization"}
	case op.Token == TokenHold:
		return payment.Outcome{State: payment.Held, Status: "430", Reference: reference, Detail: "test authorization held for review"}
	case op.Token == TokenFunds:
		return payment.Outcome{State: payment.Declined, Status: "204", Detail: "insufficient funds"}
	case op.Token == TokenDecline:
		return payment.Outcome{State: payment.Declined, Status: "230", Detail: "declined"}
	default:
		return payment.Outcome{State: payment.Declined, Status: "208", Detail: "the test gateway does not know this token; use tok_approve"}
	}
}
