package rackless_test

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/testkit"
	"github.com/rackless/rackless/shared/topology"
)

// stocked gives the kit's shop a product A at 19.99 with so many in stock, a
// flat shipping method and the test gateway for cards.
func stocked(t testing.TB, k *testkit.Kit, qty int) {
	t.Helper()
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{
		"general":          map[string]any{"policy": "commercerack", "currency": "USD"},
		"shipping_methods": []any{map[string]any{"id": "GROUND", "name": "Ground", "region": "US", "handler": "SIMPLE", "carrier": "SLOW", "enabled": true, "item_price": "5.00", "add_price": "0.00"}},
		"payment_methods":  []any{map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "on_confirm", "enabled": true, "title": "Card"}},
	}).Want(t, http.StatusOK)
	k.Call(t, k.Key, "PUT", "/v1/products", map[string]any{"products": []any{
		map[string]any{"id": "A", "name": "A thing", "base_price": "19.99", "weight": "16", "taxable": true, "active": true, "track_stock": true},
	}}).Want(t, http.StatusOK)
	k.Call(t, k.Key, "POST", "/v1/inventory/adjustments", map[string]any{
		"adjustments": []any{map[string]any{"sku": "A", "set": qty}}, "reason": "count",
	}).Want(t, http.StatusOK)
}

// buyer opens a guest's cart with qty pieces of A and returns its id and token.
func buyer(t testing.TB, k *testkit.Kit, qty int) (cartID, token string) {
	t.Helper()
	var c struct {
		ID      string `json:"id"`
		Session struct {
			AccessToken string `json:"access_token"`
		} `json:"session"`
	}
	k.Call(t, "", "POST", "/v1/carts", map[string]any{
		"items": []any{map[string]any{"product": "A", "qty": qty}},
		"email": "buyer@example.com",
		"ship":  map[string]any{"country": "US", "region": "CA", "postal": "92024", "city": "Encinitas", "address1": "1 Main St"},
	}).Want(t, http.StatusCreated).Into(t, &c)
	return c.ID, c.Session.AccessToken
}

func place(t *testing.T, k *testkit.Kit, cartID, token, card string) order.Order {
	t.Helper()
	var o order.Order
	k.Call(t, token, "POST", "/v1/orders", map[string]any{
		"cart_id": cartID, "payments": []any{map[string]any{"tender": "CREDIT", "token": card}},
	}, "Idempotency-Key: "+cartID).Want(t, http.StatusAccepted).Into(t, &o)
	k.Settle(t)
	k.Call(t, token, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	return o
}

func TestCartBecomesConfirmedOrder(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 2)

	o := place(t, k, cartID, token, "tok_approve")
	if o.State != "confirmed" {
		t.Errorf("state %s, want confirmed", o.State)
	}
	if o.TotalCents != 2*1999+500 {
		t.Errorf("total %d cents, want %d", o.TotalCents, 2*1999+500)
	}
	if len(o.Payments) != 1 || o.Payments[0].CapturedCents != o.TotalCents {
		t.Errorf("payments %+v, want one, captured in full", o.Payments)
	}
}

func TestDeclinedPaymentEndsWithoutEffect(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 2)

	o := place(t, k, cartID, token, "tok_decline")
	if o.State != "pending" || o.Payments[0].Status != "230" {
		t.Fatalf("state %s, payment %s; want pending with the payment denied", o.State, o.Payments[0].Status)
	}

	k.Clock.Advance(31 * time.Minute)
	k.Sweep(t)
	k.Call(t, token, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	if o.State != "expired" {
		t.Errorf("state %s after its time, want expired", o.State)
	}
	k.WantStock(t, "A", 5, 0)
}

func TestMissingStockCancelsOrder(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 1)
	cartID, token := buyer(t, k, 2)

	o := place(t, k, cartID, token, "tok_approve")
	if o.State != "cancelled" || o.Reason != "stock" {
		t.Errorf("state %s, reason %q; want cancelled for stock", o.State, o.Reason)
	}
	if p := o.Payments[0]; p.AuthorizedCents != 0 || p.Status[0] != '6' {
		t.Errorf("payment %+v, want it voided untouched", p)
	}
	k.WantStock(t, "A", 1, 0)
}

func TestCancellationGivesEverythingBack(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 2)
	o := place(t, k, cartID, token, "tok_approve")
	k.WantStock(t, "A", 3, 0)

	k.Call(t, token, "POST", "/v1/orders/"+o.ID+"/cancel", nil, "Idempotency-Key: c").Want(t, http.StatusConflict) // not the buyer's to cancel any more
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/cancel", nil, "Idempotency-Key: c").Want(t, http.StatusOK)
	k.Settle(t)

	k.Call(t, token, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	if p := o.Payments[0]; p.RefundedCents != o.TotalCents {
		t.Errorf("payment %+v, want all refunded", p)
	}
	k.WantStock(t, "A", 5, 0)
}

// A gateway's reply that is lost must lead to a question, not to a second
// authorization.
func TestLostReplyIsAskedFor(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 1)

	o := place(t, k, cartID, token, "tok_lost")
	if o.State != "confirmed" {
		t.Errorf("state %s, want confirmed", o.State)
	}
	var booked int
	if err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM test_gateway WHERE kind = 'authorize'`).Scan(&booked); err != nil {
		t.Fatal(err)
	}
	if booked != 1 {
		t.Errorf("%d authorizations booked, want 1", booked)
	}
}

func TestLastUnitIsSoldOnce(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 1)
	const buyers = 20
	orders := make([]order.Order, buyers)
	var group sync.WaitGroup
	for i := range orders {
		cartID, token := buyer(t, k, 1)
		group.Go(func() {
			k.Call(t, token, "POST", "/v1/orders", map[string]any{
				"cart_id": cartID, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}},
			}, "Idempotency-Key: x").Want(t, http.StatusAccepted).Into(t, &orders[i])
		})
	}
	group.Wait()
	k.Settle(t)
	count := map[string]int{}
	for _, o := range orders {
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
		count[string(o.State)]++
	}
	if count["confirmed"] != 1 || count["cancelled"] != buyers-1 {
		t.Errorf("orders by state: %v, want 1 confirmed and %d cancelled", count, buyers-1)
	}
	k.WantStock(t, "A", 0, 0)
}

// The events of a chain may be lost, doubled, reordered and late; the order
// still comes to its end, once.
func TestChainSurvivesABadBroker(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, func(o *rackless.Options) {
		o.Chaos = topology.Chaos{Lose: 30, Duplicate: 30, Reorder: 20, Rand: rand.New(rand.NewPCG(1, 2))}
	})
	stocked(t, k, 100)
	for range 10 {
		cartID, token := buyer(t, k, 1)
		place(t, k, cartID, token, "tok_approve")
	}
	for range 40 { // past the life of an order
		k.Clock.Advance(time.Minute)
		k.Sweep(t)
	}
	rows, err := k.DB.Query(t.Context(), `SELECT state FROM orders`)
	if err != nil {
		t.Fatal(err)
	}
	states, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	confirmed := int64(0)
	for _, s := range states {
		if s == "confirmed" {
			confirmed++
		} else if s == "pending" {
			t.Error("an order is stuck")
		}
	}
	if confirmed == 0 {
		t.Error("no order was confirmed")
	}
	k.WantStock(t, "A", 100-confirmed, 0)
	var captured int64
	if err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM test_gateway WHERE kind = 'capture'`).Scan(&captured); err != nil {
		t.Fatal(err)
	}
	if captured != confirmed {
		t.Errorf("%d captures booked for %d confirmed orders", captured, confirmed)
	}
}
