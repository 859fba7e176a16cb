package topology

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Subscriber constructs an instance of a function. What it returns may have the
// methods of func's life cycle, which are used as func does:
//
//	Start(context.Context, map[string]string) error // before the first call
//	Ready(context.Context) (bool, error)            // asked after Start until true
//	Alive(context.Context) (bool, error)            // asked now and then; see livenessPeriod
//	Stop(context.Context) error                     // after the last call
//
// The context of Start lives as long as the instance.
type Subscriber func() http.Handler

const (
	startTimeout     = 30 * time.Second // from construction until ready
	readyPeriod      = 10 * time.Millisecond
	livenessPeriod   = 10 * time.Second // Kubernetes' default
	livenessFailures = 3                // in a row, before an instance is replaced; Kubernetes' default
	stopTimeout      = 10 * time.Second // for calls to end, and again for Stop
)

// function is a Service: at zero, or with one instance.
type function struct {
	cluster   *Cluster
	name      string
	construct Subscriber
	env       map[string]string
	pinned    bool // never back to zero

	// guarded by cluster.mu
	up       *instance
	starting *start
	lastErr  error
	calls    int
	inFlight int
	starts   int
	started  time.Time
	took     time.Duration
}

// instance is one that is up, or on its way down.
type instance struct {
	handler  http.Handler
	cancel   context.CancelFunc
	inFlight int
	used     time.Time     // end of the last call
	retired  bool          // gets no more calls
	quiet    chan struct{} // closed when retired and without calls
}

// start is one that is under way; done is closed when it has ended, in err if it
// failed.
type start struct {
	done chan struct{}
	err  error
}

// pinned reports whether the manifest wants the function to be up always.
func pinned(s Service) bool {
	for _, name := range []string{"autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale"} {
		if n, err := strconv.Atoi(s.Spec.Template.Metadata.Annotations[name]); err == nil && n > 0 {
			return true
		}
	}
	return false
}

func (f *function) status() Function {
	s := Function{
		Name: f.name, State: AtZero, Calls: f.calls, InFlight: f.inFlight, Starts: f.starts, Started: f.started, Took: f.took,
	}
	switch {
	case f.starting != nil:
		s.State = Starting
	case f.up != nil:
		s.State = Up
	}
	if f.lastErr != nil {
		s.Err = f.lastErr.Error()
	}
	return s
}

// ServeHTTP lets an instance answer; 503 if none can be started.
func (f *function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, err := f.acquire(r.Context())
	if err != nil {
		unavailable(w, err)
		return
	}
	defer f.release(in)
	in.handler.ServeHTTP(w, r)
}

// unavailable writes a problem (RFC 9457).
func unavailable(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	detail := "the function could not be started"
	if errors.Is(err, errDraining) {
		detail = errDraining.Error()
	}
	fmt.Fprintf(w, `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":%q}`, detail)
}

// acquire returns an instance for one call, starting it if there is none.
func (f *function) acquire(ctx context.Context) (*instance, error) {
	c := f.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	for f.up == nil {
		if c.closed {
			return nil, errDraining
		}
		if f.starting == nil {
			s := &start{done: make(chan struct{})}
			f.starting = s
			c.goroutines.Go(func() { f.live(s) })
		}
		s := f.starting
		c.mu.Unlock()
		select {
		case <-s.done:
		case <-ctx.Done():
		}
		c.mu.Lock()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.err != nil {
			return nil, s.err
		}
	}
	f.calls++
	f.inFlight++
	f.up.inFlight++
	c.calls++
	return f.up, nil
}

// release ends a call.
func (f *function) release(in *instance) {
	c := f.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	f.inFlight--
	in.inFlight--
	in.used = time.Now()
	if in.retired && in.inFlight == 0 {
		close(in.quiet)
	}
	if c.calls--; c.calls == 0 {
		c.changed.Broadcast()
	}
}

