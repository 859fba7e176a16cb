package ebay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// Kind is a kind of work for an account.
type Kind string

// The kinds of work.
const (
	Publish   Kind = "publish"   // listings that are to be put up, revised or ended
	Sync      Kind = "sync"      // quantities and prices
	Import    Kind = "import"    // orders
	Reconcile Kind = "reconcile" // our listings against eBay's
)

// The times of a run.
const (
	lease     = 2 * time.Minute  // after which a run counts as dead
	runTime   = 15 * time.Second // after which a run leaves the rest to the next
	retryWait = time.Minute      // after a run that failed
	callEnds  = 30 * time.Second // before the end of its lease a run makes no call any more: none may overtake those of the next
)

// every is how often work is due without a reason.
var every = map[Kind]time.Duration{Import: 15 * time.Minute, Sync: time.Hour, Reconcile: 24 * time.Hour}

// due returns the event that makes work of a kind begin; run names the run that a
// timer watches over.
func due(k Kind, accountID, run string) events.Event {
	switch k {
	case Publish:
		return events.EbayPublishDue{AccountID: accountID, Run: run}
	case Sync:
		return events.EbaySyncDue{AccountID: accountID, Run: run}
	case Import:
		return events.EbayImportDue{AccountID: accountID, Run: run}
	}
	return events.EbayReconcileDue{AccountID: accountID, Run: run}
}

// request makes work of a kind begin at a time, unless it will begin by then
// anyway: any number of reasons make one event.
func request(ctx context.Context, tx *txn.Tx, accountID string, k Kind, at time.Time) error {
	tag, err := tx.Exec(ctx, `
		INSERT INTO ebay_jobs AS j (shop_id, account_id, kind, next_at)
		VALUES (current_shop(), $1, $2, $3)
		ON CONFLICT (account_id, kind) DO UPDATE
		SET next_at = EXCLUDED.next_at
		WHERE j.next_at IS NULL OR j.next_at > EXCLUDED.next_at`, accountID, string(k), at)
	if err != nil {
		return fmt.Errorf("request %s: %w", k, err)
	}
	if tag.RowsAffected() == 1 {
		tx.EmitAt(at, due(k, accountID, ""))
	}
	return nil
}

// requestAll makes work of every kind begin at a time.
func requestAll(ctx context.Context, tx *txn.Tx, accountID string, at time.Time) error {
	for _, k := range []Kind{Publish, Sync, Import, Reconcile} {
		if err := request(ctx, tx, accountID, k, at); err != nil {
			return err
		}
	}
	return nil
}

// RunInput asks for work of a kind to begin now.
type RunInput struct {
	ID   string `json:"-" path:"id"`
	Kind Kind   `json:"kind"` // publish, sync, import or reconcile
}

// Validate refuses what is no work.
func (in RunInput) Validate() error {
	var f fault.Fields
	f.Check(in.Kind == Publish || in.Kind == Sync || in.Kind == Import || in.Kind == Reconcile, "/kind", "must be publish, sync, import or reconcile")
	return f.Err()
}

// RunNow makes work for an account begin now. A pause because of eBay's quota stays.
func RunNow(ctx context.Context, tx *txn.Tx, in RunInput) (Account, error) {
	a, err := account(ctx, tx, in.ID, "")
	if err != nil {
		return a, err
	}
	if a.State != Connected {
		return a, fault.New(fault.Conflict, "account %s is %s: connect it first", a.Name, a.State).With("problem", a.Problem)
	}
	return a, request(ctx, tx, a.ID, in.Kind, tx.Now)
}

// turn is one run of work for an account.
type turn struct {
	run     *txn.Runner
	seller  *client.Seller
	account Account
	until   time.Time
	done    int64 // objects that are settled
	failed  int64
	more    bool // there is work left that is due
}

// over reports whether the run should leave the rest to the next.
func (t *turn) over() bool { return !t.run.Clock.Now().Before(t.until) }

// job does work of a kind for an account, if it is connected and nobody else is at
// it. What work returns as an error of eBay is kept with the account or the run
// and tried again in time; any other error is of the delivery. What it returns
// ends the run, in the transaction that records the event as consumed.
func (e *Ebay) job(ctx context.Context, run *txn.Runner, k Kind, name, accountID, watched string, work func(context.Context, *turn) error) (func(*txn.Tx) error, error) {
	nothing := func(*txn.Tx) error { return nil }
	t := &turn{run: run}
	err := run.Do(ctx, func(tx *txn.Tx) (err error) {
		t.seller = nil
		t.account, err = account(ctx, tx, accountID, "")
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		begun, err := begin(ctx, tx, t.account, k, name, watched)
		if err != nil || !begun {
			return err
		}
		t.until = tx.Now.Add(runTime)
		t.seller, err = e.seller(tx, t.account)
		return err
	})
	if err != nil || t.seller == nil {
		return nothing, err
	}
	limited, cancel := context.WithTimeout(ctx, lease-callEnds)
	defer cancel()
	failure := work(limited, t)
	if _, ofEbay := errors.AsType[*client.Error](failure); failure != nil && !ofEbay && !isPreflight(failure) {
		return nil, failure
	}
	return func(tx *txn.Tx) error { return t.end(ctx, tx, k, name, failure) }, nil
}

