package ebay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/txn"
)

// The verbs of commands (CommerceRack eBay specification, §3).
const (
	verbInsert = "INSERT"
	verbUpdate = "UPDATE-LISTING"
	verbEnd    = "END"
)

// The results of commands.
const (
	resultSuccess = "SUCCESS"
	resultSoft    = "FAIL-SOFT"  // of the listing: may be tried again after a change
	resultFatal   = "FAIL-FATAL" // of the account
)

// codeTransport is CommerceRack's code of a command that was given up after too
// many attempts.
const codeTransport = 3000

const (
	maxCommands = 500 // of one request
	maxAttempts = 20  // of one command: half a day
)

// PublishInput asks for listings to be put up, revised or ended.
type PublishInput struct {
	AccountID string   `json:"account_id"`
	Profile   string   `json:"profile,omitempty"` // needed to put up
	Products  []string `json:"products"`          // ids
	End       bool     `json:"end,omitempty"`     // take them down
}

// Validate refuses what cannot be asked.
func (in PublishInput) Validate() error {
	var f fault.Fields
	f.Check(ident.Valid(ident.EbayAccount, in.AccountID), "/account_id", "must be the id of an account at eBay")
	f.Check(in.End != codeShape.MatchString(in.Profile), "/profile", "must be the code of a profile, and absent to end listings")
	f.Check(len(in.Products) >= 1 && len(in.Products) <= maxCommands, "/products", "must be 1 to %d", maxCommands)
	seen := map[string]bool{}
	for i, p := range in.Products {
		at := "/products/" + strconv.Itoa(i)
		f.Check(p != "" && len(p) <= 20, at, "must be the id of a product")
		f.Check(!seen[p], at, "is given twice")
		seen[p] = true
	}
	return f.Err()
}

// Queued is the reply to a request for listings.
type Queued struct {
	Queued int `json:"queued"`
}

