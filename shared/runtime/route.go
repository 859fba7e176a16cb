package runtime

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/httpapi"
	"github.com/rackless/rackless/shared/idem"
	"github.com/rackless/rackless/shared/payment/card"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/telemetry"
	"github.com/rackless/rackless/shared/txn"
)

// None is the output of an operation that replies 204 without a body.
type None = struct{}

// call is one request on its way through the pipeline.
type call struct {
	r         *http.Request
	w         http.ResponseWriter
	requestID string
	body      []byte
	who       principal.Principal
}

// answer is what the operation made of a call.
type answer struct {
	header map[string]string
	body   []byte
	replay bool
}

// Read answers the route with what fn finds. fn changes nothing.
func Read[In, Out any](fn func(context.Context, *txn.Tx, In) (Out, error)) Operation {
	return route[In, Out](http.StatusOK, func(ctx context.Context, in *instance, c *call, input In) (answer, error) {
		var out Out
		err := in.runner.Read(ctx, func(tx *txn.Tx) (err error) {
			out, err = fn(ctx, tx, input)
			return err
		})
		if err != nil {
			return answer{}, err
		}
		return encode(out)
	})
}

// Write answers the route with what fn does, in one transaction with the
// idempotency record: a repeated key gets the recorded reply.
func Write[In, Out any](status int, fn func(context.Context, *txn.Tx, In) (Out, error)) Operation {
	return route[In, Out](status, func(ctx context.Context, in *instance, c *call, input In) (a answer, err error) {
		key, err := in.key(c)
		if err != nil {
			return a, err
		}
		err = in.runner.Do(ctx, func(tx *txn.Tx) error {
			if key != nil {
				if reply, err := key.Claim(ctx, tx); err != nil || reply != nil {
					a = recorded(reply)
					return err
				}
			}
			out, err := fn(ctx, tx, input)
			if err != nil {
				if key != nil && txn.IsKept(err) { // the claim is committed as well
					err = cmp.Or(key.Release(ctx, tx), err)
				}
				return err
			}
			if a, err = encode(out); err != nil || key == nil {
				return err
			}
			reply, err := a.record(status)
			if err != nil {
				return err
			}
			return key.Finish(tx, reply)
		})
		return a, err
	})
}

// WriteThenWait is Write for an operation whose effect goes on in other functions.
// A client that prefers to wait (RFC 7240, "Prefer: wait=10") gets the reply once
// settled says so, or when its seconds are over: what settled then returns. What
// is recorded for a repeated key is the reply of the write itself.
func WriteThenWait[In, Out any](status int, fn func(context.Context, *txn.Tx, In) (Out, error),
	settled func(context.Context, *txn.Tx, Out) (latest Out, done bool, err error)) Operation {
	const soonest, latest = 2 * time.Millisecond, 200 * time.Millisecond
	bounded := func(d time.Duration) time.Duration { return max(soonest, min(d, latest)) }
	var usual atomic.Int64 // how long it has taken lately to settle, in nanoseconds
	write := Write(status, fn)
	write.then = func(ctx context.Context, in *instance, c *call, a answer) (answer, error) {
		seconds := waitPreference(c.r)
		if seconds == 0 {
			return a, nil
		}
		var out Out
		if err := json.Unmarshal(a.body, &out); err != nil {
			return a, fmt.Errorf("wait: %w", err)
		}
		ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
		defer cancel()
		done, began := false, time.Now()
		// Looks are dear when there is much to do. So the first one comes shortly
		// before it has settled as usual, and the more often the earlier that was.
		for pause := bounded(time.Duration(usual.Load()) * 7 / 8); !done && ctx.Err() == nil; pause = bounded(time.Since(began) / 8) {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			err := in.runner.Read(ctx, func(tx *txn.Tx) error {
				latest, end, err := settled(ctx, tx, out)
				if err == nil {
					out, done = latest, end
				}
				return err
			})
			if done {
				usual.Store((3*usual.Load() + int64(time.Since(began))) / 4)
			}
			if err != nil && ctx.Err() == nil {
				return a, err
			}
		}
		latest, err := encode(out)
		c.w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(seconds))
		return latest, err
	}
	return write
}

// maxWait bounds how long a client may have a reply held back, in seconds.
const maxWait = 30

func waitPreference(r *http.Request) int {
	for _, preference := range strings.Split(r.Header.Get("Prefer"), ",") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(preference), "wait="); ok {
			seconds, _ := strconv.Atoi(value)
			return max(0, min(seconds, maxWait))
		}
	}
	return 0
}

