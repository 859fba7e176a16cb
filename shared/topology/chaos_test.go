package topology_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/topology"
)

// chaotic publishes n events, a second apart, and returns what arrives when, in
// order, and what was observed how often.
func chaotic(t *testing.T, n int, chaos topology.Chaos) (ids []string, times []time.Duration, seen map[topology.What]int) {
	t.Helper()
	var mu sync.Mutex
	began := time.Now()
	seen = map[topology.What]int{}
	c := start(t, serviceYAML("f")+brokerYAML+triggerYAML("t", "f", "a", ""), map[string]topology.Subscriber{
		"f": one(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, r.Header.Get("Ce-Id"))
			times = append(times, time.Since(began))
		})),
	}, topology.Options{InFlight: 1, Chaos: chaos, Observer: func(o topology.Observation) {
		mu.Lock()
		defer mu.Unlock()
		seen[o.What]++
	}})
	for i := range n {
		publish(t, c, fmt.Sprint(i), "a")
		time.Sleep(time.Second)
	}
	if err := c.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ids, times, seen
}

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestChaos(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		chaos topology.Chaos
		want  []string
	}{
		"none_without_rand": {topology.Chaos{Lose: 100, Duplicate: 100, Reorder: 100, Delay: 100}, []string{"0", "1", "2", "3"}},
		"none":              {topology.Chaos{Rand: random()}, []string{"0", "1", "2", "3"}},
		"lose":              {topology.Chaos{Rand: random(), Lose: 100}, nil},
		"duplicate":         {topology.Chaos{Rand: random(), Duplicate: 100}, []string{"0", "0", "1", "1", "2", "2", "3", "3"}},
		"reorder":           {topology.Chaos{Rand: random(), Reorder: 100, MaxDelay: time.Minute}, []string{"1", "0", "3", "2"}},
		"reorder_last":      {topology.Chaos{Rand: random(), Reorder: 100, MaxDelay: time.Millisecond}, []string{"0", "1", "2", "3"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, _, _ := chaotic(t, 4, tt.chaos)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("delivered (-want +got):\n%s", diff)
				}
			})
		})
	}
	t.Run("delay", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			_, times, _ := chaotic(t, 4, topology.Chaos{Rand: random(), Delay: 100, MaxDelay: 100 * time.Millisecond})
			for i, at := range times {
				if late := at - time.Duration(i)*time.Second; late <= 0 || late > 100*time.Millisecond {
					t.Errorf("event %d is %v late", i, late)
				}
			}
		})
	})
	t.Run("every_delivery_is_accounted_for", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			const n = 500
			ids, _, seen := chaotic(t, n, topology.Chaos{Rand: random(), Lose: 20, Duplicate: 20, Reorder: 20, Delay: 20, MaxDelay: 3 * time.Second})
			if seen[topology.Accepted] != n || seen[topology.Delivered] != len(ids) {
				t.Errorf("%d accepted, %d delivered of %d", seen[topology.Accepted], seen[topology.Delivered], len(ids))
			}
			unique := map[string]bool{}
			for _, id := range ids {
				unique[id] = true
			}
			if lost := seen[topology.Lost]; lost < n/10 || lost+len(unique) != n {
				t.Errorf("%d lost and %d delivered of %d", lost, len(unique), n)
			}
			if len(ids) == len(unique) {
				t.Error("nothing was doubled")
			}
		})
	})
}
