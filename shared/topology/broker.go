package topology

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/cloudevents/sdk-go/v2/types"
)

// Extensions and limits of knative/eventing: pkg/broker and
// pkg/kncloudevents/attributes.
const (
	ttlAttribute       = "knativebrokerttl" // how often an event may still be answered by another
	initialTTL         = 255
	arrivalAttribute   = "knativearrivaltime"
	errorDestAttribute = "knativeerrordest"
	errorCodeAttribute = "knativeerrorcode"
	errorDataAttribute = "knativeerrordata"
	errorDataLimit     = 1024 // characters of base64
)

// maxEvent bounds an event and a reply to one, in bytes.
const maxEvent = 1 << 20

// broker is a Broker at work.
type broker struct {
	cluster  *Cluster
	name     string
	url      *url.URL
	triggers []*trigger
}

// trigger delivers events to a subscriber, at most Options.InFlight at a time.
type trigger struct {
	cluster    *Cluster
	name       string
	broker     *broker // nil for a ping source
	filter     filter
	target     *url.URL
	subscriber string
	policy     policy

	// guarded by cluster.mu
	queue   []*delivery
	workers int
	pending int       // deliveries that are not settled
	held    *delivery // by chaos, until the next one has overtaken it
}

// delivery is one event on its way to one subscriber. It belongs to one
// goroutine at a time.
type delivery struct {
	trigger *trigger
	event   *event.Event // as the subscriber gets it; shared, never changed
	ttl     int32

	step    step
	attempt int          // of the step, from 0
	reply   *event.Event // for answering
	letter  *event.Event // for burying
	failure error        // for burying: why
}

// step is what is being attempted for a delivery.
type step int

const (
	delivering step = iota // the event to the subscriber
	answering              // the subscriber's reply to the broker
	burying                // the event to the dead letter sink
)

// answer is what an attempt resulted in. Status is 0 if there was no response.
type answer struct {
	status int
	header http.Header
	body   []byte
	reply  *event.Event
	err    error // nil if the attempt succeeded
}

// ingress serves the brokers; callers from inside are served while draining.
func (c *Cluster) ingress(inside bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, ok := c.brokers[strings.TrimSuffix(r.URL.Path, "/")]
		if !ok {
			http.Error(w, "there is no such broker: post to /<namespace>/<name>", http.StatusNotFound)
			return
		}
		w.Header().Set("Allow", "POST, OPTIONS")
		switch r.Method {
		case http.MethodOptions: // CloudEvents web hooks, §4.1: abuse protection
			w.Header().Set("WebHook-Allowed-Origin", "*")
			w.Header().Set("WebHook-Allowed-Rate", "*")
			return
		case http.MethodPost:
		default:
			http.Error(w, "post a CloudEvent", http.StatusMethodNotAllowed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxEvent)
		e, err := binding.ToEvent(r.Context(), cehttp.NewMessageFromHttpRequest(r))
		if err == nil {
			err = e.Validate()
		}
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			http.Error(w, fmt.Sprintf("an event may have %d bytes", maxEvent), http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the request is not a CloudEvent: "+err.Error(), http.StatusBadRequest)
			return
		}
		status, err := b.take(*e, inside)
		if err != nil {
			if status == http.StatusTooManyRequests {
				w.Header().Set("Retry-After", "1")
			}
			http.Error(w, err.Error(), status)
			return
		}
		w.WriteHeader(status)
	})
}

