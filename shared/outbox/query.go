package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
)

// The states of an event, for people.
const (
	StatePending = "pending" // due, and some consumer is not done with it
	StateTimer   = "timer"   // not due yet
	StateDead    = "dead"    // delivery to some consumer was given up
	StateSettled = "settled" // every consumer is done with it
)

// Record is an event in the outbox as people look at it.
type Record struct {
	events.Envelope
	Due         time.Time
	State       string
	Attempts    int        // deliveries by the sweeper
	NextAttempt time.Time  // when the sweeper looks at it again
	SettledAt   *time.Time // nil until every consumer is done with it
}

// Filter narrows a list of events; the zero value of a field lets all pass.
type Filter struct {
	Shop   string
	Type   string // with or without the common prefix
	State  string
	Since  time.Time // stated at or after
	Until  time.Time // stated before
	Before string    // id: only events before that one, for the next page
	Limit  int       // 50 if zero
}

const recordColumns = columns + `, due_at, attempts, next_attempt, settled_at,
	CASE WHEN EXISTS (SELECT FROM dead_letters d WHERE d.event_id = o.event_id AND d.redriven_at IS NULL) THEN 'dead'
	     WHEN settled_at IS NOT NULL THEN 'settled'
	     WHEN due_at > $1 THEN 'timer'
	     ELSE 'pending' END AS state`

func scanRecord(row pgx.CollectableRow) (r Record, err error) {
	err = row.Scan(append(into(&r.Envelope), &r.Due, &r.Attempts, &r.NextAttempt, &r.SettledAt, &r.State)...)
	r.Time, r.Due, r.NextAttempt = r.Time.UTC(), r.Due.UTC(), r.NextAttempt.UTC()
	return r, err
}

// List returns events that the transaction may see, newest first.
func List(ctx context.Context, tx pgx.Tx, f Filter, now time.Time) ([]Record, error) {
	var problems fault.Fields
	problems.Check(f.Before == "" || validID(f.Before), "/before", "must be the id of an event")
	switch f.State {
	case "", StatePending, StateTimer, StateDead, StateSettled:
	default:
		problems.Add("/state", "must be pending, timer, dead or settled")
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if f.Type != "" && !strings.HasPrefix(f.Type, events.Prefix) {
		f.Type = events.Prefix + f.Type
	}
	if f.Limit == 0 {
		f.Limit = 50
	}
	rows, err := tx.Query(ctx, `
		SELECT * FROM (
			SELECT `+recordColumns+`
			FROM outbox o
			WHERE ($2 = '' OR shop_id = $2)
			  AND ($3 = '' OR type = $3)
			  AND occurred_at >= $4 AND ($5::timestamptz = '0001-01-01Z' OR occurred_at < $5)
			  AND ($6 = '' OR event_id < NULLIF($6, '')::uuid)
			ORDER BY o.event_id DESC
		) r
		WHERE $7 = '' OR state = $7
		LIMIT $8`, now, f.Shop, f.Type, f.Since, f.Until, f.Before, f.State, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	records, err := pgx.CollectRows(rows, scanRecord)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return records, nil
}

// Delivery is what became of an event at one consumer. All is zero while it has
// not arrived there.
type Delivery struct {
	Consumer   string
	ConsumedAt *time.Time
	DiedAt     *time.Time // when the broker gave up
	Code       int        // status of the last reply then
	Detail     string
	RedrivenAt *time.Time // when somebody sent it again
}

// Show returns an event and its deliveries: to those who are meant to consume its
// type, and to any other that has. An unknown id is NotFound.
func Show(ctx context.Context, tx pgx.Tx, id string, consumers Consumers, now time.Time) (Record, []Delivery, error) {
	if !validID(id) {
		return Record{}, nil, unknown(id)
	}
	rows, err := tx.Query(ctx, `SELECT `+recordColumns+` FROM outbox o WHERE event_id = $2`, now, id)
	if err != nil {
		return Record{}, nil, fmt.Errorf("show event: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRecord)
	if errors.Is(err, pgx.ErrNoRows) {
		return Record{}, nil, unknown(id)
	}
	if err != nil {
		return Record{}, nil, fmt.Errorf("show event: %w", err)
	}
	rows, err = tx.Query(ctx, `
		SELECT consumer, i.consumed_at, d.died_at, COALESCE(d.code, 0), COALESCE(d.detail, ''), d.redriven_at
		FROM unnest($2::text[]) AS c (consumer)
		FULL JOIN (SELECT consumer, consumed_at FROM inbox WHERE event_id = $1) i USING (consumer)
		FULL JOIN (SELECT consumer, died_at, code, detail, redriven_at FROM dead_letters WHERE event_id = $1) d USING (consumer)
		ORDER BY consumer`, id, consumers(r.Type, r.Told))
	if err != nil {
		return Record{}, nil, fmt.Errorf("show event: %w", err)
	}
	deliveries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Delivery])
	if err != nil {
		return Record{}, nil, fmt.Errorf("show event: %w", err)
	}
	return r, deliveries, nil
}

// Reopen makes an event count as new, so that it can be sent again: its dead
// letters are redriven and the sweeper sees to it from the start. The caller
// publishes the event that it returns after the commit. Consumers that have
// consumed it stay without effect. An unknown id is NotFound.
func Reopen(ctx context.Context, tx pgx.Tx, id string, now time.Time) (e events.Envelope, err error) {
	if !validID(id) {
		return e, unknown(id)
	}
	_, err = tx.Exec(ctx, `UPDATE dead_letters SET redriven_at = $2 WHERE event_id = $1 AND redriven_at IS NULL`, id, now)
	if err != nil {
		return e, fmt.Errorf("redrive event: %w", err)
	}
	err = tx.QueryRow(ctx, `
		UPDATE outbox
		SET attempts = 0, next_attempt = $2, settled_at = NULL
		WHERE event_id = $1
		RETURNING `+columns, id, now.Add(retryAfter)).Scan(into(&e)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, unknown(id)
	}
	if err != nil {
		return e, fmt.Errorf("reopen event: %w", err)
	}
	e.Time = e.Time.UTC()
	return e, nil
}

func unknown(id string) error { return fault.New(fault.NotFound, "there is no event %s", id) }
