package rackless_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/session"
	"github.com/rackless/rackless/shared/testkit"
)

// member registers a customer and logs in.
func member(t *testing.T, k *testkit.Kit) (id, token string) {
	t.Helper()
	login := map[string]any{"email": "ada@example.com", "password": "correct horse"}
	var c customer.Customer
	k.Call(t, "", "POST", "/v1/customers", login).Want(t, http.StatusCreated).Into(t, &c)
	var s session.Tokens
	k.Call(t, "", "POST", "/v1/sessions", login).Want(t, http.StatusCreated).Into(t, &s)
	return c.ID, s.AccessToken
}

// memberOrders has a customer order so many pieces of A, paid by the tenders.
func memberOrders(t *testing.T, k *testkit.Kit, token string, qty int, want int, tenders ...map[string]any) order.Order {
	t.Helper()
	var c struct {
		ID string `json:"id"`
	}
	k.Call(t, token, "POST", "/v1/carts", map[string]any{
		"items": []any{map[string]any{"product": "A", "qty": qty}}, "email": "ada@example.com",
		"ship": map[string]any{"country": "US", "region": "CA", "postal": "92024", "city": "Encinitas", "address1": "1 Main St"},
	}).Want(t, http.StatusCreated).Into(t, &c)
	var o order.Order
	r := k.Call(t, token, "POST", "/v1/orders", map[string]any{"cart_id": c.ID, "payments": tenders}, "Idempotency-Key: "+c.ID).Want(t, want)
	if want == http.StatusAccepted {
		r.Into(t, &o)
		k.Settle(t)
		k.Call(t, token, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	}
	return o
}

// balances are what a customer has, by tender.
func balances(t *testing.T, k *testkit.Kit, id, token string) map[string]int64 {
	t.Helper()
	var list customer.AccountList
	k.Call(t, token, "GET", "/v1/customers/"+id+"/accounts", nil).Want(t, http.StatusOK).Into(t, &list)
	have := map[string]int64{}
	for _, a := range list.Accounts {
		have[a.Tender] = a.BalanceCents
		var sum int64
		for _, e := range a.Entries {
			sum += e.Cents
		}
		if sum != a.BalanceCents {
			t.Errorf("the entries of %s come to %d, its balance is %d", a.Tender, sum, a.BalanceCents)
		}
	}
	return have
}

// adjuster returns how staff add to a customer's accounts.
func adjuster(t *testing.T, k *testkit.Kit, id string) func(tender string, cents int64, want int) {
	n := 0
	return func(tender string, cents int64, want int) {
		t.Helper()
		n++
		k.Call(t, k.Key, "POST", "/v1/customers/"+id+"/accounts/"+tender+"/adjustments", map[string]any{"add_cents": cents, "note": "welcome"}, fmt.Sprint("Idempotency-Key: ", n)).Want(t, want)
	}
}

// Points and credit for returned goods are spent before a card is asked, and come
// back to where they came from.
func TestPointsAndReturnCredit(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"payment_methods": []any{
		map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "on_confirm", "enabled": true},
		map[string]any{"tender": "POINTS", "capture": "manual", "enabled": true},
		map[string]any{"tender": "RMC", "capture": "manual", "enabled": true},
	}}).Want(t, http.StatusOK)
	id, token := member(t, k)
	adjust := adjuster(t, k, id)
	adjust("POINTS", 700, http.StatusOK)
	adjust("RMC", 1000, http.StatusOK)
	adjust("RMC", -1001, http.StatusConflict)
	adjust("GOLD", 1, http.StatusNotFound)
	k.Call(t, token, "POST", "/v1/customers/"+id+"/accounts/POINTS/adjustments", map[string]any{"add_cents": 1}, "Idempotency-Key: mine").Want(t, http.StatusForbidden)
	_, stranger := buyer(t, k, 1)
	k.Call(t, stranger, "GET", "/v1/customers/"+id+"/accounts", nil).Want(t, http.StatusNotFound)

	points, credit, card := map[string]any{"tender": "POINTS"}, map[string]any{"tender": "RMC", "amount": "4.00"}, map[string]any{"tender": "CREDIT", "token": "tok_approve"}
	o := memberOrders(t, k, token, 1, http.StatusAccepted, card, credit, points, points, credit) // what is named twice is spent once
	if o.State != "confirmed" || len(o.Payments) != 3 {
		t.Fatalf("state %s, payments %+v; want confirmed with three", o.State, o.Payments)
	}
	for _, p := range o.Payments {
		if want := map[string]int64{"POINTS": 700, "RMC": 400, "CREDIT": 2499 - 700 - 400}[p.Tender]; p.CapturedCents != want {
			t.Errorf("%s paid %d, want %d", p.Tender, p.CapturedCents, want)
		}
	}
	if have := balances(t, k, id, token); have["POINTS"] != 0 || have["RMC"] != 600 {
		t.Errorf("left: %v, want 0 points and 600 of credit", have)
	}
	var acted payment.Acted
	for _, p := range o.Payments {
		if p.Tender == "RMC" {
			k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/capture", map[string]any{}, "Idempotency-Key: c").Want(t, http.StatusConflict)
			k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/refund", map[string]any{"amount_cents": 150}, "Idempotency-Key: r").Want(t, http.StatusOK).Into(t, &acted)
		}
	}
	if have := balances(t, k, id, token); acted.RefundedCents != 150 || acted.Status != "003" || have["RMC"] != 750 {
		t.Errorf("after a refund of 150: payment %+v, left %v", acted.Payment, have)
	}
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/cancel", nil, "Idempotency-Key: x").Want(t, http.StatusOK)
	k.Settle(t)
	if have := balances(t, k, id, token); have["POINTS"] != 700 || have["RMC"] != 1000 {
		t.Errorf("after cancelling: %v, want all of it back", have)
	}
	cartID, guest := buyer(t, k, 1)
	k.Call(t, guest, "POST", "/v1/orders", map[string]any{"cart_id": cartID, "payments": []any{map[string]any{"tender": "POINTS"}, card}}, "Idempotency-Key: g").
		Want(t, http.StatusAccepted) // a guest has none: all of it is on the card
	k.Call(t, guest, "POST", "/v1/orders", map[string]any{"cart_id": cartID, "payments": []any{
		map[string]any{"tender": "GIFTCARD", "code": "POINTS:" + id}, card,
	}}, "Idempotency-Key: h").Want(t, http.StatusConflict)
}

