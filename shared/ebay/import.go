package ebay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/txn"
)

const (
	channel    = "ebay"
	statusPaid = "060" // paid at eBay (CommerceRack payment specification, "0xx")
)

// The states of an order of eBay here.
const (
	orderUnpaid    = "unpaid"
	orderImported  = "imported"
	orderShipped   = "shipped"
	orderCancelled = "cancelled"
	orderSkipped   = "skipped"
)

// Import reads the orders of an account that have changed and makes those that are
// paid the shop's: each once, with eBay's own prices, shipping and tax.
func (e *Ebay) Import(ctx context.Context, run *txn.Runner, name string, due events.EbayImportDue) (func(*txn.Tx) error, error) {
	return e.job(ctx, run, Import, name, due.AccountID, due.Run, func(ctx context.Context, t *turn) error {
		if t.account.Settings.SkipOrders {
			return nil
		}
		began := t.run.Clock.Now()
		since := began.Add(-firstOrders)
		if t.account.OrdersUntil != nil {
			since = *t.account.OrdersUntil
		}
		var unusable error
		for o, err := range t.seller.Orders(ctx, since) {
			if err != nil {
				return err
			}
			if err := t.take(ctx, o); isPreflight(err) { // it stays to be seen to; the others go on
				t.failed++
				unusable = err
			} else if err != nil {
				return err
			}
		}
		if unusable != nil {
			return unusable
		}
		return t.imported(ctx, began.Add(-visible))
	})
}

// firstOrders is how far back the first import reads.
const firstOrders = 30 * 24 * time.Hour

// imported notes that every order of before a time is imported, and has the
// listings looked at that waited for it.
func (t *turn) imported(ctx context.Context, until time.Time) error {
	return t.run.Do(ctx, func(tx *txn.Tx) error {
		var waiting bool
		err := tx.QueryRow(ctx, `
			UPDATE ebay_accounts
			SET orders_until = GREATEST(orders_until, $2)
			WHERE account_id = $1
			RETURNING EXISTS (SELECT FROM ebay_listings l WHERE l.account_id = $1
				AND (l.settling > 0 AND l.settle_after <= $2 OR l.state = 'live' AND l.told < l.changes AND l.due_at <= $3))`,
			t.account.ID, until, tx.Now).Scan(&waiting)
		if err != nil {
			return fmt.Errorf("note the imported orders: %w", err)
		}
		if waiting {
			if err := request(ctx, tx, t.account.ID, Sync, tx.Now); err != nil {
				return err
			}
		}
		var settle *time.Time
		err = tx.QueryRow(ctx, `SELECT min(settle_after) FROM ebay_listings WHERE account_id = $1 AND settling > 0 AND settle_after > $2`, t.account.ID, until).Scan(&settle)
		if err != nil {
			return fmt.Errorf("see what is to be settled: %w", err)
		}
		if settle != nil {
			return request(ctx, tx, t.account.ID, Import, later(settle.Add(visible), tx.Now.Add(time.Second)))
		}
		return nil
	})
}

// take brings what the shop knows of an order at eBay to what it is there.
func (t *turn) take(ctx context.Context, o client.Order) error {
	counted := int64(0)
	err := t.run.Do(ctx, func(tx *txn.Tx) error {
		counted = 0
		if o.ID == "" || len(o.ID) > 64 || len(o.Lines) == 0 || len(o.Lines) > maxLines {
			return nil
		}
		was, id, err := t.open(ctx, tx, o)
		if err != nil {
			return err
		}
		switch {
		case was == orderCancelled, was == orderSkipped:
			return nil
		case was == orderImported, was == orderShipped:
			return t.follow(ctx, tx, o, id)
		}
		if before := t.account.Settings.IgnoreBefore; before != nil && o.Created.Before(*before) {
			return t.mark(ctx, tx, o, orderSkipped)
		}
		sold, err := t.claimLines(ctx, tx, o)
		if err != nil {
			return err
		}
		waiting := ident.Derive(ident.EbayListing, "unpaid "+id)
		switch {
		case o.Cancelled():
			if err := inventory.SetHolds(ctx, tx, sold.holds(waiting, false)); err != nil {
				return err
			}
			return t.mark(ctx, tx, o, orderCancelled)
		case !o.Paid():
			return inventory.SetHolds(ctx, tx, sold.holds(waiting, true))
		}
		if err := inventory.SetHolds(ctx, tx, sold.holds(waiting, false)); err != nil {
			return err
		}
		counted = 1
		return t.makeOrder(ctx, tx, o, id, sold)
	})
	t.done += counted
	return err
}

