package rackless_test

import (
	"net/http"
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
	var told int
	if err := k.DB.QueryRow(t.Context(), `SELECT count(DISTINCT message_id) FROM notifications WHERE kind = 'order_shipped'`).Scan(&told); err != nil || told != 2 {
		t.Errorf("the buyer was told of %d shipments, %v; want 2", told, err)
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
