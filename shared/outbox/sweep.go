package outbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/postgres"
)

// The bounds of a sweep. What it leaves, the next one takes.
const (
	sweepBatch  = 100              // events per transaction
	sweepEvents = 5000             // events per run
	sweepTime   = 20 * time.Second // per run; the call of a schedule is cut off after 30
	brokerDown  = 3                // publications in a row that failed: the broker is down, the rest can wait
	maxAttempts = 12               // deliveries by the sweeper, then it gives up: by backoff, after seven hours
)

// How long is kept what nothing needs any more.
const (
	keepEvents   = 30 * 24 * time.Hour // once settled: for timelines and replays
	keepReplies  = 24 * time.Hour      // of idempotency keys
	keepLimits   = 24 * time.Hour      // longer than the period of any limit
	keepSessions = 60 * 24 * time.Hour // all are over 30 days after they began
	deleteBatch  = 1000                // rows per transaction
	deleteRounds = 5                   // transactions per table and run
)

// backoff is how long an event rests after its attempts-th delivery.
func backoff(attempts int) time.Duration {
	return min(time.Minute<<min(attempts-1, 6), time.Hour)
}

// Sweeper takes up what was left over: events that a declared consumer has not
// consumed, because the function that stated them died, the broker lost them or
// the consumer was down; timers that are due; and rows past their time. It works
// for all shops at once, so its login is a member of rackless_sweeper. Any number
// may run at the same time.
type Sweeper struct {
	DB        postgres.DB
	Clock     clock.Clock
	Publisher Publisher
	Consumers Consumers // who must consume an event
	Log       *slog.Logger
}

// Summary is what a sweep has done.
type Summary struct {
	Settled     int   // events that every consumer is done with
	Published   int   // events and due timers sent
	Failed      int   // events that the broker did not take
	DeadLetters int   // deliveries given up
	Deleted     int64 // rows past their time
}

// LogValue makes one group of the summary.
func (s Summary) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("settled", s.Settled), slog.Int("published", s.Published), slog.Int("failed", s.Failed),
		slog.Int("dead_letters", s.DeadLetters), slog.Int64("deleted", s.Deleted))
}

// unsettled is an event that is due to be looked after.
type unsettled struct {
	events.Envelope
	attempts int      // deliveries by the sweeper
	missing  []string // consumers that are not done with it
}

// Run sweeps once. After an error the next sweep simply goes on.
func (s Sweeper) Run(ctx context.Context) (Summary, error) {
	var sum Summary
	if s.Publisher.Sink == "" {
		return sum, errors.New("sweep: there is no broker to send to; set K_SINK")
	}
	started := s.Clock.Now()
	more := true
	for taken := 0; more && taken < sweepEvents && s.Clock.Now().Sub(started) < sweepTime; taken += sweepBatch {
		var err error
		if more, err = s.batch(ctx, &sum); err != nil {
			return sum, fmt.Errorf("sweep the outbox: %w", err)
		}
	}
	if err := s.clean(ctx, &sum); err != nil {
		return sum, fmt.Errorf("delete rows past their time: %w", err)
	}
	return sum, nil
}

// batch settles the oldest events that are due or sends them again. It reports
// whether there is more to do.
func (s Sweeper) batch(ctx context.Context, sum *Summary) (more bool, err error) {
	now := s.Clock.Now()
	var resend []unsettled
	var settled, given []string
	err = postgres.InShop(ctx, s.DB, "", func(tx *postgres.Tx) error {
		resend, settled, given = nil, nil, nil
		claimed, err := claim(ctx, tx, now)
		if err != nil {
			return err
		}
		if err := missing(ctx, tx, claimed, s.Consumers); err != nil {
			return err
		}
		var batch pgx.Batch
		for _, e := range claimed {
			switch {
			case len(e.missing) == 0:
				settled = append(settled, e.ID)
			case e.attempts < maxAttempts:
				resend = append(resend, e)
			default:
				for _, consumer := range e.missing {
					given = append(given, e.ID)
					queueDeadLetter(&batch, e.ID, e.Shop, consumer, 0, fmt.Sprintf("not consumed after %d deliveries", e.attempts), now)
				}
			}
		}
		settle := slices.Concat(settled, given)
		batch.Queue(`UPDATE outbox SET settled_at = $2 WHERE event_id = ANY($1::uuid[])`, settle, now)
		batch.Queue(`
			DELETE FROM dead_letters d
			USING inbox i
			WHERE d.event_id = ANY($1::uuid[]) AND i.event_id = d.event_id AND i.consumer = d.consumer`, settle) // it was consumed in the end
		// Should this process die before it has published, another may in a minute.
		batch.Queue(`UPDATE outbox SET next_attempt = $2 WHERE event_id = ANY($1::uuid[])`, ids(resend), now.Add(backoff(1)))
		more = len(claimed) == sweepBatch
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return false, err
	}
	sent := s.publish(ctx, resend)
	err = postgres.InShop(ctx, s.DB, "", func(tx *postgres.Tx) error {
		var batch pgx.Batch
		for _, e := range sent {
			batch.Queue(`UPDATE outbox SET attempts = $2, next_attempt = $3 WHERE event_id = $1`, e.ID, e.attempts+1, now.Add(backoff(e.attempts+1)))
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return false, err
	}
	sum.Settled += len(settled)
	sum.DeadLetters += len(given)
	sum.Published += len(sent)
	sum.Failed += len(resend) - len(sent)
	return more && len(sent) == len(resend), nil
}

// claim locks the oldest events that are due and that no other sweeper holds.
func claim(ctx context.Context, tx pgx.Tx, now time.Time) ([]unsettled, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+`, attempts
		FROM outbox
		WHERE settled_at IS NULL AND next_attempt <= $1
		ORDER BY next_attempt, event_id
		LIMIT $2
		FOR UPDATE SKIP LOCKED`, now, sweepBatch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e unsettled, err error) {
		err = row.Scan(append(into(&e.Envelope), &e.attempts)...)
		e.Time = e.Time.UTC()
		return e, err
	})
}

// missing notes in each event which of its consumers have neither consumed it
// nor refused it for good.
func missing(ctx context.Context, tx pgx.Tx, claimed []unsettled, consumers Consumers) error {
	type delivery struct{ ID, Consumer string }
	rows, err := tx.Query(ctx, `
		SELECT event_id::text, consumer FROM inbox WHERE event_id = ANY($1::uuid[])
		UNION
		SELECT event_id::text, consumer FROM dead_letters WHERE event_id = ANY($1::uuid[]) AND redriven_at IS NULL AND NOT `+passing, ids(claimed))
	if err != nil {
		return err
	}
	deliveries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[delivery])
	if err != nil {
		return err
	}
	done := map[delivery]bool{}
	for _, d := range deliveries {
		done[d] = true
	}
	for i := range claimed {
		e := &claimed[i]
		e.missing = slices.DeleteFunc(slices.Clone(consumers(e.Type, e.Told)), func(c string) bool { return done[delivery{e.ID, c}] })
	}
	return nil
}

