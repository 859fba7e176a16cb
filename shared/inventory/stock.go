package inventory

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/txn"
)

// Level is the stock of a SKU, in pieces.
type Level struct {
	SKU            string `json:"sku"`
	OnHand         int64  `json:"on_hand"`
	Reserved       int64  `json:"reserved"`  // of it for orders that are not confirmed
	Available      int64  `json:"available"` // the difference; negative only if ordered back
	AllowBackorder bool   `json:"allow_backorder"`
}

// QueueAvailable adds to a batch the statement that reads into a map how many
// pieces of each SKU can be ordered now; reservations that have expired do not
// count. SKUs that are not tracked, or may be ordered back, have no limit and are
// left out. It reads the tables stock, skus and reservations.
func QueueAvailable(batch *pgx.Batch, now time.Time, skus []string, into map[string]int64) {
	batch.Queue(`
		SELECT s.sku, s.on_hand - s.reserved + COALESCE((
			SELECT sum(qty) FROM reservations r
			WHERE r.shop_id = s.shop_id AND r.sku = s.sku AND r.state = 'held' AND r.expires_at <= $2), 0)::bigint
		FROM stock s
		WHERE s.shop_id = current_shop() AND s.sku = ANY($1) AND NOT s.allow_backorder
		  AND NOT EXISTS (SELECT FROM skus k WHERE k.shop_id = s.shop_id AND k.sku = s.sku AND NOT k.track_stock)`, skus, now).Query(func(rows pgx.Rows) error {
		var sku string
		var available int64
		_, err := pgx.ForEachRow(rows, []any{&sku, &available}, func() error {
			into[sku] = available
			return nil
		})
		if err != nil {
			return fmt.Errorf("read the available stock: %w", err)
		}
		return nil
	})
}

// Available returns how many pieces of each SKU can be ordered now; see
// QueueAvailable.
func Available(ctx context.Context, tx *txn.Tx, skus []string) (map[string]int64, error) {
	var batch pgx.Batch
	available := make(map[string]int64, len(skus))
	QueueAvailable(&batch, tx.Now, skus, available)
	return available, tx.SendBatch(ctx, &batch).Close()
}

// shelf is the stock of a SKU under its lock.
type shelf struct {
	Level
	Tracked bool // its product tracks stock
	Listed  bool // a sales channel lists it
}

// lock locks the stock of SKUs, in order, and returns it.
func lock(ctx context.Context, tx *txn.Tx, skus []string) (map[string]shelf, error) {
	var batch pgx.Batch
	stock := make(map[string]shelf, len(skus))
	queueLock(&batch, `ANY($1)`, skus, stock)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("lock the stock: %w", err)
	}
	return stock, nil
}

// queueLock adds to a batch the statement that locks, in order, the stock of the
// SKUs that which selects by $1, and puts it into stock.
func queueLock(batch *pgx.Batch, which string, arg any, stock map[string]shelf) {
	batch.Queue(`
		SELECT sku, on_hand, reserved, on_hand - reserved AS available, allow_backorder,
		       NOT EXISTS (SELECT FROM skus k WHERE k.shop_id = s.shop_id AND k.sku = s.sku AND NOT k.track_stock) AS tracked, listed
		FROM stock s
		WHERE shop_id = current_shop() AND sku = `+which+`
		ORDER BY sku
		FOR UPDATE OF s`, arg).Query(func(rows pgx.Rows) error {
		locked, err := pgx.CollectRows(rows, pgx.RowToStructByName[shelf])
		for _, s := range locked {
			stock[s.SKU] = s
		}
		return err
	})
}

// reclaim takes back the expired reservations of SKUs whose stock is locked.
func reclaim(ctx context.Context, tx *txn.Tx, skus []string, stock map[string]shelf) error {
	rows, err := tx.Query(ctx, `
		WITH expired AS (
			UPDATE reservations
			SET state = 'released'
			WHERE shop_id = current_shop() AND sku = ANY($1) AND state = 'held' AND expires_at <= $2
			RETURNING shop_id, sku, qty
		)
		UPDATE stock s
		SET reserved = reserved - e.qty
		FROM (SELECT shop_id, sku, sum(qty)::bigint AS qty FROM expired GROUP BY shop_id, sku) AS e
		WHERE s.shop_id = e.shop_id AND s.sku = e.sku
		RETURNING s.sku, e.qty`, skus, tx.Now)
	if err != nil {
		return fmt.Errorf("reclaim expired reservations: %w", err)
	}
	var sku string
	var qty int64
	_, err = pgx.ForEachRow(rows, []any{&sku, &qty}, func() error {
		s := stock[sku]
		s.Reserved -= qty
		s.Available += qty
		stock[sku] = s
		return nil
	})
	if err != nil {
		return fmt.Errorf("reclaim expired reservations: %w", err)
	}
	return nil
}

// tell states that the stock of SKUs has changed, of those that a sales channel
// lists.
func tell(tx *txn.Tx, skus []string, stock map[string]shelf) {
	var listed []string
	for _, sku := range skus {
		if stock[sku].Listed {
			listed = append(listed, sku)
		}
	}
	if len(listed) > 0 {
		tx.Emit(events.InventoryChanged{ShopID: tx.Shop, SKUs: listed})
	}
}