const maxLines = 500

// open locks eBay's order here, which it makes if it is new, and returns its state
// and the id that ours has.
func (t *turn) open(ctx context.Context, tx *txn.Tx, o client.Order) (state, id string, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO ebay_orders AS e (shop_id, account_id, ebay_order, order_id, state, buyer, modified_at, created_at)
		VALUES (current_shop(), $1, $2, $3, 'unpaid', $4, $5, $6)
		ON CONFLICT (account_id, ebay_order) DO UPDATE SET modified_at = GREATEST(e.modified_at, EXCLUDED.modified_at)
		RETURNING state, order_id`, t.account.ID, o.ID, ident.New(ident.Order), o.Buyer.Username, o.Modified, o.Created).Scan(&state, &id)
	if err != nil {
		return "", "", fmt.Errorf("look up order %s of eBay: %w", o.ID, err)
	}
	return state, id, nil
}

func (t *turn) mark(ctx context.Context, tx *txn.Tx, o client.Order, state string) error {
	_, err := tx.Exec(ctx, `
		UPDATE ebay_orders
		SET state = $3, imported_at = CASE WHEN $3 = 'imported' THEN $4::timestamptz ELSE imported_at END
		WHERE account_id = $1 AND ebay_order = $2`, t.account.ID, o.ID, state, tx.Now)
	if err != nil {
		return fmt.Errorf("mark order %s of eBay: %w", o.ID, err)
	}
	return nil
}

// sales are the lines of an order with what they are here.
type sales struct {
	lines   []client.Line
	product map[string]string // by SKU, of those that the shop has
	tracked map[string]bool   // SKUs of which there is only so much
}

// holds are those of an order that is not paid yet, or none.
func (s sales) holds(id string, waits bool) []inventory.Hold {
	qty := map[string]int64{}
	for _, l := range s.lines {
		if s.tracked[l.SKU] {
			qty[l.SKU] += l.Quantity
		}
	}
	var out []inventory.Hold
	for _, sku := range slices.Sorted(maps.Keys(qty)) {
		h := inventory.Hold{ID: id, SKU: sku}
		if waits {
			h.Qty = qty[sku]
		}
		out = append(out, h)
	}
	return out
}

// claimLines notes what an order has taken of each listing, once: what was set aside
// for eBay falls by it.
func (t *turn) claimLines(ctx context.Context, tx *txn.Tx, o client.Order) (sales, error) {
	s := sales{lines: o.Lines, product: map[string]string{}, tracked: map[string]bool{}}
	wanted := make([]string, 0, len(o.Lines))
	for _, l := range o.Lines {
		if l.Quantity < 1 {
			return s, refuse("order %s of eBay has a line of %d pieces", o.ID, l.Quantity)
		}
		wanted = append(wanted, l.SKU)
	}
	rows, err := listings(ctx, tx, `account_id = $1 AND (sku = ANY($2) OR ebay_id = ANY($3) AND ebay_id <> '')
		ORDER BY listing_id FOR UPDATE`, t.account.ID, wanted, ebayIDs(o.Lines))
	if err != nil {
		return s, err
	}
	if err := s.know(ctx, tx, wanted); err != nil {
		return s, err
	}
	shelves, err := inventory.Lock(ctx, tx, wanted, false)
	if err != nil {
		return s, err
	}
	for sku, shelf := range shelves {
		s.tracked[sku] = limited(shelf, true)
	}
	touched := map[string]bool{}
	for _, line := range o.Lines {
		i := listingOf(rows, line)
		var listing *string
		if i >= 0 {
			listing = &rows[i].ID
		}
		cents, err := minor(line.Cost)
		if err != nil {
			return s, err
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO ebay_winners (shop_id, account_id, ebay_order, line_id, listing_id, ebay_id, sku, title, qty, cents, buyer, created_at)
			VALUES (current_shop(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT DO NOTHING`, t.account.ID, o.ID, line.ID, listing, line.ListingID, line.SKU, cut(line.Title, maxTitle), line.Quantity, cents, o.Buyer.Username, o.Created)
		if err != nil {
			return s, fmt.Errorf("note a line of order %s of eBay: %w", o.ID, err)
		}
		if tag.RowsAffected() == 1 && i >= 0 {
			rows[i].take(line.Quantity, o.Created)
			rows[i].Changes++
			touched[rows[i].ID] = true
		}
	}
	rows = slices.DeleteFunc(rows, func(l Listing) bool { return !touched[l.ID] })
	if len(rows) == 0 {
		return s, nil
	}
	if err := save(ctx, tx, rows); err != nil {
		return s, err
	}
	return s, inventory.SetHolds(ctx, tx, holds(rows, shelves))
}

