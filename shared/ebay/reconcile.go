package ebay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/txn"
)

// Reconcile compares eBay's items with the listings here, SKU by SKU
// (CommerceRack eBay specification, §7): what is up here and not there has ended;
// what has ended here and is up there is resurrected; what is up there and unknown
// here is taken in, if the account says so. A quantity or price that differs is
// told again. It also reads what is left of eBay's quota.
func (e *Ebay) Reconcile(ctx context.Context, run *txn.Runner, name string, due events.EbayReconcileDue) (func(*txn.Tx) error, error) {
	return e.job(ctx, run, Reconcile, name, due.AccountID, due.Run, func(ctx context.Context, t *turn) error {
		page, began, err := t.resume(ctx)
		if err != nil {
			return err
		}
		if page == 0 {
			if err := t.readQuota(ctx); err != nil {
				return err
			}
		}
		for ; !t.over(); page++ {
			items, more, err := t.seller.Items(ctx, page)
			if err != nil {
				return err
			}
			if err := t.comparePage(ctx, items, began); err != nil {
				return err
			}
			if !more {
				return t.run.Do(ctx, func(tx *txn.Tx) error { return t.missing(ctx, tx, began) })
			}
			if err := t.remember(ctx, page+1); err != nil {
				return err
			}
		}
		t.more = true
		return nil
	})
}

// resume returns the page at which the comparison goes on, and when it began.
func (t *turn) resume(ctx context.Context) (page int, began time.Time, err error) {
	err = t.run.Do(ctx, func(tx *txn.Tx) error {
		err := tx.QueryRow(ctx, `
			UPDATE ebay_jobs
			SET page_began = CASE WHEN page = 0 OR page_began IS NULL THEN $2 ELSE page_began END
			WHERE account_id = $1 AND kind = 'reconcile'
			RETURNING page, page_began`, t.account.ID, tx.Now).Scan(&page, &began)
		if err != nil {
			return fmt.Errorf("resume the comparison: %w", err)
		}
		return nil
	})
	return page, began, err
}

// remember notes the page at which the comparison is to go on; 0: it is through.
func (t *turn) remember(ctx context.Context, page int) error {
	return t.run.Do(ctx, func(tx *txn.Tx) error { return remember(ctx, tx, t.account.ID, page) })
}

func remember(ctx context.Context, tx *txn.Tx, accountID string, page int) error {
	_, err := tx.Exec(ctx, `UPDATE ebay_jobs SET page = $2 WHERE account_id = $1 AND kind = 'reconcile'`, accountID, page)
	if err != nil {
		return fmt.Errorf("remember the page of the comparison: %w", err)
	}
	return nil
}

// comparisons is how many offers are read at the same time.
const comparisons = 8

// comparePage compares the items of a page. What has been compared before, by a run
// that died, is compared again.
func (t *turn) comparePage(ctx context.Context, items []client.ItemState, began time.Time) error {
	for chunk := range slices.Chunk(items, comparisons) {
		offers, errs := make([]client.OfferState, len(chunk)), make([]error, len(chunk))
		var group sync.WaitGroup
		for i, item := range chunk {
			group.Go(func() { offers[i], errs[i] = t.seller.OfferOf(ctx, item.SKU) })
		}
		group.Wait()
		for i, item := range chunk {
			if errs[i] != nil {
				return errs[i]
			}
			if err := t.compare(ctx, item, offers[i], began); err != nil {
				return err
			}
		}
	}
	return nil
}

