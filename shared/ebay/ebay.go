package ebay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/seal"
	"github.com/rackless/rackless/shared/txn"
)

// Ebay is how the functions reach eBay: as which application, and the keys under
// which the accounts' consents are sealed.
type Ebay struct {
	App  *client.App
	Keys seal.Keys

	mu      sync.Mutex
	sellers map[[sha256.Size]byte]*client.Seller // they keep access tokens
}

// Account is a shop's account at eBay.
type Account struct {
	ID          string     `json:"id" db:"account_id"`
	Name        string     `json:"name" db:"name"`
	Marketplace string     `json:"marketplace" db:"marketplace"`
	State       string     `json:"state" db:"state"`                         // pending, connected or revoked
	Problem     string     `json:"problem,omitempty" db:"problem"`           // what a person has to mend
	TokenUntil  *time.Time `json:"token_until,omitempty" db:"token_until"`   // the seller must consent again by then
	PausedUntil *time.Time `json:"paused_until,omitempty" db:"paused_until"` // eBay's quota is used up
	OrdersUntil *time.Time `json:"orders_until,omitempty" db:"orders_until"` // every order of before is imported
	Settings    Settings   `json:"settings" db:"settings"`
	sealed      []byte
}

// The states of an account.
const (
	Pending   = "pending"
	Connected = "connected"
	Revoked   = "revoked"
)

// Settings say how an account sells.
type Settings struct {
	Location     string     `json:"location,omitempty"`           // the key of the place at eBay from which goods leave
	Fulfillment  string     `json:"fulfillment_policy,omitempty"` // ids of the account's business policies
	Payment      string     `json:"payment_policy,omitempty"`
	Return       string     `json:"return_policy,omitempty"`
	Share        int        `json:"share,omitempty"`           // percent of the stock that eBay may sell, 1 to 100; 0: half
	Keep         int64      `json:"keep,omitempty"`            // pieces of each SKU that eBay never gets
	SkipOrders   bool       `json:"skip_orders,omitempty"`     // do not import orders
	IgnoreBefore *time.Time `json:"ignore_before,omitempty"`   // orders made earlier are not imported
	Adopt        bool       `json:"import_listings,omitempty"` // take in listings that somebody else has made
}

// defaultShare is the percentage where an account does not say.
const defaultShare = 50

const accountColumns = `account_id, name, marketplace, state, problem, token_until, paused_until, orders_until, settings, refresh_token`

func accounts(ctx context.Context, tx *txn.Tx, where string, args ...any) ([]Account, error) {
	rows, err := tx.Query(ctx, `SELECT `+accountColumns+` FROM ebay_accounts WHERE shop_id = current_shop() `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("load accounts at eBay: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Account, err error) {
		err = row.Scan(&a.ID, &a.Name, &a.Marketplace, &a.State, &a.Problem, &a.TokenUntil, &a.PausedUntil, &a.OrdersUntil, &a.Settings, &a.sealed)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("load accounts at eBay: %w", err)
	}
	return found, nil
}

func account(ctx context.Context, tx *txn.Tx, id, lock string) (Account, error) {
	found, err := accounts(ctx, tx, `AND account_id = $1`+lock, id)
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "there is no account %s at eBay", id)
	}
	if err != nil {
		return Account{}, err
	}
	return found[0], nil
}

// seller returns the account as eBay knows it.
func (e *Ebay) seller(tx *txn.Tx, a Account) (*client.Seller, error) {
	token, err := e.Keys.Open(a.sealed, tokenPlace(tx.Shop, a.ID))
	if err != nil {
		return nil, fmt.Errorf("open the consent of account %s: %w", a.ID, err)
	}
	key := sha256.Sum256(append([]byte(a.Marketplace+"\x00"), token...))
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sellers == nil || len(e.sellers) > 1000 {
		e.sellers = map[[sha256.Size]byte]*client.Seller{}
	}
	s := e.sellers[key]
	if s == nil {
		s = e.App.Seller(string(token), a.Marketplace)
		e.sellers[key] = s
	}
	return s, nil
}

func tokenPlace(shop, account string) string { return "ebay_accounts " + shop + " " + account }

// trouble sorts what went wrong with a call: whether it is the account's, and
// until when to leave eBay alone because a quota is used up.
func trouble(err error, now time.Time) (ofAccount bool, pause time.Time) {
	failed, ok := errors.AsType[*client.Error](err)
	switch {
	case !ok:
		return false, time.Time{}
	case failed.Class == client.Account:
		return true, time.Time{}
	case failed.Status == 429:
		return false, now.Add(max(failed.Wait, quotaPause))
	}
	return false, time.Time{}
}

// quotaPause is how long an account rests whose quota is used up, if eBay does not
// say how long.
const quotaPause = 15 * time.Minute

// hint returns for a person what went wrong, within what a row can hold.
func hint(err error) (text, hint string) {
	text = err.Error()
	if failed, ok := errors.AsType[*client.Error](err); ok {
		hint = failed.Hint()
	}
	return clip(text), clip(hint)
}

// maxText is how much of an error a row keeps, in bytes.
const maxText = 900

func clip(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxText)], "")
}
