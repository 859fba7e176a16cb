package rackless_test

import (
	"net/http"
	"testing"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/testkit"
)

// stocked gives the kit's shop a product A at 19.99 with so many in stock, a
// flat shipping method and the test gateway for cards.
func stocked(t *testing.T, k *testkit.Kit, qty int) {
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
func buyer(t *testing.T, k *testkit.Kit, qty int) (cartID, token string) {
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
