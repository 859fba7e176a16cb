package inventory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/txn"
)

// The states of an order in stock_orders.
const (
	reserved  = "reserved"
	rejected  = "rejected"
	committed = "committed"
	released  = "released"
)

// Reserve sets aside the goods of an order that was placed, all lines or none,
// until the order expires, and states inventory.reserved.v1 or
// inventory.rejected.v1. It does nothing for an order that it has seen before, be
// it by its cancellation, or that has expired meanwhile.
func Reserve(ctx context.Context, tx *txn.Tx, e events.OrderPlaced) error {
	_, first, err := open(ctx, tx, e.OrderID, reserved)
	if err != nil || !first {
		return err
	}
	if !e.ExpiresAt.After(tx.Now) {
		mark(tx, e.OrderID, released) // its own timer ends it
		return nil
	}
	shortages, err := take(ctx, tx, e.OrderID, wantedOf(e.Lines), e.ExpiresAt)
	if err != nil {
		return err
	}
	if len(shortages) > 0 {
		tx.Emit(events.InventoryRejected{OrderID: e.OrderID, Lines: shortages})
		mark(tx, e.OrderID, rejected)
		return nil
	}
	tx.Emit(events.InventoryReserved{OrderID: e.OrderID})
	return nil
}

// wantedOf sums the lines by SKU.
func wantedOf(lines []events.OrderLine) map[string]int64 {
	wanted := map[string]int64{}
	for _, l := range lines {
		if l.Qty > 0 {
			wanted[l.SKU] += l.Qty
		}
	}
	return wanted
}

// take holds what is wanted for an order until expires. If anything is short it
// holds nothing and returns what is.
func take(ctx context.Context, tx *txn.Tx, orderID string, wanted map[string]int64, expires time.Time) ([]events.Shortage, error) {
	skus := slices.Sorted(maps.Keys(wanted))
	stock, err := lock(ctx, tx, skus)
	if err != nil {
		return nil, err
	}
	if short := shortages(skus, wanted, stock); len(short) > 0 {
		if err := reclaim(ctx, tx, skus, stock); err != nil {
			return nil, err
		}
		if short = shortages(skus, wanted, stock); len(short) > 0 {
			return short, nil
		}
	}
	var held []string
	var qty []int64
	for _, sku := range skus {
		if stock[sku].Tracked {
			held, qty = append(held, sku), append(qty, wanted[sku])
		}
	}
	if len(held) == 0 {
		return nil, nil
	}
	tx.Later(`
		UPDATE stock s
		SET reserved = reserved + w.qty
		FROM unnest($1::text[], $2::bigint[]) AS w (sku, qty)
		WHERE s.shop_id = current_shop() AND s.sku = w.sku`, held, qty)
	tx.Later(`
		INSERT INTO reservations AS r (shop_id, order_id, sku, qty, state, expires_at)
		SELECT current_shop(), $1, sku, qty, 'held', $4
		FROM unnest($2::text[], $3::bigint[]) AS w (sku, qty)
		ON CONFLICT (shop_id, order_id, sku) DO UPDATE
		SET qty = EXCLUDED.qty, state = EXCLUDED.state, expires_at = EXCLUDED.expires_at
		WHERE r.state = 'released'`, orderID, held, qty, expires)
	tell(tx, held, stock)
	return nil, nil
}

func shortages(skus []string, wanted map[string]int64, stock map[string]shelf) []events.Shortage {
	var short []events.Shortage
	for _, sku := range skus {
		s := stock[sku]
		if s.Tracked && !s.AllowBackorder && s.Available < wanted[sku] {
			short = append(short, events.Shortage{SKU: sku, Wanted: wanted[sku], Available: max(s.Available, 0)})
		}
	}
	return short
}

// open locks the row of an order, which it makes in the given state if this is
// the first event of the order to come.
func open(ctx context.Context, tx *txn.Tx, orderID, state string) (was string, first bool, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO stock_orders (shop_id, order_id, state, created_at, updated_at)
		VALUES (current_shop(), $1, $2, $3, $3)
		ON CONFLICT DO NOTHING
		RETURNING state`, orderID, state, tx.Now).Scan(&was)
	if errors.Is(err, pgx.ErrNoRows) {
		err = tx.QueryRow(ctx, `
			SELECT state
			FROM stock_orders
			WHERE shop_id = current_shop() AND order_id = $1
			FOR UPDATE`, orderID).Scan(&was)
	} else {
		first = err == nil
	}
	if err != nil {
		return "", false, fmt.Errorf("lock order %s in the inventory: %w", orderID, err)
	}
	return was, first, nil
}

func mark(tx *txn.Tx, orderID, state string) {
	tx.Later(`
		UPDATE stock_orders
		SET state = $2, updated_at = $3
		WHERE shop_id = current_shop() AND order_id = $1`, orderID, state, tx.Now)
}
