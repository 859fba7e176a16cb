package order

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/txn"
)

// maxShipments bounds the shipments of an order; the database holds it, too.
const maxShipments = 100

// Shipment is what left the warehouse together.
type Shipment struct {
	ID        string             `json:"id"`
	Carrier   string             `json:"carrier"`            // in capitals, e.g. UGND, EPRI or OTHER (order specification, §8)
	Tracking  string             `json:"tracking,omitempty"` // the carrier's number
	Lines     []events.OrderLine `json:"lines"`
	CreatedAt time.Time          `json:"created_at"`
}

// ShipInput notes that goods of an order have left.
type ShipInput struct {
	ID       string             `json:"-" path:"id"`
	Carrier  string             `json:"carrier"`
	Tracking string             `json:"tracking,omitempty"`
	Lines    []events.OrderLine `json:"lines,omitempty"` // default: all that is left
}

// Validate refuses shipments that cannot be.
func (in ShipInput) Validate() error {
	var f fault.Fields
	f.Check(in.Carrier != "" && len(in.Carrier) <= 20, "/carrier", "must name a carrier, in 20 characters at most")
	f.Check(len(in.Tracking) <= 100, "/tracking", "must not exceed 100 characters")
	f.Check(len(in.Lines) <= maxSeen, "/lines", "must not be more than %d", maxSeen)
	for i, l := range in.Lines {
		at := "/lines/" + strconv.Itoa(i)
		f.Check(l.SKU != "", at+"/sku", "must be a SKU of the order")
		f.Check(l.Qty > 0, at+"/qty", "must be one or more")
	}
	return f.Err()
}

// RecordShipment notes a shipment of a confirmed order and states it. More than is left of
// a SKU, a tracking number that the order has already and an order that is not
// confirmed are refused with kind Conflict.
func RecordShipment(ctx context.Context, tx *txn.Tx, in ShipInput) (Order, error) {
	o, err := load(ctx, tx, in.ID, " FOR UPDATE")
	if err != nil {
		return Order{}, err
	}
	left := unshipped(o)
	switch {
	case o.State != state.Confirmed:
		return Order{}, fault.New(fault.Conflict, "order %s is %s: only confirmed orders are shipped", o.Number, o.State).With("state", o.State)
	case len(left) == 0:
		return Order{}, fault.New(fault.Conflict, "all goods of order %s have left", o.Number)
	case len(o.Shipments) == maxShipments:
		return Order{}, fault.New(fault.Conflict, "order %s has %d shipments, which is the most", o.Number, maxShipments)
	case in.Tracking != "" && slices.ContainsFunc(o.Shipments, func(s Shipment) bool { return s.Tracking == in.Tracking }):
		return Order{}, fault.New(fault.Conflict, "order %s has a shipment with that tracking number", o.Number)
	}
	lines := in.Lines
	if len(lines) == 0 {
		lines = left
	}
	s := Shipment{ID: ident.New(ident.Shipment), Carrier: strings.ToUpper(in.Carrier), Tracking: in.Tracking, Lines: lines, CreatedAt: tx.Now}
	o.Shipments = append(o.Shipments, s)
	rest, err := take(left, lines)
	if err != nil {
		return Order{}, err
	}
	complete := len(rest) == 0
	due, err := dueFor(o, rest)
	if err != nil {
		return Order{}, err
	}
	document, err := json.Marshal(o.Shipments)
	if err != nil {
		return Order{}, fmt.Errorf("encode shipments: %w", err)
	}
	tx.Later(`
		UPDATE orders
		SET shipments = $2, shipped_at = CASE WHEN $3 THEN $4::timestamptz END, version = version + 1, updated_at = $4
		WHERE order_id = $1`, o.ID, document, complete, tx.Now)
	tx.Emit(events.OrderShipped{
		OrderID: o.ID, Number: o.Number, Email: o.Email, ShipmentID: s.ID, Carrier: s.Carrier, Tracking: s.Tracking, Lines: lines, Complete: complete,
		DueCents: due,
	})
	return Get(ctx, tx, GetInput{ID: o.ID})
}

// dueFor returns what of an order's total is for the goods that have left, in the
// currency's smallest unit, when rest has not: the part of the total that their prices
// are of those of all goods, rounded down. With the last of them it is the total, so
// that shipping, taxes and discounts are shared as the goods are.
func dueFor(o Order, rest []events.OrderLine) (int64, error) {
	if len(rest) == 0 {
		return o.TotalCents, nil
	}
	qty, worth := map[string]int64{}, map[string]decimal.Decimal{}
	var all, left decimal.Decimal
	for _, l := range o.Totals.Lines {
		if l.Promotion || l.SKU == "" {
			continue
		}
		extended, err := money.ParseDecimal(l.Extended)
		if err != nil {
			return 0, fmt.Errorf("price of %s in order %s: %w", l.SKU, o.ID, err)
		}
		qty[l.SKU] += l.Qty
		worth[l.SKU] = worth[l.SKU].Add(extended)
		all = all.Add(extended)
	}
	for _, l := range rest {
		left = left.Add(worth[l.SKU].Mul(decimal.NewFromInt(l.Qty)).Div(decimal.NewFromInt(qty[l.SKU])))
	}
	if !all.IsPositive() {
		return 0, nil
	}
	due := decimal.NewFromInt(o.TotalCents).Mul(all.Sub(left)).Div(all).Floor().IntPart()
	return max(0, min(due, o.TotalCents)), nil
}

// unshipped returns what of an order has not left, by SKU.
func unshipped(o Order) []events.OrderLine {
	left := goods(o.Totals.Lines)
	for _, s := range o.Shipments {
		left, _ = take(left, s.Lines) // it was checked when it was noted
	}
	return left
}

// take returns what remains of left without lines; more than there is of a SKU is
// refused.
func take(left, lines []events.OrderLine) ([]events.OrderLine, error) {
	left = slices.Clone(left)
	var f fault.Fields
	for i, l := range lines {
		j := slices.IndexFunc(left, func(x events.OrderLine) bool { return x.SKU == l.SKU })
		if j < 0 || left[j].Qty < l.Qty {
			f.Add("/lines/"+strconv.Itoa(i), "is more than is left of %s", l.SKU)
			continue
		}
		if left[j].Qty -= l.Qty; left[j].Qty == 0 {
			left = slices.Delete(left, j, j+1)
		}
	}
	return left, f.Err()
}
