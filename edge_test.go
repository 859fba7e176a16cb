package rackless_test

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/testkit"
	"github.com/rackless/rackless/shared/topology"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	k.Call(t, "", "GET", "/health", nil).Want(t, http.StatusOK)
}

// Pages of the shop's origins may call, pages of others may not; what is allowed
// is the shop's to say.
func TestCrossOriginRules(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	preflight := func(origin string) string {
		r := k.Call(t, "", "OPTIONS", "/v1/customers", nil, "Origin: "+origin, "Access-Control-Request-Method: POST").Want(t, http.StatusNoContent)
		return r.Header.Get("Access-Control-Allow-Origin")
	}
	if got := preflight("https://pages.example"); got != "" {
		t.Errorf("before it is configured, %q may call", got)
	}
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"cors_origins": []string{"https://pages.example"}}).Want(t, http.StatusOK)
	if got := preflight("https://pages.example"); got != "https://pages.example" {
		t.Errorf("the configured origin: allowed %q", got)
	}
	if got := preflight("https://evil.example"); got != "" {
		t.Errorf("another origin: allowed %q", got)
	}
	r := k.Call(t, "", "GET", "/v1/products", nil, "Origin: https://pages.example").Want(t, http.StatusOK)
	if got := r.Header.Get("Access-Control-Allow-Origin"); got != "https://pages.example" {
		t.Errorf("a reply: readable by %q", got)
	}
	r = k.Call(t, "", "GET", "/v1/nothing", nil, "Origin: https://pages.example").Want(t, http.StatusNotFound)
	if got := r.Header.Get("Access-Control-Allow-Credentials"); got != "" {
		t.Errorf("credentials of the browser are allowed: %q", got)
	}
}

// Registering oneself needs no credential, so it is limited per address; time
// gives it back.
func TestRegistrationIsLimited(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	register := func(i int) testkit.Reply {
		return k.Call(t, "", "POST", "/v1/customers", map[string]any{"email": string(rune('a'+i)) + "@example.com"})
	}
	const burst = 20
	for i := range burst {
		register(i).Want(t, http.StatusCreated)
	}
	r := register(burst).Want(t, http.StatusTooManyRequests)
	if r.Header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After %q, want 3: a twentieth of a minute", r.Header.Get("Retry-After"))
	}
	k.Call(t, k.Key, "POST", "/v1/customers", map[string]any{"email": "staff@example.com"}).Want(t, http.StatusCreated) // staff are not
	k.Clock.Advance(3 * time.Second)
	register(burst).Want(t, http.StatusCreated)
	register(burst+1).Want(t, http.StatusTooManyRequests)
}

// A client that prefers to wait gets the order when it has come to its end.
func TestWaitPreference(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 1)
	body := map[string]any{"cart_id": cartID, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}}}
	var o order.Order
	r := k.Call(t, token, "POST", "/v1/orders", body, "Idempotency-Key: w", "Prefer: wait=20").Want(t, http.StatusAccepted)
	r.Into(t, &o)
	if o.State != "confirmed" || r.Header.Get("Preference-Applied") != "wait=20" {
		t.Errorf("state %s, Preference-Applied %q; want confirmed after waiting", o.State, r.Header.Get("Preference-Applied"))
	}
}

// The price that the buyer saw is the price that is ordered, or nothing is.
func TestChangedPriceIsRefused(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 1)
	k.Call(t, k.Key, "PUT", "/v1/products", map[string]any{"products": []any{
		map[string]any{"id": "A", "name": "A thing", "base_price": "29.99", "weight": "16", "taxable": true},
	}}).Want(t, http.StatusOK)
	body := map[string]any{"cart_id": cartID, "expected_total_cents": 2499, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}}}
	var p struct {
		Data struct {
			Total int64 `json:"total_cents"`
		} `json:"data"`
	}
	k.Call(t, token, "POST", "/v1/orders", body, "Idempotency-Key: p").Want(t, http.StatusConflict).Into(t, &p)
	if p.Data.Total != 3499 {
		t.Errorf("the refusal says %d cents, want 3499", p.Data.Total)
	}
	body["expected_total_cents"] = p.Data.Total
	body["expected_lines"] = []any{map[string]any{"stid": "A", "qty": 1, "extended": "19.99"}, map[string]any{"stid": "GONE", "qty": 1, "extended": "1"}}
	var changed struct {
		Data struct {
			Changes []order.Change `json:"changes"`
		} `json:"data"`
	}
	k.Call(t, token, "POST", "/v1/orders", body, "Idempotency-Key: l").Want(t, http.StatusConflict).Into(t, &changed)
	want := []order.Change{
		{STID: "A", Old: &order.SeenLine{STID: "A", Qty: 1, Extended: "19.99"}, New: &order.SeenLine{STID: "A", Qty: 1, Extended: "29.99"}},
		{STID: "GONE", Old: &order.SeenLine{STID: "GONE", Qty: 1, Extended: "1"}},
	}
	if !reflect.DeepEqual(changed.Data.Changes, want) {
		t.Errorf("changes %+v, want %+v", changed.Data.Changes, want)
	}
	body["expected_lines"] = []any{map[string]any{"stid": "A", "qty": 1, "extended": "29.990"}}
	k.Call(t, token, "POST", "/v1/orders", body, "Idempotency-Key: p2").Want(t, http.StatusAccepted)
}

// The trace of the request that began a chain is in every event of it, and so is
// its id.
func TestTraceIsCarriedThroughTheChain(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 1)
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var o order.Order
	k.Call(t, token, "POST", "/v1/orders", map[string]any{
		"cart_id": cartID, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}},
	}, "Idempotency-Key: t", "Traceparent: "+trace, "X-Request-Id: first").Want(t, http.StatusAccepted).Into(t, &o)
	k.Settle(t)
	for _, column := range []string{"traceparent = '" + trace + "'", "correlation = 'first'"} {
		var without int
		err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE data ->> 'order_id' = $1 AND NOT `+column, o.ID).Scan(&without)
		if err != nil || without != 0 {
			t.Errorf("%d events without %s, %v", without, column, err)
		}
	}
	var causes int
	err := k.DB.QueryRow(t.Context(), `
		SELECT count(*) FROM outbox e
		WHERE data ->> 'order_id' = $1 AND type NOT IN ('dev.rackless.order.placed.v1', 'dev.rackless.order.due.v1')
		  AND NOT EXISTS (SELECT FROM outbox c WHERE c.event_id::text = e.causation)`, o.ID).Scan(&causes)
	if err != nil || causes != 0 {
		t.Errorf("%d events of the chain have no cause, %v", causes, err)
	}
}

// A cart that gets an address wakes the functions that its order will need until it
// is confirmed.
func TestCheckoutWarmsTheChain(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	up := func() map[string]bool {
		names := map[string]bool{}
		for _, f := range k.Shop.Functions() {
			names[f.Name] = f.State == topology.Up
		}
		return names
	}
	chain := []string{"order-place", "inventory-reserve", "payment-authorize", "order-confirm"}
	before := up()
	buyer(t, k, 1)
	k.Settle(t)
	after := up()
	for _, name := range chain {
		if before[name] || !after[name] {
			t.Errorf("%s: up before %t and after %t, want woken by the cart", name, before[name], after[name])
		}
	}
}
