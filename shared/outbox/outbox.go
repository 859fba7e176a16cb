// Package outbox carries events from the transaction that states a fact to the
// functions that act on it, without losing one and without acting twice: rows
// are written with the fact, published after the commit, published again by the
// sweeper until every declared consumer has its inbox row, and consumed in the
// transaction of the effect.
package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
)

// Entry is an event that waits in the outbox until it is due.
type Entry struct {
	events.Envelope
	Due time.Time
}

// retryAfter is how long the sweeper leaves a fresh event to the function that
// emitted it.
const retryAfter = time.Minute

// NewID returns the id of a new event.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// columns are those of an envelope, in the order of into.
const columns = `event_id::text, shop_id, type, source, subject, occurred_at, data, correlation, causation, traceparent, idempotency_key, told`

func into(e *events.Envelope) []any {
	return []any{&e.ID, &e.Shop, &e.Type, &e.Source, &e.Subject, &e.Time, &e.Data, &e.Correlation, &e.Causation, &e.TraceParent, &e.IdempotencyKey, &e.Told}
}

// validID reports whether id is a UUID in the one form that NewID makes and
// Postgres reads.
func validID(id string) bool { return len(id) == 36 && uuid.Validate(id) == nil }

// Consumers tells which functions act on events of a type; told includes those that
// do so only if somebody outside wants to be told.
type Consumers func(eventType string, told bool) []string

// Queue adds the statement that writes entries to a batch. Once that was sent, they
// say whether somebody wants to be told of them.
func Queue(batch *pgx.Batch, entries []Entry) {
	for i := range entries {
		e := &entries[i]
		next := e.Due
		if !e.Due.After(e.Time) {
			next = e.Time.Add(retryAfter)
		}
		batch.Queue(`
			INSERT INTO outbox (event_id, shop_id, type, source, subject, occurred_at, due_at, data,
			                    correlation, causation, traceparent, idempotency_key, next_attempt)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			RETURNING told`,
			e.ID, e.Shop, e.Type, e.Source, e.Subject, e.Time, e.Due, e.Data,
			e.Correlation, e.Causation, e.TraceParent, e.IdempotencyKey, next).
			QueryRow(func(row pgx.Row) error { return row.Scan(&e.Told) })
	}
}

// Consume records, in the transaction of the effect, that consumer acts on an
// event, and returns the event as its producer wrote it: what was delivered is
// only a reference, so nobody can forge or alter one. first is false if the
// event was consumed before. An event of another shop, or that was never
// emitted, is Unprocessable.
func Consume(ctx context.Context, tx pgx.Tx, consumer, id string, now time.Time) (e events.Envelope, first bool, err error) {
	if !validID(id) {
		return e, false, fault.New(fault.Unprocessable, "event id %q is not one of ours", id)
	}
	err = tx.QueryRow(ctx, `
		WITH event AS (
			SELECT event_id, shop_id, type, source, subject, occurred_at, data, correlation, causation, traceparent, idempotency_key, told
			FROM outbox
			WHERE event_id = $1
		), entry AS (
			INSERT INTO inbox (event_id, consumer, source, shop_id, consumed_at)
			SELECT event_id, $2, source, shop_id, $3 FROM event
			ON CONFLICT DO NOTHING
			RETURNING event_id
		)
		SELECT `+columns+`, EXISTS (SELECT FROM entry)
		FROM event`, id, consumer, now).Scan(append(into(&e), &first)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, false, fault.New(fault.Unprocessable, "event %s was never emitted", id)
	}
	if err != nil {
		return e, false, fmt.Errorf("consume event %s: %w", id, err)
	}
	e.Time = e.Time.UTC()
	return e, first, nil
}

// Load returns an event without consuming it; consumed tells whether consumer
// has its inbox row already.
func Load(ctx context.Context, tx pgx.Tx, consumer, id string) (e events.Envelope, consumed bool, err error) {
	if !validID(id) {
		return e, false, fault.New(fault.Unprocessable, "event id %q is not one of ours", id)
	}
	err = tx.QueryRow(ctx, `
		SELECT `+columns+`, EXISTS (SELECT FROM inbox i WHERE i.event_id = o.event_id AND i.consumer = $2)
		FROM outbox o
		WHERE event_id = $1`, id, consumer).Scan(append(into(&e), &consumed)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, false, fault.New(fault.Unprocessable, "event %s was never emitted", id)
	}
	if err != nil {
		return e, false, fmt.Errorf("load event %s: %w", id, err)
	}
	e.Time = e.Time.UTC()
	return e, consumed, nil
}

// Decode reads the data of an event.
func Decode[E events.Event](e events.Envelope) (E, error) {
	var event E
	if want := event.Type(); e.Type != want {
		return event, fault.New(fault.Unprocessable, "event %s is a %s, not a %s", e.ID, e.Type, want)
	}
	if err := json.Unmarshal(e.Data, &event); err != nil {
		return event, fmt.Errorf("decode event %s: %w", e.ID, err)
	}
	return event, nil
}
