package topology

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/rackless/rackless/shared/clock"
)

// Options is what a cluster needs besides its manifest. The zero value of a
// field other than Subscribers means its default.
type Options struct {
	// Subscribers returns the constructor of the function that a Service names.
	Subscribers func(service string) (Subscriber, bool)
	// Env adds to what a function is told when it starts: the Service's literal
	// values, K_SERVICE, and K_SINK if there is one Broker that is not a dead
	// letter sink. Its values win.
	Env func(service string) map[string]string

	Clock    clock.Clock       // what the time is; waiting is measured in real time. The system's
	Logger   *slog.Logger      // none
	Observer func(Observation) // none; see Observation
	Outside  http.RoundTripper // for URLs that are not of this cluster; http.DefaultTransport
	Chaos    Chaos             // none

	IdleAfter time.Duration // how long a function is kept without a call; forever
	InFlight  int           // attempts under way at a time, for each trigger; 16
	Pending   int           // events accepted but not settled, for each trigger; 1024
}

// pendingBytes bounds the data of all events that wait, in bytes.
const pendingBytes = 64 << 20

// Observation is one thing that happened to an event or a function. Observers
// are called from many goroutines at once, must not block and must not change
// the event.
type Observation struct {
	What       What
	Time       time.Time
	Event      *event.Event // nil for Started and Stopped
	Broker     string
	Trigger    string        // the trigger or ping source
	Subscriber string        // the function, or the URL of what is not one
	Attempt    int           // 1 for the first
	Status     int           // of the attempt's response, 0 for none
	Duration   time.Duration // of the attempt, or of the start
	Err        string        // why an attempt, start or delivery failed
}

// What says what happened.
type What string

// What can be observed. Each accepted event ends, for each of its triggers, in
// Delivered, DeadLettered or Lost.
const (
	Accepted     What = "accepted"      // a broker took an event
	Attempted    What = "attempted"     // a trigger tried to deliver, to reply or to dead-letter
	Delivered    What = "delivered"     // the subscriber took the event
	DeadLettered What = "dead-lettered" // the dead letter sink took the event
	Lost         What = "lost"          // nobody took the event
	Started      What = "started"       // a function is up
	Stopped      What = "stopped"       // a function is at zero again
)

// Cluster runs a manifest in this process.
type Cluster struct {
	manifest  *Manifest
	options   Options
	log       *slog.Logger
	clock     clock.Clock
	functions map[string]*function
	brokers   map[string]*broker      // by path of the ingress
	hosts     map[string]http.Handler // what answers which host, for callers within

	context context.Context // ends when draining is given up
	cancel  context.CancelFunc
	closing chan struct{} // closed when functions are to stop

	mu         sync.Mutex // guards all below, and the state of functions, triggers and chaos
	changed    sync.Cond  // a count below fell to zero
	draining   bool       // nothing more from outside
	closed     bool       // nothing more at all
	deliveries int        // accepted and not settled
	bytes      int        // of their data
	calls      int        // of functions, under way
	retries    map[*delivery]*time.Timer
	goroutines sync.WaitGroup
}

// New returns a cluster that serves the manifest. Functions are constructed on
// their first call. Nothing ticks until Start; in the end, call Drain.
func New(m *Manifest, o Options) (*Cluster, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = func(Observation) {}
	}
	if o.Outside == nil {
		o.Outside = http.DefaultTransport
	}
	if o.InFlight <= 0 {
		o.InFlight = 16
	}
	if o.Pending <= 0 {
		o.Pending = 1024
	}
	c := &Cluster{
		manifest:  m,
		options:   o,
		log:       o.Logger,
		clock:     o.Clock,
		functions: map[string]*function{},
		brokers:   map[string]*broker{},
		hosts:     map[string]http.Handler{},
		closing:   make(chan struct{}),
		retries:   map[*delivery]*time.Timer{},
	}
	c.changed.L = &c.mu
	c.context, c.cancel = context.WithCancel(context.Background())
	var errs []error
	for _, s := range m.Services {
		if err := c.addFunction(s); err != nil {
			errs = append(errs, err)
		}
	}
	c.hosts[ingressHost] = c.ingress(true)
	for _, b := range m.Brokers {
		c.addBroker(b)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// addFunction registers a Service under the names by which a cluster's DNS knows
// it.
func (c *Cluster) addFunction(s Service) error {
	name, namespace := s.Metadata.Name, s.Metadata.Namespace
	construct, ok := c.options.Subscribers(name)
	if !ok {
		return fmt.Errorf("%s: metadata.name: this program has no function %q; add it or remove the Service", s.at, name)
	}
	f := &function{cluster: c, name: name, construct: construct, env: c.env(s), pinned: pinned(s)}
	c.functions[name] = f
	for _, host := range []string{name, name + "." + namespace, name + "." + namespace + ".svc", name + "." + namespace + ".svc.cluster.local"} {
		c.hosts[host] = f
	}
	return nil
}

// addBroker registers a broker and its triggers.
func (c *Cluster) addBroker(o Broker) {
	b := &broker{cluster: c, name: o.Metadata.Name, url: brokerURL(o.Metadata.Namespace, o.Metadata.Name)}
	c.brokers[b.url.Path] = b
	for _, t := range c.manifest.Triggers {
		if t.Spec.Broker != b.name {
			continue
		}
		// validate has seen that these succeed
		filter, _ := newFilter(t.Spec)
		target, _ := c.manifest.resolve(t.Spec.Subscriber, t.Metadata.Namespace)
		policy, _ := c.manifest.policy(c.manifest.delivery(t), t.Metadata.Namespace)
		b.triggers = append(b.triggers, &trigger{
			cluster: c, name: t.Metadata.Name, broker: b, filter: filter, target: target, subscriber: c.subscriber(target), policy: policy,
		})
	}
}

// subscriber returns the name of the function at a URL, or the URL.
func (c *Cluster) subscriber(u *url.URL) string {
	if f, ok := c.hosts[u.Host].(*function); ok {
		return f.name
	}
	return u.String()
}

// env returns what the Service says a function is to know.
func (c *Cluster) env(s Service) map[string]string {
	env := map[string]string{"K_SERVICE": s.Metadata.Name}
	if sink := c.manifest.sink(); sink != nil {
		env["K_SINK"] = brokerURL(sink.Metadata.Namespace, sink.Metadata.Name).String()
	}
	for _, container := range s.Spec.Template.Spec.Containers {
		for _, e := range container.Env {
			if e.ValueFrom == nil {
				env[e.Name] = e.Value
			}
		}
	}
	if c.options.Env != nil {
		for name, value := range c.options.Env(s.Metadata.Name) {
			env[name] = value
		}
	}
	return env
}

// Start brings up the functions that must always be up and lets the ping sources
// tick.
func (c *Cluster) Start() {
	for _, f := range c.functions {
		if f.pinned {
			c.spawn(func() {
				if in, err := f.acquire(c.context); err == nil {
					f.release(in)
				}
			})
		}
	}
	for _, p := range c.manifest.PingSources {
		c.spawn(func() { c.tick(p) })
	}
}

// spawn runs fn in a goroutine that Drain waits for, unless all is over.
func (c *Cluster) spawn(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.goroutines.Go(fn)
	}
}

