package rackless_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/testkit"
)

// authorized is a confirmed order of 24.99 whose money is set aside, not taken.
func authorized(t *testing.T, k *testkit.Kit) payment.Payment {
	t.Helper()
	stocked(t, k, 10)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{
		"payment_methods": []any{map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "manual", "enabled": true}},
	}).Want(t, http.StatusOK)
	cartID, token := buyer(t, k, 1)
	o := place(t, k, cartID, token, "tok_approve")
	if p := o.Payments[0]; o.State != "confirmed" || p.AuthorizedCents != 2499 || p.CapturedCents != 0 {
		t.Fatalf("order %s with payment %+v, want confirmed with 24.99 set aside", o.State, p)
	}
	return o.Payments[0]
}

// Money is taken in parts, up to what was set aside, and given back up to what was
// taken.
func TestCaptureAndRefundKeepToTheirCeilings(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	p := authorized(t, k)
	act := func(verb, key string, cents int64) testkit.Reply {
		return k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/"+verb, map[string]any{"amount_cents": cents}, "Idempotency-Key: "+key)
	}
	act("refund", "early", 100).Want(t, http.StatusConflict)
	act("capture", "more", 2500).Want(t, http.StatusConflict)
	var out payment.Acted
	act("capture", "part", 2000).Want(t, http.StatusOK).Into(t, &out)
	if out.CapturedCents != 2000 || out.Operation.State != payment.Succeeded {
		t.Errorf("captured %d, %s; want 2000, succeeded", out.CapturedCents, out.Operation.State)
	}
	act("capture", "too much", 500).Want(t, http.StatusConflict)
	act("capture", "again", 100).Want(t, http.StatusOK).Into(t, &out)
	if out.CapturedCents != 2100 || out.AuthorizedCents != 2499 {
		t.Errorf("captured %d of %d, want 2100 of 2499", out.CapturedCents, out.AuthorizedCents)
	}
	act("void", "late", 0).Want(t, http.StatusBadRequest) // it takes no body
	k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/void", nil, "Idempotency-Key: rest").Want(t, http.StatusOK).Into(t, &out)
	if out.CapturedCents != 2100 || out.AuthorizedCents != 2100 || out.Status[0] != '0' {
		t.Errorf("captured %d of %d with status %s, want 2100 of 2100 and paid", out.CapturedCents, out.AuthorizedCents, out.Status)
	}
	k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/void", nil, "Idempotency-Key: late").Want(t, http.StatusConflict)
	act("capture", "released", 1).Want(t, http.StatusConflict)
	act("refund", "r1", 1500).Want(t, http.StatusOK).Into(t, &out)
	if out.Status[0] != '0' {
		t.Errorf("status %s after a refund of a part, want it to be paid still", out.Status)
	}
	act("refund", "r2", 700).Want(t, http.StatusConflict)
	act("refund", "r3", 0).Want(t, http.StatusOK).Into(t, &out)
	if out.RefundedCents != 2100 || out.Status[0] != '3' {
		t.Errorf("refunded %d in all with status %s, want 2100 and 3xx", out.RefundedCents, out.Status)
	}
	var booked int64
	err := k.DB.QueryRow(t.Context(), `SELECT sum(CASE kind WHEN 'capture' THEN amount_cents WHEN 'refund' THEN -amount_cents ELSE 0 END) FROM test_gateway`).Scan(&booked)
	if err != nil || booked != 0 {
		t.Errorf("the bank has %d cents too many, %v", booked, err)
	}
}

// The ceilings hold against SQL, too: they are the database's.
func TestCeilingsAreTheDatabases(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	p := authorized(t, k)
	for _, sql := range []string{
		`UPDATE payments SET captured_cents = authorized_cents + 1 WHERE payment_id = $1`,
		`UPDATE payments SET refunded_cents = 1 WHERE payment_id = $1`,
		`UPDATE payments SET authorized_cents = amount_cents + 1 WHERE payment_id = $1`,
	} {
		if _, err := k.DB.Exec(t.Context(), sql, p.ID); err == nil {
			t.Errorf("not refused: %s", sql)
		}
	}
	if _, err := k.DB.Exec(t.Context(), `UPDATE orders SET state = 'pending' WHERE order_id = $1`, p.OrderID); err == nil {
		t.Error("a confirmed order became pending again")
	}
}

