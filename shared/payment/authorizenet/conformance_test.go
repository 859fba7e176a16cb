package authorizenet_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	simulator "github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/authorizenet"
	"github.com/rackless/rackless/shared/payment/gatewaytest"
)

// TestConformance runs against the simulator, or with AUTHNET_SANDBOX=true
// against the vendor's sandbox, with the account and a stored instrument from
// AUTHNET_LOGIN, AUTHNET_KEY and AUTHNET_TOKEN ("customerProfileId|paymentProfileId").
// The sandbox cannot lose replies, hold or settle on demand, and does not tell its books.
func TestConformance(t *testing.T) {
	t.Parallel()
	open := simulated
	if os.Getenv("AUTHNET_SANDBOX") == "true" {
		open = sandbox
	}
	gatewaytest.Run(t, open)
}

const refusedZip = "46282" // the sandbox declines it

func simulated(t *testing.T) *gatewaytest.Bank {
	s := simulator.New(simulator.Options{LoginID: "login", TransactionKey: "key"})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	gateway := authorizenet.New(authorizenet.Config{URL: server.URL + simulator.Path, Timeout: time.Minute},
		authorizenet.Credentials{Login: "login", TransactionKey: "key"}, nil, s.Clock)
	card := func(op *payment.Operation) {
		op.Token = "COMMON.ACCEPT.INAPP.PAYMENT|" + s.Nonce(simulator.Card{Number: "4111111111111111", Expiry: "2030-12", Code: "900"})
		op.Billing = payment.Billing{FirstName: "Ann", LastName: "Lee", Address: "1 Main Street", City: "Austin", Region: "TX", Postal: "78701", Country: "US"}
	}
	fault := func(f sim.Fault) {
		if err := s.Faults.Set(1, f); err != nil {
			t.Fatal(err)
		}
	}
	return &gatewaytest.Bank{
		Gateway:  gateway,
		Now:      s.Clock.Now,
		Approved: card,
		Declined: func(op *payment.Operation) {
			card(op)
			op.Billing.Postal = refusedZip
		},
		Held: func(op *payment.Operation) {
			card(op)
			fault(sim.Fault{Kind: sim.Outcome, Code: "253", Times: 1})
		},
		Settle: func() { s.Settle() },
		Books: func() map[string]gatewaytest.Book {
			books := map[string]gatewaytest.Book{}
			for _, a := range s.Ledger.Accounts() {
				books[a.ID] = gatewaytest.Book{Authorized: a.Authorized, Captured: a.Captured, Voided: a.Voided, Refunded: a.Refunded}
			}
			return books
		},
		Break: func(_ *payment.Operation, f gatewaytest.Fault) bool {
			kind := map[gatewaytest.Fault]sim.Kind{gatewaytest.Lost: sim.DropAfter, gatewaytest.Dropped: sim.DropBefore}[f]
			fault(sim.Fault{Kind: kind, Operation: "createTransactionRequest", Times: 1})
			return true
		},
	}
}

func sandbox(t *testing.T) *gatewaytest.Bank {
	gateway := authorizenet.New(authorizenet.Config{URL: authorizenet.Sandbox, Timeout: time.Minute},
		authorizenet.Credentials{Login: os.Getenv("AUTHNET_LOGIN"), TransactionKey: os.Getenv("AUTHNET_KEY")}, nil, clock.System{})
	stored := func(op *payment.Operation) { op.Token = os.Getenv("AUTHNET_TOKEN") }
	return &gatewaytest.Bank{
		Gateway: gateway, Now: clock.System{}.Now, Approved: stored,
		Declined: func(op *payment.Operation) { op.Token = "1|1" }, // no such instrument
	}
}

// account is a simulated merchant account in which lists lag.
func account(t *testing.T, lag time.Duration) (*simulator.Simulator, *authorizenet.Gateway, string) {
	s := simulator.New(simulator.Options{LoginID: "login", TransactionKey: "key", ListLag: lag})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	url := server.URL + simulator.Path
	return s, authorizenet.New(authorizenet.Config{URL: url, Timeout: time.Minute}, authorizenet.Credentials{Login: "login", TransactionKey: "key"}, nil, s.Clock), url
}

// stored makes a customer with a card and returns the token of it.
func stored(t *testing.T, url string) string {
	t.Helper()
	body := `{"createCustomerProfileRequest":{"merchantAuthentication":{"name":"login","transactionKey":"key"},"profile":{"merchantCustomerId":"c1",
		"paymentProfiles":[{"billTo":{"firstName":"Ann","zip":"78701"},"payment":{"creditCard":{"cardNumber":"4111111111111111","expirationDate":"2030-12"}}}]}}}`
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		CustomerProfileID            string
		CustomerPaymentProfileIDList []string
	}
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &out); err != nil || len(out.CustomerPaymentProfileIDList) != 1 {
		t.Fatalf("%s: %v", data, err)
	}
	return out.CustomerProfileID + "|" + out.CustomerPaymentProfileIDList[0]
}