// publish sends events in order and returns those that the broker took. It stops
// when the broker seems to be down; what it did not send counts as no attempt.
func (s Sweeper) publish(ctx context.Context, resend []unsettled) (sent []unsettled) {
	failed := 0
	for _, e := range resend {
		if err := s.Publisher.Publish(ctx, e.Envelope); err != nil {
			s.Log.WarnContext(ctx, "the broker did not take an event", "event_id", e.ID, "event_type", e.Type, "error", err)
			if failed++; failed == brokerDown {
				break
			}
			continue
		}
		failed = 0
		sent = append(sent, e)
	}
	return sent
}

func ids(events []unsettled) []string {
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	return ids
}

// clean deletes what nothing needs any more, each table in short transactions.
// An event with an open dead letter is kept until somebody has decided on it.
func (s Sweeper) clean(ctx context.Context, sum *Summary) error {
	now := s.Clock.Now()
	oldest := firstID(now.Add(-keepEvents)) // ids are in order of time: the primary key finds old rows
	for _, d := range []struct {
		sql string
		arg []any
	}{
		{`DELETE FROM outbox WHERE event_id IN (
			SELECT event_id FROM outbox o
			WHERE event_id < $1 AND settled_at < $2
			  AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.event_id = o.event_id AND d.redriven_at IS NULL)
			LIMIT $3)`, []any{oldest, now.Add(-keepEvents)}},
		{`DELETE FROM inbox WHERE (event_id, consumer, source) IN (
			SELECT event_id, consumer, source FROM inbox i
			WHERE event_id < $1 AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = i.event_id)
			LIMIT $2)`, []any{oldest}},
		{`DELETE FROM dead_letters WHERE (event_id, consumer) IN (
			SELECT event_id, consumer FROM dead_letters d
			WHERE event_id < $1 AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = d.event_id)
			LIMIT $2)`, []any{oldest}},
		{`DELETE FROM idempotency WHERE (shop_id, key_hash) IN (
			SELECT shop_id, key_hash FROM idempotency WHERE created_at < $1
			LIMIT $2)`, []any{now.Add(-keepReplies)}},
		{`DELETE FROM rate_limits WHERE (shop_id, key) IN (
			SELECT shop_id, key FROM rate_limits WHERE arrival < $1
			LIMIT $2)`, []any{now.Add(-keepLimits)}},
		{`DELETE FROM sessions WHERE session_id IN (
			SELECT session_id FROM sessions WHERE created_at < $1
			LIMIT $2)`, []any{now.Add(-keepSessions)}},
	} {
		for range deleteRounds {
			var deleted int64
			err := postgres.InShop(ctx, s.DB, "", func(tx *postgres.Tx) error {
				tag, err := tx.Exec(ctx, d.sql, append(slices.Clone(d.arg), deleteBatch)...)
				deleted = tag.RowsAffected()
				return err
			})
			if err != nil {
				return err
			}
			sum.Deleted += deleted
			if deleted < deleteBatch {
				break
			}
		}
	}
	return nil
}

// firstID is the least id that an event of that time can have.
func firstID(t time.Time) string {
	var id uuid.UUID
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(t.UnixMilli()))
	copy(id[:6], ms[2:])
	return id.String()
}