// Ask queues commands for listings, one for each product; they are carried out in
// that order. The caller's key makes each once.
func Ask(ctx context.Context, tx *txn.Tx, in PublishInput) (Queued, error) {
	a, err := account(ctx, tx, in.AccountID, "")
	if err != nil {
		return Queued{}, err
	}
	if a.State != Connected {
		return Queued{}, fault.New(fault.Conflict, "account %s is %s: connect it first", a.Name, a.State).With("problem", a.Problem)
	}
	verb := verbEnd
	if !in.End {
		verb = verbInsert
		if _, err := profile(ctx, tx, in.Profile); err != nil {
			return Queued{}, err
		}
	}
	key := tx.Cause().IdempotencyKey
	if key == "" {
		key = ident.New(ident.EbayListing)
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO listing_commands (shop_id, account_id, key, verb, product_id, profile, due_at, created_at)
		SELECT current_shop(), $1, left($2, 80) || ' ' || product, $3, product, $4, $5, $5
		FROM unnest($6::text[]) AS product
		ON CONFLICT DO NOTHING`, a.ID, tx.Who.ID+" "+key, verb, in.Profile, tx.Now, in.Products)
	if err != nil {
		return Queued{}, fmt.Errorf("queue listing commands: %w", err)
	}
	return Queued{int(tag.RowsAffected())}, request(ctx, tx, a.ID, Publish, tx.Now)
}

// command is one thing to do with the listing of a product.
type command struct {
	ID        int64  `db:"command_id"`
	Verb      string `db:"verb"`
	ProductID string `db:"product_id"`
	Profile   string `db:"profile"`
	Attempts  int    `db:"attempts"`
}

// publishers is how many commands are carried out at the same time.
const publishers = 6

// Publish carries out the commands of an account.
func (e *Ebay) Publish(ctx context.Context, run *txn.Runner, name string, due events.EbayPublishDue) (func(*txn.Tx) error, error) {
	return e.job(ctx, run, Publish, name, due.AccountID, due.Run, func(ctx context.Context, t *turn) error {
		workers, errs := make([]turn, publishers), make([]error, publishers)
		var group sync.WaitGroup
		for i := range workers {
			workers[i] = *t
			group.Go(func() { errs[i] = workers[i].publish(ctx) })
		}
		group.Wait()
		var failure error
		for i, w := range workers {
			t.done, t.failed, t.more = t.done+w.done, t.failed+w.failed, t.more || w.more
			if _, ofEbay := errors.AsType[*client.Error](errs[i]); errs[i] != nil && (failure == nil || !ofEbay) {
				failure = errs[i]
			}
		}
		return failure
	})
}

// publish carries out one command after the other.
func (t *turn) publish(ctx context.Context) error {
	for !t.over() {
		c, found, err := t.claim(ctx)
		if err != nil || !found {
			return err
		}
		failure := t.carryOut(ctx, c)
		stop, err := t.settle(ctx, c, failure)
		if err != nil || stop {
			return cmp.Or(err, failure)
		}
		t.done++
	}
	t.more = true
	return nil
}

// claim takes the command that is due longest.
func (t *turn) claim(ctx context.Context) (c command, found bool, err error) {
	err = t.run.Do(ctx, func(tx *txn.Tx) error {
		rows, err := tx.Query(ctx, `
			UPDATE listing_commands
			SET result = 'RUNNING', attempts = attempts + 1, lock_until = $3
			WHERE command_id = (
				SELECT command_id
				FROM listing_commands
				WHERE account_id = $1 AND due_at <= $2 AND (result = 'PENDING' OR result = 'RUNNING' AND lock_until <= $2)
				ORDER BY command_id
				LIMIT 1
				FOR UPDATE SKIP LOCKED
			)
			RETURNING command_id, verb, product_id, profile, attempts`, t.account.ID, tx.Now, tx.Now.Add(lease))
		if err != nil {
			return fmt.Errorf("claim a listing command: %w", err)
		}
		c, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[command])
		if errors.Is(err, pgx.ErrNoRows) {
			found = false
			return nil
		}
		found = err == nil
		return err
	})
	return c, found, err
}

// settle notes what became of a command. It reports whether the run must stop
// because eBay answers nothing more.
func (t *turn) settle(ctx context.Context, c command, failure error) (stop bool, err error) {
	err = t.run.Do(ctx, func(tx *txn.Tx) error {
		result, source, code, due := resultSuccess, "", 0, tx.Now
		text, todo := "", ""
		ofEbay, isEbay := errors.AsType[*client.Error](failure)
		ofAccount, pause := trouble(failure, tx.Now)
		if failure != nil {
			text, todo = hint(failure)
		}
		switch {
		case failure == nil:
		case ofAccount, !pause.IsZero(): // not this command's fault, nor an attempt
			stop = true
			result, c.Attempts = "PENDING", c.Attempts-1
		case isEbay && ofEbay.Class == client.Retry && c.Attempts < maxAttempts:
			result, source, due = "PENDING", "TRANSPORT", tx.Now.Add(time.Minute<<min(c.Attempts-1, 6))
		case isEbay && ofEbay.Class == client.Retry:
			result, source, code = resultSoft, "TRANSPORT", codeTransport
		case isEbay:
			result, source = resultSoft, "MKT-LISTING"
			if len(ofEbay.Details) > 0 {
				code = ofEbay.Details[0].ID
			}
		case isPreflight(failure):
			result, source, todo = resultSoft, "PREFLIGHT", "Change the product or its profile, then publish it again."
		default:
			return failure
		}
		if result == resultSoft {
			t.failed++
		}
		if due.After(tx.Now) {
			if err := request(ctx, tx, t.account.ID, Publish, due); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `
			UPDATE listing_commands
			SET result = $2, error_source = $3, error_code = $4, error = $5, hint = $6, attempts = $7, due_at = $8, lock_until = NULL,
			    processed_at = CASE WHEN $2 <> 'PENDING' THEN $9::timestamptz END
			WHERE command_id = $1`, c.ID, result, source, code, text, todo, c.Attempts, due, tx.Now)
		if err != nil {
			return fmt.Errorf("note a listing command: %w", err)
		}
		return nil
	})
	return stop, err
}

func isPreflight(err error) bool {
	_, ok := errors.AsType[preflight](err)
	return ok
}

func (t *turn) carryOut(ctx context.Context, c command) error {
	if c.Verb == verbEnd {
		return t.takeDown(ctx, c.ProductID)
	}
	return t.putUp(ctx, c)
}

// launch is a product with the listings of its SKUs, in the order of the draft.
type launch struct {
	draft
	settings Settings
	rows     []Listing
	gone     []Listing // of SKUs that the product no longer has
}

// putUp puts the listing of a product up, or revises it.
func (t *turn) putUp(ctx context.Context, c command) error {
	var l launch
	err := t.run.Do(ctx, func(tx *txn.Tx) (err error) {
		l, err = t.prepare(ctx, tx, c)
		return err
	})
	if err != nil {
		return err
	}
	failure := t.send(ctx, &l)
	return cmp.Or(t.run.Do(ctx, func(tx *txn.Tx) error { return t.launched(ctx, tx, l, failure) }), failure)
}

// prepare composes the draft and sets aside what eBay may sell once it is sent. It
// goes by the account's settings of now: they may have changed since the run began.
func (t *turn) prepare(ctx context.Context, tx *txn.Tx, c command) (l launch, err error) {
	product, err := catalog.Get(ctx, tx, catalog.GetInput{ID: c.ProductID})
	if fault.Is(err, fault.NotFound) {
		return l, refuse("there is no product %s", c.ProductID)
	}
	if err != nil {
		return l, err
	}
	pr, err := profile(ctx, tx, c.Profile)
	if fault.Is(err, fault.NotFound) {
		return l, refuse("there is no profile %s", c.Profile)
	}
	if err != nil {
		return l, err
	}
	currency := currencyOf(t.account.Marketplace)
	if l.draft, err = compose(product, pr, currency); err != nil {
		return l, err
	}
	a, err := account(ctx, tx, t.account.ID, "")
	if err != nil {
		return l, err
	}
	s := a.Settings
	if s.Location == "" || s.Fulfillment == "" || s.Payment == "" || s.Return == "" {
		return l, refuse("account %s lacks a location or a policy: set them with the account", a.Name)
	}
	l.settings = s
	known, err := listings(ctx, tx, `account_id = $1 AND product_id = $2 AND state IN ('pending', 'live') ORDER BY listing_id FOR UPDATE`, t.account.ID, c.ProductID)
	if err != nil {
		return l, err
	}
	bySKU := map[string]Listing{}
	for _, k := range known {
		bySKU[k.SKU] = k
	}
	var ids []string
	for _, item := range l.items {
		ids = append(ids, item.sku)
	}
	shelves, err := inventory.Lock(ctx, tx, ids, true)
	if err != nil {
		return l, err
	}
	any := false
	for _, item := range l.items {
		row, ok := bySKU[item.sku]
		if !ok {
			row = Listing{ID: ident.New(ident.EbayListing), AccountID: t.account.ID, ProductID: product.ID, SKU: item.sku, Currency: currency, State: listingPending, DueAt: tx.Now}
			if err := insert(ctx, tx, row); err != nil {
				return l, err
			}
		}
		delete(bySKU, item.sku)
		row.Profile, row.Title, row.Category = pr.Code, l.title, l.category
		row.TellingPrice = &item.cents
		if l.group {
			row.GroupKey = groupKey(product.ID)
		}
		shelf, there := shelves[item.sku]
		if row.Telling == nil {
			row.Telling = new(row.begin(s, pr.Most, shelf, there))
		}
		any = any || *row.Telling > 0 || row.Quantity > 0
		l.rows = append(l.rows, row)
	}
	if !any {
		return l, refuse("there is none in stock for eBay: of %s the account's share is nothing", product.ID)
	}
	l.gone = slices.SortedFunc(maps.Values(bySKU), func(a, b Listing) int { return cmp.Compare(a.ID, b.ID) })
	if err := save(ctx, tx, l.rows); err != nil {
		return l, err
	}
	return l, inventory.SetHolds(ctx, tx, holds(l.rows, shelves))
}

// begin returns how many pieces must be set aside besides those that are, so that
// the listing can be put up or revised. A revision tells the quantity twice, for
// the item and for its offer: both count.
func (l Listing) begin(s Settings, most int64, shelf inventory.Shelf, there bool) int64 {
	switch {
	case !limited(shelf, there) && l.State == listingLive:
		return 2 * max(most, 1)
	case !limited(shelf, there):
		return max(most, 1)
	case l.State == listingLive:
		total := l.held() + shelf.Available
		return 2 * min(s.part(total, most), s.spare(total, shelf.Available)/2)
	}
	return s.part(shelf.Available, most)
}

// offered is the quantity that a listing is put up or revised with.
func (l Listing) offered() int64 {
	if l.State == listingLive {
		return *l.Telling / 2
	}
	return *l.Telling
}

func insert(ctx context.Context, tx *txn.Tx, l Listing) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO ebay_listings (listing_id, shop_id, account_id, product_id, sku, currency, state, due_at, created_at, updated_at)
		VALUES ($1, current_shop(), $2, $3, $4, $5, $6, $7, $7, $7)`, l.ID, l.AccountID, l.ProductID, l.SKU, l.Currency, l.State, tx.Now)
	if err != nil {
		return fmt.Errorf("write a listing: %w", err)
	}
	return nil
}

