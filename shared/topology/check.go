package topology

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Graph is what the functions declare about events. Together with the manifest
// it tells who causes whom.
type Graph struct {
	Types      []string            // every type of event that there is
	Emits      map[string][]string // function → types of the events it emits
	NoConsumer map[string]string   // type that no trigger need ask for → why
	Loops      [][]string          // functions that may cause each other, because something in them bounds it
}

// How often and how long a delivery may be tried again.
const (
	mostRetries  = 100
	longestRetry = 24 * time.Hour
)

// Check reports, joined, what is wrong with the flow of events: an event that
// nobody emits or consumes, a trigger that never fires or that doubles another, a
// delivery without bound or dead letter sink, functions that cause each other
// without end. A trigger that would pass any type at all, such as a log of
// everything, does not count as a consumer. Functions publish to the one broker
// that is not a dead letter sink, pings to their sink.
func Check(m *Manifest, g Graph) error {
	if err := m.validate(); err != nil {
		return err
	}
	var errs []error
	report := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	producers := map[string][]string{}
	for _, f := range slices.Sorted(maps.Keys(g.Emits)) {
		if m.service(f) == nil {
			report("function %s emits events but is no Service; add its manifest", f)
		}
		for _, t := range g.Emits[f] {
			producers[t] = append(producers[t], f)
			if !slices.Contains(g.Types, t) {
				report("function %s emits %s, which is not a known type; register it or correct the name", f, t)
			}
		}
	}
	triggers := m.flows()
	consumed := map[string]bool{}
	fires := make([]bool, len(triggers))
	for _, typ := range slices.Sorted(maps.Keys(producers)) {
		seen := map[string]string{}
		for i, t := range triggers {
			v := t.filter(subject{typ: typ})
			if v == fails {
				continue
			}
			fires[i] = true
			consumed[typ] = consumed[typ] || !t.onlooker && !t.deadLetters
			if v == passes {
				if other, ok := seen[t.Spec.Broker+" "+t.target]; ok {
					report("%s: %s already gets %s by trigger %s; remove one", t.at, t.target, typ, other)
				}
				seen[t.Spec.Broker+" "+t.target] = t.Metadata.Name
			}
		}
	}
	for i, t := range triggers {
		for _, p := range m.PingSources {
			fires[i] = fires[i] || t.filter(subject{typ: pingType}) != fails && isBroker(p.Spec.Sink.Ref, t.Spec.Broker)
		}
		if !fires[i] {
			report("%s: spec.filter: no function emits what it asks for; correct the filter or remove the trigger", t.at)
		}
		errs = append(errs, m.checkDelivery(t)...)
	}
	for _, typ := range g.Types {
		if len(producers[typ]) == 0 {
			report("no function emits %s; remove the type or declare who emits it", typ)
		}
		why, declared := g.NoConsumer[typ]
		switch {
		case declared && consumed[typ]:
			report("%s is declared to need no consumer but has one; remove the declaration", typ)
		case declared && why == "":
			report("%s is declared to need no consumer without a reason; give it", typ)
		case !declared && !consumed[typ] && len(producers[typ]) > 0:
			report("no trigger asks for %s; add one or declare why it needs none", typ)
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(g.NoConsumer)) {
		if !slices.Contains(g.Types, typ) {
			report("%s is declared to need no consumer but is not a known type; remove the declaration", typ)
		}
	}
	return errors.Join(append(errs, checkLoops(triggers, g)...)...)
}

// flow is a trigger as the graph sees it.
type flow struct {
	Trigger
	filter      filter
	target      string // function or URL
	onlooker    bool   // passes any type at all
	deadLetters bool   // of a broker that takes dead letters
}

func (m *Manifest) flows() []flow {
	var flows []flow
	for _, t := range m.Triggers {
		f := flow{Trigger: t, deadLetters: m.takesDeadLetters(t.Spec.Broker)}
		f.filter, _ = newFilter(t.Spec) // validated
		f.onlooker = f.filter(subject{typ: "any type at all"}) != fails
		if ref := t.Spec.Subscriber.Ref; ref != nil {
			f.target = ref.Name
		} else {
			f.target = t.Spec.Subscriber.URI.String()
		}
		flows = append(flows, f)
	}
	return flows
}

func (m *Manifest) checkDelivery(t flow) []error {
	var errs []error
	report := func(text string) { errs = append(errs, fmt.Errorf("%s: spec.delivery%s", t.at, text)) }
	d := m.delivery(t.Trigger)
	if d == nil {
		report(": neither it nor its broker says how to deliver; write retry, backoffPolicy, backoffDelay and deadLetterSink")
		return errs
	}
	if d.Retry == nil {
		report(".retry: it is missing; write how often to try again")
	}
	if d.BackoffPolicy == "" {
		report(".backoffPolicy: it is missing; write exponential or linear, and backoffDelay")
	}
	switch {
	case d.DeadLetterSink == nil && !t.deadLetters:
		report(".deadLetterSink: it is missing; name who keeps what cannot be delivered")
	case d.DeadLetterSink != nil && isBroker(d.DeadLetterSink.Ref, t.Spec.Broker):
		report(".deadLetterSink: it is the trigger's own broker, which brings the event back; name another")
	}
	p, _ := m.policy(d, t.Metadata.Namespace) // validated
	var total time.Duration
	for n := range min(p.retries, mostRetries) {
		total += min(p.backoff(n, nil, time.Time{}), longestRetry)
		if total > longestRetry {
			break
		}
	}
	if p.retries > mostRetries || total > longestRetry {
		report(fmt.Sprintf(".retry: %d times are too many or take longer than %v; write a smaller number", p.retries, longestRetry))
	}
	return errs
}

// checkLoops finds the functions that can cause themselves.
func checkLoops(flows []flow, g Graph) []error {
	type edge struct{ to, typ string }
	edges := map[string][]edge{}
	for _, f := range slices.Sorted(maps.Keys(g.Emits)) {
		for _, typ := range g.Emits[f] {
			for _, t := range flows {
				if !t.deadLetters && t.filter(subject{typ: typ}) != fails {
					edges[f] = append(edges[f], edge{t.target, typ})
				}
			}
		}
	}
	// way is a shortest chain of causes from one function to another.
	way := func(from, to string) (steps []edge) {
		came := map[string][]edge{from: {}}
		for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
			for _, e := range edges[queue[0]] {
				chain := append(slices.Clone(came[queue[0]]), e)
				if e.to == to {
					return chain
				}
				if _, ok := came[e.to]; !ok {
					came[e.to] = chain
					queue = append(queue, e.to)
				}
			}
		}
		return nil
	}
	var errs []error
	known := map[string]bool{}
	used := make([]bool, len(g.Loops))
	for _, f := range slices.Sorted(maps.Keys(edges)) {
		loop := way(f, f)
		if loop == nil || known[f] {
			continue
		}
		var members []string // all functions that f causes and that cause f
		for _, other := range slices.Sorted(maps.Keys(edges)) {
			if way(f, other) != nil && way(other, f) != nil {
				members = append(members, other)
				known[other] = true
			}
		}
		allowed := slices.IndexFunc(g.Loops, func(listed []string) bool {
			return !slices.ContainsFunc(members, func(m string) bool { return !slices.Contains(listed, m) })
		})
		if allowed >= 0 {
			used[allowed] = true
			continue
		}
		text := f
		for _, e := range loop {
			text += " -" + e.typ + "-> " + e.to
		}
		errs = append(errs, fmt.Errorf("functions cause each other without end: %s; break the loop, or list what bounds it with %s", text, strings.Join(members, ", ")))
	}
	for i, listed := range g.Loops {
		if !used[i] {
			errs = append(errs, fmt.Errorf("the loop of %s is listed but is none; remove it from the list", strings.Join(listed, ", ")))
		}
	}
	return errs
}