// take accepts an event for all triggers whose filter it passes, or for none.
func (b *broker) take(e event.Event, inside bool) (status int, err error) {
	c := b.cluster
	ttl := int32(initialTTL)
	if old, err := types.ToInteger(e.Extensions()[ttlAttribute]); err == nil {
		ttl = old - 1
	}
	if ttl <= 0 {
		return http.StatusBadRequest, errors.New("the event has been through a broker too often: it answers itself")
	}
	e.SetExtension(ttlAttribute, nil)
	e.SetExtension(arrivalAttribute, types.Timestamp{Time: c.clock.Now()})
	var matching []*trigger
	for _, t := range b.triggers {
		if t.filter(subject{event: &e}) == passes {
			matching = append(matching, t)
		}
	}

	c.mu.Lock()
	if c.closed || c.draining && !inside {
		c.mu.Unlock()
		return http.StatusServiceUnavailable, errDraining
	}
	full := c.bytes+len(matching)*len(e.DataEncoded) > pendingBytes
	for _, t := range matching {
		full = full || t.pending >= c.options.Pending
	}
	if full {
		c.mu.Unlock()
		return http.StatusTooManyRequests, errors.New("too many events wait")
	}
	admitted := make([]*delivery, len(matching))
	for i, t := range matching {
		admitted[i] = &delivery{trigger: t, event: &e, ttl: ttl}
		t.admit(admitted[i])
	}
	c.mu.Unlock()
	c.observe(Observation{What: Accepted, Event: &e, Broker: b.name}) // before anything else can be said of it
	for _, d := range admitted {
		d.dispatch()
	}
	return http.StatusAccepted, nil
}

// admit counts a delivery that settle will end. The lock is held.
func (t *trigger) admit(d *delivery) {
	c := t.cluster
	t.pending++
	c.deliveries++
	c.bytes += len(d.event.DataEncoded)
}

// settle ends a delivery.
func (d *delivery) settle(what What, err error) {
	t := d.trigger
	c := t.cluster
	o := d.observation(what)
	if err != nil {
		o.Err = err.Error()
	}
	switch what {
	case DeadLettered:
		c.log.Warn("event dead-lettered", "trigger", t.name, "event_type", d.event.Type(), "event_id", d.event.ID(), "error", err)
	case Lost:
		c.log.Error("event lost", "trigger", t.name, "event_type", d.event.Type(), "event_id", d.event.ID(), "error", err)
	}
	c.observe(o)
	c.mu.Lock()
	defer c.mu.Unlock()
	t.pending--
	c.bytes -= len(d.event.DataEncoded)
	if c.deliveries--; c.deliveries == 0 {
		c.changed.Broadcast()
	}
}

func (d *delivery) observation(what What) Observation {
	o := Observation{What: what, Event: d.event, Trigger: d.trigger.name, Subscriber: d.trigger.subscriber}
	if d.trigger.broker != nil {
		o.Broker = d.trigger.broker.name
	}
	return o
}

// push queues a delivery and sees to it that somebody works on it.
func (d *delivery) push() {
	t := d.trigger
	c := t.cluster
	c.mu.Lock()
	delete(c.retries, d)
	closed := c.closed
	if !closed {
		t.queue = append(t.queue, d)
		if t.workers < c.options.InFlight {
			t.workers++
			c.goroutines.Go(t.work)
		}
	}
	c.mu.Unlock()
	if closed {
		d.settle(Lost, errDraining)
	}
}

// work attempts what is queued until nothing is.
func (t *trigger) work() {
	for {
		t.cluster.mu.Lock()
		if len(t.queue) == 0 {
			t.workers--
			t.cluster.mu.Unlock()
			return
		}
		d := t.queue[0]
		t.queue[0] = nil
		t.queue = t.queue[1:]
		t.cluster.mu.Unlock()
		d.advance()
	}
}

// advance makes attempts until the delivery is settled or has to wait.
func (d *delivery) advance() {
	t := d.trigger
	c := t.cluster
	for {
		a := d.try()
		switch {
		case a.err == nil && d.step == burying:
			d.settle(DeadLettered, d.failure)
			return
		case a.err == nil && a.reply != nil:
			d.step, d.attempt, d.reply = answering, 0, a.reply
		case a.err == nil:
			d.settle(Delivered, nil)
			return
		case c.context.Err() != nil:
			d.settle(Lost, errDraining)
			return
		case retryable(a.status) && d.attempt < t.policy.retries:
			wait := t.policy.backoff(d.attempt, &a, c.clock.Now())
			d.attempt++
			if wait > 0 {
				d.later(wait)
				return
			}
		case d.step == burying:
			d.settle(Lost, fmt.Errorf("%w; nor did the dead letter sink take it: %w", d.failure, a.err))
			return
		case t.policy.deadLetters == nil:
			d.settle(Lost, a.err)
			return
		default:
			d.bury(a)
		}
	}
}