func groupKey(product string) string { return "G-" + product }

// send makes the calls that bring eBay to the draft. What has been done before,
// also by a run that died, is found and not done again.
func (t *turn) send(ctx context.Context, l *launch) error {
	if err := t.sendItems(ctx, l); err != nil {
		return err
	}
	for i := range l.rows {
		if err := t.sendOffer(ctx, l, i); err != nil {
			return err
		}
	}
	i := slices.IndexFunc(l.rows, func(r Listing) bool { return r.State == listingPending })
	if i < 0 {
		return nil
	}
	var id string
	var err error
	if l.group {
		id, err = t.seller.PublishGroup(ctx, l.rows[i].GroupKey, l.rows[i].OfferID)
	} else {
		id, err = t.seller.Publish(ctx, l.rows[i].OfferID)
	}
	for i := range l.rows {
		l.rows[i].EbayID = id
	}
	return err
}

func (t *turn) sendItems(ctx context.Context, l *launch) error {
	items := make([]client.Item, len(l.rows))
	all := make([]string, len(l.rows))
	for i, row := range l.rows {
		d := l.items[i]
		all[i] = row.SKU
		aspects := maps.Clone(l.aspects)
		maps.Copy(aspects, d.aspects)
		items[i] = client.Item{
			SKU: row.SKU, Locale: locale(t.account.Marketplace), Availability: client.Pieces(row.offered()), Condition: l.condition,
			Product: client.Product{Title: l.title, Description: cut(l.title, maxTitle), Aspects: aspects, Images: l.images},
		}
		if d.upc != "" {
			items[i].Product.UPC = []string{d.upc}
		}
	}
	failed := t.seller.PutItems(ctx, items)
	for _, sku := range all {
		if err := failed[sku]; err != nil {
			return err
		}
	}
	if !l.group {
		return nil
	}
	return t.seller.PutGroup(ctx, l.rows[0].GroupKey, client.Group{
		Title: l.title, Description: l.description, Aspects: l.aspects, Images: l.images, SKUs: all, VariesBy: client.VariesBy{Specifications: l.axes},
	})
}