// Purchase orders may be open for no more than the customer's credit line.
func TestPurchaseOrdersOnAccount(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"payment_methods": []any{
		map[string]any{"tender": "PO", "capture": "manual", "enabled": true, "on_account": true},
	}}).Want(t, http.StatusOK)
	id, token := member(t, k)
	po := map[string]any{"tender": "PO"}
	memberOrders(t, k, token, 1, http.StatusConflict, po)
	adjuster(t, k, id)("PO", 5000, http.StatusOK)
	memberOrders(t, k, token, 1, http.StatusUnprocessableEntity, po, po) // an order holds once
	first := memberOrders(t, k, token, 1, http.StatusAccepted, po)
	if first.State != "confirmed" || first.Payments[0].Status != "167" {
		t.Fatalf("state %s, payments %+v; want it confirmed and the money awaited", first.State, first.Payments)
	}
	second := memberOrders(t, k, token, 1, http.StatusAccepted, po)
	want := func(left int64) {
		t.Helper()
		if have := balances(t, k, id, token); have["PO"] != left {
			t.Errorf("%d of the credit line are left, want %d", have["PO"], left)
		}
	}
	want(2)
	memberOrders(t, k, token, 1, http.StatusConflict, po)
	capture := func(cents int64, key string) {
		t.Helper()
		k.Call(t, k.Key, "POST", "/v1/payments/"+first.Payments[0].ID+"/capture", map[string]any{"amount_cents": cents}, "Idempotency-Key: "+key).Want(t, http.StatusOK)
	}
	capture(1000, "1")
	want(2) // it is released when all is paid
	capture(0, "2")
	want(2501)
	k.Call(t, k.Key, "POST", "/v1/orders/"+second.ID+"/cancel", nil, "Idempotency-Key: x").Want(t, http.StatusOK)
	k.Settle(t)
	want(5000)
	cartID, guest := buyer(t, k, 1)
	k.Call(t, guest, "POST", "/v1/orders", map[string]any{"cart_id": cartID, "payments": []any{po}}, "Idempotency-Key: g").Want(t, http.StatusUnprocessableEntity)
}

// An instrument is verified without an order, and nothing stays set aside.
func TestInstrumentIsVerified(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 1)
	verify := func(token string, want int) (v payment.Verified) {
		t.Helper()
		r := k.Call(t, k.Key, "POST", "/v1/payments/verifications", map[string]any{
			"tender": "CREDIT", "token": token, "billing": map[string]any{"address": "1 Main St", "postal": "92024"},
		}, "Idempotency-Key: "+token).Want(t, want)
		if want == http.StatusOK {
			r.Into(t, &v)
		}
		return v
	}
	for token, want := range map[string]payment.State{"tok_approve": payment.Succeeded, "tok_decline": payment.Declined, "tok_hold": payment.Held} {
		if v := verify(token, http.StatusOK); v.State != want {
			t.Errorf("%s: %+v, want %s", token, v, want)
		}
	}
	verify("tok_lost", http.StatusServiceUnavailable)
	if verify("tok_lost", http.StatusOK).State != payment.Succeeded {
		t.Error("what became of a verification whose reply was lost is not found")
	}
	verify("4111111111111111", http.StatusBadRequest)
	k.Settle(t)
	k.Clock.Advance(2 * time.Hour)
	k.Sweep(t)
	var open, addresses int
	err := k.DB.QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM payments WHERE left(status, 1) NOT IN ('2', '6')), (SELECT count(*) FROM payments WHERE billing <> '{}')`).Scan(&open, &addresses)
	if err != nil || open != 0 || addresses != 0 {
		t.Errorf("%d verifications still hold money, %d the buyer's address, %v", open, addresses, err)
	}
	var authorized, voided int
	err = k.DB.QueryRow(t.Context(), `
		SELECT count(*) FILTER (WHERE kind = 'authorize' AND outcome <> 'declined'), count(*) FILTER (WHERE kind = 'void' AND outcome = 'succeeded') FROM test_gateway`).Scan(&authorized, &voided)
	if err != nil || authorized != 3 || voided != 3 {
		t.Errorf("the gateway has set money aside %d times and let go %d times, %v; want 3 of both", authorized, voided, err)
	}
}
