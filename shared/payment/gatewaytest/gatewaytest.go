// Package gatewaytest is what every payment.Gateway must do, as tests that its
// own package runs against a bank: a simulator, a sandbox or the test gateway's
// table. Only tests may import it.
package gatewaytest

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/payment"
)

// Book is what a bank booked on one payment, in the currency's smallest unit.
// Amounts only grow; Voided is what was let go of, held or captured.
type Book struct{ Authorized, Captured, Voided, Refunded int64 }

// A Fault is what happens to a request on its way.
type Fault string

// The faults.
const (
	Lost    Fault = "lost"    // booked, but the reply never comes
	Dropped Fault = "dropped" // never booked, and no reply comes
)

// Bank is a gateway and the bank behind it, of which each test has its own. The
// functions that are nil belong to tests that a bank cannot take part in, as a
// sandbox cannot lose replies on demand.
type Bank struct {
	Gateway payment.Gateway
	Now     func() time.Time
	// Approved, Declined and Held give an operation an instrument for which the
	// bank does that. One-time instruments are made anew.
	Approved, Declined, Held func(*payment.Operation)
	// Settle does what must happen before a part of a capture can be refunded.
	// All of it can be refunded without.
	Settle func()
	// KeepsRest tells that the bank keeps the rest of what is captured in part.
	KeepsRest bool
	// Confirm is what the buyer does, on a payment with that reference, before a
	// held payment can be approved; nil if nothing.
	Confirm func(reference string)
	// Books returns what was booked, by the references of the payments.
	Books func() map[string]Book
	// Break has the fault happen to the operation that is executed next. It
	// returns false if the bank cannot do that.
	Break func(*payment.Operation, Fault) bool
}

const price = 1999

