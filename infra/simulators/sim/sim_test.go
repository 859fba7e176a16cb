package sim_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/clock"
)

// hits returns which of n requests the faults hit.
func hits(t *testing.T, seed uint64, n int, rules ...sim.Fault) []int {
	t.Helper()
	var f sim.Faults
	if err := f.Set(seed, rules...); err != nil {
		t.Fatal(err)
	}
	found := []int{}
	for i := range n {
		if len(f.Plan("operation/kind", "body")) > 0 {
			found = append(found, i)
		}
	}
	return found
}

func TestPlan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule sim.Fault
		want []int
	}{
		"all":             {sim.Fault{Kind: sim.DropAfter}, []int{0, 1, 2, 3}},
		"skip_and_times":  {sim.Fault{Kind: sim.DropAfter, Skip: 1, Times: 2}, []int{1, 2}},
		"operation":       {sim.Fault{Kind: sim.DropAfter, Operation: "operation", Times: 1}, []int{0}},
		"other_operation": {sim.Fault{Kind: sim.DropAfter, Operation: "kind"}, []int{}},
		"match":           {sim.Fault{Kind: sim.DropAfter, Match: "ody", Times: 1}, []int{0}},
		"no_match":        {sim.Fault{Kind: sim.DropAfter, Match: "Body"}, []int{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, hits(t, 1, 4, tc.rule)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	rule := sim.Fault{Kind: sim.Slow, Delay: sim.Duration(time.Second), Percent: 20}
	first := hits(t, 1, 1000, rule)
	if n := len(first); n < 150 || n > 250 {
		t.Errorf("20 percent of 1000 are %d", n)
	}
	if !cmp.Equal(first, hits(t, 1, 1000, rule)) {
		t.Error("the same seed hits other requests")
	}
	if cmp.Equal(first, hits(t, 2, 1000, rule)) {
		t.Error("another seed hits the same requests")
	}
}

func TestPlanOfSeveralKinds(t *testing.T) {
	t.Parallel()
	var f sim.Faults
	if err := f.Set(1, sim.Fault{Kind: sim.ErrorAfter, Status: 500}, sim.Fault{Kind: sim.ErrorAfter, Status: 502}, sim.Fault{Kind: sim.LostWebhook}); err != nil {
		t.Fatal(err)
	}
	p := f.Plan("", "")
	fault, ok := p.Find(sim.ErrorAfter)
	if len(p) != 2 || !ok || fault.Status != 500 || !p.Has(sim.LostWebhook) || p.Has(sim.Slow) {
		t.Errorf("plan %+v", p)
	}
}

func TestFaultsRefused(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]sim.Fault{
		"kind":         {Kind: "unknown"},
		"percent":      {Kind: sim.DropAfter, Percent: 101},
		"skip":         {Kind: sim.DropAfter, Skip: -1},
		"status":       {Kind: sim.ErrorAfter, Status: 429},
		"no_delay":     {Kind: sim.Slow},
		"no_code":      {Kind: sim.Outcome},
		"should_retry": {Kind: sim.RateLimit, ShouldRetry: "maybe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f sim.Faults
			if err := f.Set(1, rule); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	var l sim.Ledger
	l.Open(sim.Account{ID: "a", Reference: "r"})
	for _, e := range []sim.Entry{
		{Posting: sim.Authorized, Cents: 100},
		{Posting: sim.Captured, Cents: 70},
		{Posting: sim.Voided, Cents: 30},
		{Posting: sim.Refunded, Cents: 20},
		{Posting: sim.RefundReversed, Cents: 20},
		{Posting: sim.Refunded, Cents: 5},
	} {
		l.Book("a", e)
	}
	a, ok := l.Account("a")
	got := []int64{a.Authorized, a.Captured, a.Voided, a.Refunded, a.Net}
	if diff := cmp.Diff([]int64{100, 70, 30, 5, 65}, got); diff != "" || !ok || len(a.Entries) != 6 {
		t.Errorf("account %+v\n%s", a, diff)
	}
	if _, ok := l.Account("b"); ok {
		t.Error("there is an account that nobody opened")
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	base := clock.NewManual(start)
	c := sim.NewClock(base)
	c.Advance(time.Hour)
	base.Advance(time.Minute)
	if got, want := c.Now(), start.Add(time.Hour+time.Minute); !got.Equal(want) {
		t.Errorf("now %v, want %v", got, want)
	}
}