// Staged answers the route with an operation that calls a third party between
// its transactions. The claim of the key is committed first. fn gets a name that
// is the same on every attempt for the same intended effect, derives its ids and
// the third party's key from it, and so finds out what an attempt that died has
// done instead of doing it again. What it returns ends the operation: it runs in
// the transaction that also records the reply.
func Staged[In, Out any](status int, fn func(ctx context.Context, run *txn.Runner, name string, in In) (func(*txn.Tx) (Out, error), error)) Operation {
	return route[In, Out](status, func(ctx context.Context, in *instance, c *call, input In) (a answer, err error) {
		key, err := in.key(c)
		if err != nil {
			return a, err
		}
		if key == nil {
			return a, errors.New("a staged operation must declare its Idempotency-Key as required")
		}
		err = in.runner.Do(ctx, func(tx *txn.Tx) error {
			reply, err := key.Claim(ctx, tx)
			a = recorded(reply)
			return err
		})
		if err != nil || a.replay {
			return a, err
		}
		step, err := fn(ctx, in.runner, key.Name(), input)
		if err == nil {
			err = in.runner.Do(ctx, func(tx *txn.Tx) error {
				out, err := step(tx)
				if err != nil {
					return err
				}
				if a, err = encode(out); err != nil {
					return err
				}
				reply, err := a.record(status)
				if err != nil {
					return err
				}
				return key.FinishClaimed(ctx, tx, reply)
			})
		}
		if err != nil {
			ctx := context.WithoutCancel(ctx)
			giveUp := key.Forget
			if kind := fault.KindOf(err); kind == fault.Unavailable || kind == fault.Internal {
				giveUp = key.Release // the third party may have acted
			}
			return a, errors.Join(err, in.runner.Do(ctx, func(tx *txn.Tx) error { return giveUp(ctx, tx) }))
		}
		return a, nil
	})
}

// Raw answers the route with a handler of its own that needs none of the
// pipeline: the gateway.
func Raw(make func(*Env) (http.Handler, error)) Operation {
	return Operation{raw: true, route: func(in *instance, _ wait) http.Handler {
		handler, err := make(in.env)
		if err != nil {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { httpapi.WriteProblem(w, err, httpapi.RequestID(r)) })
		}
		return handler
	}}
}

func route[In, Out any](status int, run func(context.Context, *instance, *call, In) (answer, error)) Operation {
	return Operation{
		In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](), Status: status,
		route: func(in *instance, then wait) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				started := in.env.Clock.Now()
				c := &call{r: r, w: w, requestID: httpapi.RequestID(r)}
				if c.requestID == "" || card.Written(c.requestID) {
					c.requestID = uuid.Must(uuid.NewV7()).String()
				}
				w.Header().Set("X-Request-Id", c.requestID)
				a, err := serve(in, c, run, then)
				var code int
				if err != nil {
					code = httpapi.WriteProblem(w, err, c.requestID)
				} else {
					code = a.write(w, status)
				}
				in.logCall(c, code, in.env.Clock.Now().Sub(started), err)
			})
		},
	}
}

// wait holds a reply back; see WriteThenWait.
type wait func(context.Context, *instance, *call, answer) (answer, error)

func serve[In any](in *instance, c *call, run func(context.Context, *instance, *call, In) (answer, error), then wait) (a answer, err error) {
	ctx := c.r.Context()
	if c.body, err = httpapi.ReadBody(c.r); err != nil {
		return a, err
	}
	if err := refuseCards(in.spec.Name, c.r, c.body); err != nil {
		return a, err
	}
	token, err := bearer(c.r)
	if err != nil {
		return a, err
	}
	now := in.env.Clock.Now()
	caller, err := auth.Identify(ctx, in.db, auth.Credential{Token: token, Shop: c.r.Header.Get("Rackless-Shop"), Host: httpapi.Host(c.r)}, now)
	httpapi.CORS{Origins: caller.CORSOrigins}.Allow(c.w, c.r)
	if err != nil {
		return a, err
	}
	c.who = caller.Principal
	if err := auth.Authorize(c.who, auth.Access(in.spec.Access), in.spec.Scope); err != nil {
		return a, err
	}
	ctx = principal.NewContext(ctx, c.who)
	ctx = txn.WithCause(ctx, txn.Cause{
		Correlation: c.requestID, TraceParent: telemetry.TraceParent(ctx, c.r.Header.Get("Traceparent")), IdempotencyKey: c.r.Header.Get("Idempotency-Key"),
		Address: address(c.r),
	})
	if err := in.throttle(ctx, c); err != nil {
		return a, err
	}
	var input In
	if err := httpapi.Decode(c.r, c.body, &input); err != nil {
		return a, err
	}
	a, err = run(ctx, in, c, input)
	if err != nil || then == nil {
		return a, err
	}
	return then(ctx, in, c, a)
}