func (t *turn) sendOffer(ctx context.Context, l *launch, i int) error {
	row, s := &l.rows[i], l.settings
	o := client.Offer{
		SKU: row.SKU, Marketplace: t.account.Marketplace, Format: "FIXED_PRICE", Quantity: row.offered(), Category: l.category, Location: s.Location,
		Pricing:  client.Pricing{Price: amount(*row.TellingPrice, row.Currency)},
		Policies: client.Policies{Fulfillment: s.Fulfillment, Payment: s.Payment, Return: s.Return}, Duration: "GTC",
	}
	if !l.group {
		o.Description = l.description
	}
	if row.State == listingLive {
		return t.seller.ReviseOffer(ctx, row.OfferID, o)
	}
	made, err := t.seller.EnsureOffer(ctx, o)
	row.OfferID = made.ID
	return err
}

// launched notes what became of a launch. What eBay has surely not taken is given
// back; where it is not known, it stays set aside and the command is repeated.
func (t *turn) launched(ctx context.Context, tx *txn.Tx, l launch, failure error) error {
	sent := map[string]Listing{}
	for _, r := range slices.Concat(l.rows, l.gone) {
		sent[r.ID] = r
	}
	rows, err := listings(ctx, tx, `listing_id = ANY($1) ORDER BY listing_id FOR UPDATE`, slices.Collect(maps.Keys(sent)))
	if err != nil {
		return err
	}
	shelves, err := inventory.Lock(ctx, tx, skus(rows), false)
	if err != nil {
		return err
	}
	ofEbay, isEbay := errors.AsType[*client.Error](failure)
	for i := range rows {
		row, was := &rows[i], sent[rows[i].ID]
		row.OfferID = cmp.Or(was.OfferID, row.OfferID)
		switch {
		case was.Telling == nil: // gone
			if failure == nil {
				row.down(tx.Now, reasonEnded)
			}
		case failure == nil:
			row.up(was, tx.Now)
		case !isEbay || ofEbay.Class == client.Retry || ofEbay.Class == client.Account: // it is repeated
			row.Error, row.Hint = hint(failure)
		default:
			row.Error, row.Hint = hint(failure)
			row.refused()
		}
	}
	if err := save(ctx, tx, rows); err != nil {
		return err
	}
	if failure == nil {
		revised := slices.DeleteFunc(slices.Clone(rows), func(r Listing) bool { return sent[r.ID].State != listingLive })
		if err := t.countRevisions(ctx, tx, revised); err != nil {
			return err
		}
		if err := t.noteCategory(ctx, tx, l.category); err != nil {
			return err
		}
	}
	return inventory.SetHolds(ctx, tx, holds(rows, shelves))
}

