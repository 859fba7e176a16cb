package rackless_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/infra/simulators/stripe"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/testkit"
)

const (
	stripeSecret = "whsec_0123456789abcdef"
	signatureKey = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
)

// stripeTells starts a simulator of Stripe that sends its webhooks to the shop, whose
// cards it takes from now on. The test cannot run in parallel with others.
func stripeTells(t *testing.T, k *testkit.Kit, capture string) *stripe.Simulator {
	t.Helper()
	intents := stripe.New(stripe.Options{
		Options: sim.Options{Clock: k.Clock}, SecretKey: "sk_test_shop",
		Webhooks: []stripe.Webhook{{URL: k.URL + "/v1/webhooks/stripe", Secrets: []string{stripeSecret}}},
	})
	server := httptest.NewServer(intents)
	t.Cleanup(server.Close)
	t.Setenv("STRIPE_URL", server.URL)
	k.Call(t, k.Key, "POST", "/v1/gateways", map[string]any{"gateway": "stripe", "secret_key": "sk_test_shop", "webhook_secret": stripeSecret}).Want(t, http.StatusOK)
	pays(t, k, "stripe", capture)
	return intents
}

// A buyer identifies themselves at their bank after the shop's function has ended:
// only a webhook tells. It may come twice; a forged one has no effect.
func TestWebhooksOfStripe(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 10)
	intents := stripeTells(t, k, "on_confirm")
	if err := intents.Faults.Set(1, sim.Fault{Kind: sim.DuplicateWebhook}); err != nil {
		t.Fatal(err)
	}
	deliver := func() {
		t.Helper()
		intents.Deliver(t.Context())
		k.Settle(t)
	}
	waiting := func() (order.Order, string) {
		cart, token := buyer(t, k, 1)
		o := place(t, k, cart, token, "pm_card_authenticationRequired")
		if p := o.Payments[0]; o.State != "pending" || !p.AwaitsBuyer {
			t.Fatalf("state %s, payment %+v; want it to wait for the buyer", o.State, p)
		}
		return o, token
	}
	reload := func(o *order.Order) {
		k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, o)
	}

	o, _ := waiting()
	deliver() // that it waits is told, too, and changes nothing
	if reload(&o); o.State != "pending" {
		t.Fatalf("state %s before the buyer has identified themselves", o.State)
	}
	if err := intents.Authenticate(o.Payments[0].Reference, true); err != nil {
		t.Fatal(err)
	}
	deliver()
	if reload(&o); o.State != "confirmed" || o.Payments[0].CapturedCents != o.TotalCents {
		t.Errorf("state %s, payment %+v; want it confirmed and captured", o.State, o.Payments[0])
	}

	refused, token := waiting()
	if err := intents.Authenticate(refused.Payments[0].Reference, false); err != nil {
		t.Fatal(err)
	}
	deliver()
	if reload(&refused); refused.State != "pending" || refused.Payments[0].Status[0] != '2' {
		t.Fatalf("state %s, payment %+v; want the payment declined", refused.State, refused.Payments[0])
	}
	k.Call(t, token, "POST", "/v1/orders/"+refused.ID+"/payments", map[string]any{"tender": "CREDIT", "token": "pm_card_visa"}, "Idempotency-Key: again").Want(t, http.StatusAccepted)
	k.Settle(t)
	if reload(&refused); refused.State != "confirmed" {
		t.Errorf("state %s after another card, want confirmed", refused.State)
	}

	var notices, delivered int
	if err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM gateway_notices`).Scan(&notices); err != nil {
		t.Fatal(err)
	}
	deliver()
	for _, d := range intents.Webhooks.Deliveries() {
		if d.State == sim.Delivered {
			delivered++
		}
	}
	if notices == 0 || delivered < 2*notices {
		t.Errorf("%d notices kept of %d webhooks delivered, want each of two kept once", notices, delivered)
	}
	for _, signature := range []string{"", "t=1764150000,v1=00", "t=x,v1=00", "v1=00"} {
		r := k.Call(t, "", "POST", "/v1/webhooks/stripe", `{"id": "evt_forged", "type": "payment_intent.succeeded"}`, "Stripe-Signature: "+signature)
		if r.Status != http.StatusUnauthorized && r.Status != http.StatusBadRequest {
			t.Errorf("signature %q: status %d", signature, r.Status)
		}
	}
	mac := hmac.New(sha256.New, []byte(stripeSecret))
	old := k.Clock.Now().Add(-time.Hour).Unix()
	fmt.Fprintf(mac, `%d.{"id": "evt_forged", "type": "payment_intent.succeeded"}`, old)
	k.Call(t, "", "POST", "/v1/webhooks/stripe", `{"id": "evt_forged", "type": "payment_intent.succeeded"}`,
		fmt.Sprintf("Stripe-Signature: t=%d,v1=%x", old, mac.Sum(nil))).Want(t, http.StatusUnauthorized) // somebody has kept it
	var forged int
	if err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM gateway_notices WHERE notice_id = 'evt_forged'`).Scan(&forged); err != nil || forged != 0 {
		t.Errorf("%d forged webhooks kept, %v", forged, err)
	}
}

