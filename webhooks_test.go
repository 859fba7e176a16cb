package rackless_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/infra/simulators/stripe"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/testkit"
)

const (
	stripeSecret = "whsec_0123456789abcdef"
	signatureKey = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
)

// A buyer identifies themselves at their bank after the shop's function has ended:
// only a webhook tells. It may come twice; a forged one has no effect.
func TestWebhooksOfStripe(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 10)
	intents := stripe.New(stripe.Options{
		Options: sim.Options{Clock: k.Clock}, SecretKey: "sk_test_shop",
		Webhooks: []stripe.Webhook{{URL: k.URL + "/v1/webhooks/stripe", Secrets: []string{stripeSecret}}},
	})
	server := httptest.NewServer(intents)
	t.Cleanup(server.Close)
	t.Setenv("STRIPE_URL", server.URL)
	k.Call(t, k.Key, "POST", "/v1/gateways", map[string]any{"gateway": "stripe", "secret_key": "sk_test_shop", "webhook_secret": stripeSecret}).Want(t, http.StatusOK)
	pays(t, k, "stripe", "on_confirm")
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
