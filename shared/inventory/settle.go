package inventory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// forever is the expiry of what no longer expires.
var forever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Keep makes the reservation of an order last: whoever confirms the order calls
// it in the transaction of the confirmation, so that the goods cannot go to
// somebody else before the event arrives. A reservation that has expired and is
// gone, in part or whole, is refused with kind Conflict. It needs SELECT and
// UPDATE on stock_orders, stock and reservations, and SELECT on skus.
func Keep(ctx context.Context, tx *txn.Tx, orderID string) error {
	return KeepUntil(ctx, tx, orderID, forever)
}

// KeepUntil is Keep for a time.
func KeepUntil(ctx context.Context, tx *txn.Tx, orderID string, until time.Time) error {
	var state string
	err := tx.QueryRow(ctx, `
		SELECT state
		FROM stock_orders
		WHERE shop_id = current_shop() AND order_id = $1
		FOR UPDATE`, orderID).Scan(&state)
	if err != nil && err != pgx.ErrNoRows {
		return fmt.Errorf("lock order %s in the inventory: %w", orderID, err)
	}
	if err == pgx.ErrNoRows || state == rejected || state == released {
		return fault.New(fault.Conflict, "the goods of order %s are not reserved", orderID)
	}
	lines, _, err := lockLines(ctx, tx, orderID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(lines, reservation.lost) {
		return fault.New(fault.Conflict, "the reservation of order %s has expired and its goods have gone to others", orderID)
	}
	tx.Later(`
		UPDATE reservations
		SET expires_at = $2
		WHERE shop_id = current_shop() AND order_id = $1 AND state = 'held'`, orderID, until)
	return nil
}

// Commit takes the goods of a confirmed order off the shelf. Lines whose
// reservation expired before are taken anew; if they have gone to others, it gives
// back the rest and states inventory.rejected.v1.
func Commit(ctx context.Context, tx *txn.Tx, e events.OrderConfirmed) error {
	state, _, err := open(ctx, tx, e.OrderID, committed)
	if err != nil || state != reserved {
		return err
	}
	lines, _, err := lockLines(ctx, tx, e.OrderID)
	if err != nil {
		return err
	}
	wanted := map[string]int64{}
	for _, l := range lines {
		if l.lost() {
			wanted[l.SKU] = l.Qty
		}
	}
	if len(wanted) > 0 {
		short, err := take(ctx, tx, e.OrderID, wanted, forever)
		if err != nil {
			return err
		}
		if len(short) > 0 {
			tx.Emit(events.InventoryRejected{OrderID: e.OrderID, Lines: short})
			end(tx, e.OrderID, rejected)
			return nil
		}
	}
	end(tx, e.OrderID, committed)
	return nil
}

// Release gives back what is set aside for an order that came to nothing, or
// returns to the shelf what a confirmed one had taken. It remembers an order that
// it has not seen, so that nothing is reserved for it later.
func Release(ctx context.Context, tx *txn.Tx, orderID string) error {
	state, first, err := open(ctx, tx, orderID, released)
	switch {
	case err != nil || first || state == released:
		return err
	case state == rejected:
		mark(tx, orderID, released)
		return nil
	}
	lines, stock, err := lockLines(ctx, tx, orderID)
	if err != nil {
		return err
	}
	tell(tx, skusOf(lines), stock)
	end(tx, orderID, released)
	return nil
}

// ReleaseCancelled releases the goods of an order that was cancelled.
func ReleaseCancelled(ctx context.Context, tx *txn.Tx, e events.OrderCancelled) error {
	return Release(ctx, tx, e.OrderID)
}

// ReleaseExpired releases the goods of an order that was not confirmed in time.
func ReleaseExpired(ctx context.Context, tx *txn.Tx, e events.OrderExpired) error {
	return Release(ctx, tx, e.OrderID)
}

type reservation struct {
	SKU   string
	Qty   int64
	State string
}

// lost reports whether the line expired and was taken back.
func (r reservation) lost() bool { return r.State == "released" }

// lockLines locks the stock that an order, whose row is locked, has reserved and
// returns its lines, which nobody can take back any more, and that stock.
func lockLines(ctx context.Context, tx *txn.Tx, orderID string) ([]reservation, map[string]shelf, error) {
	var batch pgx.Batch
	var lines []reservation
	stock := map[string]shelf{}
	queueLock(&batch, `ANY (SELECT sku FROM reservations WHERE shop_id = current_shop() AND order_id = $1)`, orderID, stock)
	batch.Queue(`
		SELECT sku, qty, state
		FROM reservations
		WHERE shop_id = current_shop() AND order_id = $1
		ORDER BY sku`, orderID).Query(func(rows pgx.Rows) (err error) { // sees what there is once the stock is locked
		lines, err = pgx.CollectRows(rows, pgx.RowToStructByName[reservation])
		return err
	})
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, nil, fmt.Errorf("lock the reservation of order %s: %w", orderID, err)
	}
	return lines, stock, nil
}

func skusOf(lines []reservation) []string {
	skus := make([]string, len(lines))
	for i, l := range lines {
		skus[i] = l.SKU
	}
	return skus
}

// end brings an order whose lines are locked into its last state but one: nothing
// is held for it any more. If it is committed, the goods go off the shelf,
// otherwise those that had gone come back.
func end(tx *txn.Tx, orderID, state string) {
	from, to, sign, kind := "committed", "released", 1, "return"
	if state == committed {
		from, to, sign, kind = "held", "committed", -1, "sale"
	}
	tx.Later(`
		UPDATE stock s
		SET reserved = reserved - r.qty
		FROM reservations r
		WHERE s.shop_id = current_shop() AND r.shop_id = s.shop_id AND r.sku = s.sku AND r.order_id = $1 AND r.state = 'held'`, orderID)
	tx.Later(`
		INSERT INTO stock_movements (shop_id, sku, qty, kind, order_id, created_at)
		SELECT shop_id, sku, $3 * qty, $4, order_id, $5
		FROM reservations
		WHERE shop_id = current_shop() AND order_id = $1 AND state = $2`, orderID, from, sign, kind, tx.Now)
	tx.Later(`
		UPDATE reservations
		SET state = $2
		WHERE shop_id = current_shop() AND order_id = $1 AND state <> 'released'`, orderID, to)
	mark(tx, orderID, state)
}