func TestVoidLetsGo(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	p := authorized(t, k)
	var out payment.Acted
	k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/void", nil, "Idempotency-Key: v").Want(t, http.StatusOK).Into(t, &out)
	if out.Status != "630" {
		t.Errorf("status %s, want 630: voided", out.Status)
	}
	k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/capture", nil, "Idempotency-Key: c").Want(t, http.StatusConflict)
}

// A gift card pays first, the card the rest; when the order is cancelled each
// gets back what it gave.
func TestGiftCardAndCardTogether(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"gift_cards": []any{map[string]any{"code": "GIFT-0001", "balance": "10.00"}}}).Want(t, http.StatusOK)
	cartID, token := buyer(t, k, 1)
	var o order.Order
	k.Call(t, token, "POST", "/v1/orders", map[string]any{"cart_id": cartID, "payments": []any{
		map[string]any{"tender": "GIFTCARD", "code": "GIFT-0001"}, map[string]any{"tender": "CREDIT", "token": "tok_approve"},
		map[string]any{"tender": "GIFTCARD", "code": "GIFT-0001"}, // which is spent once all the same
	}}, "Idempotency-Key: g").Want(t, http.StatusAccepted).Into(t, &o)
	k.Settle(t)
	k.Call(t, token, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	if o.State != "confirmed" || len(o.Payments) != 2 || o.Payments[0].CapturedCents != 1000 || o.Payments[1].CapturedCents != 1499 {
		t.Fatalf("order %s, payments %+v; want confirmed, 10.00 and 14.99", o.State, o.Payments)
	}
	balance := func() (cents int64) {
		if err := k.DB.QueryRow(t.Context(), `SELECT balance_cents FROM gift_cards WHERE code = 'GIFT-0001'`).Scan(&cents); err != nil {
			t.Fatal(err)
		}
		return cents
	}
	if balance() != 0 {
		t.Errorf("the gift card still holds %d", balance())
	}
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/cancel", nil, "Idempotency-Key: c").Want(t, http.StatusOK)
	k.Settle(t)
	k.Call(t, token, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	if balance() != 1000 || o.Payments[1].RefundedCents != 1499 {
		t.Errorf("after cancelling: gift card %d, payments %+v; want all given back", balance(), o.Payments)
	}
}

// A card number is refused wherever a token belongs, and kept nowhere.
func TestCardNumbersAreRefused(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	cartID, token := buyer(t, k, 1)
	for _, number := range []string{"4111111111111111", "4111 1111 1111 1111", "3782-822463-10005"} {
		k.Call(t, token, "POST", "/v1/orders", map[string]any{
			"cart_id": cartID, "payments": []any{map[string]any{"tender": "CREDIT", "token": number}},
		}, "Idempotency-Key: "+number).Want(t, http.StatusBadRequest)
	}
	var kept int
	if err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM payments`).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d payments, %v; want none", kept, err)
	}
}

// A buyer whose card was declined pays with another one, once, and only their own
// order, and only while it waits.
func TestDeclinedPaymentIsTriedAgain(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"gift_cards": []any{map[string]any{"code": "GIFT-0002", "balance": "10.00"}}}).Want(t, http.StatusOK)
	cartID, token := buyer(t, k, 1)
	var o order.Order
	k.Call(t, token, "POST", "/v1/orders", map[string]any{"cart_id": cartID, "payments": []any{
		map[string]any{"tender": "GIFTCARD", "code": "GIFT-0002"}, map[string]any{"tender": "CREDIT", "token": "tok_decline"},
	}}, "Idempotency-Key: p").Want(t, http.StatusAccepted).Into(t, &o)
	k.Settle(t)
	pay := func(token, card, key string, want int) {
		t.Helper()
		k.Call(t, token, "POST", "/v1/orders/"+o.ID+"/payments", map[string]any{
			"tender": "credit", "token": card, "billing": map[string]any{"address1": "1 Oak St", "city": "Carlsbad", "postal": "92008", "country": "US"},
		}, "Idempotency-Key: "+key).Want(t, want)
		k.Settle(t)
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	}
	_, stranger := buyer(t, k, 1)
	pay(stranger, "tok_approve", "1", http.StatusNotFound)
	pay(token, "4111111111111111", "2", http.StatusBadRequest)
	pay(token, "tok_insufficient_funds", "3", http.StatusAccepted)
	if o.State != "pending" || o.Payments[1].Status[0] != '2' {
		t.Fatalf("state %s, payments %+v; want it to wait for a better card", o.State, o.Payments)
	}
	pay(token, "tok_lost", "4", http.StatusAccepted)
	if o.State != "confirmed" || o.Payments[0].CapturedCents != 1000 || o.Payments[1].CapturedCents != 1499 {
		t.Fatalf("state %s, payments %+v; want it confirmed, 10.00 and 14.99", o.State, o.Payments)
	}
	pay(token, "tok_approve", "5", http.StatusConflict)
	var city string
	if err := k.DB.QueryRow(t.Context(), `SELECT billing ->> 'city' FROM payments WHERE payment_id = $1`, o.Payments[1].ID).Scan(&city); err != nil || city != "Carlsbad" {
		t.Errorf("the bank was asked about %q, %v; want the other card's address", city, err)
	}
	var booked int
	if err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM test_gateway WHERE kind = 'authorize' AND outcome = 'succeeded'`).Scan(&booked); err != nil || booked != 1 {
		t.Errorf("%d authorizations booked, %v; want 1", booked, err)
	}
	k.WantStock(t, "A", 9, 0)
}

