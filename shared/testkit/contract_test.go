package testkit

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/testkit/pgtest"
)

// recorder notes what would fail a test.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper()                           {}
func (r *recorder) Error(args ...any)                 { r.failures = append(r.failures, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *recorder) want(t *testing.T, text string) {
	t.Helper()
	if len(r.failures) != 1 || !strings.Contains(r.failures[0], text) {
		t.Errorf("failures %q, want one that says %q", r.failures, text)
	}
}

func TestCallFailsWhenTheContractIsBroken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(w, `{"items":null}`)
	}))
	defer server.Close()
	r := &recorder{TB: t}
	Call(r, http.DefaultClient, server.URL+"/v1/orders", "", "GET", nil)
	r.want(t, "order-list")
}

func TestKitFailsWhenAnEventBreaksTheContract(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, Template()).Pool(t)
	for id, data := range map[string]string{outbox.NewID(): `{"order_id":"ord_1"}`, outbox.NewID(): `{"order":"ord_1"}`} {
		_, err := db.Exec(t.Context(), `
			WITH shop AS (
				INSERT INTO shops (shop_id, name, currency, created_at, updated_at) VALUES ('shp_' || $1::text, 'Test', 'USD', $4, $4)
				RETURNING shop_id
			)
			INSERT INTO outbox (event_id, shop_id, type, source, subject, occurred_at, due_at, data, correlation, causation, traceparent, idempotency_key, next_attempt)
			SELECT $1::text::uuid, shop_id, $2, 'https://rackless.dev/order', 'ord_1', $4, $4, $3, '', '', '', '', $4 FROM shop`,
			id, events.OrderDue{}.Type(), data, Start)
		if err != nil {
			t.Fatal(err)
		}
	}
	r := &recorder{TB: t}
	checkEvents(t.Context(), r, db)
	r.want(t, "missing property 'order_id'")
}
