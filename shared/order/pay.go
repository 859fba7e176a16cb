package order

import (
	"context"
	"strings"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/card"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// PayInput gives another instrument for the declined payments of an order.
type PayInput struct {
	ID     string `json:"-" path:"id"`
	Tender string `json:"tender"` // CREDIT, or another that a gateway is behind
	Token  string `json:"token"`  // the gateway's for the buyer's instrument; never a card number
	// Billing is the address that the instrument is registered with; default: the
	// order's.
	Billing *cart.Contact `json:"billing,omitempty"`
}

// Validate refuses what cannot pay.
func (in PayInput) Validate() error {
	var f fault.Fields
	f.Check(in.Tender != "" && len(in.Tender) <= 20, "/tender", "must name a tender, e.g. CREDIT")
	f.Check(in.Token != "" && len(in.Token) <= 1024, "/token", "must be the gateway's token, of 1024 characters at most")
	f.Check(!card.Contains(in.Token), "/token", "must be the gateway's token; card numbers are not accepted")
	return f.Err()
}

// Pay has the declined payments of a pending order tried again with another
// instrument; the goods stay set aside meanwhile, until the order's time is up.
// An order that is not pending, or whose payments were not declined, is refused
// with kind Conflict.
func Pay(ctx context.Context, tx *txn.Tx, in PayInput) (Order, error) {
	o, err := load(ctx, tx, in.ID, " FOR UPDATE")
	if err != nil {
		return Order{}, err
	}
	if o.State != state.Pending || !tx.Now.Before(o.ExpiresAt) {
		return Order{}, fault.New(fault.Conflict, "order %s is not waiting for a payment", o.Number).With("state", o.State)
	}
	tender := strings.ToUpper(in.Tender)
	method, err := shop.PaymentMethodOf(ctx, tx, tender)
	if fault.Is(err, fault.NotFound) || err == nil && (!method.Enabled || method.Gateway == "") {
		return Order{}, fault.New(fault.Unprocessable, "the shop does not take %s by a gateway", tender)
	}
	if err != nil {
		return Order{}, err
	}
	if in.Billing != nil {
		o.Billing = *in.Billing
	}
	with := payment.Intent{Tender: tender, Gateway: method.Gateway, CaptureOn: method.Capture, Policy: method.Review, Token: in.Token, Billing: billing(o)}
	if !tx.Who.Trusted() {
		with.BuyerIP = tx.Cause().Address
	}
	if err := payment.Retry(ctx, tx, o.ID, with); err != nil {
		return Order{}, err
	}
	return Get(ctx, tx, GetInput{ID: o.ID})
}
