package runtime

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/httpapi"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/txn"
)

// On acts on events of type E: fn runs once per event, in the transaction that
// records it as consumed. Events come at least once, late and in any order.
func On[E events.Event](fn func(context.Context, *txn.Tx, E) error) Operation {
	var zero E
	return Operation{Event: zero.Type(), event: func(ctx context.Context, in *instance, id string) error {
		return in.runner.Do(ctx, func(tx *txn.Tx) error {
			e, first, err := outbox.Consume(ctx, tx, in.spec.Name, id, tx.Now)
			if err != nil || !first {
				return err
			}
			event, err := outbox.Decode[E](e)
			if err != nil {
				return err
			}
			tx.Caused(causeOf(e))
			return fn(ctx, tx, event)
		})
	}}
}

// OnStaged acts on events of type E with an operation that calls a third party
// between its transactions; see Staged. What fn returns runs in the transaction
// that records the event as consumed.
func OnStaged[E events.Event](fn func(ctx context.Context, run *txn.Runner, name string, event E) (func(*txn.Tx) error, error)) Operation {
	var zero E
	return Operation{Event: zero.Type(), event: func(ctx context.Context, in *instance, id string) error {
		var e events.Envelope
		var consumed bool
		err := in.runner.Read(ctx, func(tx *txn.Tx) (err error) {
			e, consumed, err = outbox.Load(ctx, tx, in.spec.Name, id)
			return err
		})
		if err != nil || consumed {
			return err
		}
		event, err := outbox.Decode[E](e)
		if err != nil {
			return err
		}
		ctx = txn.WithCause(ctx, causeOf(e))
		step, err := fn(ctx, in.runner, in.spec.Name+" "+e.ID, event)
		if err != nil {
			return err
		}
		return in.runner.Do(ctx, func(tx *txn.Tx) error {
			_, first, err := outbox.Consume(ctx, tx, in.spec.Name, id, tx.Now)
			if err != nil || !first {
				return err
			}
			return step(tx)
		})
	}}
}

// Warm accepts events of type E without effect: the function is up before it is
// needed.
func Warm[E events.Event]() Operation {
	var zero E
	return Operation{Event: zero.Type(), event: func(context.Context, *instance, string) error { return nil }}
}

// Post runs fn on every POST to the function's own URL, whatever it says: a
// schedule's tick, or what the broker gave up on. Nobody knows who sent it, so fn
// must not believe what it says.
func Post(fn func(context.Context, *txn.Runner, *http.Request) error) Operation {
	return Operation{post: fn}
}

func causeOf(e events.Envelope) txn.Cause {
	return txn.Cause{Correlation: e.Correlation, Causation: e.ID, TraceParent: e.TraceParent}
}

// events serves deliveries of the broker: 202 without a body once the effect is
// committed, otherwise a problem whose status says whether to retry.
func (in *instance) events(consumed map[string]Operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := in.env.Clock.Now()
		r.Body = http.MaxBytesReader(w, r.Body, httpapi.MaxBody)
		id, shop, eventType, err := outbox.FromRequest(r)
		if err == nil {
			if op, ok := consumed[eventType]; ok {
				ctx := principal.NewContext(r.Context(), principal.Principal{Shop: shop, Kind: principal.System})
				err = op.event(ctx, in, id)
			} else {
				err = fault.New(fault.Invalid, "%s does not act on %s", in.spec.Name, eventType)
			}
		}
		code := http.StatusAccepted
		if err != nil {
			code = httpapi.WriteBriefProblem(w, err, id)
		} else {
			w.WriteHeader(code)
		}
		in.log(r.Context(), code, err, slog.String("event_type", eventType), slog.String("event_id", id), slog.String("shop", shop),
			slog.Duration("duration", in.env.Clock.Now().Sub(started)))
	})
}

// posts serves an operation made by Post: 202 without a body, or a problem.
func (in *instance) posts(fn func(context.Context, *txn.Runner, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := in.env.Clock.Now()
		r.Body = http.MaxBytesReader(w, r.Body, httpapi.MaxBody)
		code := http.StatusAccepted
		err := fn(r.Context(), in.runner, r)
		if err != nil {
			code = httpapi.WriteBriefProblem(w, err, httpapi.RequestID(r))
		} else {
			w.WriteHeader(code)
		}
		in.log(r.Context(), code, err, slog.Duration("duration", in.env.Clock.Now().Sub(started)))
	})
}

func (in *instance) logCall(c *call, code int, took time.Duration, err error) {
	in.log(c.r.Context(), code, err, slog.String("method", c.r.Method), slog.String("route", in.spec.Route),
		slog.String("request_id", c.requestID), slog.String("shop", c.who.Shop), slog.String("caller", c.who.ID), slog.Duration("duration", took))
}

// callerGone is logged in place of a status when the caller did not wait for one
// (a convention of web servers; it is never sent).
const callerGone = 499

// log writes the one line of a call. The text of an error may quote input, so it
// is logged only when it is our own defect or a dependency's.
func (in *instance) log(ctx context.Context, code int, err error, attrs ...slog.Attr) {
	level := slog.LevelInfo
	if ctx.Err() != nil {
		code = callerGone
	}
	attrs = append(attrs, slog.Int("status", code))
	if code >= 500 {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("error", err))
	}
	in.env.Log.LogAttrs(ctx, level, "call", attrs...)
}
