package ebay

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/txn"
)

// The states of a listing.
const (
	listingPending  = "pending"  // not up yet
	listingLive     = "live"     // up
	listingEnded    = "ended"    // down
	listingFailed   = "failed"   // eBay did not take it
	listingImported = "imported" // up, made by somebody else: it is not changed by us
)

// CommerceRack's codes of why a listing is not up (eBay specification, §7).
const (
	reasonNotActive   = 55 // eBay does not have it among the active ones
	reasonEnded       = 83 // by our order
	reasonNotLaunched = 98
)

// Listing is a SKU that is offered at eBay, or was. Offers of the SKUs of one
// product share the listing's number.
type Listing struct {
	ID           string     `json:"id" db:"listing_id"`
	AccountID    string     `json:"account_id" db:"account_id"`
	Profile      string     `json:"profile" db:"profile"`
	ProductID    string     `json:"product_id" db:"product_id"`
	SKU          string     `json:"sku" db:"sku"`
	GroupKey     string     `json:"-" db:"group_key"`
	OfferID      string     `json:"offer_id,omitempty" db:"offer_id"`
	EbayID       string     `json:"ebay_id,omitempty" db:"ebay_id"` // the listing's number at eBay
	Title        string     `json:"title" db:"title"`
	Category     string     `json:"category" db:"category"`
	Currency     string     `json:"currency" db:"currency"`
	PriceCents   int64      `json:"price_cents" db:"price_cents"`
	State        string     `json:"state" db:"state"`       // pending, live, ended, failed or imported
	Reason       int        `json:"reason" db:"reason"`     // CommerceRack's code, 0 while it is live
	Quantity     int64      `json:"quantity" db:"quantity"` // what eBay has left of what it was told
	Settling     int64      `json:"settling" db:"settling"` // pieces that eBay may have sold of what it was told before
	Telling      *int64     `json:"-" db:"telling"`         // is being told, or was and the reply was lost
	TellingPrice *int64     `json:"-" db:"telling_price"`   // likewise
	SettleAfter  *time.Time `json:"-" db:"settle_after"`    // Settling is settled once orders of then are imported
	Sold         int64      `json:"sold" db:"sold"`         // pieces, in all imported orders
	Changes      int64      `json:"-" db:"changes"`
	Told         int64      `json:"-" db:"told"`
	DueAt        time.Time  `json:"due_at" db:"due_at"`       // when eBay may be told next
	Revisions    int        `json:"revisions" db:"revisions"` // of the listing at eBay today, in its time zone
	Attempts     int        `json:"attempts" db:"attempts"`
	Error        string     `json:"error,omitempty" db:"error"` // eBay's last
	Hint         string     `json:"hint,omitempty" db:"hint"`   // what to do about it
	LaunchedAt   *time.Time `json:"launched_at,omitempty" db:"launched_at"`
	EndedAt      *time.Time `json:"ended_at,omitempty" db:"ended_at"`
}

const listingColumns = `listing_id, account_id, profile, product_id, sku, group_key, offer_id, ebay_id, title, category, currency, price_cents, state,
	reason, quantity, settling, telling, telling_price, settle_after, sold, changes, told, due_at,
	CASE WHEN revision_day = (now() AT TIME ZONE 'America/Los_Angeles')::date THEN revisions ELSE 0 END AS revisions,
	attempts, error, hint, launched_at, ended_at`

