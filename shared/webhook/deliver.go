package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/seal"
	"github.com/rackless/rackless/shared/txn"
)

// pauses are those between attempts, each up to a tenth longer at random; the
// schedule that Standard Webhooks suggests. After the last the message is given up.
var pauses = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	lease    = 2 * time.Minute    // outlasts every attempt
	patience = 5 * 24 * time.Hour // an endpoint that fails for so long is switched off
	maxReply = 500                // bytes of a reply that are kept
)

// Message is one attempt to tell something.
type Message struct {
	URL, ID, Signature string
	Timestamp          time.Time
	Body               []byte
}

// Reply is what came back. Status 0 is no reply.
type Reply struct {
	Status int
	Body   string // its beginning
}

// Post sends messages; see package post.
type Post func(ctx context.Context, m Message) (Reply, error)

// statusGone is what a receiver answers that wants no more.
const statusGone = 410

// Deliver makes an attempt at a delivery that is due. What it returns notes the
// outcome and, unless it succeeded or was the last, sets the timer of the next.
func Deliver(keys seal.Keys, post Post) func(context.Context, *txn.Runner, string, events.WebhookDue) (func(*txn.Tx) error, error) {
	return func(ctx context.Context, run *txn.Runner, _ string, e events.WebhookDue) (func(*txn.Tx) error, error) {
		var m Message
		var found bool
		err := run.Do(ctx, func(tx *txn.Tx) (err error) {
			m, found, err = claim(ctx, tx, keys, e.DeliveryID)
			return err
		})
		if err != nil || !found {
			return func(*txn.Tx) error { return nil }, err
		}
		began := run.Clock.Now()
		reply, failure := post(ctx, m)
		took := run.Clock.Now().Sub(began)
		return func(tx *txn.Tx) error { return note(ctx, tx, e.DeliveryID, reply, failure, took) }, nil
	}
}

// claim takes a delivery that is due, if nobody else is at it.
func claim(ctx context.Context, tx *txn.Tx, keys seal.Keys, id string) (m Message, found bool, err error) {
	var endpoint, body string
	var sealed []byte
	err = tx.QueryRow(ctx, `
		UPDATE webhook_deliveries d
		SET attempts = attempts + 1, claimed_until = $3
		FROM webhook_endpoints e
		WHERE d.delivery_id = $1 AND d.state = 'pending' AND d.due_at <= $2 AND (d.claimed_until IS NULL OR d.claimed_until <= $2)
		  AND e.endpoint_id = d.endpoint_id AND e.enabled
		RETURNING e.endpoint_id, e.url, e.secrets, d.body`, id, tx.Now, tx.Now.Add(lease)).Scan(&endpoint, &m.URL, &sealed, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		return m, false, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("claim a delivery: %w", err)
	}
	secrets, err := open(keys, tx.Shop, endpoint, sealed)
	if err != nil {
		return m, false, err
	}
	m.ID, m.Timestamp, m.Body = id, tx.Now, []byte(body)
	m.Signature = sign(secrets, id, tx.Now, m.Body)
	tx.EmitAt(tx.Now.Add(lease), events.WebhookDue{DeliveryID: id}) // if this attempt dies
	return m, true, nil
}

// note writes down what came of an attempt.
func note(ctx context.Context, tx *txn.Tx, id string, reply Reply, failure error, took time.Duration) error {
	var endpoint string
	var attempts int
	err := tx.QueryRow(ctx, `SELECT endpoint_id, attempts FROM webhook_deliveries WHERE delivery_id = $1 AND state = 'pending' FOR UPDATE`, id).Scan(&endpoint, &attempts)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load a delivery: %w", err)
	}
	text := ""
	if failure != nil {
		text = clip(failure.Error())
	}
	state, due := "pending", tx.Now
	switch {
	case failure == nil && reply.Status/100 == 2:
		state = "delivered"
	case attempts > len(pauses):
		state = "given_up"
	default:
		pause := pauses[attempts-1]
		due = tx.Now.Add(pause + rand.N(pause/10))
		tx.EmitAt(due, events.WebhookDue{DeliveryID: id})
	}
	_, err = tx.Exec(ctx, `
		UPDATE webhook_deliveries
		SET state = $2, due_at = $3, claimed_until = NULL, status = $4, error = $5, reply = $6, duration_ms = $7,
		    ended_at = CASE WHEN $2 <> 'pending' THEN $8::timestamptz END
		WHERE delivery_id = $1`, id, state, due, reply.Status, text, clip(reply.Body), took.Milliseconds(), tx.Now)
	if err != nil {
		return fmt.Errorf("note a delivery: %w", err)
	}
	return judge(ctx, tx, endpoint, state == "delivered", reply.Status)
}