// preflight answers the question of a browser whether a page may call.
func (in *instance) preflight(w http.ResponseWriter, r *http.Request) {
	caller, _ := auth.Identify(r.Context(), in.db, auth.Credential{Shop: r.Header.Get("Rackless-Shop"), Host: httpapi.Host(r)}, in.env.Clock.Now())
	httpapi.CORS{Origins: caller.CORSOrigins}.Preflight(w, r)
}

func bearer(r *http.Request) (string, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 200 {
		return "", fault.New(fault.Unauthenticated, "the Authorization header must be: Bearer <token>")
	}
	return token, nil
}

// throttle limits visitors and buyers per address; staff are known by their keys.
func (in *instance) throttle(ctx context.Context, c *call) error {
	limit := in.spec.Rate
	if limit.Burst == 0 || c.who.Kind == principal.Staff {
		return nil
	}
	var wait time.Duration
	err := in.runner.Do(ctx, func(tx *txn.Tx) (err error) {
		wait, err = auth.Throttle(ctx, tx, in.spec.Name+" "+address(c.r), limit.Burst, limit.Period, tx.Now)
		return err
	})
	if err != nil || wait <= 0 {
		return err
	}
	seconds := int(math.Ceil(wait.Seconds()))
	return fault.New(fault.TooMany, "too many calls from this address; try again in %d seconds", seconds).With("retry_after", seconds)
}

// address is the caller's: the last hop that the gateway or Knative noted.
func address(r *http.Request) string {
	forwarded := r.Header.Get("X-Forwarded-For")
	if i := strings.LastIndexByte(forwarded, ','); i >= 0 {
		forwarded = forwarded[i+1:]
	}
	if ip := net.ParseIP(strings.TrimSpace(forwarded)); ip != nil {
		return ip.String()
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}

// key returns the call's idempotency key, nil if it has none and needs none.
func (in *instance) key(c *call) (*idem.Key, error) {
	text := c.r.Header.Get("Idempotency-Key")
	if text == "" {
		if in.spec.Idempotency == "required" {
			return nil, fault.New(fault.Invalid, "this operation needs an Idempotency-Key header: a fresh UUID for each intended effect")
		}
		return nil, nil
	}
	owner := c.who.Owner
	if c.who.Kind == principal.Staff {
		owner = c.who.ID
	}
	var request bytes.Buffer
	fmt.Fprintf(&request, "%s %s\n", c.r.Method, c.r.URL.RequestURI())
	request.Write(c.body)
	key, err := idem.NewKey(owner, in.spec.Name, text, request.Bytes())
	return &key, err
}

// record is the answer as it is kept for a repeated key.
func (a answer) record(status int) (idem.Reply, error) {
	header, err := json.Marshal(a.header)
	return idem.Reply{Status: status, Header: header, Body: a.body}, err
}

func recorded(reply *idem.Reply) (a answer) {
	if reply != nil {
		_ = json.Unmarshal(reply.Header, &a.header) // we wrote it
		a.body, a.replay = reply.Body, true
	}
	return a
}

// encode makes the reply to out. Outputs that have an ETag or a Location method
// set those headers.
func encode(out any) (answer, error) {
	a := answer{header: map[string]string{}}
	if x, ok := out.(interface{ ETag() string }); ok {
		a.header["ETag"] = x.ETag()
	}
	if x, ok := out.(interface{ Location() string }); ok {
		a.header["Location"] = x.Location()
	}
	if _, none := out.(None); none {
		return a, nil
	}
	body, err := json.Marshal(out)
	if err != nil {
		return a, fmt.Errorf("encode the reply: %w", err)
	}
	a.body = append(body, '\n')
	return a, nil
}

func (a answer) write(w http.ResponseWriter, status int) int {
	h := w.Header()
	for name, value := range a.header {
		h.Set(name, value)
	}
	if a.replay {
		h.Set("Idempotent-Replayed", "true")
	}
	if len(a.body) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(status)
	_, _ = w.Write(a.body) // the client has gone; there is nobody to tell
	return status
}
