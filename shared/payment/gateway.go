package payment

import (
	"context"
	"time"

	"github.com/rackless/rackless/shared/txn"
)

// Kind is what an operation wants of a gateway.
type Kind string

// The kinds of operations. Approve and Decline decide on what the gateway holds
// for review; for a payment that waits for the buyer's bank, Approve asks whether
// the buyer has done their part.
const (
	Authorize Kind = "authorize" // set money aside
	Charge    Kind = "charge"    // set money aside and take it at once
	Capture   Kind = "capture"   // take what was set aside, or a part of it
	Void      Kind = "void"      // let go of what was set aside and not taken
	Refund    Kind = "refund"    // give back what was taken
	Approve   Kind = "approve"   // let a held authorization or charge go on
	Decline   Kind = "decline"   // refuse a held authorization or charge
)

// Operation is one intended effect at a gateway. A gateway keeps nothing itself:
// what it has to know of the payment is in here, and is the same on every
// attempt, except for Resumed.
type Operation struct {
	ID              string // the gateway's idempotency key
	Kind            Kind
	PaymentID       string
	OrderID         string
	Token           string // the gateway's for the buyer's instrument, never a card number
	Reference       string // the gateway's transaction that is followed up
	AmountCents     int64  // in the currency's smallest unit
	AuthorizedCents int64  // what was set aside before this operation, or taken
	CapturedCents   int64  // what the payment's captures before this operation took
	Currency        string
	Billing         Billing   // for the address check of an authorization or a charge
	BuyerIP         string    // for the gateway's fraud filters; may be empty
	Since           time.Time // when the operation was begun: no attempt is older; zero if not known
	Resumed         bool      // an earlier attempt may have reached the gateway
}

// Billing is the address that the buyer's bank compares with its own. Gateways
// cut what is too long for them.
type Billing struct {
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Company   string `json:"company,omitempty"`
	Address   string `json:"address,omitempty"` // street and house number
	City      string `json:"city,omitempty"`
	Region    string `json:"region,omitempty"`
	Postal    string `json:"postal,omitempty"`
	Country   string `json:"country,omitempty"` // ISO 3166-1, two letters
}

// State is how far an operation has come.
type State string

// The states of an operation. Pending means that the outcome is not known.
const (
	Pending   State = "pending"
	Succeeded State = "succeeded"
	Held      State = "held" // waits for a person
	Declined  State = "declined"
)

// Outcome is what came of an operation. With Held and a ClientSecret, it is the
// buyer's bank that wants to see the buyer (3-D Secure): the shop's page passes
// the secret to the gateway's script, and an Approve, or a Lookup of the same
// operation, tells later what came of it.
type Outcome struct {
	State        State
	Status       string // three digits, see Status
	Reference    string // the gateway's transaction, which later operations follow up
	Record       string // the gateway's own record of this operation, if that is another: a refund's
	Detail       string // in words, for staff
	Code         string // the gateway's reason, as it says it
	AuthCode     string // the bank's
	AVS, CVV     string // one letter each, by the meaning Authorize.Net gives them; empty: not checked
	Amex         bool   // the card is American Express's, which vouches for no card code
	InParts      bool   // an authorization: it can be captured in parts, see Open
	Open         bool   // a capture of a part: the rest stays set aside for another one
	Retryable    bool   // Declined for now only: a new operation may fare better later
	ClientSecret string `json:"-"` // for the buyer's browser alone: never stored or logged
}

// Gateway executes operations. It keeps nothing itself, does not repeat what
// failed, and puts neither tokens nor what it sent into errors.
type Gateway interface {
	// Execute asks the gateway to do it. An error means that the outcome is not
	// known: the money may have moved. A repetition with the same operation has
	// no second effect.
	Execute(context.Context, Operation) (Outcome, error)
	// Lookup asks the gateway what became of an operation that may or may not
	// have reached it, or that was held: the outcome is the present one. found
	// is false if it never arrived; what is on its way may still arrive, so the
	// intent is settled only by an Execute or by asking again.
	Lookup(context.Context, Operation) (o Outcome, found bool, err error)
	// Standing asks how the payment of an operation, known by its reference, stands
	// at the gateway, whoever has done what to it; found is false if the gateway has
	// none, or has not decided on it yet.
	Standing(context.Context, Operation) (s Standing, found bool, err error)
}

// Standing is what a gateway's books say of a payment, all in all, in the
// currency's smallest unit.
type Standing struct {
	AsideCents    int64 // set aside, and neither taken nor let go of
	CapturedCents int64 // taken
	RefundedCents int64 // given back of it; less where the gateway does not tell
}

// Gateways finds a gateway by the name under which a payment method has it, as
// the shop of the context uses it; with kind NotFound if there is none, or if the
// shop has no account there.
type Gateways func(ctx context.Context, run *txn.Runner, name string) (Gateway, error)
