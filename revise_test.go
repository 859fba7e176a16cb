package rackless_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/testkit"
)

// reviser returns how staff revise an order, and how it is then.
func reviser(t *testing.T, k *testkit.Kit, id string) func(body map[string]any, want int) (order.Revised, order.Order) {
	n := 0
	return func(body map[string]any, want int) (r order.Revised, o order.Order) {
		t.Helper()
		n++
		reply := k.Call(t, k.Key, "POST", "/v1/orders/"+id+"/revisions", body, fmt.Sprint("Idempotency-Key: ", n)).Want(t, want)
		if want == http.StatusOK {
			reply.Into(t, &r)
		}
		k.Settle(t)
		k.Call(t, k.Key, "GET", "/v1/orders/"+id, nil).Want(t, http.StatusOK).Into(t, &o)
		return r, o
	}
}

func pieces(n int) map[string]any {
	return map[string]any{"items": []any{map[string]any{"product": "A", "qty": n}}}
}

// A revised order is priced as when it was placed; its stock and its money follow.
func TestStaffReviseAnOrder(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 2)
	o := place(t, k, cartID, token, "tok_approve")
	k.Call(t, k.Key, "PUT", "/v1/products", map[string]any{"products": []any{ // dearer since
		map[string]any{"id": "A", "name": "A thing", "base_price": "99.99", "weight": "16", "taxable": true, "active": true, "track_stock": true},
	}}).Want(t, http.StatusOK)
	revise := reviser(t, k, o.ID)

	preview := pieces(1)
	preview["preview"] = true
	r, same := revise(preview, http.StatusOK)
	if r.Was.Order != 4498 || r.Is.Order != 2499 || r.ExcessCents != 1999 || same.Version != o.Version+1 && same.Version != o.Version || same.TotalCents != 4498 {
		t.Errorf("preview %+v, order %+v; want 44.98 to 24.99 and nothing changed", r, same.Summary)
	}
	_, o = revise(pieces(1), http.StatusOK)
	if o.TotalCents != 2499 || o.Payments[0].CapturedCents != 4498 || o.Payments[0].RefundedCents != 1999 || o.Payments[0].ReturningCents != 0 || o.PaidAt == nil {
		t.Errorf("one piece: total %d, payments %+v; want 24.99 and 19.99 given back", o.TotalCents, o.Payments)
	}
	k.WantStock(t, "A", 4, 0)

	revise(pieces(3), http.StatusUnprocessableEntity) // who pays?
	k.WantStock(t, "A", 4, 0)
	dearer := pieces(3)
	dearer["payment"] = map[string]any{"tender": "CREDIT", "token": "tok_approve"}
	_, o = revise(dearer, http.StatusOK)
	if o.TotalCents != 3*1999+500 || len(o.Payments) != 2 || o.Payments[1].CapturedCents != 2*1999 || o.PaidAt == nil {
		t.Errorf("three pieces: total %d, payments %+v, paid %v; want 64.97, 39.98 of it by another payment", o.TotalCents, o.Payments, o.PaidAt)
	}
	k.WantStock(t, "A", 2, 0)
	tooMany := pieces(6)
	tooMany["payment"] = dearer["payment"]
	revise(tooMany, http.StatusConflict) // there are not so many
	k.WantStock(t, "A", 2, 0)

	k.Call(t, token, "POST", "/v1/orders/"+o.ID+"/revisions", pieces(1), "Idempotency-Key: mine").Want(t, http.StatusForbidden)
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/cancel", nil, "Idempotency-Key: c").Want(t, http.StatusOK)
	k.Settle(t)
	k.WantStock(t, "A", 5, 0)
	k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	for _, p := range o.Payments {
		if p.RefundedCents != p.CapturedCents {
			t.Errorf("after cancelling: %+v, want all of it back", p)
		}
	}
	revise(pieces(1), http.StatusConflict)
}

// What is set aside and not taken yet is taken in part, or let go of.
func TestRevisionBeforeTheMoneyIsTaken(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"payment_methods": []any{
		map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "on_ship", "enabled": true},
	}}).Want(t, http.StatusOK)
	cartID, token := buyer(t, k, 2)
	o := place(t, k, cartID, token, "tok_approve")
	revise := reviser(t, k, o.ID)
	_, o = revise(pieces(1), http.StatusOK)
	if p := o.Payments[0]; p.AuthorizedCents != 4498 || p.ReturningCents != 1999 || p.CapturedCents != 0 {
		t.Fatalf("payment %+v, want 19.99 of it not to be taken", p)
	}
	_, o = revise(map[string]any{"add_items": []any{map[string]any{
		"raw": map[string]any{"stid": "GOODWILL", "name": "For your trouble", "qty": 1, "price": "-5.00", "taxable": false},
	}}}, http.StatusOK)
	if p := o.Payments[0]; o.TotalCents != 1999 || p.ReturningCents != 2499 {
		t.Fatalf("total %d, payment %+v; want 19.99, the rest not to be taken", o.TotalCents, p)
	}
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/shipments", map[string]any{"carrier": "UGND"}, "Idempotency-Key: s").Want(t, http.StatusOK)
	k.Settle(t)
	var shipped order.Order
	k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &shipped)
	if p := shipped.Payments[0]; p.CapturedCents != 1999 || p.AuthorizedCents != 1999 || p.ReturningCents != 0 || shipped.CompletedAt == nil {
		t.Errorf("payment %+v, completed %v; want 19.99 taken, the rest let go of, and the order completed", p, shipped.CompletedAt)
	}
	revise(pieces(1), http.StatusConflict) // it has left
}
