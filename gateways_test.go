package rackless_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/infra/simulators/stripe"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/testkit"
)

// vendor is a payment gateway as a whole shop meets it: over HTTP, with the
// credentials that the shop was connected with.
type vendor struct {
	gateway string
	account map[string]any
	control *sim.Control
	token   func() string // of a good card, for one payment
	amex    func() string // of one of American Express
	// authenticate has the buyer identify themselves at their bank.
	authenticate func(reference string) error
}

// books are what a gateway has booked in all, in cents.
type books struct{ authorized, captured, voided, refunded int64 }

func (v vendor) books() (sum books) {
	for _, a := range v.control.Ledger.Accounts() {
		sum.authorized += a.Authorized
		sum.captured += a.Captured
		sum.voided += a.Voided
		sum.refunded += a.Refunded
	}
	return sum
}

// vendors starts the simulators of all gateways and aims the kit's functions at
// them, which read the environment when they are first called. A test that calls
// it cannot run in parallel with others.
func vendors(t *testing.T, k *testkit.Kit) []vendor {
	t.Helper()
	serve := func(h http.Handler) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	bank := authorizenet.New(authorizenet.Options{Options: sim.Options{Clock: k.Clock}, LoginID: "login", TransactionKey: "key"})
	t.Setenv("AUTHORIZENET_SANDBOX_URL", serve(bank)+authorizenet.Path)
	nonce := func(number, code string) func() string {
		return func() string {
			return "COMMON.ACCEPT.INAPP.PAYMENT|" + bank.Nonce(authorizenet.Card{Number: number, Expiry: "2030-12", Code: code})
		}
	}
	intents := stripe.New(stripe.Options{Options: sim.Options{Clock: k.Clock}, SecretKey: "sk_test_shop", Multicapture: true})
	t.Setenv("STRIPE_URL", serve(intents))
	return []vendor{
		{
			"authorizenet", map[string]any{"gateway": "authorizenet", "login": "login", "transaction_key": "key", "sandbox": true}, bank.Control,
			nonce("4111111111111111", "900"), nonce("370000000000002", "1234"), nil,
		},
		{"stripe", map[string]any{"gateway": "stripe", "secret_key": "sk_test_shop"}, intents.Control,
			func() string { return "pm_card_visa" }, func() string { return "pm_card_amex" },
			func(reference string) error { return intents.Authenticate(reference, true) }},
	}
}

// pays makes the gateway the one behind cards.
func pays(t *testing.T, k *testkit.Kit, gateway, capture string) {
	t.Helper()
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{
		"payment_methods": []any{map[string]any{"tender": "CREDIT", "gateway": gateway, "capture": capture, "enabled": true}},
	}).Want(t, http.StatusOK)
}

func TestShopPaysThroughItsOwnAccount(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 100)
	for _, v := range vendors(t, k) {
		t.Run(v.gateway, func(t *testing.T) {
			k.Call(t, k.Key, "POST", "/v1/gateways", v.account).Want(t, http.StatusOK)

			pays(t, k, v.gateway, "on_confirm")
			cart, token := buyer(t, k, 1)
			o := place(t, k, cart, token, v.token())
			if p := o.Payments[0]; o.State != "confirmed" || p.CapturedCents != o.TotalCents {
				t.Fatalf("state %s, payment %+v; want it confirmed and captured", o.State, p)
			}
			want := books{authorized: o.TotalCents, captured: o.TotalCents}
			if got := v.books(); got != want {
				t.Errorf("the gateway booked %+v, want %+v", got, want)
			}

			pays(t, k, v.gateway, "manual")
			cart, token = buyer(t, k, 1)
			o = place(t, k, cart, token, v.token())
			if p := o.Payments[0]; o.State != "confirmed" || p.CapturedCents != 0 || p.AuthorizedCents != o.TotalCents {
				t.Fatalf("state %s, payment %+v; want it confirmed and authorized only", o.State, p)
			}
			k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/cancel", map[string]any{}, "Idempotency-Key: cancel"+v.gateway).Want(t, http.StatusOK)
			k.Settle(t)
			want.authorized += o.TotalCents
			want.voided += o.TotalCents
			if got := v.books(); got != want {
				t.Errorf("after the cancellation the gateway booked %+v, want %+v", got, want)
			}
		})
	}
}

// American Express does not vouch for card codes, so none is judged (payments
// specification, §7.1).
func TestCardCodeOfAmericanExpressIsNotJudged(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 100)
	for _, v := range vendors(t, k) {
		t.Run(v.gateway, func(t *testing.T) {
			k.Call(t, k.Key, "POST", "/v1/gateways", v.account).Want(t, http.StatusOK)
			k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"payment_methods": []any{map[string]any{
				"tender": "CREDIT", "gateway": v.gateway, "capture": "on_confirm", "enabled": true, "review": map[string]any{"cvv": "A=RCV|D=DCV|X=RCV"},
			}}}).Want(t, http.StatusOK)
			cart, token := buyer(t, k, 1)
			o := place(t, k, cart, token, v.amex())
			if p := o.Payments[0]; o.State != "confirmed" || p.Review != "AOK" {
				t.Errorf("state %s, payment %+v; want it confirmed", o.State, p)
			}
		})
	}
}

