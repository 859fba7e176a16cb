package order

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/txn"
)

// Summary is an order in a list. Amounts are in the currency's smallest unit.
type Summary struct {
	ID         string      `json:"id" db:"order_id"`
	Number     string      `json:"number" db:"number"`
	CartID     string      `json:"cart_id" db:"cart_id"`
	Owner      string      `json:"-" db:"owner"`
	State      state.State `json:"state" db:"state"`
	Reason     string      `json:"reason,omitempty" db:"reason"` // why it was cancelled
	Pool       string      `json:"pool" db:"pool"`               // where staff keep it, see Pools
	Subpool    string      `json:"subpool,omitempty" db:"subpool"`
	Flags      []string    `json:"flags,omitempty" db:"flags"`
	Email      string      `json:"email" db:"email"`
	Currency   string      `json:"currency" db:"currency"`
	TotalCents int64       `json:"total_cents" db:"total_cents"`
	Version    int64       `json:"version" db:"version"`
	ExpiresAt  time.Time   `json:"expires_at" db:"expires_at"` // until when it can be confirmed
	CreatedAt  time.Time   `json:"created_at" db:"created_at"`
	UpdatedAt  time.Time   `json:"updated_at" db:"updated_at"`
}

// Order is an order with all that belongs to it.
type Order struct {
	Summary
	Ship        price.Destination `json:"ship" db:"ship"`
	Billing     cart.Contact      `json:"billing" db:"billing"`
	Notes       string            `json:"notes" db:"notes"`
	Totals      price.Totals      `json:"totals" db:"totals"`
	Shipments   []Shipment        `json:"shipments,omitempty" db:"shipments"`
	ShippedAt   *time.Time        `json:"shipped_at,omitempty" db:"shipped_at"`     // when all of it had left
	PaidAt      *time.Time        `json:"paid_at,omitempty" db:"paid_at"`           // when all of its money was taken
	CompletedAt *time.Time        `json:"completed_at,omitempty" db:"completed_at"` // when both had happened
	Payments    []payment.Payment `json:"payments" db:"-"`
}

// ETag is the version as an entity tag.
func (o Order) ETag() string { return `"` + strconv.FormatInt(o.Version, 10) + `"` }

// Location is where the order is read.
func (o Order) Location() string { return "/v1/orders/" + o.ID }

const summaryColumns = `order_id, number, cart_id, owner, state, reason, pool, subpool, flags, email, currency, total_cents, version, expires_at, created_at, updated_at`

// GetInput names an order.
type GetInput struct {
	ID      string `json:"-" path:"id"`
	Explain bool   `json:"-" query:"explain"` // with the derivation of every total, as it was when ordered
}

// Get returns an order to its buyer or to staff; for anybody else there is none.
func Get(ctx context.Context, tx *txn.Tx, in GetInput) (Order, error) {
	var batch pgx.Batch
	var found []Order
	var payments []payment.Payment
	queueLoad(&batch, in.ID, "", &found)
	payment.QueueOfOrder(&batch, in.ID, &payments)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return Order{}, fmt.Errorf("load order: %w", err)
	}
	o, err := own(tx, in.ID, found)
	if err != nil {
		return Order{}, err
	}
	o.Payments = payments
	if in.Explain {
		err = tx.QueryRow(ctx, `SELECT explanation FROM orders WHERE order_id = $1`, o.ID).Scan(&o.Totals.Explanation)
		if err != nil {
			return Order{}, fmt.Errorf("load the derivation of order %s: %w", o.ID, err)
		}
	}
	return o, nil
}

func load(ctx context.Context, tx *txn.Tx, id, lock string) (Order, error) {
	var batch pgx.Batch
	var found []Order
	queueLoad(&batch, id, lock, &found)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return Order{}, fmt.Errorf("load order: %w", err)
	}
	return own(tx, id, found)
}

func queueLoad(batch *pgx.Batch, id, lock string, into *[]Order) {
	batch.Queue(`
		SELECT `+summaryColumns+`, cart -> 'ship' AS ship, billing, notes, totals, shipments, shipped_at, paid_at, completed_at
		FROM orders
		WHERE order_id = $1`+lock, id).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[Order])
		return err
	})
}

// own returns the order that was found, unless it is not the caller's.
func own(tx *txn.Tx, id string, found []Order) (Order, error) {
	if len(found) == 0 || !tx.Who.Owns(found[0].Owner) {
		return Order{}, fault.New(fault.NotFound, "there is no order %s", id)
	}
	return found[0], nil
}

// ListInput asks for orders: a buyer's own, or the shop's for staff.
type ListInput struct {
	page.Query
	State  string `json:"-" query:"state"`
	Number string `json:"-" query:"number"`
	Email  string `json:"-" query:"email"` // staff only
	Pool   string `json:"-" query:"pool"`
	Flag   string `json:"-" query:"flag"`
}

// List returns a page of orders, the newest first.
func List(ctx context.Context, tx *txn.Tx, in ListInput) (page.Page[Summary], error) {
	rows, err := tx.Query(ctx, `
		SELECT `+summaryColumns+`
		FROM orders
		WHERE ($1 = '' OR order_id < $1)
		  AND ($2 OR owner = $3)
		  AND ($4 = '' OR state = $4)
		  AND ($5 = '' OR lower(email) = lower($5))
		  AND ($6 = '' OR number = $6)
		  AND ($7 = '' OR pool = $7)
		  AND ($8 = '' OR $8 = ANY(flags))
		ORDER BY order_id DESC
		LIMIT $9`, in.After(), tx.Who.Trusted(), tx.Who.Owner, in.State, in.Email, in.Number, pool(in.Pool), in.Flag, in.Rows())
	if err != nil {
		return page.Page[Summary]{}, fmt.Errorf("list orders: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Summary])
	if err != nil {
		return page.Page[Summary]{}, fmt.Errorf("list orders: %w", err)
	}
	return page.Of(in.Query, found, func(o Summary) string { return o.ID }), nil
}
