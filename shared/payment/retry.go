package payment

import (
	"context"
	"fmt"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/payment/status"
	"github.com/rackless/rackless/shared/txn"
)

// Retry has the declined payments of an order tried again with another instrument
// of the buyer, and states it; what was already good stays as it is. An order whose
// payments were not declined, or that has ended, is refused with kind Conflict. It
// locks the order's payments.
func Retry(ctx context.Context, tx *txn.Tx, orderID string, with Intent) error {
	payments, err := lockOrder(ctx, tx, orderID)
	if err != nil {
		return err
	}
	tried := false
	for _, p := range payments {
		switch {
		case p.ClosedAt != nil:
			return fault.New(fault.Conflict, "the order has ended")
		case p.GiftCard != "", p.class() == '5', !status.Can(p.Status, statusNew), p.AuthorizedCents > 0 && p.class() != '6':
			continue // it is good, not tried yet, or holds money that has to be given back first
		}
		_, err := tx.Exec(ctx, `
			UPDATE payments
			SET tender = $2, gateway = $3, capture_on = $4, token = $5, buyer_ip = $6, status = $7, authorized_cents = 0, reference = '', detail = '',
			    awaits_buyer = false, policy = $8, avs = '', cvv = '', review = '', billing = $9, updated_at = $10
			WHERE payment_id = $1`, p.ID, with.Tender, with.Gateway, with.CaptureOn, with.Token, with.BuyerIP, statusNew, with.Policy, with.Billing, tx.Now)
		if err != nil {
			return fmt.Errorf("try payment %s again: %w", p.ID, err)
		}
		tried = true
	}
	if !tried {
		return fault.New(fault.Conflict, "no payment of the order waits for another instrument")
	}
	tx.Emit(events.PaymentRetried{OrderID: orderID})
	return nil
}
