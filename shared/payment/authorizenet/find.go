package authorizenet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/payment"
)

const (
	// listLag is how long after a request its transaction may be missing in the
	// lists (the vendor's clients wait for half a minute and look twice).
	listLag = 2 * time.Minute
	// slack is how far the gateway's clock may be behind ours.
	slack = 5 * time.Minute
	// window is the longest that a list of batches may span.
	window = 31 * 24 * time.Hour
	// pageSize and maxPages bound a list.
	pageSize = 1000
	maxPages = 100
)

// phase is where a transaction stands, as far as the money goes.
type phase int

const (
	unknown    phase = iota
	authorized       // set aside
	captured         // will be taken with the next batch
	settled          // taken
	returning        // a refund, on its way or done
	held             // waits for a decision
	refusedFor       // declined
	failed           // never reached a decision
	gone             // voided
	lapsed           // expired
)

// phaseOf sorts the gateway's words for the state of a transaction.
func phaseOf(status string) phase {
	switch status {
	case "authorizedPendingCapture", "approvedReview":
		return authorized
	case "capturedPendingSettlement":
		return captured
	case "settledSuccessfully", "pendingSettlement", "pendingFinalSettlement", "updatingSettlement", "settlementError",
		"returnedItem", "chargeback", "chargebackReversal":
		return settled
	case "refundPendingSettlement", "refundSettledSuccessfully":
		return returning
	case "FDSPendingReview", "FDSAuthorizedPendingReview", "underReview", "authorizedPendingRelease":
		return held
	case "declined", "failedReview":
		return refusedFor
	case "communicationError", "generalError", "couldNotVoid":
		return failed
	case "voided":
		return gone
	case "expired":
		return lapsed
	}
	return unknown
}

// Lookup implements payment.Gateway. Authorizations, charges and refunds are
// searched for by their invoice number; for what follows up a transaction the
// transaction itself tells.
func (g *Gateway) Lookup(ctx context.Context, op payment.Operation) (o payment.Outcome, found bool, err error) {
	switch op.Kind {
	case payment.Authorize, payment.Charge, payment.Refund:
		if o, found, err = g.search(ctx, op); err != nil || found || op.Kind != payment.Refund {
			return o, found, err
		}
	}
	t, err := g.details(ctx, op.Reference)
	if err != nil || t == nil {
		return payment.Outcome{}, false, err
	}
	return followedUp(op, t)
}

// Standing implements payment.Gateway. The vendor does not tell with a transaction
// what of it was refunded: a refund is a transaction of its own.
func (g *Gateway) Standing(ctx context.Context, op payment.Operation) (s payment.Standing, found bool, err error) {
	t, err := g.details(ctx, op.Reference)
	if err != nil || t == nil {
		return s, false, err
	}
	switch phaseOf(t.TransactionStatus) {
	case authorized:
		s.AsideCents, err = cents(t.AuthAmount, op.Currency)
	case captured, settled:
		s.CapturedCents, err = cents(t.SettleAmount, op.Currency)
	case gone, lapsed:
	default:
		return s, false, nil
	}
	return s, err == nil, err
}

// cents reads an amount of the vendor's.
func cents(t text, currency string) (int64, error) {
	amount, err := money.Parse(string(t), currency)
	if err != nil {
		return 0, fmt.Errorf("authorize.net has an amount that cannot be read: %w", err)
	}
	return amount.Minor()
}

// search looks for the transaction of an operation where it is not known under
// which id the gateway has it. One that went well wins over failed attempts.
func (g *Gateway) search(ctx context.Context, op payment.Operation) (o payment.Outcome, found bool, err error) {
	ids, err := g.listed(ctx, op)
	if err != nil {
		return o, false, err
	}
	for _, id := range ids {
		t, err := g.details(ctx, id)
		if err != nil {
			return payment.Outcome{}, false, err
		}
		if t == nil || t.Order.InvoiceNumber != invoice(op) {
			continue
		}
		this, err := booked(op, t)
		if err != nil {
			return payment.Outcome{}, false, err
		}
		if !found || this.State != payment.Declined {
			o, found = this, true
		}
	}
	return o, found, nil
}

// listed returns the ids of the transactions with the operation's invoice
// number: first what is not settled, then, for what was settled before we read
// that, the batches.
func (g *Gateway) listed(ctx context.Context, op payment.Operation) ([]string, error) {
	ids, err := g.pages(ctx, op, func(p paging) (reply, error) {
		return g.call(ctx, "getUnsettledTransactionList", getUnsettledTransactionList{g.head(op), newest, p})
	})
	if err != nil || len(ids) > 0 {
		return ids, err
	}
	now := g.clock.Now().Add(time.Second) // dates are sent without fractions
	since := op.Since
	if since.IsZero() {
		since = now.Add(slack - window)
	}
	for from := since.Add(-slack); from.Before(now); from = from.Add(window) {
		until := from.Add(window)
		if until.After(now) {
			until = now
		}
		batches, err := g.call(ctx, "getSettledBatchList", getSettledBatchList{g.head(op), stamp(from), stamp(until)})
		if err != nil {
			return nil, err
		}
		if err := batches.failed(); err != nil {
			return nil, err
		}
		for _, b := range batches.BatchList {
			found, err := g.pages(ctx, op, func(p paging) (reply, error) {
				return g.call(ctx, "getTransactionList", getTransactionList{g.head(op), string(b.BatchID), newest, p})
			})
			if err != nil {
				return nil, err
			}
			ids = append(ids, found...)
		}
	}
	return ids, nil
}

var newest = sorting{OrderBy: "submitTimeUTC", OrderDescending: true}