// Ingress serves the brokers to callers outside this process: CloudEvents,
// binary or structured, posted to /<namespace>/<broker>. It replies 202 when the
// event is accepted, 400 to what is not a CloudEvent, and 429 when more wait than
// a trigger may hold.
func (c *Cluster) Ingress() http.Handler { return c.ingress(false) }

// SinkURL returns the URL to which functions of this process publish events for
// a broker, by way of Transport. Its path is the broker's at Ingress, too.
func (c *Cluster) SinkURL(broker string) (string, bool) {
	b := c.manifest.broker(broker)
	if b == nil {
		return "", false
	}
	return brokerURL(b.Metadata.Namespace, b.Metadata.Name).String(), true
}

// Invoke returns a handler that passes requests from outside to a function,
// which is started if it is at zero.
func (c *Cluster) Invoke(service string) (http.Handler, bool) {
	f, ok := c.functions[service]
	if !ok {
		return nil, false
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		refuse := c.draining
		c.mu.Unlock()
		if refuse {
			unavailable(w, errDraining)
			return
		}
		f.ServeHTTP(w, r)
	}), true
}

// Function tells how a function fares.
type Function struct {
	Name     string
	State    State
	Calls    int           // since New
	InFlight int           // calls under way
	Starts   int           // since New
	Started  time.Time     // last start, zero if never
	Took     time.Duration // the last start, until it was ready
	Err      string        // of the last start, empty if it succeeded
}

// State is whether a function is there.
type State string

// The states of a function.
const (
	AtZero   State = "zero"
	Starting State = "starting"
	Up       State = "up"
)

// Functions returns how all functions fare, by name.
func (c *Cluster) Functions() []Function {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Function
	for _, f := range c.functions {
		all = append(all, f.status())
	}
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Settle waits until no accepted event waits for anything: all are delivered,
// dead-lettered or lost.
func (c *Cluster) Settle(ctx context.Context) error {
	return c.await(ctx, func() bool { return c.deliveries == 0 })
}

// Drain ends the cluster's life. It refuses what comes from outside, waits until
// all accepted events are settled and all calls have returned, and stops the
// functions. Events that functions publish meanwhile are still delivered. If ctx
// ends first, what is under way is cancelled and the error tells what was lost;
// the functions are stopped all the same.
func (c *Cluster) Drain(ctx context.Context) error {
	c.mu.Lock()
	if c.draining {
		c.mu.Unlock()
		return errDraining
	}
	c.draining = true
	c.mu.Unlock()

	err := c.await(ctx, func() bool {
		if c.deliveries+c.calls == 0 {
			c.closed = true
		}
		return c.closed
	})
	if err != nil {
		err = c.abandon(err)
	}
	close(c.closing)
	c.goroutines.Wait()
	c.cancel()
	return err
}

var errDraining = errors.New("the shop is shutting down")

// abandon gives up all that is under way. What is queued fails by itself.
func (c *Cluster) abandon(cause error) error {
	c.mu.Lock()
	c.closed = true
	err := fmt.Errorf("drain: %w with %d deliveries and %d calls under way", cause, c.deliveries, c.calls)
	var waiting []*delivery
	for d, timer := range c.retries {
		if timer.Stop() {
			waiting = append(waiting, d)
			delete(c.retries, d)
		}
	}
	c.mu.Unlock()
	for _, d := range waiting {
		d.settle(Lost, errDraining)
	}
	c.cancel()
	return err
}

// await waits until done, which is called with the lock held, says so.
func (c *Cluster) await(ctx context.Context, done func() bool) error {
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	defer stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !done() {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.changed.Wait()
	}
	return nil
}

func (c *Cluster) observe(o Observation) {
	o.Time = c.clock.Now()
	c.options.Observer(o)
}
