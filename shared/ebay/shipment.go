package ebay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/txn"
)

// carriers are eBay's names by CommerceRack's codes (order specification, §8);
// whatever is not here is "Other".
var carriers = []struct{ prefix, name string }{
	{"UPS", "UPS"}, {"USPS", "USPS"}, {"FEDEX", "FedEx"}, {"FDX", "FedEx"}, {"DHL", "DHL"}, {"ONTRAC", "OnTrac"}, {"LASERSHIP", "LaserShip"},
	{"SMARTPOST", "FedEx"}, {"U", "UPS"}, {"E", "USPS"}, {"F", "FedEx"}, {"D", "DHL"},
}

// carrier translates a carrier of a shipment into eBay's list. CommerceRack's codes
// have four letters, the first of which is the carrier's.
func carrier(code string) string {
	code = strings.ToUpper(code)
	for _, c := range carriers {
		if strings.HasPrefix(code, c.prefix) && (len(c.prefix) > 1 || len(code) == 4) {
			return c.name
		}
	}
	return "Other"
}

// Ship tells eBay that goods of an order of its own have left. A shipment that it
// knows is not told again. What eBay refuses for good is noted on the order's
// lines; what it cannot take now is delivered again.
func (e *Ebay) Ship(ctx context.Context, run *txn.Runner, _ string, event events.OrderShipped) (func(*txn.Tx) error, error) {
	nothing := func(*txn.Tx) error { return nil }
	var p parcel
	err := run.Do(ctx, func(tx *txn.Tx) (err error) {
		p, err = e.pack(ctx, tx, event)
		return err
	})
	if err != nil || p.seller == nil {
		return nothing, err
	}
	failure := p.seller.Ship(ctx, p.ebayOrder, p.parcel)
	ofEbay, isEbay := errors.AsType[*client.Error](failure)
	if failure != nil && (!isEbay || ofEbay.Class == client.Retry) {
		return nil, fault.From(fault.Unavailable, failure, "eBay cannot be told of the shipment now")
	}
	return func(tx *txn.Tx) error {
		if failure != nil {
			_, todo := hint(failure)
			if ofEbay.Class == client.Account {
				stopped, err := revoke(ctx, tx, p.account, todo)
				if err == nil && !stopped {
					err = fault.From(fault.Unavailable, failure, "the consent of account %s has changed meanwhile", p.account.Name)
				}
				if err != nil {
					return err
				}
			}
			return order.Remark(ctx, tx, event.OrderID, "eBay was not told of shipment "+event.ShipmentID+": "+todo)
		}
		return p.told(ctx, tx, event.Complete)
	}, nil
}

// parcel is a shipment of an order of eBay.
type parcel struct {
	seller    *client.Seller
	account   Account
	ebayOrder string
	parcel    client.Package
}

// pack finds the lines of eBay's order that are in a shipment; none if the order
// is not eBay's.
func (e *Ebay) pack(ctx context.Context, tx *txn.Tx, event events.OrderShipped) (p parcel, err error) {
	err = tx.QueryRow(ctx, `SELECT account_id, ebay_order FROM ebay_orders WHERE order_id = $1 AND state IN ('imported', 'shipped')`, event.OrderID).
		Scan(&p.account.ID, &p.ebayOrder)
	if errors.Is(err, pgx.ErrNoRows) {
		return parcel{}, nil
	}
	if err != nil {
		return p, fmt.Errorf("look up an order of eBay: %w", err)
	}
	if p.account, err = account(ctx, tx, p.account.ID, ""); err != nil {
		return p, err
	}
	if p.account.State != Connected {
		return p, fault.New(fault.Unavailable, "account %s is %s", p.account.Name, p.account.State)
	}
	rows, err := tx.Query(ctx, `
		SELECT line_id, sku, qty
		FROM ebay_winners
		WHERE account_id = $1 AND ebay_order = $2
		ORDER BY line_id`, p.account.ID, p.ebayOrder)
	if err != nil {
		return p, fmt.Errorf("load the lines of an order of eBay: %w", err)
	}
	type line struct {
		id, sku string
		qty     int64
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l line, err error) {
		err = row.Scan(&l.id, &l.sku, &l.qty)
		return l, err
	})
	if err != nil {
		return p, fmt.Errorf("load the lines of an order of eBay: %w", err)
	}
	shipped := map[string]int64{}
	for _, l := range event.Lines {
		shipped[l.SKU] += l.Qty
	}
	for _, l := range lines {
		n := min(l.qty, shipped[l.sku])
		if n == 0 {
			continue
		}
		shipped[l.sku] -= n
		p.parcel.Lines = append(p.parcel.Lines, client.PackedLine{ID: l.id, Quantity: n})
	}
	if len(p.parcel.Lines) == 0 {
		return parcel{}, nil
	}
	p.parcel.Shipped = tx.Now.Truncate(time.Second)
	if event.Tracking != "" {
		p.parcel.Carrier, p.parcel.Tracking = carrier(event.Carrier), event.Tracking
	}
	p.seller, err = e.seller(tx, p.account)
	return p, err
}

// told notes that eBay knows of a shipment.
func (p parcel) told(ctx context.Context, tx *txn.Tx, complete bool) error {
	var batch pgx.Batch
	for _, l := range p.parcel.Lines {
		batch.Queue(`UPDATE ebay_winners SET shipped_at = $4 WHERE account_id = $1 AND ebay_order = $2 AND line_id = $3`, p.account.ID, p.ebayOrder, l.ID, tx.Now)
	}
	if complete {
		batch.Queue(`UPDATE ebay_orders SET state = 'shipped' WHERE account_id = $1 AND ebay_order = $2`, p.account.ID, p.ebayOrder)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("note that eBay knows of a shipment: %w", err)
	}
	return nil
}