// readQuota notes what is left of eBay's quotas for the day.
func (t *turn) readQuota(ctx context.Context) error {
	all := map[string]client.Quota{}
	for _, api := range []string{"inventory", "fulfillment"} {
		quotas, err := t.seller.Quotas(ctx, api)
		if failed, ok := errors.AsType[*client.Error](err); ok && failed.Class != client.Account && failed.Class != client.Retry {
			continue // it is only for people to look at
		}
		if err != nil {
			return err
		}
		for _, q := range quotas {
			all[api+" "+q.Resource] = q
		}
	}
	return t.run.Do(ctx, func(tx *txn.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE ebay_accounts SET quota = $2 WHERE account_id = $1`, t.account.ID, all)
		if err != nil {
			return fmt.Errorf("note the quota: %w", err)
		}
		return nil
	})
}

// compare brings the listing of a SKU after what eBay says of it.
func (t *turn) compare(ctx context.Context, item client.ItemState, o client.OfferState, began time.Time) error {
	return t.run.Do(ctx, func(tx *txn.Tx) error {
		rows, err := listings(ctx, tx, `account_id = $1 AND sku = $2 ORDER BY state = 'live' DESC, listing_id DESC LIMIT 1 FOR UPDATE`, t.account.ID, item.SKU)
		if err != nil {
			return err
		}
		up := o.Published() && (o.Listing.Status == "ACTIVE" || o.Listing.Status == "OUT_OF_STOCK")
		if len(rows) == 0 {
			if up && t.account.Settings.Adopt {
				return t.adopt(ctx, tx, item, o)
			}
			return nil
		}
		l := &rows[0]
		if _, err := tx.Exec(ctx, `UPDATE ebay_listings SET seen_at = $2 WHERE listing_id = $1`, l.ID, began); err != nil {
			return fmt.Errorf("note a listing that eBay has: %w", err)
		}
		t.done++
		shelves, err := inventory.Lock(ctx, tx, skus(rows), up)
		if err != nil {
			return err
		}
		underWay := l.Telling != nil
		if l.State == listingPending {
			if underWay, err = t.commanded(ctx, tx, l.ProductID); err != nil {
				return err
			}
		}
		switch {
		case l.State == listingImported || underWay:
			return nil // somebody else's, or under way
		case l.State == listingPending && !up: // it was given up
			l.refused()
		case l.State == listingPending:
			l.OfferID, l.EbayID = o.ID, o.Listing.ID
			l.up(Listing{EbayID: o.Listing.ID, TellingPrice: l.TellingPrice}, tx.Now)
		case up && l.State != listingLive:
			l.State, l.Reason, l.EndedAt, l.EbayID, l.OfferID = listingLive, 0, nil, o.Listing.ID, o.ID
			l.adjust(o, shelves)
		case !up && l.State == listingLive:
			l.down(tx.Now, reasonNotActive)
		case up && l.Settling == 0 && (l.Quantity != o.Quantity || l.price() != o.Pricing.Price):
			l.adjust(o, shelves)
		default:
			return nil
		}
		if err := save(ctx, tx, rows); err != nil {
			return err
		}
		if err := inventory.SetHolds(ctx, tx, holds(rows, shelves)); err != nil {
			return err
		}
		return request(ctx, tx, t.account.ID, Sync, tx.Now)
	})
}

// commanded reports whether something is still to be done with the listing of a
// product.
func (t *turn) commanded(ctx context.Context, tx *txn.Tx, productID string) (found bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM listing_commands
			WHERE shop_id = current_shop() AND account_id = $1 AND product_id = $2 AND result IN ('PENDING', 'RUNNING'))`, t.account.ID, productID).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("look for commands: %w", err)
	}
	return found, nil
}

func (l Listing) price() client.Money { return amount(l.PriceCents, l.Currency) }

// adjust notes that eBay has another quantity or price than it was told: it is
// told again, and what it could sell until then is set aside as far as it is
// there.
func (l *Listing) adjust(o client.OfferState, shelves map[string]inventory.Shelf) {
	more := max(0, o.Quantity-l.Quantity)
	if shelf, there := shelves[l.SKU]; limited(shelf, there) {
		more = min(more, max(0, shelf.Available))
	}
	l.Telling = &more
	if cents, err := minor(o.Pricing.Price); err == nil {
		l.PriceCents = cents
	}
	l.Changes++
}

// adopt takes in a listing that somebody else has made. It is not changed by us.
func (t *turn) adopt(ctx context.Context, tx *txn.Tx, item client.ItemState, o client.OfferState) error {
	cents, err := minor(o.Pricing.Price)
	if err != nil {
		return nil //nolint:nilerr // it is eBay's, not ours to mend
	}
	if _, known := money.Exponent(o.Pricing.Price.Currency); !known {
		return nil
	}
	l := Listing{
		ID: ident.New(ident.EbayListing), AccountID: t.account.ID, ProductID: cut(item.SKU, maxName), SKU: item.SKU, Currency: o.Pricing.Price.Currency,
		State: listingImported, DueAt: tx.Now, OfferID: o.ID, EbayID: o.Listing.ID, Title: cut(item.Product.Title, maxTitle), Category: o.Category,
		PriceCents: cents, Quantity: o.Quantity, LaunchedAt: &tx.Now,
	}
	if err := insert(ctx, tx, l); err != nil {
		return err
	}
	t.done++
	return save(ctx, tx, []Listing{l})
}

// missing ends the listings that eBay no longer has.
func (t *turn) missing(ctx context.Context, tx *txn.Tx, began time.Time) error {
	rows, err := listings(ctx, tx, `account_id = $1 AND state IN ('live', 'imported') AND telling IS NULL AND launched_at < $2
		AND (seen_at IS NULL OR seen_at < $2) ORDER BY listing_id FOR UPDATE`, t.account.ID, began)
	if err == nil {
		err = remember(ctx, tx, t.account.ID, 0)
	}
	if err != nil || len(rows) == 0 {
		return err
	}
	for i := range rows {
		rows[i].down(tx.Now, reasonNotActive)
	}
	if err := save(ctx, tx, rows); err != nil {
		return err
	}
	return request(ctx, tx, t.account.ID, Import, tx.Now)
}
