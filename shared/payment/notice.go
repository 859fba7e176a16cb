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

// Verify tells whether a gateway has signed the body of a webhook with one of the
// keys of an account; see package gateways.
type Verify func(in NoticeInput, keys []string, now time.Time) error

// Receive keeps a webhook as it was sent and states it; a repeated one changes
// nothing. What it says is not believed: the functions that act on it ask the
// gateway. A wrong signature, or an account without the key that would tell, is
// refused with kind Unauthenticated.
func Receive(keys seal.Keys, verify Verify) func(context.Context, *txn.Tx, NoticeInput) (Noticed, error) {
	return func(ctx context.Context, tx *txn.Tx, in NoticeInput) (Noticed, error) {
		account, _, err := accountIn(ctx, tx, keys, in.Gateway)
		if fault.Is(err, fault.NotFound) || err == nil && verify(in, account.webhookKeys(in.Gateway, tx.Now), tx.Now) != nil {
			return Noticed{}, fault.New(fault.Unauthenticated, "the signature is not that of this shop's account at %s", in.Gateway)
		}
		if err != nil {
			return Noticed{}, err
		}
		n, err := in.read()
		if err != nil {
			return Noticed{}, err
		}
		if err := lockReference(ctx, tx, in.Gateway, n.reference); err != nil {
			return Noticed{}, err
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO gateway_notices (shop_id, gateway, notice_id, kind, reference, body, received_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT DO NOTHING`, tx.Shop, in.Gateway, n.ID, n.kind, n.reference, in.Body, tx.Now)
		if err != nil {
			return Noticed{}, fmt.Errorf("keep a notice of %s: %w", in.Gateway, err)
		}
		if tag.RowsAffected() == 0 || n.reference == "" {
			return Noticed{n.ID}, nil
		}
		// The notice may have overtaken the reply by which the payment is known: see
		// overtaken.
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

// overtaken states the notices of a payment that came before the gateway's reply,
// when nobody knew yet what they were about.
func overtaken(ctx context.Context, tx *txn.Tx, p Payment) error {
	if err := lockReference(ctx, tx, p.Gateway, p.Reference); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		SELECT notice_id
		FROM gateway_notices
		WHERE shop_id = current_shop() AND gateway = $1 AND reference = $2
		ORDER BY received_at
		LIMIT 100`, p.Gateway, p.Reference)
	if err != nil {
		return fmt.Errorf("load the notices of payment %s: %w", p.ID, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("load the notices of payment %s: %w", p.ID, err)
	}
	for _, id := range ids {
		tx.Emit(events.PaymentNoticed{OrderID: p.OrderID, PaymentID: p.ID, Gateway: p.Gateway, NoticeID: id})
	}
	return nil
}

// lockReference has a notice and the reply that makes its reference known wait for
// each other, so that one of them sees the other.
func lockReference(ctx context.Context, tx *txn.Tx, gateway, reference string) error {
	if reference == "" {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, "notice "+tx.Shop+" "+gateway+" "+reference); err != nil {
		return fmt.Errorf("lock a gateway's transaction: %w", err)
	}
	return nil
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
