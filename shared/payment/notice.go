package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/seal"
	"github.com/rackless/rackless/shared/txn"
)

// NoticeInput is a webhook of a gateway, signed over its exact body.
type NoticeInput struct {
	Gateway      string `json:"-" path:"gateway"`
	Stripe       string `json:"-" header:"Stripe-Signature"`
	AuthorizeNet string `json:"-" header:"X-ANET-Signature"`
	Body         []byte `json:"-" body:"raw"`
}

// Validate refuses what no gateway sends.
func (in NoticeInput) Validate() error {
	if in.Gateway != Stripe && in.Gateway != AuthorizeNet {
		return fault.New(fault.NotFound, "there is no gateway %s that sends webhooks", in.Gateway)
	}
	var f fault.Fields
	f.Check(in.Gateway != Stripe || in.Stripe != "", "/Stripe-Signature", "is missing")
	f.Check(in.Gateway != AuthorizeNet || in.AuthorizeNet != "", "/X-ANET-Signature", "is missing")
	return f.Err()
}

// Noticed is the reply to a webhook.
type Noticed struct {
	ID string `json:"id"` // the gateway's, of the notice
}

// Verify tells whether a gateway has signed the body of a webhook with the key of
// an account; see package gateways.
type Verify func(in NoticeInput, account Credentials, now time.Time) error

// Receive keeps a webhook as it was sent and states it; a repeated one changes
// nothing. What it says is not believed: the functions that act on it ask the
// gateway. A wrong signature, or an account without the key that would tell, is
// refused with kind Unauthenticated.
func Receive(keys seal.Keys, verify Verify) func(context.Context, *txn.Tx, NoticeInput) (Noticed, error) {
	return func(ctx context.Context, tx *txn.Tx, in NoticeInput) (Noticed, error) {
		account, _, err := accountIn(ctx, tx, keys, in.Gateway)
		if fault.Is(err, fault.NotFound) || err == nil && verify(in, account, tx.Now) != nil {
			return Noticed{}, fault.New(fault.Unauthenticated, "the signature is not that of this shop's account at %s", in.Gateway)
		}
		if err != nil {
			return Noticed{}, err
		}
		n, err := in.read()
		if err != nil {
			return Noticed{}, err
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO gateway_notices (shop_id, gateway, notice_id, kind, body, received_at)
			VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT DO NOTHING`, tx.Shop, in.Gateway, n.ID, n.kind, in.Body, tx.Now)
		if err != nil {
			return Noticed{}, fmt.Errorf("keep a notice of %s: %w", in.Gateway, err)
		}
		if tag.RowsAffected() == 0 || n.reference == "" {
			return Noticed{n.ID}, nil
		}
		// A payment that is not known by this reference yet is still under way, and comes
		// to its end by the reply that the notice has overtaken.
		about, err := query(ctx, tx, `WHERE shop_id = current_shop() AND reference = $1`, n.reference)
		if err != nil {
			return Noticed{}, err
		}
		for _, p := range about {
			if p.Gateway == in.Gateway {
				tx.Emit(events.PaymentNoticed{OrderID: p.OrderID, PaymentID: p.ID, Gateway: p.Gateway, NoticeID: n.ID})
			}
		}
		return Noticed{n.ID}, nil
	}
}

// notice is what a webhook says that we use.
type notice struct{ ID, kind, reference string }

// read takes from a webhook its id, its kind and the payment that it is about.
func (in NoticeInput) read() (n notice, err error) {
	var body struct {
		ID     string `json:"id"`
		Type   string `json:"type"`
		Object string `json:"object"`
		Data   struct {
			Object struct {
				ID     string `json:"id"`
				Object string `json:"object"`
				Intent string `json:"payment_intent"`
			} `json:"object"`
		} `json:"data"`

		NotificationID string `json:"notificationId"`
		EventType      string `json:"eventType"`
		Payload        struct {
			ID         string `json:"id"`
			EntityName string `json:"entityName"`
		} `json:"payload"`
	}
	if json.Unmarshal(in.Body, &body) != nil {
		return n, fault.New(fault.Invalid, "the webhook is not JSON")
	}
	if in.Gateway == Stripe {
		n = notice{body.ID, body.Type, body.Data.Object.Intent}
		if body.Data.Object.Object == "payment_intent" {
			n.reference = body.Data.Object.ID
		}
	} else {
		n = notice{ID: body.NotificationID, kind: body.EventType}
		if body.Payload.EntityName == "transaction" {
			n.reference = body.Payload.ID
		}
	}
	if n.ID == "" || len(n.ID) > 255 || len(n.kind) > 100 || len(n.reference) > 255 {
		return n, fault.New(fault.Invalid, "the webhook has no id")
	}
	return n, nil
}

// Converge acts on a notice: it asks the gateway what has become of the payment
// that it is about. One that waited, for the buyer's bank or for a review at the
// gateway, becomes what the gateway says; whatever else is under way comes to its
// end by itself. Notices may come twice, late or in any order.
func Converge(gateways Gateways) func(context.Context, *txn.Runner, string, events.PaymentNoticed) (func(*txn.Tx) error, error) {
	return func(ctx context.Context, run *txn.Runner, name string, e events.PaymentNoticed) (func(*txn.Tx) error, error) {
		nothing := func(*txn.Tx) error { return nil }
		var p Payment
		var a *attempt
		err := run.Read(ctx, func(tx *txn.Tx) error {
			found, err := query(ctx, tx, `WHERE payment_id = $1`, e.PaymentID)
			if err != nil || len(found) == 0 || found[0].class() != '4' {
				return err
			}
			p = found[0]
			a = newAttempt(name, p, p.sale(), p.AmountCents)
			a.Resumed = true
			return tx.QueryRow(ctx, `
				SELECT operation_id, created_at
				FROM payment_operations
				WHERE payment_id = $1 AND kind IN ('authorize', 'charge') AND state = 'held'
				ORDER BY created_at DESC
				LIMIT 1`, p.ID).Scan(&a.ID, &a.Since)
		})
		if err == pgx.ErrNoRows || err == nil && a == nil {
			return nothing, nil
		}
		if err != nil {
			return nil, fmt.Errorf("find the payment of a notice: %w", err)
		}
		gateway, err := gateways(ctx, run, p.Gateway)
		if err != nil {
			return nil, unknown(err)
		}
		outcome, found, err := gateway.Lookup(ctx, a.Operation)
		if err != nil {
			return nil, unknown(err)
		}
		if !found || outcome.State == Held {
			return nothing, nil
		}
		return func(tx *txn.Tx) error { return settleHeld(ctx, tx, p, outcome) }, nil
	}
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
				if now.Status = now.judge(outcome); now.Status == statusSuspect {
					tx.Emit(events.PaymentSuspected{OrderID: now.OrderID, PaymentID: now.ID})
				}
			}
			if now.class() == '0' {
				now.CapturedCents = now.AmountCents
				tx.Emit(events.PaymentCaptured{OrderID: now.OrderID, PaymentID: now.ID, AmountCents: now.AmountCents})
			}
		}
		if err := save(ctx, tx, *now); err != nil {
			return err
		}
	}
	return conclude(ctx, tx, p.OrderID, payments)
}