// Run runs the tests. open is called once for each.
func Run(t *testing.T, open func(*testing.T) *Bank) {
	for name, test := range map[string]func(*testing.T, *Bank){
		"authorize_capture_refund": captureAndRefund,
		"charge_refund":            chargeAndRefund,
		"parts":                    parts,
		"several_captures":         severalCaptures,
		"void":                     void,
		"decline":                  decline,
		"card_numbers":             cardNumbers,
		"approve_held":             approveHeld,
		"decline_held":             declineHeld,
		"repeat":                   repeat,
		"at_once":                  atOnce,
		"never_sent":               neverSent,
		"settled":                  settled,
		"limits":                   limits,
		"lost_replies":             func(t *testing.T, b *Bank) { broken(t, b, Lost) },
		"dropped_requests":         func(t *testing.T, b *Bank) { broken(t, b, Dropped) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// sale returns an authorization or charge with an instrument.
func (b *Bank) sale(kind payment.Kind, instrument func(*payment.Operation)) payment.Operation {
	op := b.operation(kind)
	instrument(&op)
	return op
}

func (b *Bank) operation(kind payment.Kind) payment.Operation {
	return payment.Operation{
		ID: ident.New(ident.Operation), Kind: kind, PaymentID: ident.New(ident.Payment), OrderID: ident.New(ident.Order),
		AmountCents: price, Currency: "USD", Since: b.Now(),
	}
}

// on returns an operation that follows up a payment of price.
func (b *Bank) on(sale payment.Operation, o payment.Outcome, kind payment.Kind, cents, captured int64) payment.Operation {
	op := b.operation(kind)
	op.PaymentID, op.OrderID, op.Token, op.Reference = sale.PaymentID, sale.OrderID, sale.Token, o.Reference
	op.AmountCents, op.AuthorizedCents, op.CapturedCents = cents, price, captured
	return op
}

// must executes an operation and fails the test unless it comes to the state.
func (b *Bank) must(t *testing.T, op payment.Operation, want payment.State) payment.Outcome {
	t.Helper()
	o, err := b.Gateway.Execute(t.Context(), op)
	if err != nil || o.State != want {
		t.Fatalf("%s: %+v, %v; want %s", op.Kind, o, err, want)
	}
	check(t, op, o)
	return o
}

// check fails the test if an outcome contradicts itself.
func check(t *testing.T, op payment.Operation, o payment.Outcome) {
	t.Helper()
	classes := map[payment.State]map[payment.Kind]string{
		payment.Succeeded: {payment.Authorize: "1", payment.Charge: "0", payment.Capture: "0", payment.Void: "6", payment.Refund: "3", payment.Approve: "01", payment.Decline: "6"},
	}
	class := map[payment.State]string{payment.Held: "4", payment.Declined: "2"}[o.State]
	if o.State == payment.Succeeded {
		class = classes[o.State][op.Kind]
	}
	switch {
	case len(o.Status) != 3 || class == "" || !contains(class, o.Status[0]):
		t.Errorf("%s came to %s with status %q", op.Kind, o.State, o.Status)
	case o.State != payment.Declined && o.Reference == "":
		t.Errorf("%s came to %s without a reference", op.Kind, o.State)
	case o.State != payment.Declined && op.Kind != payment.Authorize && op.Kind != payment.Charge && o.Reference != op.Reference:
		t.Errorf("%s made of reference %q %q", op.Kind, op.Reference, o.Reference)
	}
}

func contains(classes string, class byte) bool {
	for i := range len(classes) {
		if classes[i] == class {
			return true
		}
	}
	return false
}

// booked fails the test unless the bank booked that and nothing else.
func (b *Bank) booked(t *testing.T, want map[string]Book) {
	t.Helper()
	if b.Books == nil {
		return
	}
	got := b.Books()
	for reference, book := range got {
		if book == (Book{}) { // a declined payment
			delete(got, reference)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("booked (-want +got):\n%s", diff)
	}
}

// settle reports whether parts of captures can be refunded now.
func (b *Bank) settle() bool {
	if b.Settle == nil {
		return false
	}
	b.Settle()
	return true
}

func captureAndRefund(t *testing.T, b *Bank) {
	sale := b.sale(payment.Authorize, b.Approved)
	o := b.must(t, sale, payment.Succeeded)
	b.booked(t, map[string]Book{o.Reference: {Authorized: price}})
	b.must(t, b.on(sale, o, payment.Capture, price, 0), payment.Succeeded)
	b.settle()
	b.must(t, b.on(sale, o, payment.Refund, price, price), payment.Succeeded)
	b.booked(t, map[string]Book{o.Reference: {Authorized: price, Captured: price, Refunded: price}})
}

func chargeAndRefund(t *testing.T, b *Bank) {
	sale := b.sale(payment.Charge, b.Approved)
	o := b.must(t, sale, payment.Succeeded)
	b.settle()
	b.must(t, b.on(sale, o, payment.Refund, price, price), payment.Succeeded)
	b.booked(t, map[string]Book{o.Reference: {Authorized: price, Captured: price, Refunded: price}})
}

// Parts of an authorization can be captured, and parts of that refunded.
func parts(t *testing.T, b *Bank) {
	sale := b.sale(payment.Authorize, b.Approved)
	o := b.must(t, sale, payment.Succeeded)
	b.must(t, b.on(sale, o, payment.Capture, 1500, 0), payment.Succeeded)
	if !b.settle() {
		return
	}
	b.must(t, b.on(sale, o, payment.Refund, 600, 1500), payment.Succeeded)
	b.must(t, b.on(sale, o, payment.Refund, 600, 1500), payment.Succeeded)
	if b.Books == nil {
		return
	}
	got := b.Books()[o.Reference]
	got.Voided = 0 // banks differ in when they let go of the rest
	if want := (Book{Authorized: price, Captured: 1500, Refunded: 1200}); got != want {
		t.Errorf("booked %+v, want %+v", got, want)
	}
}

// The rest of what is captured in part is captured later, or let go of, by banks
// that keep it; those that do not say so, and take no second capture.
func severalCaptures(t *testing.T, b *Bank) {
	sale := b.sale(payment.Authorize, b.Approved)
	o := b.must(t, sale, payment.Succeeded)
	if o.InParts != b.KeepsRest {
		t.Errorf("the authorization can be captured in parts: %t, want %t", o.InParts, b.KeepsRest)
	}
	first := b.on(sale, o, payment.Capture, 500, 0)
	if got := b.must(t, first, payment.Succeeded); got.Open != b.KeepsRest {
		t.Fatalf("after a capture in part the rest is kept: %t, want %t", got.Open, b.KeepsRest)
	}
	second := b.on(sale, o, payment.Capture, 700, 500)
	if !b.KeepsRest {
		b.must(t, second, payment.Declined)
		return
	}
	if _, found, err := b.Gateway.Lookup(t.Context(), second); found || err != nil {
		t.Errorf("a second capture is found before it was asked for: %t, %v", found, err)
	}
	for range 2 {
		if got := b.must(t, second, payment.Succeeded); !got.Open {
			t.Error("the rest is gone after the second capture")
		}
	}
	if got, found, err := b.Gateway.Lookup(t.Context(), second); !found || err != nil || got.State != payment.Succeeded || !got.Open {
		t.Errorf("the second capture is %+v, found %t, %v", got, found, err)
	}
	b.must(t, b.on(sale, o, payment.Capture, price-1200+1, 1200), payment.Declined)
	rest := b.on(sale, o, payment.Void, price-1200, 1200)
	if got, err := b.Gateway.Execute(t.Context(), rest); err != nil || got.State != payment.Succeeded {
		t.Errorf("the rest is not let go of: %+v, %v", got, err)
	}
	b.must(t, b.on(sale, o, payment.Capture, 1, 1200), payment.Declined)
	b.must(t, b.on(sale, o, payment.Refund, 1200, 1200), payment.Succeeded)
	b.booked(t, map[string]Book{o.Reference: {Authorized: price, Captured: 1200, Voided: price - 1200, Refunded: 1200}})
}

func void(t *testing.T, b *Bank) {
	sale := b.sale(payment.Authorize, b.Approved)
	o := b.must(t, sale, payment.Succeeded)
	b.must(t, b.on(sale, o, payment.Void, price, 0), payment.Succeeded)
	b.booked(t, map[string]Book{o.Reference: {Authorized: price, Voided: price}})
	b.must(t, b.on(sale, o, payment.Capture, price, 0), payment.Declined)
	b.booked(t, map[string]Book{o.Reference: {Authorized: price, Voided: price}})
}

func decline(t *testing.T, b *Bank) {
	for _, kind := range []payment.Kind{payment.Authorize, payment.Charge} {
		sale := b.sale(kind, b.Declined)
		b.must(t, sale, payment.Declined)
		o, found, err := b.Gateway.Lookup(t.Context(), sale)
		if err != nil || found && o.State != payment.Declined {
			t.Errorf("lookup: %+v, found %t, %v", o, found, err)
		}
	}
	b.booked(t, map[string]Book{})
}

func cardNumbers(t *testing.T, b *Bank) {
	for _, token := range []string{"4111111111111111", "4111 1111 1111 1111", "3782-822463-10005"} {
		o := b.must(t, b.sale(payment.Charge, func(op *payment.Operation) { op.Token = token }), payment.Declined)
		if o.Reference != "" || o.Detail == token {
			t.Errorf("outcome %+v", o)
		}
	}
	b.booked(t, map[string]Book{})
}

func approveHeld(t *testing.T, b *Bank) {
	if b.Held == nil {
		return
	}
	sale := b.sale(payment.Authorize, b.Held)
	o := b.must(t, sale, payment.Held)
	if again, found, err := b.Gateway.Lookup(t.Context(), sale); err != nil || !found || again.State != payment.Held {
		t.Errorf("lookup: %+v, found %t, %v", again, found, err)
	}
	if b.Confirm != nil {
		if o.ClientSecret == "" {
			t.Error("there is no secret for the buyer's browser")
		}
		b.must(t, b.on(sale, o, payment.Approve, price, 0), payment.Held)
		b.Confirm(o.Reference)
	}
	b.must(t, b.on(sale, o, payment.Approve, price, 0), payment.Succeeded)
	if again, found, err := b.Gateway.Lookup(t.Context(), sale); err != nil || !found || again.State != payment.Succeeded {
		t.Errorf("lookup of what was approved: %+v, found %t, %v", again, found, err)
	}
	b.must(t, b.on(sale, o, payment.Capture, price, 0), payment.Succeeded)
	b.booked(t, map[string]Book{o.Reference: {Authorized: price, Captured: price}})
}

func declineHeld(t *testing.T, b *Bank) {
	if b.Held == nil {
		return
	}
	sale := b.sale(payment.Authorize, b.Held)
	o := b.must(t, sale, payment.Held)
	b.must(t, b.on(sale, o, payment.Decline, price, 0), payment.Succeeded)
	if again, found, err := b.Gateway.Lookup(t.Context(), sale); err != nil || !found || again.State != payment.Declined {
		t.Errorf("lookup of what was declined: %+v, found %t, %v", again, found, err)
	}
	b.must(t, b.on(sale, o, payment.Capture, price, 0), payment.Declined)
	if b.Books == nil {
		return
	}
	if got := b.Books()[o.Reference]; got.Captured != 0 || got.Authorized != got.Voided {
		t.Errorf("booked %+v", got)
	}
}

// Whatever is asked twice happens once, and is answered the same.
func repeat(t *testing.T, b *Bank) {
	twice := func(op payment.Operation) payment.Outcome {
		t.Helper()
		first := b.must(t, op, payment.Succeeded)
		op.Resumed = true
		second := b.must(t, op, payment.Succeeded)
		if first.Reference != second.Reference || first.Status != second.Status {
			t.Errorf("%s: first %+v, then %+v", op.Kind, first, second)
		}
		third, found, err := b.Gateway.Lookup(t.Context(), op)
		if err != nil || !found || third.State != payment.Succeeded || third.Reference != first.Reference || third.Status != first.Status {
			t.Errorf("lookup of %s: %+v, found %t, %v; executed %+v", op.Kind, third, found, err, first)
		}
		return first
	}
	sale := b.sale(payment.Authorize, b.Approved)
	o := twice(sale)
	twice(b.on(sale, o, payment.Capture, price, 0))
	if b.settle() {
		twice(b.on(sale, o, payment.Refund, 700, price))
	}
	charge := b.sale(payment.Charge, b.Approved)
	c := twice(charge)
	sale = b.sale(payment.Authorize, b.Approved)
	v := twice(sale)
	twice(b.on(sale, v, payment.Void, price, 0))
	b.booked(t, map[string]Book{
		o.Reference: {Authorized: price, Captured: price, Refunded: 700},
		c.Reference: {Authorized: price, Captured: price},
		v.Reference: {Authorized: price, Voided: price},
	})
}

// Several attempts of one operation at the same time have one effect. Some may
// not learn of it.
func atOnce(t *testing.T, b *Bank) {
	op := b.sale(payment.Charge, b.Approved)
	op.Resumed = true
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if o, err := b.Gateway.Execute(t.Context(), op); err == nil && o.State != payment.Succeeded {
				t.Errorf("charge: %+v", o)
			}
		})
	}
	group.Wait()
	o, found, err := b.Gateway.Lookup(t.Context(), op)
	if err != nil || !found || o.State != payment.Succeeded {
		t.Fatalf("lookup: %+v, found %t, %v", o, found, err)
	}
	b.booked(t, map[string]Book{o.Reference: {Authorized: price, Captured: price}})
}

// What was done is found when it is long settled, too.
func settled(t *testing.T, b *Bank) {
	charge := b.sale(payment.Charge, b.Approved)
	c := b.must(t, charge, payment.Succeeded)
	sale := b.sale(payment.Authorize, b.Approved)
	o := b.must(t, sale, payment.Succeeded)
	capture := b.on(sale, o, payment.Capture, price, 0)
	b.must(t, capture, payment.Succeeded)
	if !b.settle() {
		return
	}
	refund := b.on(charge, c, payment.Refund, 700, price)
	b.must(t, refund, payment.Succeeded)
	b.settle()
	for _, op := range []payment.Operation{charge, sale, capture, refund} {
		if o, found, err := b.Gateway.Lookup(t.Context(), op); err != nil || !found || o.State != payment.Succeeded {
			t.Errorf("%s: %+v, found %t, %v", op.Kind, o, found, err)
		}
	}
}

// What never reached the bank is not found, also if there is something similar.
func neverSent(t *testing.T, b *Bank) {
	sale := b.sale(payment.Authorize, b.Approved)
	o := b.must(t, sale, payment.Succeeded)
	again := b.sale(payment.Authorize, b.Approved) // as after a decline
	again.OrderID, again.PaymentID = sale.OrderID, sale.PaymentID
	ops := []payment.Operation{
		again, b.sale(payment.Charge, b.Approved),
		b.on(sale, o, payment.Capture, price, 0), b.on(sale, o, payment.Void, price, 0), b.on(sale, o, payment.Refund, price, price),
	}
	b.must(t, b.on(sale, o, payment.Capture, 500, 0), payment.Succeeded)
	ops = append(ops, b.on(sale, o, payment.Capture, 500, 500), b.on(sale, o, payment.Refund, 500, 500))
	if b.settle() {
		b.must(t, b.on(sale, o, payment.Refund, 200, 500), payment.Succeeded)
		ops = append(ops, b.on(sale, o, payment.Refund, 200, 500))
	}
	for i, op := range ops {
		if o, found, err := b.Gateway.Lookup(t.Context(), op); err != nil || found {
			t.Errorf("%d: %s: %+v, found %t, %v", i, op.Kind, o, found, err)
		}
	}
}

// A bank gives no more than was set aside, and gives back no more than was taken.
func limits(t *testing.T, b *Bank) {
	sale := b.sale(payment.Authorize, b.Approved)
	o := b.must(t, sale, payment.Succeeded)
	b.must(t, b.on(sale, o, payment.Refund, price, 0), payment.Declined)
	b.must(t, b.on(sale, o, payment.Capture, price+1, 0), payment.Declined)
	b.must(t, b.on(sale, o, payment.Capture, price, 0), payment.Succeeded)
	b.must(t, b.on(sale, o, payment.Capture, price, price), payment.Declined)
	if !b.settle() {
		return
	}
	b.must(t, b.on(sale, o, payment.Void, price, price), payment.Declined)
	b.must(t, b.on(sale, o, payment.Refund, price+1, price), payment.Declined)
	b.must(t, b.on(sale, o, payment.Refund, price-1, price), payment.Succeeded)
	b.must(t, b.on(sale, o, payment.Refund, 2, price), payment.Declined)
	b.booked(t, map[string]Book{o.Reference: {Authorized: price, Captured: price, Refunded: price - 1}})
}

// An operation that got no reply is an error, a Lookup tells whether it happened,
// and trying again ends it with one effect.
func broken(t *testing.T, b *Bank, fault Fault) {
	if b.Break == nil {
		return
	}
	// through executes the operation under the fault, as the payment functions do.
	through := func(op payment.Operation) payment.Outcome {
		t.Helper()
		if !b.Break(&op, fault) {
			return b.must(t, op, payment.Succeeded)
		}
		if o, err := b.Gateway.Execute(t.Context(), op); err == nil {
			t.Fatalf("%s: %+v; want an error", op.Kind, o)
		}
		op.Resumed = true
		o, found, err := b.Gateway.Lookup(t.Context(), op)
		if err != nil || found != (fault == Lost) || found && o.State != payment.Succeeded {
			t.Fatalf("lookup of %s: %+v, found %t, %v", op.Kind, o, found, err)
		}
		if found {
			check(t, op, o)
		}
		again := b.must(t, op, payment.Succeeded)
		if found && (again.Reference != o.Reference || again.Status != o.Status) {
			t.Errorf("%s: found %+v, then %+v", op.Kind, o, again)
		}
		return again
	}
	sale := b.sale(payment.Authorize, b.Approved)
	o := through(sale)
	through(b.on(sale, o, payment.Capture, price, 0))
	b.settle()
	through(b.on(sale, o, payment.Refund, 700, price))
	through(b.on(sale, o, payment.Refund, 700, price))
	charge := b.sale(payment.Charge, b.Approved)
	c := through(charge)
	sale = b.sale(payment.Authorize, b.Approved)
	v := through(sale)
	through(b.on(sale, v, payment.Void, price, 0))
	b.booked(t, map[string]Book{
		o.Reference: {Authorized: price, Captured: price, Refunded: 1400},
		c.Reference: {Authorized: price, Captured: price},
		v.Reference: {Authorized: price, Voided: price},
	})
}
