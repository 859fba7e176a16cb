package rackless_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/shared/events"
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

// Two orders are accepted while the stock would do for each, before either has
// reserved it: the later one to reserve is cancelled.
func TestMissingStockCancelsOrder(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 3)
	shelf, err := k.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shelf.Rollback(t.Context()) }()
	if _, err := shelf.Exec(t.Context(), `SELECT FROM stock FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	var orders [2]order.Order
	for i := range orders {
		cartID, token := buyer(t, k, 2)
		k.Call(t, token, "POST", "/v1/orders", map[string]any{
			"cart_id": cartID, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}},
		}, "Idempotency-Key: x").Want(t, http.StatusAccepted).Into(t, &orders[i])
	}
	if err := shelf.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.Settle(t)
	confirmed := 0
	for _, o := range orders {
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
		if o.State == "confirmed" {
			confirmed++
			continue
		}
		if o.State != "cancelled" || o.Reason != "stock" {
			t.Errorf("state %s, reason %q; want cancelled for stock", o.State, o.Reason)
		}
		if p := o.Payments[0]; p.AuthorizedCents != 0 || p.Status[0] != '6' {
			t.Errorf("payment %+v, want it voided untouched", p)
		}
	}
	if confirmed != 1 {
		t.Errorf("%d orders confirmed, want 1", confirmed)
	}
	k.WantStock(t, "A", 1, 0)
}

// What has run out since the buyer saw it is told before anything is ordered.
func TestShortStockIsRefused(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 1)
	cartID, token := buyer(t, k, 2)
	var p struct {
		Data struct {
			Shortages []events.Shortage `json:"shortages"`
		} `json:"data"`
	}
	body := map[string]any{"cart_id": cartID, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}}}
	k.Call(t, token, "POST", "/v1/orders", body, "Idempotency-Key: 1").Want(t, http.StatusConflict).Into(t, &p)
	if want := []events.Shortage{{SKU: "A", Wanted: 2, Available: 1}}; !slices.Equal(p.Data.Shortages, want) {
		t.Errorf("shortages %+v, want %+v", p.Data.Shortages, want)
	}
	k.Call(t, k.Key, "POST", "/v1/inventory/adjustments", map[string]any{
		"adjustments": []any{map[string]any{"sku": "A", "set": 2}}, "reason": "delivery",
	}).Want(t, http.StatusOK)
	k.Call(t, token, "POST", "/v1/orders", body, "Idempotency-Key: 1").Want(t, http.StatusAccepted) // the cart is as it was
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

// rush places an order from each of so many carts, all at once, and returns how
// many came to which end: the states of those accepted, and "refused".
func rush(t *testing.T, k *testkit.Kit, buyers int, prepare func(cartID, token string)) map[string]int {
	t.Helper()
	type visit struct{ cart, token string }
	visits := make([]visit, buyers)
	for i := range visits {
		k.Clock.Advance(time.Second) // they share an address, which may open only so many carts
		visits[i].cart, visits[i].token = buyer(t, k, 1)
		prepare(visits[i].cart, visits[i].token)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: buyers}}
	defer client.CloseIdleConnections()
	var refused atomic.Int64
	var group sync.WaitGroup
	for _, v := range visits {
		group.Go(func() {
			r := testkit.Call(t, client, k.URL+"/v1/orders", v.token, "POST", map[string]any{
				"cart_id": v.cart, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}},
			}, "Idempotency-Key: x")
			switch r.Status {
			case http.StatusAccepted:
			case http.StatusConflict, http.StatusUnprocessableEntity:
				refused.Add(1)
			default:
				t.Errorf("status %d: %s", r.Status, r.Body)
			}
		})
	}
	group.Wait()
	k.Settle(t)
	k.Sweep(t)
	count := map[string]int{"refused": int(refused.Load())}
	rows, err := k.DB.Query(t.Context(), `SELECT state FROM orders`)
	if err != nil {
		t.Fatal(err)
	}
	states, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		count[s]++
	}
	return count
}

func TestLastUnitIsSoldOnce(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 1)
	const buyers = 500
	count := rush(t, k, buyers, func(string, string) {})
	if count["confirmed"] != 1 || count["cancelled"]+count["refused"] != buyers-1 {
		t.Errorf("orders by end: %v, want 1 confirmed and %d cancelled or refused", count, buyers-1)
	}
	k.WantStock(t, "A", 0, 0)
	var left int
	err := k.DB.QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM reservations WHERE state = 'held')
		     + (SELECT count(*) FROM payments p JOIN orders o USING (order_id) WHERE o.state <> 'confirmed' AND left(p.status, 1) <> '6')`).Scan(&left)
	if err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Errorf("%d reservations or payments of the others are left", left)
	}
}

func TestCouponIsUsedAsOftenAsItMay(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	const buyers, limit = 1000, 100
	stocked(t, k, buyers)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"offers": []any{map[string]any{
		"id": "RUSH", "code": "RUSH", "on": "goods", "kind": "each", "value": "2.00", "usage_limit": limit,
	}}}).Want(t, http.StatusOK)
	rush(t, k, buyers, func(cart, token string) {
		k.Call(t, token, "PATCH", "/v1/carts/"+cart, map[string]any{"coupons": []string{"RUSH"}}).Want(t, http.StatusOK)
	})
	var uses, cheaper int
	err := k.DB.QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM coupon_redemptions),
		       (SELECT count(*) FROM orders WHERE state = 'confirmed' AND total_cents = $1)`, 1999-200+500).Scan(&uses, &cheaper)
	if err != nil {
		t.Fatal(err)
	}
	if uses != limit || cheaper != limit {
		t.Errorf("%d uses, %d orders with the discount; want %d of both", uses, cheaper, limit)
	}
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