func TestWebhooksOfAuthorizeNet(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 10)
	bank := authorizenet.New(authorizenet.Options{
		Options: sim.Options{Clock: k.Clock}, LoginID: "login", TransactionKey: "key", SignatureKey: signatureKey,
		Webhooks: []string{k.URL + "/v1/webhooks/authorizenet"},
	})
	server := httptest.NewServer(bank)
	t.Cleanup(server.Close)
	t.Setenv("AUTHORIZENET_SANDBOX_URL", server.URL+authorizenet.Path)
	account := map[string]any{"gateway": "authorizenet", "login": "login", "transaction_key": "key", "sandbox": true, "signature_key": signatureKey}
	k.Call(t, k.Key, "POST", "/v1/gateways", account).Want(t, http.StatusOK)
	pays(t, k, "authorizenet", "on_confirm")
	cart, token := buyer(t, k, 1)
	o := place(t, k, cart, token, "COMMON.ACCEPT.INAPP.PAYMENT|"+bank.Nonce(authorizenet.Card{Number: "4111111111111111", Expiry: "2030-12", Code: "900"}))
	if o.State != "confirmed" {
		t.Fatalf("state %s, want confirmed", o.State)
	}
	bank.Deliver(t.Context())
	k.Settle(t)
	var notices int
	if err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM gateway_notices WHERE gateway = 'authorizenet'`).Scan(&notices); err != nil {
		t.Fatal(err)
	}
	if notices != 2 { // the authorization and its capture
		t.Errorf("%d notices kept, want 2", notices)
	}
	account["signature_key"] = ""
	k.Call(t, k.Key, "POST", "/v1/gateways", account).Want(t, http.StatusOK)
	k.Call(t, "", "POST", "/v1/webhooks/authorizenet", `{}`, "X-ANET-Signature: sha512=00").Want(t, http.StatusUnauthorized)
}

// The key that a merchant replaces is good for a day more: the gateway may still
// sign with it.
func TestReplacedWebhookKeyIsGoodForADay(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	connect := func(secret string) {
		k.Call(t, k.Key, "POST", "/v1/gateways", map[string]any{"gateway": "stripe", "secret_key": "sk_test_shop", "webhook_secret": secret}).Want(t, http.StatusOK)
	}
	n := 0
	send := func(secret string, want int) {
		t.Helper()
		n++
		body := fmt.Sprintf(`{"id": "evt_%d", "type": "payment_intent.succeeded"}`, n)
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", k.Clock.Now().Unix(), body)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.URL+"/v1/webhooks/stripe", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%x", k.Clock.Now().Unix(), mac.Sum(nil)))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != want {
			t.Errorf("signed with %s: status %d, want %d", secret, res.StatusCode, want)
		}
	}
	connect("whsec_first")
	connect("whsec_second")
	connect("whsec_second") // once more changes nothing
	send("whsec_first", http.StatusOK)
	send("whsec_second", http.StatusOK)
	k.Clock.Advance(24*time.Hour + time.Second)
	send("whsec_first", http.StatusUnauthorized)
	send("whsec_second", http.StatusOK)
	connect("whsec_third")
	connect("") // no webhooks any more
	send("whsec_second", http.StatusUnauthorized)
	send("whsec_third", http.StatusUnauthorized)
}

// What the merchant does at the vendor itself, in its own pages, reaches the
// payment by webhook: a capture, a refund in parts, a void. What the shop itself
// does is not counted twice when its webhooks come.
func TestWhatIsDoneAtTheVendorReachesThePayment(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 10)
	intents := stripeTells(t, k, "manual")
	paid := func() payment.Payment {
		cart, token := buyer(t, k, 1)
		o := place(t, k, cart, token, "pm_card_visa")
		if o.State != "confirmed" {
			t.Fatalf("state %s, want confirmed", o.State)
		}
		return o.Payments[0]
	}
	vendor := func(path, form string) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form))
		r.Header.Set("Authorization", "Bearer sk_test_shop")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		if intents.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Fatalf("%s: status %d: %s", path, w.Code, w.Body)
		}
		intents.Deliver(t.Context())
		k.Settle(t)
	}
	want := func(p payment.Payment, class byte, authorized, captured, refunded int64) {
		t.Helper()
		var o order.Order
		k.Call(t, k.Key, "GET", "/v1/orders/"+p.OrderID, nil).Want(t, http.StatusOK).Into(t, &o)
		if p := o.Payments[0]; p.Status[0] != class || p.AuthorizedCents != authorized || p.CapturedCents != captured || p.RefundedCents != refunded {
			t.Errorf("payment %+v; want class %c, %d authorized, %d captured, %d refunded", p, class, authorized, captured, refunded)
		}
	}

	p := paid()
	vendor("/v1/payment_intents/"+p.Reference+"/capture", "")
	want(p, '0', 2499, 2499, 0)
	vendor("/v1/refunds", "payment_intent="+p.Reference+"&amount=499")
	want(p, '0', 2499, 2499, 499)
	k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/refund", map[string]any{"amount_cents": 1000}, "Idempotency-Key: ours").Want(t, http.StatusOK)
	intents.Deliver(t.Context())
	k.Settle(t)
	want(p, '0', 2499, 2499, 1499)
	k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/refund", map[string]any{"amount_cents": 1001}, "Idempotency-Key: too much").Want(t, http.StatusConflict)
	vendor("/v1/refunds", "payment_intent="+p.Reference)
	want(p, '3', 2499, 2499, 2499)

	p = paid()
	vendor("/v1/payment_intents/"+p.Reference+"/cancel", "")
	want(p, '6', 2499, 0, 0)
	k.Call(t, k.Key, "POST", "/v1/payments/"+p.ID+"/capture", nil, "Idempotency-Key: late").Want(t, http.StatusConflict)
}

// A webhook that overtakes the reply to its request is acted on once the reply
// has told which payment it is about.
func TestWebhookThatOvertakesTheReply(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 10)
	intents := stripeTells(t, k, "on_confirm")
	if err := intents.Faults.Set(1, sim.Fault{Kind: sim.EarlyWebhook, Times: 1}); err != nil {
		t.Fatal(err)
	}
	cart, token := buyer(t, k, 1)
	o := place(t, k, cart, token, "pm_card_authenticationRequired")
	var kept, stated int
	err := k.DB.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM gateway_notices WHERE reference = $1), (SELECT count(*) FROM outbox WHERE type = 'dev.rackless.payment.noticed.v1')`,
		o.Payments[0].Reference).Scan(&kept, &stated)
	if err != nil || kept == 0 || stated != kept {
		t.Errorf("%d notices kept before the reply, %d of them stated, %v; want all", kept, stated, err)
	}
}
