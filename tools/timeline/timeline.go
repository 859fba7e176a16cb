// Package timeline draws the history of an order for a terminal: each event under
// the one that caused it, with who has acted on it and when.
package timeline

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/tools/term"
)

// Write draws a history. Times are counted from the first event.
func Write(w io.Writer, h order.History, paint term.Paint) error {
	var b strings.Builder
	fmt.Fprintf(&b, "order %s  %s  %s\n", paint.Bold(h.Number), state(string(h.State), paint), paint.Dim(h.OrderID))
	if len(h.Steps) > 0 {
		fmt.Fprintf(&b, "%s  the request, %s\n", pad(0), h.Steps[0].Time.Format("2006-01-02 15:04:05.000 MST"))
	}
	d := drawing{out: &b, paint: paint, children: map[string][]outbox.Step{}}
	known := map[string]bool{}
	for _, s := range h.Steps {
		known[s.EventID] = true
		d.width = max(d.width, utf8.RuneCountInString(s.Type))
	}
	for _, s := range h.Steps {
		cause := s.CausedBy
		if !known[cause] { // a request, or an event that is not the order's
			cause = ""
		}
		d.children[cause] = append(d.children[cause], s)
	}
	if len(h.Steps) > 0 {
		d.start = h.Steps[0].Time
		d.width += 3 * depth(d.children, "")
		d.draw("", "")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type drawing struct {
	out      *strings.Builder
	paint    term.Paint
	start    time.Time
	width    int                      // of the column of events
	children map[string][]outbox.Step // by the event that caused them
}

// draw writes the events that one event caused, and what followed from them.
func (d *drawing) draw(cause, indent string) {
	steps := d.children[cause]
	slices.SortStableFunc(steps, func(x, y outbox.Step) int { return cmp.Compare(x.Time.UnixNano(), y.Time.UnixNano()) })
	for i, s := range steps {
		branch, below := "├─ ", "│  "
		if i == len(steps)-1 {
			branch, below = "└─ ", "   "
		}
		name := indent + branch + s.Type
		fmt.Fprintf(d.out, "%s  %s%s  %s\n", pad(s.Time.Sub(d.start)), d.paint.Dim(indent+branch), s.Type+spaces(d.width-utf8.RuneCountInString(name)), d.effects(s))
		d.draw(s.EventID, indent+below)
	}
}

// effects says who has acted on an event, who has not, and who never will.
func (d *drawing) effects(s outbox.Step) string {
	var parts []string
	if s.DueAt != nil {
		parts = append(parts, d.paint.Dim("timer, due after "+s.DueAt.Sub(s.Time).Round(time.Second).String()))
		if s.DueAt.After(d.start) && len(s.Effects) == 0 {
			s.Waiting = nil // it has not rung
		}
	}
	for _, e := range s.Effects {
		if e.Failed != "" {
			parts = append(parts, d.paint.Red("✗ "+e.Consumer+" gave up: "+e.Failed))
			continue
		}
		parts = append(parts, d.paint.Green("✓ ")+e.Consumer+" "+d.paint.Dim("after "+short(e.At.Sub(s.Time))))
	}
	for _, consumer := range s.Waiting {
		parts = append(parts, d.paint.Yellow("… "+consumer+" has not acted yet"))
	}
	return strings.Join(parts, "  ")
}

func state(s string, paint term.Paint) string {
	switch s {
	case "confirmed":
		return paint.Green(s)
	case "pending":
		return paint.Yellow(s)
	default:
		return paint.Red(s)
	}
}

// depth returns how many generations are below an event.
func depth(children map[string][]outbox.Step, id string) int {
	deepest := 0
	for _, s := range children[id] {
		deepest = max(deepest, 1+depth(children, s.EventID))
	}
	return deepest
}

func pad(d time.Duration) string { return fmt.Sprintf("%10s", "+"+short(d)) }

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return d.Round(10 * time.Millisecond).String()
}

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }
