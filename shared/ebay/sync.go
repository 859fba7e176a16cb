package ebay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/txn"
)

const (
	// skew is by how much our clock and eBay's may differ.
	skew = 5 * time.Second
	// visible is how long eBay may take to show an order.
	visible = 30 * time.Second
	// batch is how many listings are told in one step: ten calls.
	batch = 10 * client.BulkLimit
)

// eBay blocks a listing for the rest of the day after 250 revisions: told every six
// minutes at most, it has 240. What people publish counts as well, so a listing
// that comes near the limit rests until the next day.
const (
	pace         = 6 * time.Minute
	dayRevisions = 245
)

// StockChanged notes that the stock of SKUs has changed: eBay is told of those
// that it lists. Changes that come before it is told are told together.
func StockChanged(ctx context.Context, tx *txn.Tx, e events.InventoryChanged) error {
	return changed(ctx, tx, `sku = ANY($1)`, e.SKUs)
}

// CatalogChanged notes that products have changed; eBay is told of their prices.
// Texts and images are sent when a listing is published again.
func CatalogChanged(ctx context.Context, tx *txn.Tx, e events.CatalogChanged) error {
	return changed(ctx, tx, `product_id = ANY($1)`, e.Products)
}

func changed(ctx context.Context, tx *txn.Tx, where string, keys []string) error {
	rows, err := tx.Query(ctx, `
		WITH changed AS (
			UPDATE ebay_listings
			SET changes = changes + 1
			WHERE listing_id IN (
				SELECT listing_id FROM ebay_listings
				WHERE shop_id = current_shop() AND state = 'live' AND `+where+`
				ORDER BY listing_id
				FOR UPDATE
			)
			RETURNING account_id
		)
		SELECT DISTINCT account_id FROM changed ORDER BY account_id`, keys)
	if err != nil {
		return fmt.Errorf("note changed listings: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("note changed listings: %w", err)
	}
	for _, id := range accounts {
		if err := request(ctx, tx, id, Sync, tx.Now); err != nil {
			return err
		}
	}
	return nil
}

// Sync tells eBay the quantities and prices that have changed.
func (e *Ebay) Sync(ctx context.Context, run *txn.Runner, name string, due events.EbaySyncDue) (func(*txn.Tx) error, error) {
	return e.job(ctx, run, Sync, name, due.AccountID, due.Run, func(ctx context.Context, t *turn) error {
		for !t.over() {
			var planned plan
			err := t.run.Do(ctx, func(tx *txn.Tx) (err error) {
				planned, err = t.plan(ctx, tx)
				return err
			})
			if err != nil || planned.looked == 0 {
				return cmp.Or(err, t.requestImport(ctx))
			}
			if len(planned.rows) == 0 {
				continue
			}
			results := t.seller.SetStock(ctx, planned.changes)
			stop, err := t.told(ctx, planned, results)
			if err != nil || stop != nil {
				return cmp.Or(err, stop)
			}
		}
		t.more = true
		return nil
	})
}

// plan is what eBay is to be told in one step.
type plan struct {
	looked  int // listings that were due
	rows    []Listing
	changes []client.Change
}

// plan takes the listings that are due longest, settles what can be, and sets
// aside what is to be told. The listing's other variations that are due come with
// it: a call that names one counts as a revision of all.
func (t *turn) plan(ctx context.Context, tx *txn.Tx) (p plan, err error) {
	a, err := account(ctx, tx, t.account.ID, "")
	if err != nil {
		return p, err
	}
	due, err := listings(ctx, tx, `listing_id IN (
			SELECT listing_id
			FROM ebay_listings
			WHERE account_id = $1
			  AND (due_at <= $2 AND state = 'live' AND (told < changes OR telling IS NOT NULL) OR settling > 0 AND settle_after <= $3)
			ORDER BY ebay_id, listing_id
			LIMIT $4
			FOR UPDATE SKIP LOCKED)
		ORDER BY ebay_id, listing_id`, a.ID, tx.Now, a.OrdersUntil, batch)
	if err != nil {
		return p, err
	}
	p.looked = len(due)
	if len(due) == 0 {
		return p, nil
	}
	prices, most, err := t.prices(ctx, tx, due)
	if err != nil {
		return p, err
	}
	shelves, err := inventory.Lock(ctx, tx, skus(due), true)
	if err != nil {
		return p, err
	}
	free := map[string]int64{}
	for sku, s := range shelves {
		free[sku] = s.Available
	}
	for i := range due {
		l := &due[i]
		before := l.held()
		if l.settled(a.OrdersUntil) {
			l.Settling, l.SettleAfter = 0, nil
		}
		free[l.SKU] += before - l.held()
		if l.State != listingLive {
			continue
		}
		if l.DueAt.After(tx.Now) {
			l.Told = min(l.Told, l.Changes-1)
			continue
		}
		shelf, there := shelves[l.SKU]
		change := l.change(a.Settings, most[l.Profile], prices[l.SKU], shelf, there, free[l.SKU])
		l.Told = l.Changes
		if l.Settling > 0 && change.Quantity == nil {
			l.Told = min(l.Told, l.Changes-1) // to be looked at again once it is settled
			l.DueAt = later(l.due(), tx.Now.Add(retryWait))
		}
		if change.Quantity == nil && change.Price == nil {
			continue
		}
		if change.Quantity != nil {
			if l.Telling != nil {
				l.Settling += *l.Telling
				l.SettleAfter = nil // not before this call is answered
			}
			l.Telling = change.Quantity
			free[l.SKU] -= *change.Quantity
		}
		l.TellingPrice = prices[l.SKU]
		p.rows, p.changes = append(p.rows, *l), append(p.changes, change)
	}
	if err := save(ctx, tx, due); err != nil {
		return p, err
	}
	return p, inventory.SetHolds(ctx, tx, holds(due, shelves))
}

// due is when the orders are imported that a listing waits for.
func (l Listing) due() time.Time {
	if l.SettleAfter == nil {
		return time.Time{}
	}
	return l.SettleAfter.Add(visible)
}

// change returns what eBay is to be told of a listing; nothing of what it knows.
func (l Listing) change(s Settings, most int64, price *int64, shelf inventory.Shelf, there bool, free int64) client.Change {
	c := client.Change{SKU: l.SKU, OfferID: l.OfferID}
	if limited(shelf, there) {
		if n, tell := l.next(s, s.part(l.held()+free, most), free); tell {
			c.Quantity = &n
		}
	} else if n := max(most, 1); l.Telling != nil || l.Quantity != n {
		c.Quantity = &n
	}
	if price != nil && *price != l.PriceCents {
		c.Price = new(amount(*price, l.Currency))
	}
	return c
}

// prices returns what SKUs cost at eBay and, by profile, how many pieces it shows
// at most. A SKU that cannot be priced any more keeps its price.
func (t *turn) prices(ctx context.Context, tx *txn.Tx, rows []Listing) (prices map[string]*int64, most map[string]int64, err error) {
	prices, most = map[string]*int64{}, map[string]int64{}
	profiles := map[string]Profile{}
	products := map[string]*price.Product{}
	for _, l := range rows {
		if _, ok := profiles[l.Profile]; !ok {
			p, err := profile(ctx, tx, l.Profile)
			if err != nil {
				return nil, nil, err
			}
			profiles[l.Profile], most[l.Profile] = p, p.Most
		}
		products[l.ProductID] = nil
	}
	var load pgx.Batch
	catalog.QueueLoad(&load, slices.Sorted(maps.Keys(products)), products)
	if err := tx.SendBatch(ctx, &load).Close(); err != nil {
		return nil, nil, fmt.Errorf("load the products of listings: %w", err)
	}
	for _, l := range rows {
		p := products[l.ProductID]
		if p == nil {
			continue
		}
		for _, s := range variants(*p) {
			if s.ID == l.SKU {
				if cents, err := cents(*p, s, profiles[l.Profile], l.Currency); err == nil {
					prices[l.SKU] = &cents
				}
			}
		}
	}
	return prices, most, nil
}

// told notes what eBay has said of each change. It returns the error after which
// nothing more is to be sent.
func (t *turn) told(ctx context.Context, p plan, results []client.Result) (stop error, err error) {
	err = t.run.Do(ctx, func(tx *txn.Tx) error {
		outcome := map[string]client.Result{}
		ids := make([]string, len(results))
		for i, r := range results {
			ids[i] = p.rows[i].ID
			outcome[ids[i]] = r
		}
		rows, err := listings(ctx, tx, `listing_id = ANY($1) ORDER BY listing_id FOR UPDATE`, ids)
		if err != nil {
			return err
		}
		shelves, err := inventory.Lock(ctx, tx, skus(rows), false)
		if err != nil {
			return err
		}
		var done []Listing
		for i := range rows {
			l, r := &rows[i], outcome[rows[i].ID]
			if ofAccount, pause := trouble(r.Err, tx.Now); ofAccount || !pause.IsZero() {
				stop = r.Err
			}
			if l.heard(r, tx.Now) {
				t.done++
				done = append(done, *l)
			} else {
				t.failed++
			}
		}
		if err := save(ctx, tx, rows); err != nil {
			return err
		}
		if err := inventory.SetHolds(ctx, tx, holds(rows, shelves)); err != nil {
			return err
		}
		return t.countRevisions(ctx, tx, done)
	})
	return stop, err
}

// heard notes what eBay has said of a change, and reports whether it was made.
func (l *Listing) heard(r client.Result, now time.Time) bool {
	failed, _ := errors.AsType[*client.Error](r.Err)
	switch {
	case r.Err == nil:
		if r.Quantity != nil && l.Telling != nil {
			l.Settling += l.Quantity
			l.Quantity, l.Telling = *l.Telling, nil
			l.SettleAfter = new(now.Add(skew))
		}
		if l.TellingPrice != nil {
			l.PriceCents, l.TellingPrice = *l.TellingPrice, nil
		}
		l.Attempts, l.Error, l.Hint = 0, "", ""
		if l.Settling > 0 {
			l.Told = min(l.Told, l.Changes-1)
			l.DueAt = l.due()
		}
		return true
	case failed != nil && failed.Class == client.NotFound && l.State == listingLive:
		l.down(now, reasonNotActive)
	case failed != nil && !failed.Doubtful && failed.Status != 0: // it has surely not been made
		l.Telling, l.TellingPrice = nil, nil
	}
	l.Error, l.Hint = hint(r.Err)
	l.Attempts++
	l.Told = min(l.Told, l.Changes-1)
	l.DueAt = now.Add(time.Second << min(l.Attempts, 12))
	return false
}

// countRevisions counts a revision of every listing at eBay that was told, and says
// when it may be told again.
func (t *turn) countRevisions(ctx context.Context, tx *txn.Tx, rows []Listing) error {
	var numbers []string
	for _, l := range rows {
		if l.EbayID != "" {
			numbers = append(numbers, l.EbayID)
		}
	}
	slices.Sort(numbers)
	_, err := tx.Exec(ctx, `
		WITH today AS (
			SELECT ($4::timestamptz AT TIME ZONE 'America/Los_Angeles')::date AS day,
			       (($4::timestamptz AT TIME ZONE 'America/Los_Angeles')::date + 1)::timestamp AT TIME ZONE 'America/Los_Angeles' AS ends
		), counted AS (
			SELECT l.listing_id, CASE WHEN l.revision_day = today.day THEN l.revisions ELSE 0 END + 1 AS n, today.day, today.ends
			FROM ebay_listings l, today
			WHERE l.account_id = $1 AND l.ebay_id = ANY($2)
			ORDER BY l.listing_id
		)
		UPDATE ebay_listings l
		SET revisions = c.n, revision_day = c.day,
		    due_at = GREATEST(l.due_at, CASE WHEN c.n < $3 THEN $5 ELSE c.ends END)
		FROM counted c
		WHERE l.listing_id = c.listing_id`, t.account.ID, slices.Compact(numbers), dayRevisions, tx.Now, tx.Now.Add(pace))
	if err != nil {
		return fmt.Errorf("count revisions: %w", err)
	}
	return nil
}

// requestImport asks for the orders that listings wait for to be settled, and for
// the listings to be looked at again.
func (t *turn) requestImport(ctx context.Context) error {
	return t.run.Do(ctx, func(tx *txn.Tx) error {
		var settle, due *time.Time
		err := tx.QueryRow(ctx, `
			SELECT min(settle_after) FILTER (WHERE settling > 0), min(due_at) FILTER (WHERE state = 'live' AND (told < changes OR telling IS NOT NULL))
			FROM ebay_listings
			WHERE account_id = $1 AND (settling > 0 OR state = 'live' AND (told < changes OR telling IS NOT NULL))`, t.account.ID).Scan(&settle, &due)
		if err != nil {
			return fmt.Errorf("see what is to be settled: %w", err)
		}
		if settle != nil {
			if err := request(ctx, tx, t.account.ID, Import, later(settle.Add(visible), tx.Now)); err != nil {
				return err
			}
		}
		if due != nil && due.After(tx.Now) {
			return request(ctx, tx, t.account.ID, Sync, *due)
		}
		return nil
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
