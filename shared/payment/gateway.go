package payment

import (
	"context"

	"github.com/rackless/rackless/shared/txn"
)

// Kind is what an operation wants of a gateway.
type Kind string

// The kinds of operations.
const (
	Authorize Kind = "authorize" // set money aside
	Capture   Kind = "capture"   // take what was set aside
	Void      Kind = "void"      // let go of what was set aside
	Refund    Kind = "refund"    // give back what was taken
)

// Operation is one intended effect at a gateway.
type Operation struct {
	ID          string // the same on every attempt: the gateway's idempotency key
	Kind        Kind
	PaymentID   string
	OrderID     string
	Token       string // the gateway's for the buyer's instrument
	Reference   string // the gateway's transaction that is followed up
	AmountCents int64  // in the currency's smallest unit
	Currency    string
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

// Outcome is what came of an operation.
type Outcome struct {
	State     State
	Status    string // three digits, see Status
	Reference string // the gateway's transaction
	Detail    string // in words, for staff
}

// Gateway executes operations. It keeps nothing itself.
type Gateway interface {
	// Execute asks the gateway to do it. An error means that the outcome is not
	// known: the money may have moved.
	Execute(context.Context, Operation) (Outcome, error)
	// Lookup asks the gateway what became of an operation that may or may not
	// have reached it. found is false if it never did.
	Lookup(context.Context, Operation) (o Outcome, found bool, err error)
}

// Gateways finds a gateway by the name under which a payment method has it; nil
// if there is none.
type Gateways func(name string, run *txn.Runner) Gateway
