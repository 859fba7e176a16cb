package console

import (
	"strings"
	"sync"
	"time"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/topology"
)

// kept is how many entries a feed remembers.
const kept = 500

// Feed remembers the latest of what happens in a shop. Its Observe is the
// shop's observer.
type Feed struct {
	mu      sync.Mutex
	ring    [kept]entry
	next    int           // number of the next entry, from 0
	changed chan struct{} // closed at the next entry; nil if nobody waits
	closed  bool
	counts  counts
}

// counts are since the feed began.
type counts struct {
	Events, Retries, Dead, Lost int
}

// entry is one line of the stream.
type entry struct {
	Number     int
	What       topology.What
	Time       time.Time
	Type       string // of the event, e.g. order.placed.v1
	EventID    string
	Subject    string
	Subscriber string
	Attempt    int
	Status     int
	Duration   time.Duration
	Err        string
}

// NewFeed returns an empty feed.
func NewFeed() *Feed { return &Feed{} }

// Observe notes what happened. It never waits for a reader.
func (f *Feed) Observe(o topology.Observation) {
	e := entry{
		What: o.What, Time: o.Time, Subscriber: o.Subscriber, Attempt: o.Attempt, Status: o.Status, Duration: o.Duration, Err: o.Err,
	}
	if o.Event != nil {
		e.Type, e.EventID, e.Subject = events.Short(o.Event.Type()), o.Event.ID(), o.Event.Subject()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch o.What {
	case topology.Accepted:
		f.counts.Events++
	case topology.Attempted:
		if o.Err != "" {
			f.counts.Retries++
		}
	case topology.DeadLettered:
		f.counts.Dead++
	case topology.Lost:
		f.counts.Lost++
	case topology.Delivered:
		return // the attempt said so
	}
	e.Number = f.next
	f.ring[f.next%kept] = e
	f.next++
	f.wake()
}

// Close ends the streams of all readers, so that a server can shut down.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.wake()
}

// wake lets the readers look. The lock is held.
func (f *Feed) wake() {
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// since returns the entries from number on that are still remembered, the number
// to ask for next, and a channel that is closed when there is more or the feed is
// closed.
func (f *Feed) since(number int) (entries []entry, next int, changed <-chan struct{}, closed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number > f.next { // of an earlier process
		number = 0
	}
	for i := max(number, f.next-kept); i < f.next; i++ {
		entries = append(entries, f.ring[i%kept])
	}
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return entries, f.next, f.changed, f.closed
}

func (f *Feed) totals() counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

// Order returns the id of the order to which the entry belongs, empty for none.
func (e entry) Order() string {
	if strings.HasPrefix(e.Subject, "ord_") {
		return e.Subject
	}
	return ""
}

// Class says how the entry is to be shown.
func (e entry) Class() string {
	switch {
	case e.What == topology.Accepted:
		return "fact"
	case e.What == topology.Started, e.What == topology.Stopped && e.Err == "":
		return "life"
	case e.What == topology.DeadLettered, e.What == topology.Lost, e.What == topology.Stopped:
		return "bad"
	case e.Err != "":
		return "retry"
	default:
		return "delivery"
	}
}
