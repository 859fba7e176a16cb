package console

import (
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/outbox"
)

// timeline is the history of an order as it is drawn: requests, the events that
// they led to, who acted on those, and so on.
type timeline struct {
	order.History
	Rows  []timelineRow
	Began time.Time
	Took  time.Duration // from the first request to the last effect
}

// timelineRow is one line: a request, an event, or that a function acted on the
// event above. From and To are where it begins and ends, in thousandths of the
// width.
type timelineRow struct {
	Class    string // request, fact, refusal, undo, timer, effect, failed or waiting
	Depth    int
	Label    string
	Note     string
	Title    string
	At       time.Time
	Since    time.Duration // after the first request
	Took     time.Duration // of an effect: after its event
	From, To int
}

// width is that of the drawing.
const width = 994 // of 1000: the last mark is to be seen, too

// classes are what events of an order mean, but for plain facts.
var classes = map[string]string{
	"inventory.rejected.v1": "refusal",
	"payment.declined.v1":   "refusal",
	"payment.held.v1":       "refusal",
	"order.cancelled.v1":    "undo",
	"order.expired.v1":      "undo",
	"payment.voided.v1":     "undo",
	"payment.refunded.v1":   "undo",
}

// newTimeline draws a history.
func newTimeline(h order.History) timeline {
	t := timeline{History: h}
	if len(h.Steps) == 0 {
		return t
	}
	t.Began = slices.MinFunc(h.Steps, func(a, b outbox.Step) int { return a.Time.Compare(b.Time) }).Time
	known := map[string]bool{}
	for _, s := range h.Steps {
		known[s.EventID] = true
	}
	var requests []string
	for _, s := range h.Steps {
		if !known[s.CausedBy] && !slices.Contains(requests, s.RequestID) {
			requests = append(requests, s.RequestID)
		}
	}
	for _, id := range requests {
		roots := filter(h.Steps, func(s outbox.Step) bool { return !known[s.CausedBy] && s.RequestID == id })
		t.Rows = append(t.Rows, t.request(id, roots[0]))
		for _, s := range roots {
			t.add(s, 1)
		}
	}
	t.place()
	return t
}

func filter(steps []outbox.Step, keep func(outbox.Step) bool) []outbox.Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s outbox.Step) bool { return !keep(s) })
}

// request is the row of the command that stated an event that no other caused.
func (t *timeline) request(id string, first outbox.Step) timelineRow {
	row := timelineRow{Class: "request", Label: "request", Note: id, At: first.Time}
	for _, f := range emitters(first.Type) {
		if f.Route != "" {
			row.Label, row.Note, row.Title = f.Name, f.Route, "request "+id
			break
		}
	}
	return row
}

// add adds the rows of an event, of who acted on it, and of what they stated.
func (t *timeline) add(s outbox.Step, depth int) {
	row := timelineRow{Class: "fact", Depth: depth, Label: s.Type, At: s.Time, Title: "event " + s.EventID}
	if class, ok := classes[s.Type]; ok {
		row.Class = class
	}
	if s.DueAt != nil {
		row.Class, row.Note = "timer", "rings "+s.DueAt.Local().Format("15:04:05")
	}
	t.Rows = append(t.Rows, row)
	caused := filter(t.Steps, func(other outbox.Step) bool { return other.CausedBy == s.EventID })
	for _, e := range s.Effects {
		row := timelineRow{Class: "effect", Depth: depth + 1, Label: e.Consumer, At: e.At.UTC(), Took: e.At.Sub(s.Time)}
		if f, ok := manifest.Lookup(e.Consumer); ok {
			row.Title = f.Summary
		}
		if e.Failed != "" {
			row.Class, row.Note = "failed", "given up: "+e.Failed
		}
		t.Rows = append(t.Rows, row)
		if f, ok := manifest.Lookup(e.Consumer); ok && e.Failed == "" {
			for _, c := range caused {
				if slices.Contains(f.Emits, events.Prefix+c.Type) {
					t.add(c, depth+2)
					caused = filter(caused, func(other outbox.Step) bool { return other.EventID != c.EventID })
				}
			}
		}
	}
	for _, c := range caused { // by who is not known
		t.add(c, depth+1)
	}
	for _, consumer := range s.Waiting {
		row := timelineRow{Class: "waiting", Depth: depth + 1, Label: consumer, Note: "has not acted yet", At: s.Time}
		if s.DueAt != nil {
			row.Note = "acts when it rings"
		}
		t.Rows = append(t.Rows, row)
	}
}

// place says where the rows are drawn. A gap between two moments is as wide as its
// logarithm, so that milliseconds can be seen beside days.
func (t *timeline) place() {
	var moments []time.Time
	for _, r := range t.Rows {
		moments = append(moments, r.At)
	}
	slices.SortFunc(moments, time.Time.Compare)
	moments = slices.CompactFunc(moments, time.Time.Equal)
	at := make([]int, len(moments))
	for i := 1; i < len(moments); i++ {
		gap := moments[i].Sub(moments[i-1])
		at[i] = at[i-1] + bits.Len64(uint64(gap.Microseconds()/100+1))
	}
	total := max(1, at[len(at)-1])
	x := func(moment time.Time) int {
		i, _ := slices.BinarySearchFunc(moments, moment, time.Time.Compare)
		return at[i] * width / total
	}
	for i := range t.Rows {
		r := &t.Rows[i]
		r.Since = r.At.Sub(t.Began)
		r.From, r.To = x(r.At), x(r.At)
		if r.Took > 0 {
			r.From = x(r.At.Add(-r.Took))
		}
	}
	t.Took = moments[len(moments)-1].Sub(t.Began)
}

// Short is a type without its version.
func (r timelineRow) Short() string { return strings.TrimSuffix(r.Label, ".v1") }

// Length is how wide the bar of the row is.
func (r timelineRow) Length() int { return max(r.To-r.From, 0) }

// Indent is where the row's label begins.
func (r timelineRow) Indent() int { return min(r.Depth, 12) }
