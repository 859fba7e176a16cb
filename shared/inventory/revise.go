package inventory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// Revise makes the goods that a confirmed order has taken off the shelf those of
// lines: what it has too many comes back, what it lacks is taken. If that is not
// there, it is refused with kind Conflict and the shortages; so is an order whose
// goods are not to be had any more. It needs SELECT, INSERT and UPDATE on
// stock_orders and reservations, UPDATE on stock, INSERT on stock_movements and
// SELECT on skus.
func Revise(ctx context.Context, tx *txn.Tx, orderID string, lines []events.OrderLine) error {
	if err := Commit(ctx, tx, events.OrderConfirmed{OrderID: orderID}); err != nil { // unless its event has come
		return err
	}
	state, _, err := open(ctx, tx, orderID, committed)
	if err != nil {
		return err
	}
	if state != committed {
		return fault.New(fault.Conflict, "the goods of order %s are not to be had any more", orderID)
	}
	wanted := wantedOf(lines)
	have, err := committedLines(ctx, tx, orderID)
	if err != nil {
		return err
	}
	more := maps.Clone(wanted)
	for sku, qty := range have {
		more[sku] -= qty
	}
	maps.DeleteFunc(more, func(_ string, qty int64) bool { return qty == 0 })
	skus := slices.Sorted(maps.Keys(more))
	stock, err := lock(ctx, tx, skus)
	if err == nil {
		err = reclaim(ctx, tx, skus, stock)
	}
	if err != nil {
		return err
	}
	if short := shortages(skus, more, stock); len(short) > 0 {
		return fault.New(fault.Conflict, "there is not enough of %s", short[0].SKU).With("shortages", short)
	}
	skus = slices.DeleteFunc(skus, func(sku string) bool { return !stock[sku].Tracked })
	moved, total := make([]int64, len(skus)), make([]int64, len(skus))
	for i, sku := range skus {
		moved[i], total[i] = -more[sku], wanted[sku]
	}
	var batch pgx.Batch
	batch.Queue(`
		INSERT INTO stock_movements (shop_id, sku, qty, kind, order_id, created_at)
		SELECT current_shop(), sku, qty, 'revise', $1, $4
		FROM unnest($2::text[], $3::bigint[]) AS w (sku, qty)`, orderID, skus, moved, tx.Now)
	batch.Queue(`
		INSERT INTO reservations AS r (shop_id, order_id, sku, qty, state, expires_at)
		SELECT current_shop(), $1, sku, qty, 'committed', $4
		FROM unnest($2::text[], $3::bigint[]) AS w (sku, qty)
		WHERE qty > 0
		ON CONFLICT (shop_id, order_id, sku) DO UPDATE
		SET qty = EXCLUDED.qty, state = EXCLUDED.state, expires_at = EXCLUDED.expires_at`, orderID, skus, total, forever)
	batch.Queue(`
		UPDATE reservations
		SET state = 'released'
		FROM unnest($2::text[], $3::bigint[]) AS w (sku, total)
		WHERE shop_id = current_shop() AND order_id = $1 AND reservations.sku = w.sku AND total = 0`, orderID, skus, total)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("revise the goods of order %s: %w", orderID, err)
	}
	tell(tx, skus, stock)
	return nil
}

// committedLines returns what an order, whose row is locked, has taken off the shelf.
func committedLines(ctx context.Context, tx *txn.Tx, orderID string) (map[string]int64, error) {
	rows, err := tx.Query(ctx, `
		SELECT sku, qty
		FROM reservations
		WHERE shop_id = current_shop() AND order_id = $1 AND state = 'committed'`, orderID)
	if err != nil {
		return nil, fmt.Errorf("read the goods of order %s: %w", orderID, err)
	}
	have := map[string]int64{}
	var sku string
	var qty int64
	_, err = pgx.ForEachRow(rows, []any{&sku, &qty}, func() error {
		have[sku] = qty
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the goods of order %s: %w", orderID, err)
	}
	return have, nil
}