// begin takes the account's work of a kind, unless another run is at it: that one
// will go on then.
func begin(ctx context.Context, tx *txn.Tx, a Account, k Kind, name, watched string) (bool, error) {
	var holder string
	var until *time.Time
	err := tx.QueryRow(ctx, `
		INSERT INTO ebay_jobs AS j (shop_id, account_id, kind)
		VALUES (current_shop(), $1, $2)
		ON CONFLICT (account_id, kind) DO UPDATE
		SET next_at = CASE WHEN j.next_at > $3 THEN j.next_at END
		RETURNING run, run_until`, a.ID, string(k), tx.Now).Scan(&holder, &until)
	if err != nil {
		return false, fmt.Errorf("look after %s: %w", k, err)
	}
	switch {
	case watched != "" && holder != watched: // it has come to its end
		return false, nil
	case a.State != Connected || a.PausedUntil != nil && a.PausedUntil.After(tx.Now):
		return false, nil
	case until != nil && until.After(tx.Now): // if it has died, its timer takes over
		_, err := tx.Exec(ctx, `UPDATE ebay_jobs SET again = true WHERE account_id = $1 AND kind = $2`, a.ID, string(k))
		if err != nil {
			return false, fmt.Errorf("ask for more %s: %w", k, err)
		}
		return false, nil
	}
	_, err = tx.Exec(ctx, `
		UPDATE ebay_jobs
		SET run = $3, run_until = $4, again = false, started_at = $5
		WHERE account_id = $1 AND kind = $2`, a.ID, string(k), name, tx.Now.Add(lease), tx.Now)
	if err != nil {
		return false, fmt.Errorf("begin to %s: %w", k, err)
	}
	tx.EmitAt(tx.Now.Add(lease), due(k, a.ID, name))
	return true, nil
}

// end lets go of the work and says when it is due next.
func (t *turn) end(ctx context.Context, tx *txn.Tx, k Kind, name string, failure error) error {
	problem := ""
	if failure != nil {
		_, problem = hint(failure)
	}
	var again bool
	err := tx.QueryRow(ctx, `
		UPDATE ebay_jobs
		SET run = '', run_until = NULL, ended_at = $4, done = done + $5, errors = errors + $6, error = $7
		WHERE account_id = $1 AND kind = $2 AND run = $3
		RETURNING again`, t.account.ID, string(k), name, tx.Now, t.done, t.failed, problem).Scan(&again)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // it took so long that another run took over
	}
	if err != nil {
		return fmt.Errorf("end to %s: %w", k, err)
	}
	ofAccount, pause := trouble(failure, tx.Now)
	switch {
	case ofAccount:
		stopped, err := revoke(ctx, tx, t.account, problem)
		if err != nil || stopped {
			return err
		}
		return request(ctx, tx, t.account.ID, k, tx.Now)
	case !pause.IsZero():
		_, err := tx.Exec(ctx, `UPDATE ebay_accounts SET paused_until = $2, updated_at = $3 WHERE account_id = $1`, t.account.ID, pause, tx.Now)
		if err != nil {
			return fmt.Errorf("pause the account: %w", err)
		}
		return requestAll(ctx, tx, t.account.ID, pause)
	case failure != nil:
		return request(ctx, tx, t.account.ID, k, tx.Now.Add(retryWait))
	case t.more || again:
		return request(ctx, tx, t.account.ID, k, tx.Now)
	case k == Publish:
		return requestRest(ctx, tx, t.account.ID)
	case every[k] != 0:
		return request(ctx, tx, t.account.ID, k, tx.Now.Add(every[k]))
	}
	return nil
}

// requestRest makes the commands that are left be carried out when they are due: the
// one of a run that died, once it is nobody's any more.
func requestRest(ctx context.Context, tx *txn.Tx, accountID string) error {
	var next *time.Time
	err := tx.QueryRow(ctx, `
		SELECT min(GREATEST(due_at, lock_until))
		FROM listing_commands
		WHERE account_id = $1 AND result IN ('PENDING', 'RUNNING')`, accountID).Scan(&next)
	if err != nil {
		return fmt.Errorf("see what is left to publish: %w", err)
	}
	if next == nil {
		return nil
	}
	return request(ctx, tx, accountID, Publish, later(*next, tx.Now))
}

// revoke stops an account, and only that one, until the seller consents again. It
// reports whether it has: it does not where the consent that eBay refused is no
// longer the account's.
func revoke(ctx context.Context, tx *txn.Tx, a Account, problem string) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE ebay_accounts
		SET state = 'revoked', problem = $3, updated_at = $4
		WHERE account_id = $1 AND refresh_token = $2 AND state = 'connected'`, a.ID, a.sealed, clip(problem), tx.Now)
	if err != nil {
		return false, fmt.Errorf("stop the account: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
