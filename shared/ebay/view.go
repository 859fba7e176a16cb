package ebay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/txn"
)

// ListInput asks for listings, in order of their ids.
type ListInput struct {
	page.Query
	AccountID string `json:"-" query:"account_id"`
	State     string `json:"-" query:"state"` // pending, live, ended, failed or imported
	Product   string `json:"-" query:"product"`
	Troubled  bool   `json:"-" query:"troubled"` // only those of which eBay refused something
}

// Validate refuses what cannot be asked for.
func (in ListInput) Validate() error {
	var f fault.Fields
	f.Merge("", in.Query.Validate())
	states := []string{"", listingPending, listingLive, listingEnded, listingFailed, listingImported}
	f.Check(slices.Contains(states, in.State), "/state", "must be pending, live, ended, failed or imported")
	f.Check(len(in.Product) <= 45, "/product", "must not exceed 45 characters")
	f.Check(len(in.AccountID) <= 40, "/account_id", "must be the id of an account")
	return f.Err()
}

// List returns a page of listings with their state, eBay's last error and what to
// do about it.
func List(ctx context.Context, tx *txn.Tx, in ListInput) (page.Page[Listing], error) {
	found, err := listings(ctx, tx, `listing_id > $1 AND ($2 = '' OR account_id = $2) AND ($3 = '' OR state = $3) AND ($4 = '' OR product_id = $4)
		AND (NOT $5 OR error <> '') ORDER BY listing_id LIMIT $6`, in.After(), in.AccountID, in.State, in.Product, in.Troubled, in.Rows())
	if err != nil {
		return page.Page[Listing]{}, err
	}
	return page.Of(in.Query, found, func(l Listing) string { return l.ID }), nil
}

// StatusInput asks how selling at eBay goes.
type StatusInput struct{}

// Status tells it, account by account.
type Status struct {
	Accounts []AccountStatus `json:"accounts"`
}

// AccountStatus is an account with what it does.
type AccountStatus struct {
	Account
	Listings map[string]int64        `json:"listings"`        // how many, by state
	Troubled int64                   `json:"troubled"`        // of them, those of which eBay refused something
	Queue    int64                   `json:"queue"`           // commands that are to be carried out
	Behind   int64                   `json:"behind"`          // listings of which eBay is to be told something
	Unpaid   int64                   `json:"unpaid_orders"`   // orders at eBay that wait for their money
	Imported int64                   `json:"imported_orders"` // orders that became the shop's
	Short    int64                   `json:"short"`           // pieces that eBay sold and that were not there
	Quota    map[string]client.Quota `json:"quota"`           // as eBay last told, by API
	Jobs     map[string]JobStatus    `json:"jobs"`            // by kind of work
	Failures []Failure               `json:"failures"`        // the latest commands that failed
}

// JobStatus is how one kind of work goes.
type JobStatus struct {
	Running bool       `json:"running"`
	NextAt  *time.Time `json:"next_at,omitempty"`
	EndedAt *time.Time `json:"ended_at,omitempty"`
	Done    int64      `json:"done"`
	Errors  int64      `json:"errors"`
	Error   string     `json:"error,omitempty"` // of the last run
}

// Failure is a command that was not carried out, and what to do about it.
type Failure struct {
	ProductID   string    `json:"product_id" db:"product_id"`
	Verb        string    `json:"verb" db:"verb"`
	Result      string    `json:"result" db:"result"`
	Source      string    `json:"source" db:"error_source"` // CommerceRack's: PREFLIGHT, TRANSPORT, MKT-LISTING, MKT-ACCOUNT
	Code        int       `json:"code" db:"error_code"`
	Error       string    `json:"error" db:"error"`
	Hint        string    `json:"hint" db:"hint"`
	ProcessedAt time.Time `json:"processed_at" db:"processed_at"`
}

// maxAccounts bounds what is shown.
const maxAccounts = 50

// StatusOf tells how selling at eBay goes.
func StatusOf(ctx context.Context, tx *txn.Tx, _ StatusInput) (Status, error) {
	all, err := accounts(ctx, tx, `ORDER BY name LIMIT $1`, maxAccounts)
	if err != nil {
		return Status{}, err
	}
	out := Status{Accounts: []AccountStatus{}}
	for _, a := range all {
		s := AccountStatus{Account: a, Listings: map[string]int64{}, Jobs: map[string]JobStatus{}, Quota: map[string]client.Quota{}, Failures: []Failure{}}
		var batch pgx.Batch
		s.queue(&batch, tx.Now)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return Status{}, fmt.Errorf("see how selling at eBay goes: %w", err)
		}
		out.Accounts = append(out.Accounts, s)
	}
	return out, nil
}

// queue adds the questions about one account to a batch.
func (s *AccountStatus) queue(batch *pgx.Batch, now time.Time) {
	batch.Queue(`SELECT state, count(*) FROM ebay_listings WHERE account_id = $1 GROUP BY state`, s.ID).Query(func(rows pgx.Rows) error {
		var state string
		var n int64
		_, err := pgx.ForEachRow(rows, []any{&state, &n}, func() error {
			s.Listings[state] = n
			return nil
		})
		return err
	})
	batch.Queue(`
		SELECT (SELECT count(*) FROM ebay_listings WHERE account_id = $1 AND error <> ''),
		       (SELECT count(*) FROM listing_commands WHERE account_id = $1 AND result IN ('PENDING', 'RUNNING')),
		       (SELECT count(*) FROM ebay_listings WHERE account_id = $1 AND state = 'live' AND (told < changes OR telling IS NOT NULL)),
		       (SELECT count(*) FROM ebay_orders WHERE account_id = $1 AND state = 'unpaid'),
		       (SELECT count(*) FROM ebay_orders WHERE account_id = $1 AND imported_at IS NOT NULL),
		       (SELECT COALESCE(sum(short), 0)::bigint FROM ebay_winners WHERE account_id = $1),
		       (SELECT quota FROM ebay_accounts WHERE account_id = $1)`, s.ID).QueryRow(func(row pgx.Row) error {
		return row.Scan(&s.Troubled, &s.Queue, &s.Behind, &s.Unpaid, &s.Imported, &s.Short, &s.Quota)
	})
	batch.Queue(`SELECT kind, run_until > $2, next_at, ended_at, done, errors, error FROM ebay_jobs WHERE account_id = $1`, s.ID, now).Query(func(rows pgx.Rows) error {
		var kind string
		var running *bool
		var j JobStatus
		_, err := pgx.ForEachRow(rows, []any{&kind, &running, &j.NextAt, &j.EndedAt, &j.Done, &j.Errors, &j.Error}, func() error {
			j.Running = running != nil && *running
			s.Jobs[kind] = j
			return nil
		})
		return err
	})
	batch.Queue(`
		SELECT product_id, verb, result, error_source, error_code, error, hint, processed_at
		FROM listing_commands
		WHERE account_id = $1 AND result LIKE 'FAIL%'
		ORDER BY processed_at DESC
		LIMIT 20`, s.ID).Query(func(rows pgx.Rows) (err error) {
		s.Failures, err = pgx.CollectRows(rows, pgx.RowToStructByName[Failure])
		return err
	})
}