// know finds the products of SKUs.
func (s sales) know(ctx context.Context, tx *txn.Tx, wanted []string) error {
	rows, err := tx.Query(ctx, `SELECT sku, product_id FROM skus WHERE shop_id = current_shop() AND sku = ANY($1)`, wanted)
	if err != nil {
		return fmt.Errorf("look up skus: %w", err)
	}
	var sku, product string
	_, err = pgx.ForEachRow(rows, []any{&sku, &product}, func() error {
		s.product[sku] = product
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up skus: %w", err)
	}
	return nil
}

func ebayIDs(lines []client.Line) []string {
	var ids []string
	for _, l := range lines {
		if l.ListingID != "" {
			ids = append(ids, l.ListingID)
		}
	}
	return ids
}

// listingOf finds the listing from which a line was sold: the one of its SKU and
// number, else the one that is up, or was last.
func listingOf(rows []Listing, line client.Line) int {
	best := -1
	for i, l := range rows {
		if l.SKU != line.SKU {
			continue
		}
		if l.EbayID == line.ListingID && line.ListingID != "" {
			return i
		}
		if best < 0 || l.State == listingLive || rows[best].State != listingLive {
			best = i
		}
	}
	return best
}

// makeOrder makes a paid order of eBay one of the shop's, with its goods off the
// shelf. A line whose SKU the shop does not have is kept and flagged; so is what
// is not there.
func (t *turn) makeOrder(ctx context.Context, tx *txn.Tx, o client.Order, id string, s sales) error {
	in := order.Imported{
		ID: id, Channel: channel, Reference: o.ID, Tender: "EBAY", Status: statusPaid, Buyer: o.Buyer.Username, PlacedAt: o.Created, Notes: cut(o.Notes, 2000),
	}
	in.Flags = []string{}
	var sold []inventory.Sale
	for _, l := range o.Lines {
		line := order.ImportedLine{SKU: l.SKU, Product: s.product[l.SKU], Name: l.Title, Qty: l.Quantity}
		var err error
		if line.Cents, err = minor(l.Cost); err != nil {
			return err
		}
		if line.Product == "" {
			in.Remarks = append(in.Remarks, fmt.Sprintf("eBay sold %d of %q (SKU %q, listing %s), which the catalogue does not have.", l.Quantity, cut(l.Title, maxTitle), l.SKU, l.ListingID))
			in.Flags = []string{"backordered"}
			line.SKU = ""
		} else {
			sold = append(sold, inventory.Sale{SKU: l.SKU, Qty: l.Quantity})
		}
		in.Lines = append(in.Lines, line)
	}
	if err := fill(&in, o); err != nil {
		return err
	}
	short, err := inventory.Sell(ctx, tx, id, sold)
	if err != nil {
		return err
	}
	for _, sku := range slices.Sorted(maps.Keys(short)) {
		in.Flags = []string{"backordered"}
		in.Remarks = append(in.Remarks, fmt.Sprintf("eBay sold %d more of %s than there are.", short[sku], sku))
		if err := t.noteShort(ctx, tx, o.ID, sku, short[sku]); err != nil {
			return err
		}
	}
	if err := order.Import(ctx, tx, in); err != nil {
		return err
	}
	if err := t.refunds(ctx, tx, o, id); err != nil {
		return err
	}
	return t.mark(ctx, tx, o, orderImported)
}

func (t *turn) noteShort(ctx context.Context, tx *txn.Tx, ebayOrder, sku string, n int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE ebay_winners
		SET short = $4
		WHERE account_id = $1 AND ebay_order = $2 AND line_id = (
			SELECT min(line_id) FROM ebay_winners WHERE account_id = $1 AND ebay_order = $2 AND sku = $3)`, t.account.ID, ebayOrder, sku, n)
	if err != nil {
		return fmt.Errorf("note what is short: %w", err)
	}
	return nil
}

// follow brings an imported order after eBay's: what was given back, and whether
// it was called off.
func (t *turn) follow(ctx context.Context, tx *txn.Tx, o client.Order, id string) error {
	if err := t.refunds(ctx, tx, o, id); err != nil {
		return err
	}
	if o.Cancel.State != "CANCELED" && o.Cancel.State != "CANCELLED" {
		return nil
	}
	if err := order.CancelImported(ctx, tx, id); err != nil {
		return err
	}
	return t.mark(ctx, tx, o, orderCancelled)
}

// fill takes the amounts and the address of an order from eBay's.
func fill(in *order.Imported, o client.Order) error {
	in.Currency = o.Pricing.Total.Currency
	var delivery, off, adjustment int64
	for _, a := range []struct {
		from client.Money
		into *int64
	}{
		{o.Pricing.Total, &in.Total}, {o.Pricing.Tax, &in.Tax}, {o.Pricing.Delivery, &delivery}, {o.Pricing.DeliveryDiscount, &off},
		{o.Pricing.Discount, &in.Discount}, {o.Pricing.Adjustment, &adjustment},
	} {
		cents, err := minor(a.from)
		if err != nil {
			return err
		}
		*a.into = cents
	}
	in.Shipping = delivery + off
	if len(o.Instructions) == 0 {
		return nil
	}
	step := o.Instructions[0].Step
	to := step.ShipTo
	in.Method = strings.TrimSpace(step.Carrier + " " + step.Service)
	in.Ship = price.Destination{
		Country: to.Address.Country, Region: to.Address.State, City: to.Address.City, Postal: to.Address.PostalCode,
		Address1: to.Address.Line1, Address2: to.Address.Line2,
	}
	first, last, _ := strings.Cut(to.Name, " ")
	in.Contact = cart.Contact{
		FirstName: first, LastName: last, Company: to.Company, Address1: to.Address.Line1, Address2: to.Address.Line2, City: to.Address.City,
		Region: to.Address.State, Postal: to.Address.PostalCode, Country: to.Address.Country, Phone: to.Phone.Number,
	}
	return nil
}

// refunds notes what the buyer got back at eBay.
func (t *turn) refunds(ctx context.Context, tx *txn.Tx, o client.Order, id string) error {
	total := int64(0)
	for _, r := range o.Summary.Refunds {
		cents, err := minor(r.Amount)
		if err != nil {
			return err
		}
		total += cents
	}
	if total == 0 {
		return nil
	}
	return payment.GivenBack(ctx, tx, id, total)
}

// minor is an amount of eBay in the currency's smallest unit; an absent one is
// nothing.
func minor(m client.Money) (int64, error) {
	if m.Value == "" {
		return 0, nil
	}
	amount, err := money.Parse(m.Value, m.Currency)
	if err == nil {
		var cents int64
		if cents, err = amount.Minor(); err == nil {
			return cents, nil
		}
	}
	return 0, refuse("an amount of eBay cannot be read: %q %q", m.Value, m.Currency)
}
