package order

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// ReviseInput is what staff change of a confirmed order: its goods, their prices,
// where they go and how (CommerceRack's macros ITEMADD, ITEMUPDATE, ITEMREMOVE,
// SETSHIPADDR and SETSHIPPING; order specification, §11). Any other amount that staff
// grant is a raw line.
type ReviseInput struct {
	ID         string             `json:"-" path:"id"`
	IfMatch    int64              `json:"-" header:"If-Match"`
	Items      *[]price.Item      `json:"items,omitempty"`       // in place of those that it has
	AddItems   []price.Item       `json:"add_items,omitempty"`   // beside them
	Ship       *price.Destination `json:"ship,omitempty"`        // where it goes
	ShippingID *string            `json:"shipping_id,omitempty"` // the shop's method
	Payment    *Tender            `json:"payment,omitempty"`     // for what it comes to more
	Preview    bool               `json:"preview,omitempty"`     // change nothing, only say what would be
}

func (in ReviseInput) fields() cart.Fields {
	return cart.Fields{Items: in.Items, AddItems: in.AddItems, Ship: in.Ship, ShippingID: in.ShippingID}
}

// Validate refuses what no order can be.
func (in ReviseInput) Validate() error {
	var f fault.Fields
	f.Merge("", in.fields().Validate())
	if in.Payment != nil {
		in.Payment.check(&f, "/payment")
	}
	return f.Err()
}

// Revised is an order with what it came to and comes to.
type Revised struct {
	ID           string       `json:"id"`
	Number       string       `json:"number"`
	Version      int64        `json:"version"`
	Was          price.Cents  `json:"was"`
	Is           price.Cents  `json:"is"`
	Items        []price.Item `json:"items"`                   // as they are asked for; what a further revision begins with
	MissingCents int64        `json:"missing_cents,omitempty"` // what the payments do not cover
	ExcessCents  int64        `json:"excess_cents,omitempty"`  // what of them goes back
	Totals       price.Totals `json:"totals"`
}

// Revise prices a confirmed order with changes again, as it was priced when it was
// placed, and makes its goods, coupons, payments and lines follow. It is refused
// with kind Conflict once goods have left, for an order of a marketplace, which sets
// its prices, and where goods or payments cannot follow; with Unprocessable if it
// comes to more than is paid for. A payment for that is tried afterwards; if it is
// declined, the order is not paid, and staff revise it once more.
func Revise(ctx context.Context, tx *txn.Tx, in ReviseInput) (Revised, error) {
	o, err := load(ctx, tx, in.ID, " FOR UPDATE")
	if err != nil {
		return Revised{}, err
	}
	r := Revised{ID: o.ID, Number: o.Number, Version: o.Version}
	b, was, err := basis(ctx, tx, o.ID, &r.Number)
	switch {
	case err != nil:
		return r, err
	case in.IfMatch != 0 && in.IfMatch != o.Version:
		return r, fault.New(fault.Precondition, "the order has changed: it is version %d now", o.Version)
	case o.State != state.Confirmed, len(o.Shipments) > 0, b.Cart.Marketplace:
		return r, fault.New(fault.Conflict, "order %s cannot be revised: it must be confirmed, the shop's own, and nothing of it shipped", o.Number).With("state", o.State)
	}
	if b, err = b.With(ctx, tx, in.fields()); err != nil {
		return r, err
	}
	b.Cart.Explain = true
	totals, err := b.Price()
	if err != nil {
		return r, err
	}
	if len(totals.Errors) > 0 || totals.Sum.ItemsCount == 0 {
		return r, fault.New(fault.Unprocessable, "there can be no such order: cancel it instead, or mend it").With("errors", totals.Errors)
	}
	payments, err := payment.OfOrder(ctx, tx, o.ID)
	if err != nil {
		return r, err
	}
	difference := totals.Cents.Order - payment.Covered(payments)
	r.Was, r.Is, r.Items, r.Totals = was.Cents, totals.Cents, b.Cart.Items, totals
	r.Totals.Explanation = nil
	r.MissingCents, r.ExcessCents = max(difference, 0), max(-difference, 0)
	if in.Preview {
		return r, nil
	}
	r.Version++
	return r, apply(ctx, tx, o, cart.Order{Basis: b, Totals: totals}, r, in.Payment)
}