func listings(ctx context.Context, tx *txn.Tx, where string, args ...any) ([]Listing, error) {
	rows, err := tx.Query(ctx, `SELECT `+listingColumns+` FROM ebay_listings WHERE shop_id = current_shop() AND `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("load listings: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Listing])
	if err != nil {
		return nil, fmt.Errorf("load listings: %w", err)
	}
	return found, nil
}

// held is how many pieces eBay may sell of the listing at most, sales included
// that are not imported yet.
func (l Listing) held() int64 {
	n := l.Quantity + l.Settling
	if l.Telling != nil {
		n += *l.Telling
	}
	return n
}

// limited reports whether there is only so much of what is on a shelf.
func limited(s inventory.Shelf, there bool) bool { return there && s.Tracked && !s.AllowBackorder }

// part returns how much of a stock eBay is to have: the account's share of what it
// has and the shop has free, less what the account keeps, and no more than most
// unless that is 0 (CommerceRack's fixed_qty).
func (s Settings) part(total, most int64) int64 {
	n := min(s.share(total), total-s.Keep)
	if most > 0 {
		n = min(n, most)
	}
	return max(n, 0)
}

// share returns the account's share of n pieces, rounded down: the last piece is
// the shop's.
func (s Settings) share(n int64) int64 {
	percent := s.Share
	if percent == 0 {
		percent = defaultShare
	}
	return n * int64(percent) / 100
}

// next returns the quantity that eBay is to be told now, and whether it is to be
// told at all, if wanted would be its part and free pieces are left to the shop.
//
// Both sides may use up half of their part before it is moved. While old pieces
// are not settled nothing new is told, but that nothing is left. What is told
// besides old pieces comes out of what is free.
func (l Listing) next(s Settings, wanted, free int64) (n int64, tell bool) {
	total := l.held() + free
	switch {
	case l.Telling != nil: // it may have taken effect or not
	case wanted == l.Quantity:
		return 0, false
	case wanted == 0:
	case l.Settling > 0:
		return 0, false
	case l.Quantity == 0, 2*l.Quantity < wanted, l.Quantity > 2*wanted, 2*free < total-s.share(total):
	default:
		return 0, false
	}
	n = wanted
	if l.held() > 0 {
		n = min(wanted, s.spare(total, free))
	}
	stays := n == l.Quantity || n < l.Quantity && l.Quantity < wanted
	return n, l.Telling != nil || !stays
}

// spare is what can be set aside besides old pieces: the shop keeps half of its
// part meanwhile.
func (s Settings) spare(total, free int64) int64 {
	return max(0, free-(total-s.share(total)+1)/2)
}

// settled reports whether every order is imported that could have taken pieces of
// what was told before.
func (l Listing) settled(ordersUntil *time.Time) bool {
	return l.Settling > 0 && l.SettleAfter != nil && ordersUntil != nil && !ordersUntil.Before(*l.SettleAfter)
}

// take notes that eBay has sold pieces in an order that was made at a time, and
// returns how many of them were set aside. Pieces of an order of before the last
// call are those of what was told before it; whichever they are, what is set aside
// falls by as much.
func (l *Listing) take(n int64, made time.Time) (covered int64) {
	old := l.SettleAfter != nil && made.Before(*l.SettleAfter)
	none := int64(0)
	telling := &none
	if l.Telling != nil {
		telling = l.Telling
	}
	parts := []*int64{&l.Quantity, &l.Settling, telling}
	if old {
		parts = []*int64{&l.Settling, &l.Quantity, telling}
	}
	left := n
	for _, p := range parts {
		part := min(left, *p)
		*p -= part
		left -= part
	}
	l.Sold += n
	return n - left
}

// save writes what has changed of listings, in one round trip.
func save(ctx context.Context, tx *txn.Tx, all []Listing) error {
	var batch pgx.Batch
	for _, l := range all {
		batch.Queue(`
			UPDATE ebay_listings
			SET profile = $2, group_key = $3, offer_id = $4, ebay_id = $5, title = $6, category = $7, price_cents = $8, state = $9, reason = $10,
			    quantity = $11, settling = $12, telling = $13, telling_price = $14, settle_after = $15, sold = $16, changes = GREATEST(changes, $17),
			    told = $18, due_at = $19, attempts = $20, error = $21, hint = $22, launched_at = $23, ended_at = $24, updated_at = $25
			WHERE listing_id = $1`,
			l.ID, l.Profile, l.GroupKey, l.OfferID, l.EbayID, l.Title, l.Category, l.PriceCents, l.State, l.Reason,
			l.Quantity, l.Settling, l.Telling, l.TellingPrice, l.SettleAfter, l.Sold, l.Changes,
			l.Told, l.DueAt, l.Attempts, l.Error, l.Hint, l.LaunchedAt, l.EndedAt, tx.Now)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("save listings: %w", err)
	}
	return nil
}

// holds returns what has to be set aside for listings of limited goods.
func holds(all []Listing, shelves map[string]inventory.Shelf) []inventory.Hold {
	var out []inventory.Hold
	for _, l := range all {
		if shelf, there := shelves[l.SKU]; limited(shelf, there) {
			out = append(out, inventory.Hold{ID: l.ID, SKU: l.SKU, Qty: l.held()})
		}
	}
	return out
}

func skus(all []Listing) []string {
	out := make([]string, len(all))
	for i, l := range all {
		out[i] = l.SKU
	}
	return out
}