// What the gateway holds for review waits for staff: approved, the order goes on
// to its end; declined, nothing is taken and the order runs out.
func TestHeldPaymentWaitsForStaff(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	hold := func(t *testing.T) order.Order {
		cartID, token := buyer(t, k, 1)
		o := place(t, k, cartID, token, "tok_hold")
		if p := o.Payments[0]; o.State != "pending" || p.Status != "430" || p.CapturedCents != 0 {
			t.Fatalf("state %s, payment %+v; want it pending and held", o.State, p)
		}
		k.Call(t, token, "POST", "/v1/payments/"+o.Payments[0].ID+"/approve", nil, "Idempotency-Key: b").Want(t, http.StatusForbidden)
		k.Clock.Advance(71 * time.Hour) // longer than any checkout, shorter than the shop's policy
		k.Sweep(t)
		return o
	}
	decide := func(t *testing.T, o order.Order, verb string) order.Order {
		path := "/v1/payments/" + o.Payments[0].ID + "/"
		var out payment.Acted
		k.Call(t, k.Key, "POST", path+verb, nil, "Idempotency-Key: "+verb).Want(t, http.StatusOK).Into(t, &out)
		if out.Operation.State != payment.Succeeded {
			t.Errorf("the gateway says %s: %s", out.Operation.State, out.Operation.Detail)
		}
		k.Settle(t)
		for _, late := range []string{"approve", "decline"} {
			k.Call(t, k.Key, "POST", path+late, nil, "Idempotency-Key: late "+verb+late).Want(t, http.StatusConflict)
		}
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
		return o
	}
	t.Run("approved", func(t *testing.T) {
		o := decide(t, hold(t), "approve")
		if p := o.Payments[0]; o.State != "confirmed" || p.CapturedCents != o.TotalCents {
			t.Errorf("state %s, payment %+v; want it confirmed and captured", o.State, p)
		}
		k.WantStock(t, "A", 9, 0)
	})
	t.Run("declined", func(t *testing.T) {
		o := decide(t, hold(t), "decline")
		if p := o.Payments[0]; o.State != "pending" || p.Status != "630" || p.CapturedCents != 0 {
			t.Errorf("state %s, payment %+v; want it pending and voided", o.State, p)
		}
		k.Clock.Advance(31 * time.Minute)
		k.Sweep(t)
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
		if o.State != "expired" {
			t.Errorf("state %s after its time, want expired", o.State)
		}
		k.WantStock(t, "A", 9, 0)
	})
}