// live is the life of one instance.
func (f *function) live(s *start) {
	c := f.cluster
	began := time.Now()
	in, err := f.launch()
	took := time.Since(began)

	c.mu.Lock()
	f.starting, f.lastErr, s.err = nil, err, err
	if err == nil {
		in.used = time.Now()
		f.up = in
		f.starts++
		f.started = c.clock.Now()
		f.took = took
	}
	close(s.done)
	c.mu.Unlock()
	if err != nil {
		c.log.Error("function cannot start", "function", f.name, "error", err)
		return
	}
	c.observe(Observation{What: Started, Subscriber: f.name, Duration: took})
	why := f.keep(in)
	f.stop(in)
	c.observe(Observation{What: Stopped, Subscriber: f.name, Err: why})
}

// launch constructs an instance and waits until it is ready.
func (f *function) launch() (in *instance, err error) {
	ctx, cancel := context.WithCancel(f.cluster.context)
	tooLong := time.AfterFunc(startTimeout, cancel)
	defer tooLong.Stop()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it panicked: %v", r)
		}
		if err != nil {
			cancel()
			in, err = nil, fmt.Errorf("start %s: %w", f.name, err)
		}
	}()
	in = &instance{handler: f.construct(), cancel: cancel, quiet: make(chan struct{})}
	if h, ok := in.handler.(interface {
		Start(context.Context, map[string]string) error
	}); ok {
		if err := h.Start(ctx, f.env); err != nil {
			return nil, err
		}
	}
	h, ok := in.handler.(interface {
		Ready(context.Context) (bool, error)
	})
	for ok {
		ready, err := h.Ready(ctx)
		if ready && err == nil {
			break
		}
		select {
		case <-time.After(readyPeriod):
		case <-ctx.Done():
			f.stop(&instance{handler: in.handler, cancel: cancel, quiet: closedChannel()})
			return nil, errors.Join(errors.New("it did not become ready in time"), err)
		}
	}
	if !tooLong.Stop() {
		return nil, errors.New("it was ready too late")
	}
	return in, nil
}

func closedChannel() chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}

// keep returns when the instance is retired, with the reason if that is not
// ordinary.
func (f *function) keep(in *instance) string {
	c := f.cluster
	var idle *time.Timer
	var idled, check <-chan time.Time
	if c.options.IdleAfter > 0 && !f.pinned {
		idle = time.NewTimer(c.options.IdleAfter)
		defer idle.Stop()
		idled = idle.C
	}
	health, ok := in.handler.(interface {
		Alive(context.Context) (bool, error)
	})
	if ok {
		ticker := time.NewTicker(livenessPeriod)
		defer ticker.Stop()
		check = ticker.C
	}
	for failures := 0; ; {
		select {
		case <-c.closing:
			f.retire(in, 0)
			return ""
		case <-idled:
			left := f.retire(in, c.options.IdleAfter)
			if left <= 0 {
				return ""
			}
			idle.Reset(left)
		case <-check:
			alive, err := health.Alive(c.context)
			if alive && err == nil {
				failures = 0
				continue
			}
			if failures++; failures == livenessFailures {
				c.log.Error("function is not alive and is replaced", "function", f.name, "error", err)
				f.retire(in, 0)
				return "not alive"
			}
		}
	}
}

// retire sees to it that the instance gets no more calls, if it has been idle for
// that long; otherwise it returns when to ask again.
func (f *function) retire(in *instance, idle time.Duration) time.Duration {
	c := f.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if idle > 0 && in.inFlight > 0 {
		return idle
	}
	if left := idle - time.Since(in.used); idle > 0 && left > 0 {
		return left
	}
	f.up = nil
	in.retired = true
	if in.inFlight == 0 {
		close(in.quiet)
	}
	return 0
}

// stop lets the instance's calls end and stops it.
func (f *function) stop(in *instance) {
	defer in.cancel()
	patience := time.NewTimer(stopTimeout)
	defer patience.Stop()
	select {
	case <-in.quiet:
	case <-patience.C:
		f.cluster.log.Warn("function is stopped with calls under way", "function", f.name)
	}
	h, ok := in.handler.(interface{ Stop(context.Context) error })
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.cluster.context), stopTimeout)
	defer cancel()
	if err := h.Stop(ctx); err != nil {
		f.cluster.log.Error("function did not stop well", "function", f.name, "error", err)
	}
}