// lose has the reply to the next transaction lost.
func lose(t *testing.T, s *simulator.Simulator) {
	t.Helper()
	if err := s.Faults.Set(1, sim.Fault{Kind: sim.DropAfter, Operation: "createTransactionRequest", Times: 1}); err != nil {
		t.Fatal(err)
	}
}

// As long as the lists lag, the duplicate window keeps a repetition from being
// booked: a stored card is recognized, a one-time token is spent.
func TestLostReplyWhileListsLag(t *testing.T) {
	t.Parallel()
	s, gateway, url := account(t, time.Minute)
	for name, token := range map[string]string{
		"stored": stored(t, url), "one_time": "COMMON.ACCEPT.INAPP.PAYMENT|" + s.Nonce(simulator.Card{Number: "4111111111111111", Expiry: "2030-12"}),
	} {
		op := operation(payment.Charge, func(op *payment.Operation) {
			op.ID, op.Token, op.Since = "pop_00000000000000000000"+name, token, s.Clock.Now()
		})
		lose(t, s)
		if _, err := gateway.Execute(t.Context(), op); err == nil {
			t.Fatalf("%s: the reply was not lost", name)
		}
		op.Resumed = true
		if o, found, err := gateway.Lookup(t.Context(), op); err != nil || found {
			t.Errorf("%s: lookup: %+v, found %t, %v", name, o, found, err)
		}
		o, err := gateway.Execute(t.Context(), op)
		if known := name == "stored"; (err == nil) != known || known && o.State != payment.Succeeded {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		s.Advance(3 * time.Minute)
		if o, found, err := gateway.Lookup(t.Context(), op); err != nil || !found || o.State != payment.Succeeded {
			t.Errorf("%s: lookup later: %+v, found %t, %v", name, o, found, err)
		}
	}
	if n := len(s.Ledger.Accounts()); n != 2 {
		t.Errorf("%d charges, want 2", n)
	}
}

// A transaction that is held before it was authorized cannot be voided; it is
// declined instead.
func TestVoidOfWhatIsHeldBeforeAuthorization(t *testing.T) {
	t.Parallel()
	s, gateway, url := account(t, 0)
	if err := s.Faults.Set(1, sim.Fault{Kind: sim.Outcome, Operation: "createTransactionRequest", Code: "252", Times: 1}); err != nil {
		t.Fatal(err)
	}
	op := operation(payment.Authorize, func(op *payment.Operation) { op.Token, op.Since = stored(t, url), s.Clock.Now() })
	held, err := gateway.Execute(t.Context(), op)
	if err != nil || held.State != payment.Held || held.Status != "478" {
		t.Fatalf("authorize: %+v, %v", held, err)
	}
	o, err := gateway.Execute(t.Context(), operation(payment.Void, func(op *payment.Operation) { op.Reference = held.Reference }))
	if err != nil || o.State != payment.Succeeded {
		t.Errorf("void: %+v, %v", o, err)
	}
	if o, found, err := gateway.Lookup(t.Context(), op); err != nil || !found || o.State != payment.Declined {
		t.Errorf("lookup: %+v, found %t, %v", o, found, err)
	}
}

// Before the settlement all of the money goes back by a void, and a part does not.
func TestRefundBeforeSettlement(t *testing.T) {
	t.Parallel()
	s, gateway, url := account(t, 0)
	charge, err := gateway.Execute(t.Context(), operation(payment.Charge, func(op *payment.Operation) { op.Token, op.Since = stored(t, url), s.Clock.Now() }))
	if err != nil || charge.State != payment.Succeeded || charge.AVS != "Y" {
		t.Fatalf("charge: %+v, %v", charge, err)
	}
	refund := operation(payment.Refund, func(op *payment.Operation) { op.ID, op.Reference, op.AmountCents = "pop_2", charge.Reference, 500 })
	if o, err := gateway.Execute(t.Context(), refund); err != nil || o.Status != "258" || !o.Retryable {
		t.Errorf("a part: %+v, %v", o, err)
	}
	refund.ID, refund.AmountCents = "pop_3", 1999
	lose(t, s)
	if _, err := gateway.Execute(t.Context(), refund); err == nil {
		t.Error("the reply was not lost")
	}
	o, found, err := gateway.Lookup(t.Context(), refund)
	if err != nil || !found || o.State != payment.Succeeded || o.Status != "303" {
		t.Errorf("lookup: %+v, found %t, %v", o, found, err)
	}
	if a, _ := s.Ledger.Account(charge.Reference); a.Net != 0 || a.Captured != 1999 || a.Voided != 1999 {
		t.Errorf("account %+v", a)
	}
}
