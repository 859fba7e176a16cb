package order

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/txn"
)

// Imported is an order that was placed and paid at a marketplace. Its prices,
// shipping and tax are the marketplace's: nothing is calculated again. Amounts are
// in the currency's smallest unit.
type Imported struct {
	ID        string // ours
	Channel   string // such as ebay
	Reference string // the marketplace's id of the order
	Tender    string // such as EBAY
	Status    string // of the payment, of class 0
	Buyer     string // the marketplace's name of the buyer
	Currency  string
	PlacedAt  time.Time
	Lines     []ImportedLine
	Discount  int64 // on the goods, negative
	Shipping  int64
	Tax       int64
	Total     int64
	Method    string // of shipping, in the marketplace's words
	Ship      price.Destination
	Contact   cart.Contact
	Notes     string
	Flags     []string
	Remarks   []string // for staff
}

// ImportedLine is a line of it. SKU is empty if the shop has no such thing.
type ImportedLine struct {
	SKU, Product, Name string
	Qty, Cents         int64 // Cents is of the whole line
}

// Import writes an order of a marketplace as a confirmed and paid one, and states
// it. What the parts do not add up to of the total is a surcharge of its own, so
// that they do. The caller has seen to it that it is imported once.
func Import(ctx context.Context, tx *txn.Tx, in Imported) error {
	totals, err := in.totals()
	if err != nil {
		return err
	}
	o := Order{
		Summary: Summary{
			ID: in.ID, CartID: ident.Derive(ident.Cart, in.Channel+" "+in.ID), Owner: in.owner(), Currency: in.Currency, TotalCents: in.Total,
			ExpiresAt: tx.Now, CreatedAt: tx.Now,
		},
		Billing: in.Contact, Notes: in.Notes, Totals: totals,
	}
	taken := cart.Order{}
	taken.Basis.Cart = price.Cart{Ship: in.Ship, Marketplace: true, OrderID: in.ID}
	taken.Basis.Products = map[string]*price.Product{}
	taken.Totals.Explanation = &price.Step{}
	if err := write(ctx, tx, &o, taken, nil); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE orders
		SET state = 'confirmed', channel = $2, reference = $3, flags = $4, pool = CASE WHEN 'backordered' = ANY($4) THEN 'BACKORDER' ELSE pool END
		WHERE order_id = $1`, o.ID, in.Channel, in.Reference, in.Flags)
	if err != nil {
		return fmt.Errorf("import order %s: %w", in.Reference, err)
	}
	for _, remark := range in.Remarks {
		if err := Remark(ctx, tx, o.ID, remark); err != nil {
			return err
		}
	}
	if err := payment.Received(ctx, tx, o.ID, in.Currency, in.Tender, in.Status, in.Reference, in.Total); err != nil {
		return err
	}
	tx.Emit(events.OrderImported{
		OrderID: o.ID, Number: o.Number, Channel: in.Channel, Reference: in.Reference, Currency: in.Currency, TotalCents: in.Total,
	})
	return nil
}

// owner is who ordered; no session in the shop has such a name.
func (in Imported) owner() string { return ChannelOwner(in.Channel, in.Buyer) }

// ChannelOwner is the owner of the orders that a buyer made at a marketplace.
func ChannelOwner(channel, buyer string) string { return channel + ":" + buyer }

// totals are those of the marketplace in the words of ours.
func (in Imported) totals() (price.Totals, error) {
	t := price.Totals{Policy: "marketplace", Currency: in.Currency, ShippingMethods: []price.ShipMethod{}, PaymentQueue: []price.Charge{}}
	exponent, known := money.Exponent(in.Currency)
	if !known {
		return t, fault.New(fault.Unprocessable, "%q is no currency", in.Currency)
	}
	text := func(cents int64) string { return decimal.New(cents, -int32(exponent)).StringFixed(int32(exponent)) }
	for i, l := range in.Lines {
		t.Lines = append(t.Lines, price.Line{
			STID: fmt.Sprintf("%s-%d", in.Reference, i+1), SKU: l.SKU, Product: l.Product, Name: l.Name, Qty: l.Qty,
			Price: decimal.New(l.Cents, -int32(exponent)).DivRound(decimal.NewFromInt(l.Qty), int32(exponent)+4).String(), Extended: text(l.Cents), Weight: "0",
		})
		t.Cents.Items += l.Cents
		t.Sum.ItemsCount += l.Qty
	}
	if in.Discount != 0 {
		t.Lines = append(t.Lines, price.Line{
			STID: "%" + strings.ToUpper(in.Channel), Name: "Discount", Qty: 1, Price: text(in.Discount), Extended: text(in.Discount), Weight: "0", Promotion: true,
		})
		t.Cents.Items += in.Discount
	}
	t.Cents.Shipping, t.Cents.Tax, t.Cents.Order = in.Shipping, in.Tax, in.Total
	t.Cents.Special = in.Total - t.Cents.Items - in.Shipping - in.Tax
	shipping, special := text(in.Shipping), text(t.Cents.Special)
	t.Sum.ItemsTotal, t.Sum.TaxTotal, t.Sum.OrderTotal = text(t.Cents.Items), text(in.Tax), text(in.Total)
	t.Sum.ShpTotal, t.Sum.ShpMethod = &shipping, &in.Method
	t.Sum.BalancePaid, t.Sum.BalanceDue = text(in.Total), text(0)
	if t.Cents.Special != 0 {
		method := "Adjustment"
		t.Sum.SpcTotal, t.Sum.SpcMethod = &special, &method
	}
	return t, nil
}

// Remark notes something about an order for staff. It needs INSERT on
// order_history.
func Remark(ctx context.Context, tx *txn.Tx, orderID, text string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO order_history (shop_id, order_id, kind, public, actor, content, created_at)
		VALUES (current_shop(), $1, 'note', false, session_user, $2, $3)`, orderID, text, tx.Now)
	if err != nil {
		return fmt.Errorf("note something about order %s: %w", orderID, err)
	}
	return nil
}

// CancelImported cancels an order that its marketplace has called off, unless its
// goods have left: then staff are told. It states order.cancelled as Cancel does.
func CancelImported(ctx context.Context, tx *txn.Tx, id string) error {
	o, err := load(ctx, tx, id, " FOR UPDATE")
	if err != nil || o.State != state.Confirmed {
		return err
	}
	if len(o.Shipments) > 0 {
		return Remark(ctx, tx, id, "The marketplace has called the order off, but goods have left.")
	}
	return end(ctx, tx, o, state.Cancelled, "marketplace")
}