// stamp writes a time as the schema wants it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// pages reads a list, newest first, down to before the operation was begun.
func (g *Gateway) pages(ctx context.Context, op payment.Operation, page func(paging) (reply, error)) ([]string, error) {
	var ids []string
	for n := 1; n <= maxPages; n++ {
		r, err := page(paging{pageSize, n})
		if err != nil {
			return nil, err
		}
		if err := r.failed(); err != nil {
			return nil, err
		}
		older := false
		for _, row := range r.Transactions {
			if row.InvoiceNumber == invoice(op) {
				ids = append(ids, string(row.TransID))
			}
			at, err := time.Parse(time.RFC3339, row.SubmitTimeUTC)
			older = older || err == nil && at.Before(op.Since.Add(-slack))
		}
		if older || len(r.Transactions) < pageSize {
			return ids, nil
		}
	}
	return nil, fmt.Errorf("authorize.net lists more than %d transactions", maxPages*pageSize)
}

// failed returns an error if a question was not answered.
func (r reply) failed() error {
	if r.Messages.ResultCode == "Ok" {
		return nil
	}
	if r.code() == "E00011" {
		return errors.New("authorize.net answers no questions: the account's Transaction Details API is off (E00011)")
	}
	return fmt.Errorf("authorize.net did not answer: %.8s", r.code())
}

// details reads a transaction, nil if there is none with that id.
func (g *Gateway) details(ctx context.Context, id string) (*transaction, error) {
	if !isNumeric(id) {
		return nil, nil
	}
	r, err := g.call(ctx, "getTransactionDetails", getTransactionDetails{head{g.auth, ""}, id})
	if err != nil || r.code() == "E00040" {
		return nil, err
	}
	if err := r.failed(); err != nil {
		return nil, err
	}
	if r.Transaction == nil || string(r.Transaction.TransID) != id {
		return nil, fmt.Errorf("authorize.net getTransactionDetails: %w", errReply)
	}
	return r.Transaction, nil
}

// booked returns what became of an authorization, a charge or a refund by the
// state of its own transaction.
func booked(op payment.Operation, t *transaction) (payment.Outcome, error) {
	switch p := phaseOf(t.TransactionStatus); p {
	case authorized, captured, settled:
		switch {
		case op.Kind == payment.Refund:
		case op.Kind == payment.Charge && p == authorized:
			return t.outcome(op, payment.Held, "499"), nil // set aside, but not taken
		case t.AuthAmount != "" && !t.AuthAmount.is(amount(op)):
			return t.outcome(op, payment.Held, "499"), nil // only a part
		default:
			return t.outcome(op, payment.Succeeded, succeeded[op.Kind]), nil
		}
	case returning:
		if op.Kind == payment.Refund {
			return t.outcome(op, payment.Succeeded, succeeded[op.Kind]), nil
		}
	case held:
		return t.outcome(op, payment.Held, "478"), nil
	case refusedFor:
		status := status("2", string(t.ResponseReasonCode))
		if t.TransactionStatus == "failedReview" {
			status = "278"
		}
		return t.outcome(op, payment.Declined, status), nil
	case failed:
		return t.outcome(op, payment.Declined, "250"), nil
	case gone:
		return t.outcome(op, payment.Declined, "256"), nil
	case lapsed:
		return t.outcome(op, payment.Declined, "262"), nil
	}
	return payment.Outcome{}, fmt.Errorf("authorize.net has a transaction of operation %s that is %.40q", op.ID, t.TransactionStatus)
}

// followedUp returns what became of an operation by the state of the transaction
// that it follows up; found is false if that is as it was before.
func followedUp(op payment.Operation, t *transaction) (o payment.Outcome, found bool, err error) {
	p := phaseOf(t.TransactionStatus)
	if p == unknown {
		return o, false, fmt.Errorf("authorize.net has a transaction %.20q that is %.40q", op.Reference, t.TransactionStatus)
	}
	switch op.Kind {
	case payment.Capture:
		if (p == captured || p == settled) && op.CapturedCents == 0 && t.SettleAmount.is(amount(op)) {
			return t.outcome(op, payment.Succeeded, "002"), true, nil
		}
	case payment.Void:
		if p == gone || p == lapsed || p == refusedFor || p == failed {
			return t.outcome(op, payment.Succeeded, "603"), true, nil
		}
	case payment.Refund:
		if p == gone && op.AmountCents == op.CapturedCents {
			return t.outcome(op, payment.Succeeded, "303"), true, nil
		}
	case payment.Approve:
		switch p {
		case authorized:
			return t.outcome(op, payment.Succeeded, "199"), true, nil
		case captured, settled:
			return t.outcome(op, payment.Succeeded, "001"), true, nil
		case refusedFor, failed, gone, lapsed:
			o, err = booked(op, t)
			return o, err == nil, err
		}
	case payment.Decline:
		switch p {
		case refusedFor, gone, lapsed, failed:
			return t.outcome(op, payment.Succeeded, "603"), true, nil
		case authorized, captured, settled:
			return t.outcome(op, payment.Declined, "256"), true, nil
		}
	}
	return o, false, nil
}

// outcome tells what the books say.
func (t *transaction) outcome(op payment.Operation, state payment.State, status string) payment.Outcome {
	o := payment.Outcome{
		State: state, Status: status, Reference: string(t.TransID), Code: string(t.ResponseReasonCode), AuthCode: t.AuthCode,
		AVS: letter(t.AVSResponse), CVV: letter(t.CardCodeResponse),
		Detail:    detail(t.TransactionStatus + ": " + t.ResponseReasonDescription),
		Retryable: state == payment.Declined && retryable(status),
	}
	return follow(op, o)
}
