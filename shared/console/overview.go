package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/topology"
)

// functionRow is a function in the table.
type functionRow struct {
	topology.Function
	Summary  string
	Method   string // of the route
	Path     string
	Triggers []string // short types of events it acts on
}

// rows adds to how the functions fare what calls them.
func rows(functions []topology.Function) []functionRow {
	all := make([]functionRow, len(functions))
	for i, f := range functions {
		spec, _ := manifest.Lookup(f.Name)
		all[i] = functionRow{Function: f, Summary: spec.Summary}
		all[i].Method, all[i].Path, _ = strings.Cut(spec.Route, " ")
		if all[i].Path == "" && spec.Route != "" {
			all[i].Method, all[i].Path = "ANY", spec.Route
		}
		for _, t := range spec.Consumes {
			all[i].Triggers = append(all[i].Triggers, strings.TrimSuffix(events.Short(t), ".v1"))
		}
	}
	return all
}

// tile is a number at the top of the page.
type tile struct {
	Label string
	Value string
	Note  string
	Bad   bool
}

func tiles(functions []functionRow, n counts) []tile {
	up, calls, inFlight, failed := 0, 0, 0, 0
	for _, f := range functions {
		calls += f.Calls
		inFlight += f.InFlight
		if f.State == topology.Up {
			up++
		}
		if f.Err != "" {
			failed++
		}
	}
	all := []tile{
		{Label: "Functions up", Value: strconv.Itoa(up), Note: fmt.Sprintf("of %d", len(functions))},
		{Label: "Calls", Value: strconv.Itoa(calls), Note: fmt.Sprintf("%d in flight", inFlight)},
		{Label: "Events", Value: strconv.Itoa(n.Events), Note: fmt.Sprintf("%d failed attempts", n.Retries)},
		{Label: "Given up", Value: strconv.Itoa(n.Dead + n.Lost), Note: "dead letters", Bad: n.Dead+n.Lost > 0},
	}
	if failed > 0 {
		all = append(all, tile{Label: "Cannot start", Value: strconv.Itoa(failed), Note: "functions", Bad: true})
	}
	return all
}

// took writes a duration with about three digits.
func took(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 ms"
	case d < 10*time.Millisecond:
		return strconv.FormatInt(d.Milliseconds(), 10) + "." + strconv.FormatInt(d.Microseconds()/100%10, 10) + " ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatInt(int64(d/time.Second), 10) + "." + strconv.FormatInt(int64(d/(100*time.Millisecond)%10), 10) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
}

// emitters returns the functions that may state an event of a type.
func emitters(eventType string) []manifest.Function {
	return slices.DeleteFunc(slices.Clone(manifest.Functions), func(f manifest.Function) bool {
		return !slices.Contains(f.Emits, events.Prefix+eventType)
	})
}
