package payment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/payment/status"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// AuthorizeOrder is the step of the checkout that sees to an order's payments
// once its goods are reserved: gift cards are charged, gateways asked to set the
// money aside, what people will receive later is noted. It states whether the
// order can be confirmed. A payment that is declined ends the attempt; those
// after it in the queue are not tried.
func AuthorizeOrder(gateways Gateways) func(context.Context, *txn.Runner, string, events.InventoryReserved) (func(*txn.Tx) error, error) {
	return func(ctx context.Context, run *txn.Runner, name string, e events.InventoryReserved) (func(*txn.Tx) error, error) {
		return authorize(ctx, gateways, run, name, e.OrderID)
	}
}

// AuthorizeRetried is the same step once more, with another instrument of the
// buyer.
func AuthorizeRetried(gateways Gateways) func(context.Context, *txn.Runner, string, events.PaymentRetried) (func(*txn.Tx) error, error) {
	return func(ctx context.Context, run *txn.Runner, name string, e events.PaymentRetried) (func(*txn.Tx) error, error) {
		return authorize(ctx, gateways, run, name, e.OrderID)
	}
}

func authorize(ctx context.Context, gateways Gateways, run *txn.Runner, name, orderID string) (func(*txn.Tx) error, error) {
	var refused *txn.Tx // the transaction that refused a payment without asking: those after it are not tried
	attempts, err := beginAll(ctx, run, name, orderID, func(tx *txn.Tx, p Payment) (Kind, int64, error) {
		if p.ClosedAt != nil || p.Status != statusNew || p.Gateway == "" || refused == tx {
			return "", 0, nil
		}
		tried, err := triedTooOften(ctx, tx, p)
		if err != nil || tried {
			refused = tx
			return "", 0, err
		}
		return p.sale(), p.AmountCents, nil
	})
	if err != nil {
		return nil, err
	}
	for i, a := range attempts {
		if i > 0 && attempts[i-1].outcome.State == Declined {
			a.outcome = Outcome{State: Declined, Status: statusNew, Detail: "not tried: a payment before it was declined"}
			continue
		}
		if err := a.execute(ctx, gateways, run); err != nil {
			return nil, err
		}
	}
	return func(tx *txn.Tx) error { return authorized(ctx, tx, orderID, attempts) }, nil
}

// authorized records the outcomes, settles what needs no gateway and states what
// the order's payments came to.
func authorized(ctx context.Context, tx *txn.Tx, orderID string, attempts []*attempt) error {
	payments, err := lockOrder(ctx, tx, orderID)
	if err != nil {
		return err
	}
	byID := map[string]*attempt{}
	for _, a := range attempts {
		byID[a.PaymentID] = a
	}
	for i := range payments {
		p := &payments[i]
		if a := byID[p.ID]; a != nil {
			if _, err := a.record(ctx, tx, p); err != nil {
				return err
			}
		}
	}
	return conclude(ctx, tx, orderID, payments)
}

// sale is how the money of a payment is asked for: what the shop wants to judge
// first is not taken at once.
func (p Payment) sale() Kind {
	if p.CaptureOn == shop.AtOnce && p.Policy == (status.Policy{}) {
		return Charge
	}
	return Authorize
}

// triedTooOften declines a payment without asking the gateway if as many were
// declined lately, from the same address of the network, as the shop bears.
func triedTooOften(ctx context.Context, tx *txn.Tx, p Payment) (bool, error) {
	if p.Policy.DeclinesPerHour == 0 || p.BuyerIP == "" {
		return false, nil
	}
	var declined int
	err := tx.QueryRow(ctx, `
		SELECT count(*)
		FROM payment_operations AS o
		JOIN payments AS p USING (payment_id)
		WHERE o.shop_id = current_shop() AND o.state = 'declined' AND o.ended_at > $1 AND o.kind IN ('authorize', 'charge') AND p.buyer_ip = $2`,
		tx.Now.Add(-time.Hour), p.BuyerIP).Scan(&declined)
	if err != nil {
		return false, fmt.Errorf("count declined payments: %w", err)
	}
	if declined < p.Policy.DeclinesPerHour {
		return false, nil
	}
	p.Status, p.Review, p.Detail = statusFraud, reviewScore, "too many payments from the buyer's address were declined within an hour"
	save(tx, p)
	return true, nil
}

// conclude states what the payments of an order, which are locked, have come to,
// and settles what needs no gateway once the others are good.
func conclude(ctx context.Context, tx *txn.Tx, orderID string, payments []Payment) error {
	declined, held := false, false
	for _, p := range payments {
		if p.ClosedAt != nil {
			continue
		}
		declined = declined || p.class() == '2' || p.class() == '9' || p.class() == '6'
		held = held || p.class() == '4'
	}
	if ended(payments) {
		return nil // meanwhile
	}
	switch {
	case declined:
		tx.Emit(events.PaymentDeclined{OrderID: orderID, Payments: stated(payments)})
		return nil
	case held:
		tx.Emit(events.PaymentHeld{OrderID: orderID, Payments: stated(payments)})
		return nil
	}
	for i := range payments {
		if err := settle(ctx, tx, &payments[i]); err != nil {
			return err
		}
	}
	tx.Emit(events.PaymentAuthorized{OrderID: orderID, Payments: stated(payments)})
	return nil
}

// ended reports whether nothing may begin on the payments of an order any more.
func ended(payments []Payment) bool {
	return !slices.ContainsFunc(payments, func(p Payment) bool { return p.ClosedAt == nil })
}

// settle sees to a payment that no gateway is behind.
func settle(ctx context.Context, tx *txn.Tx, p *Payment) error {
	switch {
	case p.Status != statusNew:
		return nil
	case p.isLedger():
		if err := shop.SettleGiftCard(ctx, tx, p.GiftCard, p.AmountCents, p.OrderID); err != nil {
			return err
		}
		p.Status, p.AuthorizedCents, p.CapturedCents = cmp.Or(paidByTender[p.Tender], statusByHand), p.AmountCents, p.AmountCents
		tx.Emit(events.PaymentCaptured{OrderID: p.OrderID, PaymentID: p.ID, AmountCents: p.AmountCents})
	default:
		p.Status = pendingByTender[p.Tender]
	}
	save(tx, *p)
	return nil
}