// A payment on which nobody decides is let go when the shop's policy says so, and
// the goods with it.
func TestHeldPaymentRunsOut(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{
		"payment_methods": []any{map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "manual", "enabled": true, "hold_hours": 5}},
	}).Want(t, http.StatusOK)
	cartID, token := buyer(t, k, 1)
	o := place(t, k, cartID, token, "tok_hold")
	for _, at := range []struct {
		advance    time.Duration
		state      string
		reserved   int64
		authorized bool
	}{{5*time.Hour - time.Minute, "pending", 1, true}, {2 * time.Minute, "expired", 0, false}} {
		k.Clock.Advance(at.advance)
		k.Sweep(t)
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
		if p := o.Payments[0]; string(o.State) != at.state || (p.Status == "430") != at.authorized {
			t.Errorf("%s later: state %s, payment %+v; want %s", at.advance, o.State, p, at.state)
		}
		k.WantStock(t, "A", 10, at.reserved)
	}
}

// Money that a gateway does not give back yet is given back later, by nobody's
// hand.
func TestRefundRefusedForNowIsRepeated(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	cartID, token := buyer(t, k, 1)
	o := place(t, k, cartID, token, "tok_unsettled")
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/cancel", nil, "Idempotency-Key: c").Want(t, http.StatusOK)
	k.Settle(t)
	for _, at := range []struct {
		advance  time.Duration
		refunded int64
	}{{0, 0}, {5 * time.Hour, 0}, {2 * time.Hour, o.TotalCents}, {24 * time.Hour, o.TotalCents}} {
		k.Clock.Advance(at.advance)
		k.Sweep(t)
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
		if p := o.Payments[0]; p.RefundedCents != at.refunded {
			t.Errorf("%s later: %d cents are refunded, want %d", at.advance, p.RefundedCents, at.refunded)
		}
	}
	var booked int64
	err := k.DB.QueryRow(t.Context(), `SELECT sum(amount_cents) FROM test_gateway WHERE kind = 'refund' AND outcome = 'succeeded'`).Scan(&booked)
	if err != nil || booked != o.TotalCents {
		t.Errorf("the bank has given back %d cents, %v; want %d", booked, err, o.TotalCents)
	}
}

// An order that is called off after a part of its money was taken gets that back,
// and the rest is let go of.
func TestCancelAfterAPartWasCaptured(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	p := authorized(t, k)
	k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/capture", map[string]any{"amount_cents": 700}, "Idempotency-Key: p").Want(t, http.StatusOK)
	k.Call(t, k.Key, "POST", "/v1/orders/"+p.OrderID+"/cancel", nil, "Idempotency-Key: c").Want(t, http.StatusOK)
	k.Settle(t)
	var o order.Order
	k.Call(t, k.Key, "GET", "/v1/orders/"+p.OrderID, nil).Want(t, http.StatusOK).Into(t, &o)
	if p := o.Payments[0]; p.AuthorizedCents != 700 || p.RefundedCents != 700 || p.Status[0] != '3' {
		t.Errorf("payment %+v, want 7.00 refunded and nothing set aside", p)
	}
	var booked string
	err := k.DB.QueryRow(t.Context(), `SELECT string_agg(kind || ' ' || amount_cents, ', ' ORDER BY booked_at, kind) FROM test_gateway`).Scan(&booked)
	if want := "authorize 2499, capture 700, refund 700, void 1799"; err != nil || booked != want {
		t.Errorf("the bank booked %q, %v; want %q", booked, err, want)
	}
}

