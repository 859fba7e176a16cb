package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/rackless/rackless/shared/clock"
)

// Options are what the simulators have in common.
type Options struct {
	// Clock is the clock that the simulator's own goes with; nil is the
	// machine's.
	Clock clock.Clock
	// Seed makes ids and faults repeatable.
	Seed uint64
	// Retries are the pauses between attempts to deliver a webhook; nil is
	// the vendor's schedule.
	Retries []time.Duration
	// Sleep waits for a fault "slow"; nil waits for the time to pass.
	Sleep func(context.Context, time.Duration)
}

// Control is the part of a simulator that tests and operators handle.
type Control struct {
	Clock    *Clock
	Faults   *Faults
	Ledger   *Ledger
	Webhooks *Webhooks

	tick  func()
	sleep func(context.Context, time.Duration)
}

// NewControl returns the controls of a simulator. tick is called when the clock
// was moved: it does what has come due in the meantime.
func NewControl(o Options, retries []time.Duration, tick func()) *Control {
	if o.Retries != nil {
		retries = o.Retries
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	c := &Control{Clock: NewClock(o.Clock), Faults: &Faults{}, Ledger: &Ledger{}, tick: tick, sleep: o.Sleep}
	c.Webhooks = NewWebhooks(c.Clock, retries)
	_ = c.Faults.Set(o.Seed) // no rule, no error
	return c
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Advance puts the clock forward and does what has come due, except for the
// webhooks: Run or Deliver sends those.
func (c *Control) Advance(d time.Duration) {
	c.Clock.Advance(d)
	c.tick()
	c.Webhooks.Wake()
}

// Run sends webhooks until ctx ends.
func (c *Control) Run(ctx context.Context) { c.Webhooks.Run(ctx) }

// Deliver sends the webhooks that are due now and returns how many attempts
// that made.
func (c *Control) Deliver(ctx context.Context) int {
	c.tick()
	return c.Webhooks.Deliver(ctx)
}

// A Reply is what a request is answered.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// An Exchange is one request of the vendor's API.
type Exchange struct {
	Plan Plan
	// Work books and returns the reply and the webhooks.
	Work func() (Reply, []Message)
	// Refuse returns the vendor's reply of status 429 or 5xx, with the advice
	// of the fault.
	Refuse func(status int, f Fault) Reply
}

// Answer answers a request with the faults of its plan. Webhooks leave after
// the reply, unless a fault says otherwise.
func (c *Control) Answer(w http.ResponseWriter, r *http.Request, x Exchange) {
	if f, ok := x.Plan.Find(Slow); ok {
		c.sleep(r.Context(), time.Duration(f.Delay))
	}
	if x.Plan.Has(DropBefore) {
		panic(http.ErrAbortHandler)
	}
	if f, ok := x.Plan.Find(RateLimit); ok {
		write(w, x.Refuse(http.StatusTooManyRequests, f))
		return
	}
	if f, ok := x.Plan.Find(ErrorBefore); ok {
		write(w, x.Refuse(f.status(), f))
		return
	}

	reply, messages := x.Work()
	if x.Plan.Has(EarlyWebhook) {
		c.Webhooks.sendNow(r.Context(), c.Webhooks.add(x.Plan, messages))
	} else {
		defer c.Webhooks.add(x.Plan, messages)
	}
	if x.Plan.Has(DropAfter) {
		panic(http.ErrAbortHandler)
	}
	if x.Plan.Has(HangAfter) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	if f, ok := x.Plan.Find(ErrorAfter); ok {
		reply = x.Refuse(f.status(), f)
	}
	if x.Plan.Has(BreakAfter) {
		w.Header().Set("Content-Length", strconv.Itoa(len(reply.Body)))
		reply.Body = reply.Body[:len(reply.Body)/2]
		write(w, reply)
		panic(http.ErrAbortHandler)
	}
	write(w, reply)
}

func (f Fault) status() int {
	if f.Status == 0 {
		return http.StatusServiceUnavailable
	}
	return f.Status
}

// write sends the reply at once: what happens afterwards, happens after it.
func write(w http.ResponseWriter, reply Reply) {
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body)                // the client may be gone
	_ = http.NewResponseController(w).Flush() // as above
}

// Admin returns the handler of /_sim/, which trusts everybody who reaches it.
func (c *Control) Admin() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		JSON(w, map[string]any{"faults": c.Faults.List()})
	})
	mux.HandleFunc("POST /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Seed   uint64  `json:"seed"`
			Faults []Fault `json:"faults"`
		}
		if !Decode(w, r, &in) {
			return
		}
		if err := c.Faults.Set(in.Seed, in.Faults...); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		JSON(w, map[string]any{"faults": c.Faults.List()})
	})
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		_ = c.Faults.Set(0) // no rule, no error
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sim/clock", func(w http.ResponseWriter, _ *http.Request) {
		JSON(w, map[string]any{"now": c.Clock.Now()})
	})
	mux.HandleFunc("POST /_sim/clock", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Advance Duration `json:"advance"`
		}
		if !Decode(w, r, &in) {
			return
		}
		if in.Advance < 0 {
			http.Error(w, "the clock does not go back", http.StatusBadRequest)
			return
		}
		c.Advance(time.Duration(in.Advance))
		JSON(w, map[string]any{"now": c.Clock.Now()})
	})
	mux.HandleFunc("GET /_sim/ledger", func(w http.ResponseWriter, _ *http.Request) {
		c.tick()
		JSON(w, map[string]any{"accounts": c.Ledger.Accounts()})
	})
	mux.HandleFunc("GET /_sim/webhooks", func(w http.ResponseWriter, _ *http.Request) {
		JSON(w, map[string]any{"deliveries": c.Webhooks.Deliveries()})
	})
	mux.HandleFunc("POST /_sim/webhooks/deliver", func(w http.ResponseWriter, r *http.Request) {
		JSON(w, map[string]any{"attempts": c.Deliver(r.Context())})
	})
	return mux
}

// Decode reads the JSON body of an administrative request into v. If it cannot,
// it answers 400 and returns false.
func Decode(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return true
		}
		err = fmt.Errorf("more than one JSON value")
	}
	http.Error(w, err.Error(), http.StatusBadRequest)
	return false
}

// JSON answers an administrative request.
func JSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