// judge notes whether an endpoint works, and switches off one that wants no more or
// has failed for too long.
func judge(ctx context.Context, tx *txn.Tx, endpoint string, works bool, status int) error {
	_, err := tx.Exec(ctx, `
		UPDATE webhook_endpoints
		SET failing_since = CASE WHEN $2 THEN NULL ELSE COALESCE(failing_since, $3) END,
		    enabled = enabled AND ($2 OR NOT ($4 OR COALESCE(failing_since <= $5, false))),
		    reason = CASE WHEN enabled AND NOT $2 AND $4 THEN 'It answered 410: it wants no more.'
		                  WHEN enabled AND NOT $2 AND failing_since <= $5 THEN 'No delivery has succeeded for five days.'
		                  ELSE reason END
		WHERE endpoint_id = $1 AND ($2 AND failing_since IS NOT NULL OR NOT $2)`, endpoint, works, tx.Now, status == statusGone, tx.Now.Add(-patience))
	if err != nil {
		return fmt.Errorf("judge an endpoint: %w", err)
	}
	return nil
}

func clip(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	return strings.ToValidUTF8(s[:min(len(s), maxReply)], "")
}

// Delivery is what an endpoint was told, and how that went.
type Delivery struct {
	ID         string     `json:"id" db:"delivery_id"`
	EndpointID string     `json:"endpoint_id" db:"endpoint_id"`
	EventID    string     `json:"event_id" db:"event_id"`
	Type       string     `json:"type" db:"type"`
	State      string     `json:"state" db:"state"` // pending, delivered or given_up
	Attempts   int        `json:"attempts" db:"attempts"`
	DueAt      time.Time  `json:"due_at" db:"due_at"` // of the next attempt
	Status     int        `json:"status" db:"status"` // of the last reply; 0: there was none
	Error      string     `json:"error,omitempty" db:"error"`
	Reply      string     `json:"reply,omitempty" db:"reply"` // its beginning
	DurationMS int64      `json:"duration_ms" db:"duration_ms"`
	CreatedAt  time.Time  `json:"created_at" db:"created_at"`
	EndedAt    *time.Time `json:"ended_at,omitempty" db:"ended_at"`
}

// DeliveriesInput asks for deliveries.
type DeliveriesInput struct {
	page.Query
	EndpointID string `json:"-" query:"endpoint_id"`
	State      string `json:"-" query:"state"`
}

// Deliveries returns a page of deliveries, in order of their ids.
func Deliveries(ctx context.Context, tx *txn.Tx, in DeliveriesInput) (page.Page[Delivery], error) {
	rows, err := tx.Query(ctx, `
		SELECT delivery_id, endpoint_id, event_id, type, state, attempts, due_at, status, error, reply, duration_ms, created_at, ended_at
		FROM webhook_deliveries
		WHERE shop_id = current_shop() AND delivery_id > $1 AND ($2 = '' OR endpoint_id = $2) AND ($3 = '' OR state = $3)
		ORDER BY delivery_id
		LIMIT $4`, in.After(), in.EndpointID, in.State, in.Rows())
	if err != nil {
		return page.Page[Delivery]{}, fmt.Errorf("list deliveries: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Delivery])
	if err != nil {
		return page.Page[Delivery]{}, fmt.Errorf("list deliveries: %w", err)
	}
	return page.Of(in.Query, found, func(d Delivery) string { return d.ID }), nil
}

// ReplayInput sends again: one delivery, or all that were given up or wait since a
// time.
type ReplayInput struct {
	ID         string     `json:"-" path:"id"` // of the endpoint
	DeliveryID string     `json:"delivery_id,omitempty"`
	Since      *time.Time `json:"failed_since,omitempty"`
}

// maxReplay bounds one request; what is left, the next one takes.
const maxReplay = 500

// Validate refuses neither and both.
func (in ReplayInput) Validate() error {
	var f fault.Fields
	f.Check((in.DeliveryID != "") != (in.Since != nil), "/delivery_id", "must be given, or failed_since, and not both")
	return f.Err()
}

// Replayed counts what is sent again.
type Replayed struct {
	Deliveries int `json:"deliveries"`
}

// Replay sends deliveries of an endpoint again, with the ids that they had.
func Replay(ctx context.Context, tx *txn.Tx, in ReplayInput) (Replayed, error) {
	e, _, err := find(ctx, tx, in.ID)
	if err != nil {
		return Replayed{}, err
	}
	if !e.Enabled {
		return Replayed{}, fault.New(fault.Conflict, "endpoint %s is switched off: switch it on first", e.ID)
	}
	rows, err := tx.Query(ctx, `
		UPDATE webhook_deliveries
		SET state = 'pending', attempts = 0, due_at = $4, claimed_until = NULL, ended_at = NULL
		WHERE delivery_id IN (
			SELECT delivery_id
			FROM webhook_deliveries
			WHERE endpoint_id = $1 AND ($2 <> '' AND delivery_id = $2 OR $2 = '' AND state <> 'delivered' AND created_at >= $3)
			ORDER BY delivery_id
			LIMIT $5
			FOR UPDATE
		)
		RETURNING delivery_id`, e.ID, in.DeliveryID, in.Since, tx.Now, maxReplay)
	if err != nil {
		return Replayed{}, fmt.Errorf("replay deliveries: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return Replayed{}, fmt.Errorf("replay deliveries: %w", err)
	}
	if in.DeliveryID != "" && len(ids) == 0 {
		return Replayed{}, fault.New(fault.NotFound, "endpoint %s has no delivery %s", e.ID, in.DeliveryID)
	}
	for _, id := range ids {
		tx.Emit(events.WebhookDue{DeliveryID: id})
	}
	return Replayed{len(ids)}, nil
}