// reviewed sets the shop's policy for cards, and returns an order that was paid
// with a token.
func reviewed(t *testing.T, k *testkit.Kit, capture, token string, review map[string]any) order.Order {
	t.Helper()
	policy(t, k, capture, review)
	cartID, buyer := buyer(t, k, 1)
	return place(t, k, cartID, buyer, token)
}

func policy(t *testing.T, k *testkit.Kit, capture string, review map[string]any) {
	t.Helper()
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"payment_methods": []any{
		map[string]any{"tender": "CREDIT", "gateway": "test", "capture": capture, "enabled": true, "review": review},
	}}).Want(t, http.StatusOK)
}

// What the bank says of address and card code is judged by the shop's policy:
// accepted, held for staff or declined, and what was set aside for a declined one
// is let go of at once.
func TestPolicyForAddressAndCardCode(t *testing.T) {
	t.Parallel()
	policy := map[string]any{"avs": "A=AAV|P=RAP|D=RAV|X=RAV", "cvv": "A=AAV|D=DCV|X=RCV"}
	for name, tc := range map[string]struct{ capture, token, state, status, review string }{
		"match":         {"at_once", "tok_approve", "confirmed", "030", "AAV"},
		"wrong_address": {"at_once", "tok_wrong_address", "pending", "499", "RAV"},
		"wrong_code":    {"at_once", "tok_wrong_code", "pending", "630", "DCV"},
		"manual":        {"manual", "tok_wrong_code", "pending", "630", "DCV"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := testkit.New(t)
			stocked(t, k, 10)
			o := reviewed(t, k, tc.capture, tc.token, policy)
			p := o.Payments[0]
			if string(o.State) != tc.state || p.Status != tc.status || p.Review != tc.review {
				t.Fatalf("state %s, payment %+v; want %s, %s and %s", o.State, p, tc.state, tc.status, tc.review)
			}
			var aside int64
			err := k.DB.QueryRow(t.Context(), `SELECT sum(CASE kind WHEN 'authorize' THEN amount_cents WHEN 'void' THEN -amount_cents ELSE 0 END) FROM test_gateway`).Scan(&aside)
			if refused := tc.review == "DCV"; err != nil || refused != (aside == 0) {
				t.Errorf("the bank keeps %d aside, %v", aside, err)
			}
		})
	}
}

// Staff decide on what the shop's policy holds; the gateway is asked only to let
// go. A buyer whose payment was refused pays with another card.
func TestStaffDecideOnWhatThePolicyHolds(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	decide := func(verb string) order.Order {
		o := reviewed(t, k, "on_confirm", "tok_approve", map[string]any{"hold_above_cents": 2000})
		if p := o.Payments[0]; o.State != "pending" || p.Status != "499" || p.Review != "RIS" || p.AuthorizedCents != o.TotalCents {
			t.Fatalf("state %s, payment %+v; want it held by its amount", o.State, p)
		}
		k.Call(t, k.Key, "POST", "/v1/payments/"+o.Payments[0].ID+"/"+verb, nil, "Idempotency-Key: "+verb).Want(t, http.StatusOK)
		k.Settle(t)
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
		return o
	}
	o := decide("approve")
	if p := o.Payments[0]; o.State != "confirmed" || p.CapturedCents != o.TotalCents || p.Review != "AZZ" {
		t.Errorf("state %s, payment %+v; want it confirmed and captured", o.State, p)
	}
	o = decide("decline")
	if p := o.Payments[0]; o.State != "pending" || p.Status != "630" || p.Review != "DZZ" {
		t.Errorf("state %s, payment %+v; want it voided", o.State, p)
	}
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"payment_methods": []any{
		map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "on_confirm", "enabled": true},
	}}).Want(t, http.StatusOK)
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/payments", map[string]any{"tender": "CREDIT", "token": "tok_approve"}, "Idempotency-Key: again").Want(t, http.StatusAccepted)
	k.Settle(t)
	var paid order.Order
	k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &paid)
	if p := paid.Payments[0]; paid.State != "confirmed" || p.CapturedCents != o.TotalCents || p.Review != "" {
		t.Errorf("state %s, payment %+v; want it confirmed with the other card", paid.State, p)
	}
	if held := reviewed(t, k, "on_confirm", "tok_approve", map[string]any{"hold_above_cents": 2499}); held.State != "confirmed" {
		t.Errorf("an order of exactly the limit is %s, want it confirmed", held.State)
	}
}

