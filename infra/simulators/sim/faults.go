package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Kind says what goes wrong.
type Kind string

// The kinds of faults. "Before" means that nothing was booked, "after" that
// everything was, although the client cannot see it.
const (
	DropBefore       Kind = "drop_before"       // the connection is closed, nothing is booked
	DropAfter        Kind = "drop_after"        // booked, then the connection is closed without a reply
	HangAfter        Kind = "hang_after"        // booked, then no reply until the client goes away
	BreakAfter       Kind = "break_after"       // booked, then half of the reply and a closed connection
	ErrorBefore      Kind = "error_before"      // an HTTP status 5xx, nothing is booked
	ErrorAfter       Kind = "error_after"       // booked, then an HTTP status 5xx
	RateLimit        Kind = "rate_limit"        // HTTP status 429, nothing is booked
	Slow             Kind = "slow"              // the work starts after Delay
	Outcome          Kind = "outcome"           // the payment ends with the vendor's reason or decline code Code
	DuplicateWebhook Kind = "duplicate_webhook" // each webhook of the request is sent twice
	EarlyWebhook     Kind = "early_webhook"     // the webhooks of the request are sent before its reply
	LateWebhook      Kind = "late_webhook"      // the webhooks of the request are sent Delay later
	LostWebhook      Kind = "lost_webhook"      // the webhooks of the request are never sent
)

var kinds = []Kind{
	DropBefore, DropAfter, HangAfter, BreakAfter, ErrorBefore, ErrorAfter, RateLimit, Slow, Outcome,
	DuplicateWebhook, EarlyWebhook, LateWebhook, LostWebhook,
}

// A Fault is a switch: which requests it hits, and what it does to them. A
// request is a candidate if its operation starts with Operation and its body
// contains Match. Of the candidates the first Skip are spared, then Percent of
// them are hit (0 means all), until Times were hit (0 means no end).
type Fault struct {
	Kind      Kind     `json:"kind"`
	Operation string   `json:"operation,omitempty"`
	Match     string   `json:"match,omitempty"`
	Skip      int      `json:"skip,omitempty"`
	Times     int      `json:"times,omitempty"`
	Percent   int      `json:"percent,omitempty"`
	Status    int      `json:"status,omitempty"` // of error_before and error_after; 503 if 0
	Delay     Duration `json:"delay,omitempty"`  // of slow and late_webhook
	Code      string   `json:"code,omitempty"`   // of outcome
	// ShouldRetry is the advice that goes with a refusal, "true" or "false",
	// to the clients of a vendor that gives one; "" gives none.
	ShouldRetry string `json:"should_retry,omitempty"`

	// Seen and Hit count the candidates and those that the fault struck.
	Seen int `json:"seen"`
	Hit  int `json:"hit"`
}

// validate tells whether the fault makes sense.
func (f Fault) validate() error {
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("fault kind %q is none of %v", f.Kind, kinds)
	case f.Percent < 0 || f.Percent > 100:
		return fmt.Errorf("percent %d of fault %s is not within 0 to 100", f.Percent, f.Kind)
	case f.Skip < 0 || f.Times < 0 || f.Delay < 0:
		return fmt.Errorf("a number of fault %s is negative", f.Kind)
	case f.Status != 0 && (f.Status < 500 || f.Status > 599):
		return fmt.Errorf("status %d of fault %s is not within 500 to 599", f.Status, f.Kind)
	case (f.Kind == Slow || f.Kind == LateWebhook) && f.Delay == 0:
		return fmt.Errorf("fault %s needs a delay", f.Kind)
	case f.Kind == Outcome && f.Code == "":
		return fmt.Errorf("fault %s needs a code", f.Kind)
	case !slices.Contains([]string{"", "true", "false"}, f.ShouldRetry):
		return fmt.Errorf("should_retry %q of fault %s is neither true nor false", f.ShouldRetry, f.Kind)
	}
	return nil
}

// A Plan is the faults that strike one request, at most one of a kind.
type Plan []Fault

// Find returns the fault of kind k, if the request has one.
func (p Plan) Find(k Kind) (Fault, bool) {
	i := slices.IndexFunc(p, func(f Fault) bool { return f.Kind == k })
	if i < 0 {
		return Fault{}, false
	}
	return p[i], true
}

// Has reports whether the request has a fault of kind k.
func (p Plan) Has(k Kind) bool {
	_, ok := p.Find(k)
	return ok
}

// Faults are the switches that are on. They are safe for concurrent use.
type Faults struct {
	mu     sync.Mutex
	random *rand.Rand
	rules  []Fault
}

// Set replaces all switches and their counts. Which requests a percentage hits
// follows from the seed and the order of the candidates.
func (f *Faults) Set(seed uint64, rules ...Fault) error {
	for _, rule := range rules {
		if err := rule.validate(); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.random = rand.New(rand.NewPCG(seed, seed))
	f.rules = slices.Clone(rules)
	for i := range f.rules {
		f.rules[i].Seen, f.rules[i].Hit = 0, 0
	}
	return nil
}

// List returns the switches with their counts.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Fault{}, f.rules...)
}

// Plan counts a request and returns what strikes it. If several faults of one
// kind would, the first in the list does.
func (f *Faults) Plan(operation, body string) Plan {
	f.mu.Lock()
	defer f.mu.Unlock()
	var plan Plan
	for i := range f.rules {
		rule := &f.rules[i]
		if !strings.HasPrefix(operation, rule.Operation) || !strings.Contains(body, rule.Match) {
			continue
		}
		rule.Seen++
		switch {
		case rule.Seen <= rule.Skip,
			rule.Times > 0 && rule.Hit >= rule.Times,
			plan.Has(rule.Kind),
			rule.Percent > 0 && f.random.IntN(100) >= rule.Percent:
			continue
		}
		rule.Hit++
		plan = append(plan, *rule)
	}
	return plan
}

// Duration is written as text, like "1m30s".
type Duration time.Duration

// MarshalText writes the duration as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
