package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Message is a webhook on its way to one endpoint.
type Message struct {
	ID, Type, URL string
	Body          []byte
	// Sign returns the headers for an attempt made at now.
	Sign func(now time.Time) http.Header
	// Again, if it is set, returns body and headers of the second, third …
	// attempt instead: of vendors that count their attempts in the message.
	Again func(attempt int) ([]byte, http.Header)
}

// The states of a delivery.
const (
	Pending   = "pending"
	Delivered = "delivered"
	Failed    = "failed" // no attempt is left
	Lost      = "lost"   // by a fault: it was never sent
)

// A Delivery is a message and what became of it.
type Delivery struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	URL      string    `json:"url"`
	State    string    `json:"state"`
	Due      time.Time `json:"due"`
	Attempts []Attempt `json:"attempts"`

	message Message
	sending bool
}

// An Attempt is one try to deliver.
type Attempt struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitempty"`
	Error  string    `json:"error,omitempty"`
}

// Webhooks sends messages until their endpoints take them with a status 2xx.
// It is safe for concurrent use.
type Webhooks struct {
	clock *Clock
	// retries are the pauses before the second, third … attempt.
	retries []time.Duration
	client  *http.Client
	wake    chan struct{}

	mu         sync.Mutex
	deliveries []*Delivery
	open       []*Delivery // those that were pending when last looked at
	missing    map[string]int
}

// NewWebhooks returns an empty queue. Its attempts last 30 seconds at most.
func NewWebhooks(clock *Clock, retries []time.Duration) *Webhooks {
	return &Webhooks{
		clock:   clock,
		retries: retries,
		missing: map[string]int{},
		client: &http.Client{
			Timeout:       30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		wake: make(chan struct{}, 1),
	}
}

// add queues the messages of a request, with the faults of its plan.
func (q *Webhooks) add(plan Plan, messages []Message) []*Delivery {
	var added []*Delivery
	for _, m := range messages {
		d := Delivery{ID: m.ID, Type: m.Type, URL: m.URL, State: Pending, Due: q.clock.Now(), Attempts: []Attempt{}, message: m}
		if late, ok := plan.Find(LateWebhook); ok {
			d.Due = d.Due.Add(time.Duration(late.Delay))
		}
		if plan.Has(LostWebhook) {
			d.State = Lost
		}
		added = append(added, &d)
		if plan.Has(DuplicateWebhook) {
			again := d
			added = append(added, &again)
		}
	}
	q.mu.Lock()
	q.deliveries = append(q.deliveries, added...)
	q.open = append(q.open, added...)
	for _, d := range added {
		q.missing[d.ID]++
	}
	q.mu.Unlock()
	q.Wake()
	return added
}

// Add queues messages that no request made.
func (q *Webhooks) Add(messages ...Message) { q.add(nil, messages) }

// Send queues messages that no request made, with the faults of a plan.
func (q *Webhooks) Send(plan Plan, messages ...Message) { q.add(plan, messages) }

// Wake makes Run look for what is due.
func (q *Webhooks) Wake() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Deliver makes one attempt for each delivery that is due, one after the other
// in the order in which they were queued, and returns their number.
func (q *Webhooks) Deliver(ctx context.Context) int {
	due, _ := q.claim()
	for _, d := range due {
		q.attempt(ctx, d)
	}
	return len(due)
}

// Run makes attempts as they come due, several at once, until ctx ends.
func (q *Webhooks) Run(ctx context.Context) {
	var senders sync.WaitGroup
	defer senders.Wait()
	slots := make(chan struct{}, 32)
	for {
		due, next := q.claim()
		for _, d := range due {
			slots <- struct{}{}
			senders.Go(func() {
				q.attempt(ctx, d)
				<-slots
				q.Wake()
			})
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-q.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// claim takes what is due and tells how long it is until more is, an hour at
// most.
func (q *Webhooks) claim() ([]*Delivery, time.Duration) {
	now := q.clock.Now()
	next := time.Hour
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = slices.DeleteFunc(q.open, func(d *Delivery) bool { return d.State != Pending })
	var due []*Delivery
	for _, d := range q.open {
		switch {
		case d.sending:
		case d.Due.After(now):
			next = min(next, d.Due.Sub(now))
		default:
			d.sending = true
			due = append(due, d)
		}
	}
	return due, next
}

// sendNow makes one attempt for those of the deliveries that are due.
func (q *Webhooks) sendNow(ctx context.Context, deliveries []*Delivery) {
	now := q.clock.Now()
	for _, d := range deliveries {
		q.mu.Lock()
		ok := d.State == Pending && !d.sending && !d.Due.After(now)
		d.sending = d.sending || ok
		q.mu.Unlock()
		if ok {
			q.attempt(ctx, d)
		}
	}
}

// attempt sends a claimed delivery once.
func (q *Webhooks) attempt(ctx context.Context, d *Delivery) {
	at := q.clock.Now()
	status, err := q.send(ctx, d.message, len(d.Attempts)+1, at)
	a := Attempt{At: at, Status: status}
	if err != nil {
		a.Error = err.Error()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	d.sending = false
	d.Attempts = append(d.Attempts, a)
	switch {
	case err == nil:
		d.State = Delivered
		q.missing[d.ID]--
	case len(d.Attempts) > len(q.retries):
		d.State = Failed
	default:
		d.Due = at.Add(q.retries[len(d.Attempts)-1])
	}
}

func (q *Webhooks) send(ctx context.Context, m Message, attempt int, at time.Time) (status int, err error) {
	body, header := m.Body, http.Header(nil)
	if attempt > 1 && m.Again != nil {
		body, header = m.Again(attempt)
	} else {
		header = m.Sign(at)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header = header
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	reply, err := q.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, 1<<20)) // so that the connection can be used again
	if reply.StatusCode < 200 || reply.StatusCode > 299 {
		return reply.StatusCode, fmt.Errorf("status %d", reply.StatusCode)
	}
	return reply.StatusCode, nil
}

// Deliveries returns all deliveries in the order in which they were queued.
func (q *Webhooks) Deliveries() []Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]Delivery, len(q.deliveries))
	for i, d := range q.deliveries {
		all[i] = *d
		all[i].Attempts = slices.Clone(d.Attempts)
	}
	return all
}

// Undelivered counts the deliveries of a message that did not succeed (yet).
func (q *Webhooks) Undelivered(id string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.missing[id]
}
