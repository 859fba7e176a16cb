package rackless_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/testkit"
)

// Goods leave in parts, never more than were ordered; the money is taken when all
// of them have left, and what has left is not cancelled any more.
func TestShipmentsOfAnOrder(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	pays(t, k, "test", "on_ship")
	cartID, token := buyer(t, k, 3)
	o := place(t, k, cartID, token, "tok_approve")
	ship := func(key string, qty int, want int) {
		t.Helper()
		body := map[string]any{"carrier": "ugnd", "tracking": "1Z" + key}
		if qty > 0 {
			body["lines"] = []any{map[string]any{"sku": "A", "qty": qty}}
		}
		k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/shipments", body, "Idempotency-Key: "+key).Want(t, want)
		k.Settle(t)
	}
	reload := func() (now order.Order) {
		t.Helper()
		k.Call(t, token, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &now)
		return now
	}
	k.Call(t, token, "POST", "/v1/orders/"+o.ID+"/shipments", map[string]any{"carrier": "UGND"}, "Idempotency-Key: buyer").Want(t, http.StatusForbidden)
	ship("a", 4, http.StatusBadRequest)
	ship("b", 2, http.StatusOK)
	now := reload()
	if len(now.Shipments) != 1 || now.Shipments[0].Carrier != "UGND" || now.ShippedAt != nil || now.Payments[0].CapturedCents != 0 {
		t.Errorf("after a part: %+v, shipped %v, payment %+v", now.Shipments, now.ShippedAt, now.Payments[0])
	}
	ship("c", 2, http.StatusBadRequest)
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/cancel", nil, "Idempotency-Key: x").Want(t, http.StatusConflict)
	ship("d", 0, http.StatusOK)
	now = reload()
	if len(now.Shipments) != 2 || now.Shipments[1].Lines[0].Qty != 1 || now.ShippedAt == nil || now.Payments[0].CapturedCents != now.TotalCents {
		t.Errorf("after all: %+v, shipped %v, payment %+v", now.Shipments, now.ShippedAt, now.Payments[0])
	}
	ship("e", 1, http.StatusConflict)
	if now.PaidAt == nil || now.CompletedAt == nil || now.Pool != "COMPLETED" {
		t.Errorf("paid %v, completed %v, pool %s; want it done with", now.PaidAt, now.CompletedAt, now.Pool)
	}
	wantStated(t, k, o.ID, 1, 1)
	var told int
	if err := k.DB.QueryRow(t.Context(), `SELECT count(DISTINCT message_id) FROM notifications WHERE kind = 'order_shipped'`).Scan(&told); err != nil || told != 2 {
		t.Errorf("the buyer was told of %d shipments, %v; want 2", told, err)
	}
}

// wantStated compares how often an order was stated to be paid and completed.
func wantStated(t *testing.T, k *testkit.Kit, orderID string, paid, completed int) {
	t.Helper()
	var got [2]int
	err := k.DB.QueryRow(t.Context(), `
		SELECT count(*) FILTER (WHERE type = 'dev.rackless.order.paid.v1'), count(*) FILTER (WHERE type = 'dev.rackless.order.completed.v1')
		FROM outbox WHERE subject = $1`, orderID).Scan(&got[0], &got[1])
	if err != nil || got != [2]int{paid, completed} {
		t.Errorf("stated %d times paid and %d times completed, %v; want %d and %d", got[0], got[1], err, paid, completed)
	}
}

