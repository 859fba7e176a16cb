package catalog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/txn"
)

const columns = `document, content, active, track_stock, version, created_at, updated_at`

// scan reads a row of columns and keeps from buyers what is not theirs to know.
func scan(tx *txn.Tx) pgx.RowToFunc[Product] {
	return func(row pgx.CollectableRow) (p Product, err error) {
		err = row.Scan(&p.Product, &p.Content, &p.Active, &p.TrackStock, &p.Version, &p.CreatedAt, &p.UpdatedAt)
		if !tx.Who.Trusted() {
			p = p.public()
		}
		return p, err
	}
}

// GetInput names a product.
type GetInput struct {
	ID string `json:"-" path:"id"`
}

// Get returns a product. One that is not active is there for staff only.
func Get(ctx context.Context, tx *txn.Tx, in GetInput) (Product, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+`
		FROM products
		WHERE shop_id = current_shop() AND product_id = $1 AND (active OR $2)`, in.ID, tx.Who.Trusted())
	if err != nil {
		return Product{}, fmt.Errorf("get product: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scan(tx))
	if err == pgx.ErrNoRows {
		return Product{}, notFound(in.ID)
	}
	if err != nil {
		return Product{}, fmt.Errorf("get product: %w", err)
	}
	return p, nil
}

// ListInput asks for products in order of their ids.
type ListInput struct {
	page.Query
	Q string `json:"-" query:"q"` // the id or the name begins with it, in any case
}

// Validate refuses what cannot be searched for.
func (in ListInput) Validate() error {
	var f fault.Fields
	f.Merge("", in.Query.Validate())
	f.Check(len(in.Q) <= 100, "/q", "must not exceed 100 characters")
	return f.Err()
}

// List returns a page of products. Those that are not active are listed for staff
// only.
func List(ctx context.Context, tx *txn.Tx, in ListInput) (page.Page[Product], error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+`
		FROM products
		WHERE shop_id = current_shop() AND product_id > $1 AND (active OR $2)
		  AND (starts_with(product_id, upper($3)) OR starts_with(lower(name), lower($3)))
		ORDER BY product_id
		LIMIT $4`, in.After(), tx.Who.Trusted(), in.Q, in.Rows())
	if err != nil {
		return page.Page[Product]{}, fmt.Errorf("list products: %w", err)
	}
	products, err := pgx.CollectRows(rows, scan(tx))
	if err != nil {
		return page.Page[Product]{}, fmt.Errorf("list products: %w", err)
	}
	return page.Of(in.Query, products, func(p Product) string { return p.ID }), nil
}

// QueueLoad adds to a batch the one statement that reads into a map what the
// pricing engine needs of the products of ids, and of the products that kits among
// them are made of. Products that do not exist, or cannot be bought because they
// are not active, are left out. It reads the table products.
func QueueLoad(batch *pgx.Batch, ids []string, into map[string]*price.Product) {
	batch.Queue(`
		WITH wanted AS (
			SELECT product_id, components
			FROM products
			WHERE shop_id = current_shop() AND product_id = ANY($1) AND active
		)
		SELECT document
		FROM products
		WHERE shop_id = current_shop()
		  AND product_id IN (SELECT product_id FROM wanted UNION SELECT unnest(components) FROM wanted)`, ids).Query(func(rows pgx.Rows) error {
		products, err := pgx.CollectRows(rows, pgx.RowTo[*price.Product])
		if err != nil {
			return fmt.Errorf("load products: %w", err)
		}
		for _, p := range products {
			into[p.ID] = p
		}
		return nil
	})
}

// Load returns what the pricing engine needs of products, in one round trip; see
// QueueLoad.
func Load(ctx context.Context, tx *txn.Tx, ids []string) (map[string]*price.Product, error) {
	var batch pgx.Batch
	products := make(map[string]*price.Product, len(ids))
	QueueLoad(&batch, ids, products)
	return products, tx.SendBatch(ctx, &batch).Close()
}