// With "at_once" the money is taken in the very step that asks for it, and given
// back when the order is called off; a lost reply does not take it twice.
func TestChargeAtOnce(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 100)
	for _, v := range vendors(t, k) {
		t.Run(v.gateway, func(t *testing.T) {
			k.Call(t, k.Key, "POST", "/v1/gateways", v.account).Want(t, http.StatusOK)
			pays(t, k, v.gateway, "at_once")
			if err := v.control.Faults.Set(1, sim.Fault{Kind: sim.DropAfter, Times: 1}); err != nil {
				t.Fatal(err)
			}
			cart, token := buyer(t, k, 1)
			o := place(t, k, cart, token, v.token())
			if p := o.Payments[0]; o.State != "confirmed" || p.Status[0] != '0' || p.CapturedCents != o.TotalCents {
				t.Fatalf("state %s, payment %+v; want it confirmed and charged", o.State, p)
			}
			if got, want := v.books(), (books{authorized: o.TotalCents, captured: o.TotalCents}); got != want {
				t.Errorf("the gateway booked %+v, want %+v", got, want)
			}
			var kinds string
			if err := k.DB.QueryRow(t.Context(), `SELECT string_agg(kind, ' ') FROM payment_operations WHERE payment_id = $1`, o.Payments[0].ID).Scan(&kinds); err != nil || kinds != "charge" {
				t.Errorf("the gateway was asked to %q, %v; want one charge", kinds, err)
			}
			v.control.Advance(48 * time.Hour) // settled
			k.Clock.Advance(48 * time.Hour)
			k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/cancel", nil, "Idempotency-Key: c"+v.gateway).Want(t, http.StatusOK)
			k.Settle(t)
			if got := v.books(); got.refunded != o.TotalCents {
				t.Errorf("the gateway booked %+v, want all refunded", got)
			}
		})
	}
}

func TestLostReplyOfGatewayIsAskedFor(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 100)
	for _, v := range vendors(t, k) {
		t.Run(v.gateway, func(t *testing.T) {
			k.Call(t, k.Key, "POST", "/v1/gateways", v.account).Want(t, http.StatusOK)
			pays(t, k, v.gateway, "manual")
			if err := v.control.Faults.Set(1, sim.Fault{Kind: sim.DropAfter, Times: 1}); err != nil {
				t.Fatal(err)
			}
			cart, token := buyer(t, k, 1)
			o := place(t, k, cart, token, v.token())
			if o.State != "confirmed" {
				t.Errorf("state %s, want confirmed by the delivery that followed", o.State)
			}
			if got, want := v.books(), (books{authorized: o.TotalCents}); got != want {
				t.Errorf("the gateway booked %+v, want %+v", got, want)
			}
		})
	}
}

func TestShopWithoutAccountDeclines(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 10)
	v := vendors(t, k)[1]
	_, other := k.AddShop(t, "", "*")
	k.Call(t, other, "POST", "/v1/gateways", v.account).Want(t, http.StatusOK) // which must not help this one

	pays(t, k, v.gateway, "manual")
	cart, token := buyer(t, k, 1)
	o := place(t, k, cart, token, v.token())
	if o.State != "pending" || o.Payments[0].Status != "998" {
		t.Errorf("state %s, payment %+v; want it declined for lack of an account", o.State, o.Payments[0])
	}
	if got := v.books(); got != (books{}) {
		t.Errorf("another shop's account was booked: %+v", got)
	}
}

func TestCredentialsAreSealed(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	const secret = "sk_live_0123456789abcdef"
	reply := k.Call(t, k.Key, "POST", "/v1/gateways", map[string]any{"gateway": "stripe", "secret_key": secret, "webhook_secret": "whsec_" + secret},
		"Idempotency-Key: connect").Want(t, http.StatusOK)
	if bytes.Contains(reply.Body, []byte(secret)) {
		t.Error("the reply tells the key")
	}
	var rows string
	err := k.DB.QueryRow(t.Context(), `
		SELECT concat((SELECT string_agg(encode(credentials, 'escape') || g::text, '') FROM gateway_accounts g),
		              (SELECT string_agg(i::text, '') FROM idempotency i), (SELECT string_agg(o::text, '') FROM outbox o))`).Scan(&rows)
	if err != nil {
		t.Fatal(err)
	}
	if rows == "" || bytes.Contains([]byte(rows), []byte(secret)) {
		t.Error("the key can be read in the database")
	}
	for _, bad := range []map[string]any{
		{"gateway": "stripe", "secret_key": "pk_live_123"}, {"gateway": "stripe", "secret_key": secret, "login": "x"},
		{"gateway": "authorizenet", "login": "login"}, {"gateway": "paypal"}, {},
	} {
		k.Call(t, k.Key, "POST", "/v1/gateways", bad).Want(t, http.StatusBadRequest)
	}
}

