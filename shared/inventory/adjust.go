package inventory

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// The bounds of one call of Adjust.
const (
	maxAdjustments = 500
	maxQty         = 1_000_000_000
)

// AdjustInput changes the stock of SKUs.
type AdjustInput struct {
	Adjustments []Adjustment `json:"adjustments"`
	Reason      string       `json:"reason,omitempty"` // kept with every movement
}

// Adjustment sets what is on hand of a SKU, or adds to it. From the first one on
// the stock of the SKU is counted.
type Adjustment struct {
	SKU            string `json:"sku"`
	Set            *int64 `json:"set,omitempty"` // what was counted on the shelf, reserved pieces included
	Add            *int64 `json:"add,omitempty"` // pieces that came, negative if they went
	AllowBackorder *bool  `json:"allow_backorder,omitempty"`
}

// Validate refuses adjustments that cannot be.
func (in AdjustInput) Validate() error {
	var f fault.Fields
	f.Check(len(in.Adjustments) >= 1 && len(in.Adjustments) <= maxAdjustments, "/adjustments", "must be 1 to %d", maxAdjustments)
	f.Check(len(in.Reason) <= 200, "/reason", "must not exceed 200 characters")
	seen := map[string]bool{}
	for i, a := range in.Adjustments {
		path := "/adjustments/" + strconv.Itoa(i)
		f.Check(len(a.SKU) >= 1 && len(a.SKU) <= 35, path+"/sku", "must have 1 to 35 characters")
		f.Check(!seen[a.SKU], path+"/sku", "is given twice")
		seen[a.SKU] = true
		f.Check(a.Set == nil || a.Add == nil, path, "must not have both set and add")
		f.Check(a.Set != nil || a.Add != nil || a.AllowBackorder != nil, path, "must have set, add or allow_backorder")
		if a.Set != nil {
			f.Check(*a.Set >= 0 && *a.Set <= maxQty, path+"/set", "must be 0 to %d", maxQty)
		}
		if a.Add != nil {
			f.Check(*a.Add >= -maxQty && *a.Add <= maxQty, path+"/add", "must be between -%d and %d", maxQty, maxQty)
		}
	}
	return f.Err()
}

// Adjusted is the stock after Adjust, in the order of the adjustments.
type Adjusted struct {
	Levels []Level `json:"levels"`
}

// Adjust changes the stock of SKUs, all or none, and writes a movement for each
// change. A SKU that the catalogue does not have is Unprocessable. Less than
// orders have reserved, of a SKU that may not be ordered back, is a Conflict.
func Adjust(ctx context.Context, tx *txn.Tx, in AdjustInput) (Adjusted, error) {
	skus := make([]string, len(in.Adjustments))
	for i, a := range in.Adjustments {
		skus[i] = a.SKU
	}
	slices.Sort(skus)
	if err := refuseUnknown(ctx, tx, in.Adjustments, skus); err != nil {
		return Adjusted{}, err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO stock (shop_id, sku)
		SELECT current_shop(), sku FROM unnest($1::text[]) AS sku ORDER BY sku
		ON CONFLICT DO NOTHING`, skus)
	if err != nil {
		return Adjusted{}, fmt.Errorf("begin to count stock: %w", err)
	}
	stock, err := lock(ctx, tx, skus)
	if err != nil {
		return Adjusted{}, err
	}
	if err := reclaim(ctx, tx, skus, stock); err != nil {
		return Adjusted{}, err
	}
	var batch pgx.Batch
	var moved, switched []string
	var qty []int64
	var allowed []bool
	var short []Level
	out := Adjusted{Levels: make([]Level, 0, len(in.Adjustments))}
	for _, a := range in.Adjustments {
		l := stock[a.SKU].Level
		var delta int64
		if a.Set != nil {
			delta = *a.Set - l.OnHand
		}
		if a.Add != nil {
			delta = *a.Add
		}
		if delta != 0 {
			moved, qty = append(moved, a.SKU), append(qty, delta)
			l.OnHand += delta
			l.Available += delta
		}
		if a.AllowBackorder != nil && *a.AllowBackorder != l.AllowBackorder {
			l.AllowBackorder = *a.AllowBackorder
			switched, allowed = append(switched, a.SKU), append(allowed, l.AllowBackorder)
		}
		if l.Available < 0 && !l.AllowBackorder {
			short = append(short, l)
		}
		out.Levels = append(out.Levels, l)
	}
	if len(short) > 0 {
		return Adjusted{}, fault.New(fault.Conflict, "orders have reserved more of %s than would be left; allow back-orders or cancel orders first", short[0].SKU).
			With("levels", short)
	}
	const allow = `
		UPDATE stock s
		SET allow_backorder = w.allowed
		FROM unnest($1::text[], $2::boolean[]) AS w (sku, allowed)
		WHERE s.shop_id = current_shop() AND s.sku = w.sku AND w.allowed = $3`
	batch.Queue(allow, switched, allowed, true)
	batch.Queue(`
		INSERT INTO stock_movements (shop_id, sku, qty, kind, reason, actor, created_at)
		SELECT current_shop(), sku, qty, 'adjust', $3, $4, $5
		FROM unnest($1::text[], $2::bigint[]) AS w (sku, qty)`, moved, qty, in.Reason, tx.Who.ID, tx.Now)
	batch.Queue(allow, switched, allowed, false) // what is short until the pieces are in
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return Adjusted{}, fmt.Errorf("adjust stock: %w", err)
	}
	tell(tx, moved, stock)
	return out, nil
}

func refuseUnknown(ctx context.Context, tx *txn.Tx, adjustments []Adjustment, skus []string) error {
	rows, err := tx.Query(ctx, `SELECT sku FROM skus WHERE shop_id = current_shop() AND sku = ANY($1)`, skus)
	if err != nil {
		return fmt.Errorf("look up skus: %w", err)
	}
	known, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look up skus: %w", err)
	}
	slices.Sort(known)
	refusal := fault.New(fault.Unprocessable, "the catalogue does not have every SKU")
	for i, a := range adjustments {
		if _, ok := slices.BinarySearch(known, a.SKU); !ok {
			refusal.Fields = append(refusal.Fields, fault.Field{Path: "/adjustments/" + strconv.Itoa(i) + "/sku", Detail: "is no SKU of the catalogue"})
		}
	}
	if len(refusal.Fields) > 0 {
		return refusal
	}
	return nil
}
