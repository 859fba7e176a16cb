package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/payment/card"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// verifiedCents is what a verification sets aside for a moment, in the currency's
// smallest unit: every gateway takes as much, and not every bank takes less.
const verifiedCents = 100

// verifyWithin is when a verification whose function died is taken back.
const verifyWithin = time.Hour

// VerifyInput asks whether a buyer's instrument is good.
type VerifyInput struct {
	Tender  string  `json:"tender"` // CREDIT, or another that a gateway is behind
	Token   string  `json:"token"`  // the gateway's for the buyer's instrument; never a card number
	Billing Billing `json:"billing,omitzero"`
}

// Validate refuses what no gateway can be asked about.
func (in VerifyInput) Validate() error {
	var f fault.Fields
	f.Check(in.Tender != "" && len(in.Tender) <= 20, "/tender", "must name a tender, e.g. CREDIT")
	f.Check(in.Token != "" && len(in.Token) <= 1024, "/token", "must be the gateway's token, of 1024 characters at most")
	f.Check(!card.Contains(in.Token), "/token", "must be the gateway's token; card numbers are not accepted")
	return f.Err()
}

// Verified is what the buyer's bank and the shop's policy say of an instrument.
type Verified struct {
	PaymentID string `json:"payment_id"`       // under which the gateway was asked
	State     State  `json:"state"`            // succeeded, held or declined
	AVS       string `json:"avs,omitempty"`    // of the address, see Outcome
	CVV       string `json:"cvv,omitempty"`    // of the card code
	Review    string `json:"review,omitempty"` // of the shop's policy, see status.Policy
	Detail    string `json:"detail,omitempty"`
}

// VerifyInstrument asks a gateway whether an instrument is good, without an order: a unit of
// money is set aside and let go of at once, which is what all gateways can do. Its
// payment is closed from the beginning, so that nothing is ever taken of it; if the
// function dies in between, a timer lets go of it.
func VerifyInstrument(gateways Gateways) func(context.Context, *txn.Runner, string, VerifyInput) (func(*txn.Tx) (Verified, error), error) {
	return func(ctx context.Context, run *txn.Runner, name string, in VerifyInput) (func(*txn.Tx) (Verified, error), error) {
		var a *attempt
		id := ident.Derive(ident.Payment, name)
		err := run.Do(ctx, func(tx *txn.Tx) error {
			p, err := openVerification(ctx, tx, id, in)
			if err == nil {
				a, err = resumed(ctx, tx, name, p, Authorize)
			}
			if err == nil && a == nil {
				a, err = begin(ctx, tx, name, p, Authorize, p.AmountCents)
			}
			return err
		})
		if err == nil {
			err = finish(ctx, run, gateways, []*attempt{a})
		}
		if err != nil {
			return nil, err
		}
		letGo, err := CloseOrder(ctx, run, gateways, name, a.OrderID, 0)
		if err != nil {
			return nil, err
		}
		return func(tx *txn.Tx) (Verified, error) {
			if err := letGo(tx); err != nil {
				return Verified{}, err
			}
			p, err := lockOne(ctx, tx, id)
			if err == nil {
				err = EraseBuyer(ctx, tx, []string{p.OrderID})
			}
			return Verified{PaymentID: id, State: a.outcome.State, AVS: p.AVS, CVV: p.CVV, Review: p.Review, Detail: a.outcome.Detail}, err
		}, nil
	}
}

// isVerification reports whether the payment is of no order: nobody is told of it.
func (p Payment) isVerification() bool { return ident.Valid(ident.Verification, p.OrderID) }

// openVerification writes the payment of a verification, or returns the one that is
// there.
func openVerification(ctx context.Context, tx *txn.Tx, id string, in VerifyInput) (Payment, error) {
	method, err := shop.PaymentMethodOf(ctx, tx, in.Tender)
	if fault.Is(err, fault.NotFound) || err == nil && (!method.Enabled || method.Gateway == "") {
		return Payment{}, fault.New(fault.Unprocessable, "the shop does not take %s by a gateway", in.Tender)
	}
	if err != nil {
		return Payment{}, err
	}
	order := ident.Derive(ident.Verification, id)
	tag, err := tx.Exec(ctx, `
		INSERT INTO payments (payment_id, shop_id, order_id, position, tender, gateway, token, currency, status, amount_cents, policy, billing,
		                      detail, closed_at, created_at, updated_at)
		SELECT $1, shop_id, $2, 0, $3, $4, $5, currency, $6, $7, $8, $9, 'a verification', $10, $10, $10
		FROM shops
		WHERE shop_id = current_shop()
		ON CONFLICT DO NOTHING`, id, order, in.Tender, method.Gateway, in.Token, statusNew, verifiedCents, method.Review, in.Billing, tx.Now)
	if err != nil {
		return Payment{}, fmt.Errorf("open a verification: %w", err)
	}
	if tag.RowsAffected() == 1 {
		tx.EmitAt(tx.Now.Add(verifyWithin), events.PaymentReturnDue{OrderID: order})
	}
	return lockOne(ctx, tx, id)
}