// The buyer's bank compares the address, and an erased customer leaves none.
func TestBillingReachesGatewayAndIsErased(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	cart, token := buyer(t, k, 1)
	o := place(t, k, cart, token, "tok_approve")
	billed := func() (n int) {
		t.Helper()
		err := k.DB.QueryRow(t.Context(), `
			SELECT count(*) FROM payments
			WHERE order_id = $1 AND billing ->> 'postal' = '92024' AND billing ->> 'address' = '1 Main St' AND buyer_ip = '127.0.0.1'`, o.ID).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if billed() != 1 {
		t.Fatal("the payment has not the buyer's address")
	}
	var customer struct {
		ID string `json:"id"`
	}
	k.Call(t, k.Key, "POST", "/v1/customers", map[string]any{"email": "gone@example.com"}).Want(t, http.StatusCreated).Into(t, &customer)
	if _, err := k.DB.Exec(t.Context(), `UPDATE orders SET owner = $1 WHERE order_id = $2`, customer.ID, o.ID); err != nil {
		t.Fatal(err)
	}
	k.Call(t, k.Key, "DELETE", "/v1/customers/"+customer.ID, nil).Want(t, http.StatusNoContent)
	k.Settle(t)
	if billed() != 0 {
		t.Error("the erased customer's address is still with the payment")
	}
}

// A buyer who has to identify themselves at their bank has the payment held until
// they have; staff cannot wave it through before.
func TestApprovalWaitsForTheBuyersBank(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 10)
	v := vendors(t, k)[1]
	k.Call(t, k.Key, "POST", "/v1/gateways", v.account).Want(t, http.StatusOK)
	pays(t, k, v.gateway, "manual")
	cart, token := buyer(t, k, 1)
	o := place(t, k, cart, token, "pm_card_authenticationRequired")
	if o.State != "pending" || o.Payments[0].Status[0] != '4' || !o.Payments[0].AwaitsBuyer || o.ExpiresAt.Sub(o.CreatedAt) > time.Hour {
		t.Fatalf("state %s, payment %+v; want it held", o.State, o.Payments[0])
	}
	approve := func(key string) (out payment.Acted) {
		k.Call(t, k.Key, "POST", "/v1/payments/"+o.Payments[0].ID+"/approve", nil, "Idempotency-Key: "+key).Want(t, http.StatusOK).Into(t, &out)
		k.Settle(t)
		return out
	}
	if out := approve("early"); out.Operation.State == payment.Succeeded || out.Status[0] != '4' {
		t.Errorf("approved before the buyer's bank has: %+v", out)
	}
	if err := v.authenticate(o.Payments[0].Reference); err != nil {
		t.Fatal(err)
	}
	if out := approve("late"); out.Operation.State != payment.Succeeded {
		t.Errorf("not approved after the buyer's bank has: %+v", out)
	}
	k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK).Into(t, &o)
	if o.State != "confirmed" {
		t.Errorf("state %s, want confirmed", o.State)
	}
	if got, want := v.books(), (books{authorized: o.TotalCents}); got != want {
		t.Errorf("the gateway booked %+v, want %+v", got, want)
	}
}

// An account whose sealing key was lost is connected again.
func TestAccountThatNobodyCanOpenIsReplaced(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	connect := func() {
		k.Call(t, k.Key, "POST", "/v1/gateways", map[string]any{"gateway": "stripe", "secret_key": "sk_test_shop", "webhook_secret": "whsec_1"}).Want(t, http.StatusOK)
	}
	connect()
	if _, err := k.DB.Exec(t.Context(), `UPDATE gateway_accounts SET credentials = decode(repeat('00', 100), 'hex')`); err != nil {
		t.Fatal(err)
	}
	connect()
}

// An account is given up only when nothing is open at its gateway.
func TestAccountIsGivenUpWhenNothingIsOpen(t *testing.T) {
	k := testkit.New(t)
	stocked(t, k, 100)
	for _, v := range vendors(t, k) {
		t.Run(v.gateway, func(t *testing.T) {
			disconnect := func(want int) {
				t.Helper()
				k.Call(t, k.Key, "DELETE", "/v1/gateways/"+v.gateway, nil).Want(t, want)
			}
			disconnect(http.StatusNotFound)
			k.Call(t, k.Key, "POST", "/v1/gateways", v.account).Want(t, http.StatusOK)
			pays(t, k, v.gateway, "manual")
			cart, token := buyer(t, k, 1)
			o := place(t, k, cart, token, v.token())
			disconnect(http.StatusConflict)
			k.Call(t, k.Key, "POST", "/v1/payments/"+o.Payments[0].ID+"/capture", nil, "Idempotency-Key: c"+v.gateway).Want(t, http.StatusOK)
			disconnect(http.StatusNoContent)
			disconnect(http.StatusNotFound)
			cart, token = buyer(t, k, 1)
			if o := place(t, k, cart, token, v.token()); o.Payments[0].Status != "998" {
				t.Errorf("status %s without an account, want 998", o.Payments[0].Status)
			}
		})
	}
	k.Call(t, k.Key, "DELETE", "/v1/gateways/test", nil).Want(t, http.StatusNotFound)
}