// An order is paid when the last of its money was taken, by whatever hand and in
// whatever parts, and completed when it has been shipped, too; staff's own pools
// are left alone.
func TestOrderIsPaidAndCompleted(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 100)
	ship := func(o order.Order) {
		t.Helper()
		k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/shipments", map[string]any{"carrier": "UGND"}, "Idempotency-Key: ship "+o.ID).Want(t, http.StatusOK)
		k.Settle(t)
	}
	cartID, token := buyer(t, k, 1)
	o := place(t, k, cartID, token, "tok_approve") // captured on confirmation
	if o.PaidAt == nil || o.CompletedAt != nil {
		t.Errorf("paid %v, completed %v; want it paid", o.PaidAt, o.CompletedAt)
	}
	wantStated(t, k, o.ID, 1, 0)
	k.Call(t, k.Key, "PATCH", "/v1/orders/"+o.ID, map[string]any{"pool": "ARCHIVE"}, "Idempotency-Key: pool").Want(t, http.StatusOK)
	ship(o)
	wantStated(t, k, o.ID, 1, 1)
	k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	if o.CompletedAt == nil || o.Pool != "ARCHIVE" {
		t.Errorf("completed %v, pool %s; want it completed where staff keep it", o.CompletedAt, o.Pool)
	}

	pays(t, k, "test", "at_once")
	cartID, token = buyer(t, k, 1)
	o = place(t, k, cartID, token, "tok_approve")
	wantStated(t, k, o.ID, 1, 0)

	pays(t, k, "test", "manual")
	cartID, token = buyer(t, k, 1)
	o = place(t, k, cartID, token, "tok_approve")
	ship(o)
	wantStated(t, k, o.ID, 0, 0)
	for i, cents := range []int64{2000, 499} {
		k.Call(t, k.Key, "POST", "/v1/payments/"+o.Payments[0].ID+"/capture", map[string]any{"amount_cents": cents}, "Idempotency-Key: "+strconv.Itoa(i)).Want(t, http.StatusOK)
		k.Settle(t)
		wantStated(t, k, o.ID, i, i)
	}
}

// An order that was not accepted is not shipped.
func TestPendingOrderIsNotShipped(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	cartID, token := buyer(t, k, 1)
	o := place(t, k, cartID, token, "tok_decline")
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/shipments", map[string]any{"carrier": "UGND"}, "Idempotency-Key: s").Want(t, http.StatusConflict)
}

// With "on_each_shipment" the buyer pays for what has left, to the cent and never
// more, whatever staff have taken by hand; a gateway that takes one capture only has
// it when all has left.
func TestMoneyIsTakenWithEachShipment(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 100)
	bank := vendor{gateway: "test", token: func() string { return "tok_approve" }}
	for _, v := range append(vendors(t, k), bank) {
		t.Run(v.gateway, func(t *testing.T) {
			if v.account != nil {
				k.Call(t, k.Key, "POST", "/v1/gateways", v.account).Want(t, http.StatusOK)
			}
			pays(t, k, v.gateway, "on_each_shipment")
			cartID, token := buyer(t, k, 4)
			o := place(t, k, cartID, token, v.token())
			total := int64(4*1999 + 500)
			if o.State != "confirmed" || o.TotalCents != total {
				t.Fatalf("state %s, %d cents; want %d confirmed", o.State, o.TotalCents, total)
			}
			step := func(path string, body map[string]any, want int64) {
				t.Helper()
				k.Call(t, k.Key, "POST", path, body, "Idempotency-Key: "+strconv.FormatInt(want, 10)+v.gateway).Want(t, http.StatusOK)
				k.Settle(t)
				var now order.Order
				k.Call(t, token, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &now)
				if p := now.Payments[0]; p.CapturedCents != want || p.AuthorizedCents != total || (now.PaidAt != nil) != (want == total) {
					t.Errorf("payment %+v, paid %v; want %d of %d cents taken", p, now.PaidAt, want, total)
				}
			}
			one := map[string]any{"carrier": "UGND", "lines": []any{map[string]any{"sku": "A", "qty": 1}}}
			shipments := "/v1/orders/" + o.ID + "/shipments"
			if v.gateway == "authorizenet" {
				k.Call(t, k.Key, "POST", shipments, one, "Idempotency-Key: part").Want(t, http.StatusOK)
			} else {
				step(shipments, one, total/4)
				step("/v1/payments/"+o.Payments[0].ID+"/capture", map[string]any{"amount_cents": 1000}, total/4+1000)
				step(shipments, one, total*2/4)
				step(shipments, one, total*3/4)
			}
			step(shipments, map[string]any{"carrier": "UGND"}, total)
			wantStated(t, k, o.ID, 1, 1)
			if v.control != nil {
				if got, want := v.books(), (books{authorized: total, captured: total}); got != want {
					t.Errorf("the gateway booked %+v, want %+v", got, want)
				}
			}
		})
	}
}