// Who tries one stolen card after the other is not heard any more, for an hour;
// others are.
func TestDeclinesOfOneAddressAreCounted(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	policy(t, k, "on_confirm", map[string]any{"declines_per_hour": 3})
	cartID, token := buyer(t, k, 1)
	o := place(t, k, cartID, token, "tok_decline")
	asked := func() (n int) {
		if err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM payment_operations`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	pay := func(key string) payment.Payment {
		k.Call(t, token, "POST", "/v1/orders/"+o.ID+"/payments", map[string]any{"tender": "CREDIT", "token": "tok_decline"}, "Idempotency-Key: "+key).Want(t, http.StatusAccepted)
		k.Settle(t)
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
		return o.Payments[0]
	}
	for i := range 5 {
		p := pay(strconv.Itoa(i))
		if want := map[bool]string{true: "230", false: "206"}[i < 2]; p.Status != want {
			t.Errorf("card %d: status %s, want %s", i+2, p.Status, want)
		}
	}
	if n := asked(); n != 3 {
		t.Errorf("the gateway was asked %d times, want 3", n)
	}
	k.Clock.Advance(61 * time.Minute)
	cartID, token = buyer(t, k, 1)
	if o := place(t, k, cartID, token, "tok_approve"); o.State != "confirmed" {
		t.Errorf("an hour later: state %s, want confirmed", o.State)
	}
}

// What people receive is noted by staff, in parts, too, and what they give back.
func TestStaffNoteWhatTheyReceive(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{
		"payment_methods": []any{map[string]any{"tender": "CHECK", "capture": "manual", "enabled": true}},
	}).Want(t, http.StatusOK)
	cartID, token := buyer(t, k, 1)
	var o order.Order
	k.Call(t, token, "POST", "/v1/orders", map[string]any{"cart_id": cartID, "payments": []any{map[string]any{"tender": "CHECK"}}}, "Idempotency-Key: o").
		Want(t, http.StatusAccepted).Into(t, &o)
	k.Settle(t)
	k.Call(t, token, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	if p := o.Payments[0]; o.State != "confirmed" || p.Status != "168" {
		t.Fatalf("state %s, payment %+v; want it confirmed, the check awaited", o.State, p)
	}
	act := func(verb, key string, cents int64, want int) (out payment.Acted) {
		t.Helper()
		r := k.Call(t, k.Key, "POST", "/v1/payments/"+o.Payments[0].ID+"/"+verb, map[string]any{"amount_cents": cents}, "Idempotency-Key: "+key).Want(t, want)
		if want == http.StatusOK {
			r.Into(t, &out)
		}
		return out
	}
	act("refund", "0", 1, http.StatusConflict)
	if p := act("capture", "1", 1000, http.StatusOK); p.CapturedCents != 1000 || p.Status != "168" {
		t.Errorf("payment %+v, want 10.00 received and the rest awaited", p)
	}
	act("capture", "2", 1500, http.StatusConflict)
	if p := act("capture", "3", 0, http.StatusOK); p.CapturedCents != 2499 || p.Status != "068" {
		t.Errorf("payment %+v, want it paid by check", p)
	}
	if p := act("refund", "4", 499, http.StatusOK); p.RefundedCents != 499 || p.Status != "068" {
		t.Errorf("payment %+v, want it paid still", p)
	}
	if p := act("refund", "5", 0, http.StatusOK); p.RefundedCents != 2499 || p.Status != "302" {
		t.Errorf("payment %+v, want it given back by hand", p)
	}
}
