package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
)

// Step is one event of a chain with what acted on it.
type Step struct {
	EventID   string     `json:"event_id"`
	Type      string     `json:"type"` // e.g. order.placed.v1
	Time      time.Time  `json:"time"`
	DueAt     *time.Time `json:"due_at,omitempty"`    // of a timer: when it rings
	CausedBy  string     `json:"caused_by,omitempty"` // the event that led to it, empty for a request
	RequestID string     `json:"request_id,omitempty"`
	Effects   []Effect   `json:"effects"`
	Waiting   []string   `json:"waiting,omitempty"` // consumers that have not acted yet
	told      bool
}

// Effect is that a consumer has acted on an event, or that delivery to it was
// given up.
type Effect struct {
	Consumer string    `json:"consumer"`
	At       time.Time `json:"at"`
	Failed   string    `json:"failed,omitempty"` // why delivery was given up
}

// Timeline returns the events of an order in the order in which they happened.
func Timeline(ctx context.Context, tx pgx.Tx, orderID string, consumers Consumers) ([]Step, error) {
	rows, err := tx.Query(ctx, `
		SELECT o.event_id::text, o.type, o.occurred_at, NULLIF(o.due_at, o.occurred_at), o.causation, o.correlation, o.told,
		       COALESCE((SELECT jsonb_agg(jsonb_build_object('consumer', i.consumer, 'at', i.consumed_at) ORDER BY i.consumed_at)
		                 FROM inbox i WHERE i.event_id = o.event_id), '[]')
		       || COALESCE((SELECT jsonb_agg(jsonb_build_object('consumer', d.consumer, 'at', d.died_at, 'failed', d.code || ' ' || d.detail) ORDER BY d.died_at)
		                    FROM dead_letters d WHERE d.event_id = o.event_id AND d.redriven_at IS NULL), '[]')
		FROM outbox o
		WHERE o.shop_id = current_shop() AND o.order_id = $1
		ORDER BY o.event_id`, orderID)
	if err != nil {
		return nil, fmt.Errorf("load timeline: %w", err)
	}
	steps, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Step, err error) {
		err = row.Scan(&s.EventID, &s.Type, &s.Time, &s.DueAt, &s.CausedBy, &s.RequestID, &s.told, &s.Effects)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("load timeline: %w", err)
	}
	for i := range steps {
		s := &steps[i]
		acted := map[string]bool{}
		for _, e := range s.Effects {
			acted[e.Consumer] = true
		}
		for _, consumer := range consumers(s.Type, s.told) {
			if !acted[consumer] {
				s.Waiting = append(s.Waiting, consumer)
			}
		}
		s.Type, s.Time = events.Short(s.Type), s.Time.UTC()
	}
	return steps, nil
}
