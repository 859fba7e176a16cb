// Package txn is one business transaction: the SQL transaction of one shop, the
// time at which it happens, who asks, and the events it states. Everything in it
// becomes true together or not at all. Domains write their operations as
// functions of a *Tx and know nothing of how they were called.
package txn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/principal"
)

// Cause is what led to a transaction; the events it states carry it on.
type Cause struct {
	Correlation    string // id of the first request of the chain
	Causation      string // id of the event that is being handled, empty for a request
	TraceParent    string // W3C trace context
	IdempotencyKey string // the key that the client sent, if any
	Address        string // IP address of the client of a request; of an event, empty
}

type causeKey struct{}

// WithCause returns a context whose transactions have the given cause.
func WithCause(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

func causeOf(ctx context.Context) Cause {
	c, _ := ctx.Value(causeKey{}).(Cause)
	return c
}

// Tx is an open business transaction.
type Tx struct {
	pgx.Tx
	Now    time.Time           // the one time of all that happens in it, UTC
	Who    principal.Principal // who asks
	Shop   string              // whose rows it sees
	cause  Cause
	stated []outbox.Entry
}

// Emit states a fact: its event is published after the commit.
func (tx *Tx) Emit(e events.Event) { tx.EmitAt(tx.Now, e) }

// EmitAt sets a timer: the event is published when due, by the sweeper, so it
// may be late by one interval of its wake-ups. Whoever depends on the time must
// also check it when reading.
func (tx *Tx) EmitAt(due time.Time, e events.Event) {
	data, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("event %s cannot be encoded: %v", e.Type(), err)) // a defect in its type
	}
	tx.stated = append(tx.stated, outbox.Entry{
		Due: due,
		Envelope: events.Envelope{
			ID: outbox.NewID(), Shop: tx.Shop, Type: e.Type(), Source: events.SourceOf(e.Type()), Subject: e.Subject(), Time: tx.Now,
			Data: data, Correlation: tx.cause.Correlation, Causation: tx.cause.Causation,
			TraceParent: tx.cause.TraceParent, IdempotencyKey: tx.cause.IdempotencyKey,
		},
	})
}

// Cause returns what led to the transaction.
func (tx *Tx) Cause() Cause { return tx.cause }

// Caused replaces the cause from here on; consuming an event does.
func (tx *Tx) Caused(c Cause) { tx.cause = c }

// Later runs a statement whose result nobody needs in the round trip of the next one,
// before it, or in that of the commit: to what follows it is as if it had run at once.
// Its error is the next statement's, and undoes the transaction. Not for a Read.
func (tx *Tx) Later(sql string, args ...any) {
	tx.Tx.(*postgres.Tx).Later().Queue(sql, args...)
}

// EnterShop moves the transaction into another shop. Only the creation of that
// shop has a reason to.
func (tx *Tx) EnterShop(ctx context.Context, shop string) error {
	if !ident.Valid(ident.Shop, shop) {
		return fmt.Errorf("enter shop: %q is not a shop id", shop)
	}
	if _, err := tx.Exec(ctx, `SELECT set_config('rackless.shop', $1, true)`, shop); err != nil {
		return fmt.Errorf("enter shop: %w", err)
	}
	tx.Shop = shop
	return nil
}

// Keep makes of err an error that refuses the caller just as err does, but lets
// the transaction commit what it has done: for a refusal that must be remembered,
// such as a spent attempt to log in.
func Keep(err error) error { return &kept{err} }

// IsKept reports whether err was made by Keep.
func IsKept(err error) bool {
	_, ok := errors.AsType[*kept](err)
	return ok
}

type kept struct{ error }

func (k *kept) Unwrap() error { return k.error }

// Runner runs business transactions.
type Runner struct {
	DB        postgres.DB
	Clock     clock.Clock
	Publisher outbox.Publisher
	Log       *slog.Logger
}

// Do runs fn as the principal of the context, in that principal's shop. If fn
// returns nil, or an error made by Keep, its changes and events are committed and
// the due events published; otherwise nothing has happened. fn may run again after
// a deadlock.
func (r *Runner) Do(ctx context.Context, fn func(*Tx) error) error {
	who := principal.FromContext(ctx)
	var done *Tx
	var refusal error
	err := postgres.InShop(ctx, r.DB, who.Shop, func(sql *postgres.Tx) error {
		done = &Tx{Tx: sql, Now: r.Clock.Now(), Who: who, Shop: who.Shop, cause: causeOf(ctx)}
		if refusal = fn(done); refusal != nil && !IsKept(refusal) {
			return refusal
		}
		outbox.Queue(sql.Later(), done.stated)
		return nil
	})
	if err != nil {
		return err
	}
	r.publish(ctx, done)
	return refusal
}

// Read runs fn as Do does, but without a transaction around its statements: each
// is one round trip and sees the rows as they are then. fn must not write or
// state anything.
func (r *Runner) Read(ctx context.Context, fn func(*Tx) error) error {
	who := principal.FromContext(ctx)
	sql, err := postgres.Reader(r.DB, who.Shop)
	if err != nil {
		return err
	}
	return postgres.Classify(fn(&Tx{Tx: sql, Now: r.Clock.Now(), Who: who, Shop: who.Shop, cause: causeOf(ctx)}))
}

// publish is the short way for events that have just been committed. It is best
// effort: what fails here, the sweeper finds in the outbox.
func (r *Runner) publish(ctx context.Context, tx *Tx) {
	ctx = context.WithoutCancel(ctx) // the fact is true even if its caller has gone
	for _, e := range tx.stated {
		if e.Due.After(tx.Now) {
			continue
		}
		if err := r.Publisher.Publish(ctx, e.Envelope); err != nil {
			r.Log.WarnContext(ctx, "event left to the sweeper", "event_id", e.ID, "event_type", e.Type, "error", err)
		}
	}
}
