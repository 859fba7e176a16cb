package rackless_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/testkit"
)

// Staff move an order between pools, flag it and write notes; the buyer reads what
// is meant for them, and whatever else happened is written down by itself.
func TestDeskOfStaff(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	cartID, token := buyer(t, k, 2)
	o := place(t, k, cartID, token, "tok_approve")
	update := func(key string, body map[string]any, want int) {
		t.Helper()
		k.Call(t, k.Key, "PATCH", "/v1/orders/"+o.ID, body, "Idempotency-Key: "+key).Want(t, want)
	}
	if o.Pool != "RECENT" {
		t.Errorf("pool %s, want RECENT", o.Pool)
	}
	k.Call(t, token, "PATCH", "/v1/orders/"+o.ID, map[string]any{"pool": "PROCESS"}, "Idempotency-Key: b").Want(t, http.StatusForbidden)
	update("1", map[string]any{"pool": "NOWHERE"}, http.StatusBadRequest)
	update("2", map[string]any{"set_flags": []string{"blue"}}, http.StatusBadRequest)
	update("3", map[string]any{"pool": "processing", "set_flags": []string{"priority", "gift"}, "note": "fragile", "public_note": "it leaves tomorrow"}, http.StatusOK)
	update("4", map[string]any{"clear_flags": []string{"gift"}}, http.StatusOK)
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/shipments", map[string]any{"carrier": "UGND", "tracking": "1Z1", "lines": []any{map[string]any{"sku": "A", "qty": 1}}}, "Idempotency-Key: s").Want(t, http.StatusOK)
	k.Settle(t)

	var found page.Page[order.Summary]
	k.Call(t, k.Key, "GET", "/v1/orders?pool=PROCESS&flag=priority", nil).Want(t, http.StatusOK).Into(t, &found)
	if len(found.Items) != 1 || found.Items[0].ID != o.ID {
		t.Errorf("found %+v, want the order", found.Items)
	}
	k.Call(t, k.Key, "GET", "/v1/orders?flag=gift", nil).Want(t, http.StatusOK).Into(t, &found)
	if len(found.Items) != 0 {
		t.Errorf("found %+v, want none with the flag that was cleared", found.Items)
	}
	read := func(who string) (text string) {
		t.Helper()
		var h order.Records
		k.Call(t, who, "GET", "/v1/orders/"+o.ID+"/history", nil).Want(t, http.StatusOK).Into(t, &h)
		for _, e := range h.Entries {
			text += e.Kind + ": " + e.Content + "\n"
		}
		return text
	}
	staff, buyers := read(k.Key), read(token)
	for _, want := range []string{"state: pending → confirmed", "payment: CREDIT 500 → 130", "payment: CREDIT 130 → 030", "pool: RECENT → PROCESS", "note: fragile", "note: it leaves tomorrow", "shipment: UGND 1Z1"} {
		if !strings.Contains(staff, want) {
			t.Errorf("staff's history lacks %q:\n%s", want, staff)
		}
	}
	if !strings.Contains(buyers, "it leaves tomorrow") || strings.Contains(buyers, "fragile") || strings.Contains(buyers, "CREDIT") {
		t.Errorf("the buyer reads:\n%s", buyers)
	}
	_, stranger := buyer(t, k, 1)
	k.Call(t, stranger, "GET", "/v1/orders/"+o.ID+"/history", nil).Want(t, http.StatusNotFound)
	update("5", map[string]any{"pool": "DELETED"}, http.StatusConflict) // goods have left
}

// The pool for what is called off calls it off, with all that follows.
func TestPoolDeletedCancels(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	cartID, token := buyer(t, k, 2)
	o := place(t, k, cartID, token, "tok_approve")
	k.Call(t, k.Key, "PATCH", "/v1/orders/"+o.ID, map[string]any{"pool": "CANCELLED"}, "Idempotency-Key: x").Want(t, http.StatusOK)
	k.Settle(t)
	k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	if o.State != "cancelled" || o.Pool != "DELETED" || o.Payments[0].RefundedCents != o.TotalCents {
		t.Errorf("state %s, pool %s, payment %+v; want it called off and paid back", o.State, o.Pool, o.Payments[0])
	}
	k.WantStock(t, "A", 10, 0)
	k.Call(t, k.Key, "PATCH", "/v1/orders/"+o.ID, map[string]any{"pool": "APPROVED"}, "Idempotency-Key: y").Want(t, http.StatusConflict)
}