// later pushes the delivery when the time has come. A delivery that waits does
// not count as in flight.
func (d *delivery) later(wait time.Duration) {
	c := d.trigger.cluster
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.retries[d] = time.AfterFunc(wait, d.push)
	}
	c.mu.Unlock()
	if closed {
		d.settle(Lost, errDraining)
	}
}

// bury turns to the dead letter sink.
func (d *delivery) bury(a answer) {
	dest := d.trigger.target
	if d.step == answering {
		dest = d.trigger.broker.url
	}
	code, body := a.status, a.body
	if code == 0 {
		code, body = http.StatusInternalServerError, []byte("dispatch error: "+a.err.Error())
	}
	data := base64.StdEncoding.EncodeToString(body[:min(len(body), errorDataLimit)])
	letter := shallow(*d.event)
	letter.SetExtension(ttlAttribute, d.ttl)
	letter.SetExtension(errorDestAttribute, dest.String())
	letter.SetExtension(errorCodeAttribute, code)
	if data != "" {
		letter.SetExtension(errorDataAttribute, data[:min(len(data), errorDataLimit)])
	}
	d.step, d.attempt, d.letter, d.failure = burying, 0, &letter, a.err
}

// try makes one attempt.
func (d *delivery) try() answer {
	t := d.trigger
	c := t.cluster
	o := d.observation(Attempted)
	o.Attempt = d.attempt + 1
	began := time.Now()
	var a answer
	switch d.step {
	case delivering:
		a = t.post(d.event, t.target, t.broker != nil)
	case answering:
		o.Subscriber = t.broker.url.String()
		reply := shallow(*d.reply)
		reply.SetExtension(ttlAttribute, d.ttl)
		a.status, a.err = t.broker.take(reply, true)
	case burying:
		o.Subscriber = c.subscriber(t.policy.deadLetters)
		a = t.post(d.letter, t.policy.deadLetters, false)
	}
	o.Status, o.Duration = a.status, time.Since(began)
	if a.err != nil {
		o.Err = a.err.Error()
	}
	c.observe(o)
	return a
}

// post sends an event in binary mode.
func (t *trigger) post(e *event.Event, to *url.URL, wantReply bool) (a answer) {
	c := t.cluster
	ctx, cancel := context.WithTimeout(c.context, t.policy.timeout)
	defer cancel()
	req := (&http.Request{
		Method: http.MethodPost, URL: to, Host: to.Host, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if err := cehttp.WriteRequest(ctx, binding.ToMessage(e), req); err != nil {
		return answer{status: http.StatusBadRequest, err: fmt.Errorf("write event: %w", err)}
	}
	if wantReply {
		req.Header.Set("Prefer", "reply")
	}
	res, err := c.Transport().RoundTrip(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	a = answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, maxEvent+1)); err != nil {
		return answer{err: fmt.Errorf("read response: %w", err)}
	}
	if a.status < 200 || a.status > 299 {
		a.err = fmt.Errorf("the reply is %d", a.status)
		return a
	}
	if wantReply {
		a.reply, a.err = replyOf(a)
		if a.err != nil {
			a.status, a.body = http.StatusBadGateway, []byte(a.err.Error())
		}
	}
	return a
}

// replyOf returns the event in a response, nil if it is empty. A response that is
// neither is an error (knative/eventing, pkg/broker/filter: writeResponse). An
// event in a 202 is none (knative/specs, data-plane.md: Derived (Reply) Events).
func replyOf(a answer) (*event.Event, error) {
	message := cehttp.NewMessage(a.header, io.NopCloser(strings.NewReader(string(a.body))))
	if message.ReadEncoding() == binding.EncodingUnknown {
		if len(a.body) > 0 {
			return nil, errors.New("the reply is neither empty nor a CloudEvent")
		}
		return nil, nil
	}
	e, err := binding.ToEvent(context.Background(), message)
	if err == nil {
		err = e.Validate()
	}
	if err != nil || len(a.body) > maxEvent {
		return nil, errors.Join(errors.New("the reply is not a valid CloudEvent"), err)
	}
	if a.status == http.StatusAccepted {
		return nil, nil
	}
	return e, nil
}

// shallow copies an event except its data, which nobody changes.
func shallow(e event.Event) event.Event {
	e.Context = e.Context.Clone()
	return e
}