// apply makes all that hangs on an order follow its revision.
func apply(ctx context.Context, tx *txn.Tx, o Order, now cart.Order, r Revised, tender *Tender) error {
	uses, err := discounts(now)
	if err == nil {
		err = shop.ReviseCoupons(ctx, tx, uses, o.Owner, o.ID)
	}
	if err == nil {
		err = inventory.Revise(ctx, tx, o.ID, goods(r.Totals.Lines))
	}
	if err != nil {
		return err
	}
	var more []payment.Intent
	if tender != nil {
		if more, err = supplement(ctx, tx, o, *tender, r.MissingCents); err != nil {
			return err
		}
	}
	if err := payment.Cover(ctx, tx, o.ID, o.Currency, r.Is.Order, more, fmt.Sprintf("revision %s %d", o.ID, r.Version)); err != nil {
		return err
	}
	was := o.TotalCents
	o.Totals, o.TotalCents = r.Totals, r.Is.Order
	if !slices.Contains(o.Flags, "edited") {
		o.Flags = append(o.Flags, "edited")
	}
	if err := rewrite(ctx, tx, o, now, was); err != nil {
		return err
	}
	tx.Emit(events.OrderRevised{OrderID: o.ID, Number: o.Number, Email: o.Email, Currency: o.Currency, WasCents: was, TotalCents: o.TotalCents})
	return nil
}

// supplement is the payment for what a revised order comes to more. It is confirmed
// already: what would be taken on its confirmation is taken at once.
func supplement(ctx context.Context, tx *txn.Tx, o Order, tender Tender, cents int64) ([]payment.Intent, error) {
	q := queue([]Tender{tender})
	_, intent, err := byMethod(ctx, tx, o, []Tender{tender}, payment.Intent{Tender: q[0].Tender, AmountCents: cents, CaptureOn: "manual"})
	if err != nil {
		return nil, err
	}
	if intent.GiftCard != "" { // an order holds once
		return nil, fault.New(fault.Unprocessable, "what an order comes to more is not taken from %s", intent.Tender)
	}
	if intent.CaptureOn == shop.OnConfirm {
		intent.CaptureOn = shop.AtOnce
	}
	return []payment.Intent{intent}, nil
}

// rewrite stores what an order is after its revision, and writes down who did it.
func rewrite(ctx context.Context, tx *txn.Tx, o Order, now cart.Order, was int64) error {
	var batch pgx.Batch
	var paid bool
	batch.Queue(`DELETE FROM order_lines WHERE order_id = $1`, o.ID)
	queueLines(&batch, tx, o)
	batch.Queue(`
		UPDATE orders AS o
		SET total_cents = $2::bigint, cart = $3, products = $4, totals = $5, explanation = $6, flags = $7, version = version + 1, updated_at = $8::timestamptz,
		    paid_at = CASE WHEN (SELECT COALESCE(sum(captured_cents), 0) FROM payments AS p WHERE p.order_id = o.order_id) >= $2::bigint THEN COALESCE(paid_at, $8::timestamptz) END
		WHERE order_id = $1
		RETURNING paid_at IS NOT NULL`, o.ID, o.TotalCents, now.Basis.Cart, now.Basis.Products, o.Totals, now.Totals.Explanation, o.Flags, tx.Now).
		QueryRow(func(row pgx.Row) error { return row.Scan(&paid) })
	batch.Queue(`
		INSERT INTO order_history (shop_id, order_id, kind, public, actor, content, created_at)
		VALUES (current_shop(), $1, 'note', true, $2, $3, $4)`,
		o.ID, tx.Who.ID, fmt.Sprintf("the order was revised: %d → %d cents", was, o.TotalCents), tx.Now)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("revise order %s: %w", o.ID, err)
	}
	if paid && o.PaidAt == nil {
		emitPaid(tx, o)
	}
	return nil
}
