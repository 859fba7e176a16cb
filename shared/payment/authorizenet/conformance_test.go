package authorizenet_test

import (
	"net/http/httptest"
	"os"
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