// up notes that a listing is up with what was sent.
func (l *Listing) up(sent Listing, now time.Time) {
	if l.Telling != nil {
		if l.State == listingLive { // told for the item and for the offer
			l.Settling += l.Quantity + *l.Telling/2
			l.SettleAfter = new(now.Add(skew))
			*l.Telling /= 2
		}
		l.Quantity, l.Telling = *l.Telling, nil
	}
	if l.LaunchedAt == nil {
		l.LaunchedAt = &now
	}
	l.PriceCents, l.TellingPrice = *sent.TellingPrice, nil
	l.EbayID, l.State, l.Reason, l.Attempts, l.Error, l.Hint = sent.EbayID, listingLive, 0, 0, "", ""
	l.EndedAt = nil
}

// refused notes that eBay has not taken what was sent.
func (l *Listing) refused() {
	l.Telling, l.TellingPrice = nil, nil
	if l.State == listingPending {
		l.State, l.Reason = listingFailed, reasonNotLaunched
	}
}

// down notes that a listing has ended. What it may have sold until now is settled
// by the next import.
func (l *Listing) down(now time.Time, reason int) {
	l.Settling, l.Quantity, l.Telling, l.TellingPrice = l.held(), 0, nil, nil
	l.SettleAfter = new(now.Add(skew))
	l.State, l.Reason, l.EndedAt = listingEnded, reason, &now
}

// takeDown ends the listing of a product.
func (t *turn) takeDown(ctx context.Context, productID string) error {
	var rows []Listing
	err := t.run.Read(ctx, func(tx *txn.Tx) (err error) {
		rows, err = listings(ctx, tx, `account_id = $1 AND product_id = $2 AND state = 'live' ORDER BY listing_id`, t.account.ID, productID)
		return err
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
		if r.GroupKey == "" {
			err = t.seller.Withdraw(ctx, r.OfferID)
		} else if i == 0 {
			err = t.seller.WithdrawGroup(ctx, r.GroupKey, r.OfferID)
		}
		if err != nil {
			return err
		}
	}
	return t.run.Do(ctx, func(tx *txn.Tx) error {
		rows, err := listings(ctx, tx, `listing_id = ANY($1) AND state = 'live' ORDER BY listing_id FOR UPDATE`, ids)
		if err != nil {
			return err
		}
		for i := range rows {
			rows[i].down(tx.Now, reasonEnded)
		}
		if err := save(ctx, tx, rows); err != nil {
			return err
		}
		return request(ctx, tx, t.account.ID, Sync, tx.Now)
	})
}

func (t *turn) noteCategory(ctx context.Context, tx *txn.Tx, category string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO ebay_user_categories (shop_id, marketplace, category, used_at) VALUES (current_shop(), $1, $2, $3)
		ON CONFLICT (shop_id, marketplace, category) DO UPDATE SET used_at = EXCLUDED.used_at`, t.account.Marketplace, category, tx.Now)
	if err != nil {
		return fmt.Errorf("note the category: %w", err)
	}
	return nil
}

// currencies are those of eBay's marketplaces; where there is none, US dollars.
var currencies = map[string]string{
	"EBAY_GB": "GBP", "EBAY_CA": "CAD", "EBAY_AU": "AUD", "EBAY_CH": "CHF", "EBAY_PL": "PLN", "EBAY_HK": "HKD", "EBAY_SG": "SGD", "EBAY_MY": "MYR",
	"EBAY_PH": "PHP", "EBAY_TW": "TWD", "EBAY_DE": "EUR", "EBAY_AT": "EUR", "EBAY_BE": "EUR", "EBAY_ES": "EUR", "EBAY_FR": "EUR", "EBAY_IE": "EUR",
	"EBAY_IT": "EUR", "EBAY_NL": "EUR",
}

func currencyOf(marketplace string) string { return cmp.Or(currencies[marketplace], "USD") }

// locale is that of a marketplace's texts.
func locale(marketplace string) string {
	return cmp.Or(map[string]string{
		"EBAY_GB": "en_GB", "EBAY_IE": "en_GB", "EBAY_CA": "en_CA", "EBAY_AU": "en_AU", "EBAY_DE": "de_DE", "EBAY_AT": "de_DE", "EBAY_CH": "de_DE",
		"EBAY_FR": "fr_FR", "EBAY_IT": "it_IT", "EBAY_ES": "es_ES",
	}[marketplace], "en_US")
}

// amount writes cents as eBay does.
func amount(minor int64, currency string) client.Money {
	exponent, _ := money.Exponent(currency)
	return client.Money{Value: decimal.New(minor, -int32(exponent)).StringFixed(int32(exponent)), Currency: currency}
}
