package timeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/tools/timeline"
)

var start = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func TestWrite(t *testing.T) {
	t.Parallel()
	due := start.Add(30 * time.Minute)
	for _, test := range []struct {
		name    string
		history order.History
		want    string
	}{
		{"nothing_yet", order.History{OrderID: "ord_1", Number: "2026-11-1001", State: "pending"}, `
order 2026-11-1001  pending  ord_1
`},
		{"a_chain_in_any_order", order.History{OrderID: "ord_1", Number: "2026-11-1001", State: "confirmed", Steps: []outbox.Step{
			{EventID: "1", Type: "order.placed.v1", Time: at(0), Effects: []outbox.Effect{{Consumer: "inventory-reserve", At: at(8)}}},
			{EventID: "3", Type: "order.confirmed.v1", Time: at(1234), CausedBy: "2", Waiting: []string{"notify-email"},
				Effects: []outbox.Effect{{Consumer: "payment-capture", At: at(1240), Failed: "500 no luck"}}},
			{EventID: "2", Type: "inventory.reserved.v1", Time: at(8), CausedBy: "1", Effects: []outbox.Effect{{Consumer: "payment-authorize", At: at(1008)}}},
			{EventID: "4", Type: "order.due.v1", Time: at(0), DueAt: &due, Waiting: []string{"order-expire"}},
		}}, `
order 2026-11-1001  confirmed  ord_1
     +0 ms  the request, 2026-11-23 12:00:00.000 UTC
     +0 ms  ├─ order.placed.v1              ✓ inventory-reserve after 8 ms
     +8 ms  │  └─ inventory.reserved.v1     ✓ payment-authorize after 1s
    +1.23s  │     └─ order.confirmed.v1     ✗ payment-capture gave up: 500 no luck  … notify-email has not acted yet
     +0 ms  └─ order.due.v1                 timer, due after 30m0s
`},
		{"caused_by_what_is_not_shown", order.History{OrderID: "ord_1", Number: "1", State: "cancelled", Steps: []outbox.Step{
			{EventID: "9", Type: "order.cancelled.v1", Time: at(0), CausedBy: "elsewhere"},
		}}, `
order 1  cancelled  ord_1
     +0 ms  the request, 2026-11-23 12:00:00.000 UTC
     +0 ms  └─ order.cancelled.v1  
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := timeline.Write(&b, test.history, false); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), b.String()); diff != "" {
				t.Errorf("want - got +:\n%s", diff)
			}
		})
	}
}
