package order

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/txn"
)

// Pools are where staff keep orders (order specification, §3). Any may be set to
// any other; DELETED calls the order off.
var Pools = []string{
	"RECENT", "REVIEW", "HOLD", "PENDING", "APPROVED", "PROCESS", "COMPLETED", deleted, "QUOTE", "BACKORDER", "PREORDER", "ARCHIVE",
}

const deleted = "DELETED"

// aliases are other words for pools that merchants' programs send.
var aliases = map[string]string{"CANCEL": deleted, "CANCELED": deleted, "CANCELLED": deleted, "PROCESSING": "PROCESS"}

// Flags are the marks that an order may have (order specification, §2.1, without
// those that follow from its lines, payments and shipments).
var Flags = []string{"expedited", "repeat_customer", "split", "split_result", "supply_chain", "returned", "edited", "backordered", "priority", "gift"}

// UpdateInput is what staff do to an order: every command is done, or none.
type UpdateInput struct {
	ID         string   `json:"-" path:"id"`
	IfMatch    int64    `json:"-" header:"If-Match"`
	Pool       *string  `json:"pool,omitempty"`    // DELETED calls the order off
	Subpool    *string  `json:"subpool,omitempty"` // a tag of the shop's own
	Set        []string `json:"set_flags,omitempty"`
	Clear      []string `json:"clear_flags,omitempty"`
	Note       string   `json:"note,omitempty"`        // for staff
	PublicNote string   `json:"public_note,omitempty"` // the buyer may read it
}

// Validate refuses what cannot be done.
func (in UpdateInput) Validate() error {
	var f fault.Fields
	if in.Pool != nil {
		f.Check(slices.Contains(Pools, pool(*in.Pool)), "/pool", "must be %s", strings.Join(Pools, ", "))
	}
	if in.Subpool != nil {
		f.Check(len(*in.Subpool) <= 40, "/subpool", "must not exceed 40 characters")
	}
	for at, flags := range map[string][]string{"/set_flags/": in.Set, "/clear_flags/": in.Clear} {
		for i, flag := range flags {
			f.Check(slices.Contains(Flags, flag), at+strconv.Itoa(i), "must be %s", strings.Join(Flags, ", "))
		}
	}
	f.Check(len(in.Note) <= 2000, "/note", "must not exceed 2000 characters")
	f.Check(len(in.PublicNote) <= 2000, "/public_note", "must not exceed 2000 characters")
	return f.Err()
}

func pool(name string) string {
	name = strings.ToUpper(strings.TrimSpace(name))
	if p := aliases[name]; p != "" {
		return p
	}
	return name
}

// Update changes where staff keep an order, its flags and its notes, and writes
// down who did. It is of kind Precondition if the order is not of the given version
// any more, and refuses as Cancel does what cannot be called off.
func Update(ctx context.Context, tx *txn.Tx, in UpdateInput) (Order, error) {
	o, err := load(ctx, tx, in.ID, " FOR UPDATE")
	if err != nil {
		return Order{}, err
	}
	if in.IfMatch != 0 && in.IfMatch != o.Version {
		return Order{}, fault.New(fault.Precondition, "the order has changed: it is version %d now", o.Version)
	}
	var batch pgx.Batch
	note := func(kind string, public bool, content string) {
		batch.Queue(`
			INSERT INTO order_history (shop_id, order_id, kind, public, actor, content, created_at)
			VALUES (current_shop(), $1, $2, $3, $4, $5, $6)`, o.ID, kind, public, tx.Who.ID, content, tx.Now)
	}
	if in.Pool != nil && pool(*in.Pool) != o.Pool {
		if o.State == state.Cancelled || o.State == state.Expired {
			return Order{}, fault.New(fault.Conflict, "order %s is %s and stays in the pool %s", o.Number, o.State, o.Pool)
		}
		if pool(*in.Pool) == deleted {
			if _, err := Cancel(ctx, tx, CancelInput{ID: o.ID}); err != nil {
				return Order{}, err
			}
		}
		note("pool", false, o.Pool+" → "+pool(*in.Pool))
		o.Pool = pool(*in.Pool)
	}
	if in.Subpool != nil && *in.Subpool != o.Subpool {
		note("pool", false, fmt.Sprintf("%s (%s → %s)", o.Pool, o.Subpool, *in.Subpool))
		o.Subpool = *in.Subpool
	}
	flags := slices.DeleteFunc(append(slices.Clone(o.Flags), in.Set...), func(f string) bool { return slices.Contains(in.Clear, f) })
	slices.Sort(flags)
	if flags = slices.Compact(flags); !slices.Equal(flags, o.Flags) {
		note("flag", false, fmt.Sprintf("%s → %s", strings.Join(o.Flags, " "), strings.Join(flags, " ")))
		o.Flags = flags
	}
	if in.Note != "" {
		note("note", false, in.Note)
	}
	if in.PublicNote != "" {
		note("note", true, in.PublicNote)
	}
	batch.Queue(`
		UPDATE orders
		SET pool = $2, subpool = $3, flags = $4, version = version + 1, updated_at = $5
		WHERE order_id = $1`, o.ID, o.Pool, o.Subpool, o.Flags, tx.Now)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return Order{}, fmt.Errorf("update order %s: %w", o.ID, err)
	}
	return Get(ctx, tx, GetInput{ID: o.ID})
}

// Entry is a line of an order's history.
type Entry struct {
	Kind      string    `json:"kind"` // note, pool, flag, state, payment or shipment
	Public    bool      `json:"public"`
	Actor     string    `json:"actor,omitempty"` // for staff: the API key that asked, or the login of the function that did it
	Content   string    `json:"content"`
	CreatedAt time.Time `json:"created_at"`
}

// HistoryInput names an order.
type HistoryInput struct {
	ID string `json:"-" path:"id"`
}

// Records are what has been done to an order, the oldest first.
type Records struct {
	Entries []Entry `json:"entries"` // 1000 at most
}

// Chronicle returns an order's history: to its buyer what is public, to staff all
// of it.
func Chronicle(ctx context.Context, tx *txn.Tx, in HistoryInput) (Records, error) {
	o, err := load(ctx, tx, in.ID, "")
	if err != nil {
		return Records{}, err
	}
	staff := tx.Who.Kind == principal.Staff
	rows, err := tx.Query(ctx, `
		SELECT kind, public, CASE WHEN $2 THEN actor ELSE '' END AS actor, content, created_at
		FROM order_history
		WHERE shop_id = current_shop() AND order_id = $1 AND ($2 OR public)
		ORDER BY entry_id
		LIMIT 1000`, o.ID, staff)
	if err != nil {
		return Records{}, fmt.Errorf("read the history of order %s: %w", o.ID, err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByName[Entry])
	if err != nil {
		return Records{}, fmt.Errorf("read the history of order %s: %w", o.ID, err)
	}
	return Records{append([]Entry{}, entries...)}, nil
}
