package inventory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/txn"
)

// Hold is what a sales channel may sell of a SKU by itself, in pieces: it is set
// aside under the id of the channel's listing, for as long as that is up. Nobody
// else can buy it, so that what the channel sells is there.
type Hold struct {
	ID  string
	SKU string
	Qty int64
}

// Shelf is the stock of a SKU under its lock.
type Shelf struct {
	Level
	Tracked bool // false: there is any number of it
}

// Lock locks the stock of SKUs until the end of the transaction, takes back
// reservations that have expired, and returns what is there. A SKU that is not
// counted has no entry. list says that a sales channel lists the SKUs from now on:
// their changes are stated. It needs UPDATE on stock and reservations and SELECT
// on skus.
func Lock(ctx context.Context, tx *txn.Tx, skus []string, list bool) (map[string]Shelf, error) {
	skus = slices.Compact(slices.Sorted(slices.Values(skus)))
	stock, err := lock(ctx, tx, skus)
	if err != nil {
		return nil, err
	}
	if err := reclaim(ctx, tx, skus, stock); err != nil {
		return nil, err
	}
	if list {
		_, err = tx.Exec(ctx, `
			UPDATE stock
			SET listed = true
			WHERE shop_id = current_shop() AND sku = ANY($1) AND NOT listed`, skus)
		if err != nil {
			return nil, fmt.Errorf("list the stock: %w", err)
		}
	}
	shelves := make(map[string]Shelf, len(stock))
	for sku, s := range stock {
		shelves[sku] = Shelf{s.Level, s.Tracked}
	}
	return shelves, nil
}

// SetHolds makes holds what they are to be; zero gives all back. The stock must be
// locked by Lock. What is not there is refused by the database. It needs INSERT,
// SELECT and UPDATE on stock_orders and reservations and UPDATE on stock.
func SetHolds(ctx context.Context, tx *txn.Tx, holds []Hold) error {
	ids, skus, qty := make([]string, len(holds)), make([]string, len(holds)), make([]int64, len(holds))
	for i, h := range holds {
		ids[i], skus[i], qty[i] = h.ID, h.SKU, h.Qty
	}
	var batch pgx.Batch
	batch.Queue(`
		INSERT INTO stock_orders (shop_id, order_id, state, created_at, updated_at)
		SELECT current_shop(), id, 'reserved', $2, $2 FROM unnest($1::text[]) AS id
		ON CONFLICT DO NOTHING`, ids, tx.Now)
	batch.Queue(`
		WITH wanted AS (
			SELECT w.id, w.sku, w.qty, w.qty - COALESCE(r.qty, 0) AS more
			FROM unnest($1::text[], $2::text[], $3::bigint[]) AS w (id, sku, qty)
			LEFT JOIN reservations r ON r.shop_id = current_shop() AND r.order_id = w.id AND r.sku = w.sku AND r.state = 'held'
		)
		UPDATE stock s
		SET reserved = reserved + w.more
		FROM (SELECT sku, sum(more)::bigint AS more FROM wanted GROUP BY sku) AS w
		WHERE s.shop_id = current_shop() AND s.sku = w.sku AND w.more <> 0`, ids, skus, qty)
	batch.Queue(`
		UPDATE reservations r
		SET state = 'released'
		FROM unnest($1::text[], $2::text[], $3::bigint[]) AS w (id, sku, qty)
		WHERE r.shop_id = current_shop() AND r.order_id = w.id AND r.sku = w.sku AND r.state = 'held' AND w.qty = 0`, ids, skus, qty)
	batch.Queue(`
		INSERT INTO reservations AS r (shop_id, order_id, sku, qty, state, expires_at)
		SELECT current_shop(), id, sku, qty, 'held', $4
		FROM unnest($1::text[], $2::text[], $3::bigint[]) AS w (id, sku, qty)
		WHERE qty > 0
		ON CONFLICT (shop_id, order_id, sku) DO UPDATE
		SET qty = EXCLUDED.qty, state = 'held', expires_at = EXCLUDED.expires_at`, ids, skus, qty, forever)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("set stock aside for a sales channel: %w", err)
	}
	return nil
}

// Sale is what a sales channel has sold of a SKU.
type Sale struct {
	SKU string
	Qty int64
}

// Sell takes what a sales channel has sold off the shelf for an order, after its
// holds were reduced by it: the sale has happened, so there is nothing to refuse.
// It returns what was not there any more, by SKU; the order lacks it. A later
// Release brings back what was taken. An order sells once.
func Sell(ctx context.Context, tx *txn.Tx, orderID string, sales []Sale) (short map[string]int64, err error) {
	_, first, err := open(ctx, tx, orderID, committed)
	if err != nil || !first {
		return nil, err
	}
	wanted := map[string]int64{}
	for _, s := range sales {
		wanted[s.SKU] += s.Qty
	}
	skus := slices.Sorted(maps.Keys(wanted))
	stock, err := lock(ctx, tx, skus)
	if err != nil {
		return nil, err
	}
	if err := reclaim(ctx, tx, skus, stock); err != nil {
		return nil, err
	}
	short = map[string]int64{}
	var sold []string
	var qty []int64
	for _, sku := range skus {
		s, there := stock[sku]
		if !there || !s.Tracked {
			continue
		}
		n := wanted[sku]
		if !s.AllowBackorder && s.Available < n {
			short[sku] = n - max(s.Available, 0)
			n -= short[sku]
		}
		if n > 0 {
			sold, qty = append(sold, sku), append(qty, n)
		}
	}
	if len(sold) == 0 {
		return short, nil
	}
	var batch pgx.Batch
	batch.Queue(`
		INSERT INTO stock_movements (shop_id, sku, qty, kind, order_id, created_at)
		SELECT current_shop(), sku, -qty, 'sale', $1, $4
		FROM unnest($2::text[], $3::bigint[]) AS w (sku, qty)`, orderID, sold, qty, tx.Now)
	batch.Queue(`
		INSERT INTO reservations (shop_id, order_id, sku, qty, state, expires_at)
		SELECT current_shop(), $1, sku, qty, 'committed', $4
		FROM unnest($2::text[], $3::bigint[]) AS w (sku, qty)`, orderID, sold, qty, forever)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("sell the goods of order %s: %w", orderID, err)
	}
	return short, nil
}
