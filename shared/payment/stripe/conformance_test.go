package stripe_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
	simulator "github.com/rackless/rackless/infra/simulators/stripe"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gatewaytest"
	"github.com/rackless/rackless/shared/payment/stripe"
)

// account is a simulated account and its gateway. Connections are not kept:
// net/http sends a request with an idempotency key once more, under the same key,
// if the connection was used before, which would hide the faults.
func account(t *testing.T) (*simulator.Simulator, *stripe.Gateway) {
	t.Helper()
	return accountWith(t, simulator.Options{SecretKey: key})
}

func accountWith(t *testing.T, o simulator.Options) (*simulator.Simulator, *stripe.Gateway) {
	t.Helper()
	s := simulator.New(o)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, stripe.New(stripe.Config{URL: server.URL, Timeout: time.Minute}, stripe.Credentials{Key: key}, &http.Transport{DisableKeepAlives: true})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, several := range map[string]bool{"usual": false, "multicapture": true} {
		t.Run(name, func(t *testing.T) { conform(t, several) })
	}
}

func conform(t *testing.T, several bool) {
	gatewaytest.Run(t, func(t *testing.T) *gatewaytest.Bank {
		s, gateway := accountWith(t, simulator.Options{SecretKey: key, Multicapture: several})
		token := func(token string) func(*payment.Operation) { return func(op *payment.Operation) { op.Token = token } }
		return &gatewaytest.Bank{
			Gateway: gateway, Now: s.Clock.Now,
			Approved: token("pm_card_visa"), Declined: token("pm_card_visa_chargeDeclined"), Held: token("pm_card_authenticationRequired"),
			Settle: func() {}, KeepsRest: several,
			Confirm: func(reference string) {
				if err := s.Authenticate(reference, true); err != nil {
					t.Fatal(err)
				}
			},
			Books: func() map[string]gatewaytest.Book {
				books := map[string]gatewaytest.Book{}
				for _, a := range s.Ledger.Accounts() {
					books[a.ID] = gatewaytest.Book{Authorized: a.Authorized, Captured: a.Captured, Voided: a.Voided, Refunded: a.Refunded}
				}
				return books
			},
			Break: func(_ *payment.Operation, f gatewaytest.Fault) bool {
				kind := map[gatewaytest.Fault]sim.Kind{gatewaytest.Lost: sim.DropAfter, gatewaytest.Dropped: sim.DropBefore}[f]
				if err := s.Faults.Set(1, sim.Fault{Kind: kind, Times: 1}); err != nil {
					t.Fatal(err)
				}
				return true
			},
		}
	})
}

// A buyer who fails to identify themselves is declined, and the intent, whose
// secret their browser has, is closed.
func TestFailedAuthentication(t *testing.T) {
	t.Parallel()
	s, gateway := account(t)
	op := operation(payment.Charge, func(op *payment.Operation) { op.Token, op.Since = "pm_card_authenticationRequired", s.Clock.Now() })
	held, err := gateway.Execute(t.Context(), op)
	if err != nil || held.State != payment.Held || held.ClientSecret == "" {
		t.Fatalf("charge: %+v, %v", held, err)
	}
	if err := s.Authenticate(held.Reference, false); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		o, found, err := gateway.Lookup(t.Context(), op)
		if err != nil || !found || o.State != payment.Declined || o.Status != "200" || o.Code != "payment_intent_authentication_failure" {
			t.Errorf("lookup: %+v, found %t, %v", o, found, err)
		}
	}
	// As the buyer's browser could, with another card.
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/payment_intents/"+held.Reference+"/confirm", strings.NewReader("payment_method=pm_card_visa"))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if a, _ := s.Ledger.Account(held.Reference); w.Code != http.StatusBadRequest || a.Authorized != 0 {
		t.Errorf("another card: status %d, account %+v", w.Code, a)
	}
}

// The statuses of the vendor's test cards.
func TestTestCards(t *testing.T) {
	t.Parallel()
	s, gateway := account(t)
	for token, want := range map[string]string{
		"pm_card_visa": "199", "pm_card_amex": "199", "pm_card_visa_chargeDeclined": "200", "pm_card_visa_chargeDeclinedInsufficientFunds": "204",
		"pm_card_visa_chargeDeclinedLostCard": "206", "pm_card_visa_chargeDeclinedStolenCard": "206", "pm_card_chargeDeclinedExpiredCard": "203",
		"pm_card_chargeDeclinedProcessingError": "250", "pm_card_radarBlock": "206", "pm_card_authenticationRequired": "499", "pm_doesnotexist": "208",
	} {
		op := operation(payment.Authorize, func(op *payment.Operation) { op.ID, op.Token, op.Since = "pop_"+token, token, s.Clock.Now() })
		o, err := gateway.Execute(t.Context(), op)
		if err != nil || o.Status != want {
			t.Errorf("%s: %+v, %v; want %s", token, o, err, want)
		}
	}
}
