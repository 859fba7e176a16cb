package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// maxProducts bounds one call of Upsert.
const maxProducts = 500

// UpsertInput are products as they are to be.
type UpsertInput struct {
	Products []ProductInput `json:"products"`
}

// Validate refuses products that cannot be.
func (in UpsertInput) Validate() error {
	var f fault.Fields
	f.Check(len(in.Products) >= 1 && len(in.Products) <= maxProducts, "/products", "must be 1 to %d", maxProducts)
	seen := map[string]bool{}
	for i, p := range in.Products {
		path := "/products/" + strconv.Itoa(i)
		f.Merge(path, p.Validate())
		f.Check(!seen[p.ID], path+"/id", "is given twice")
		seen[p.ID] = true
	}
	return f.Err()
}

// Upserted counts what a call of Upsert has done.
type Upserted struct {
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
}

// productRow and skuRow are rows as Postgres reads them from JSON: a few
// statements for any number of products.
type productRow struct {
	ProductID  string        `json:"product_id"`
	Active     bool          `json:"active"`
	TrackStock bool          `json:"track_stock"`
	Document   price.Product `json:"document"`
	Content    Content       `json:"content"`
	Components []string      `json:"components"`
}

type skuRow struct {
	SKU        string `json:"sku"`
	ProductID  string `json:"product_id"`
	UPC        string `json:"upc"`
	TrackStock bool   `json:"track_stock"`
}

// Upsert makes each product what it is to be: new, changed or, if it is that
// already, untouched. SKUs that a product no longer has go; their stock stays.
func Upsert(ctx context.Context, tx *txn.Tx, in UpsertInput) (Upserted, error) {
	products, skus, err := encode(in.Products)
	if err != nil {
		return Upserted{}, err
	}
	var out Upserted
	var batch pgx.Batch
	batch.Queue(`
		WITH changed AS (
			INSERT INTO products AS p (shop_id, product_id, active, track_stock, document, content, components, created_at, updated_at)
			SELECT current_shop(), product_id, active, track_stock, document, content, components, $2, $2
			FROM jsonb_to_recordset($1) AS r (product_id text, active boolean, track_stock boolean, document jsonb, content jsonb, components text[])
			ORDER BY product_id
			ON CONFLICT (shop_id, product_id) DO UPDATE
			SET active = EXCLUDED.active, track_stock = EXCLUDED.track_stock, document = EXCLUDED.document, content = EXCLUDED.content,
			    components = EXCLUDED.components, version = p.version + 1, updated_at = EXCLUDED.updated_at
			WHERE (p.active, p.track_stock, p.document, p.content) IS DISTINCT FROM (EXCLUDED.active, EXCLUDED.track_stock, EXCLUDED.document, EXCLUDED.content)
			RETURNING version
		)
		SELECT count(*) FILTER (WHERE version = 1), count(*) FILTER (WHERE version > 1) FROM changed`, products, tx.Now).
		QueryRow(func(row pgx.Row) error { return row.Scan(&out.Created, &out.Updated) })
	batch.Queue(`
		DELETE FROM skus s
		USING jsonb_to_recordset($1) AS p (product_id text)
		WHERE s.shop_id = current_shop() AND s.product_id = p.product_id
		  AND NOT EXISTS (SELECT FROM jsonb_to_recordset($2) AS r (sku text) WHERE r.sku = s.sku)`, products, skus)
	batch.Queue(`
		INSERT INTO skus AS s (shop_id, sku, product_id, upc, track_stock)
		SELECT current_shop(), sku, product_id, upc, track_stock
		FROM jsonb_to_recordset($1) AS r (sku text, product_id text, upc text, track_stock boolean)
		ORDER BY sku
		ON CONFLICT (shop_id, sku) DO UPDATE
		SET upc = EXCLUDED.upc, track_stock = EXCLUDED.track_stock
		WHERE (s.upc, s.track_stock) IS DISTINCT FROM (EXCLUDED.upc, EXCLUDED.track_stock)`, skus)
	var listed []string
	batch.Queue(`
		SELECT product_id
		FROM products p
		WHERE shop_id = current_shop() AND version > 1 AND updated_at = $2
		  AND product_id IN (SELECT product_id FROM jsonb_to_recordset($1) AS r (product_id text))
		  AND EXISTS (SELECT FROM skus k JOIN stock s USING (shop_id, sku) WHERE k.shop_id = p.shop_id AND k.product_id = p.product_id AND s.listed)
		ORDER BY product_id`, products, tx.Now).Query(func(rows pgx.Rows) (err error) {
		listed, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return Upserted{}, fmt.Errorf("upsert products: %w", err)
	}
	if len(listed) > 0 {
		tx.Emit(events.CatalogChanged{ShopID: tx.Shop, Products: listed})
	}
	out.Unchanged = len(in.Products) - out.Created - out.Updated
	return out, nil
}

func encode(in []ProductInput) (products, skus []byte, err error) {
	rows := make([]productRow, len(in))
	shelf := make([]skuRow, 0, len(in))
	for i, p := range in {
		row := productRow{
			ProductID: p.ID, Active: p.Active == nil || *p.Active, TrackStock: p.TrackStock == nil || *p.TrackStock,
			Document: p.Product, Content: p.Content, Components: components(p.Product),
		}
		rows[i] = row
		barcode := p.Attributes[upc]
		if len(p.SKUs) == 0 {
			shelf = append(shelf, skuRow{p.ID, p.ID, barcode, row.TrackStock})
		}
		for _, s := range p.SKUs {
			shelf = append(shelf, skuRow{s.ID, p.ID, s.Attributes[upc], row.TrackStock})
		}
	}
	if products, err = json.Marshal(rows); err != nil {
		return nil, nil, fmt.Errorf("encode products: %w", err)
	}
	if skus, err = json.Marshal(shelf); err != nil {
		return nil, nil, fmt.Errorf("encode skus: %w", err)
	}
	return products, skus, nil
}
