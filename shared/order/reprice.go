package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// Repriced is an order with what it comes to today, from the same configuration,
// products and cart.
type Repriced struct {
	ID     string      `json:"id"`
	Number string      `json:"number"`
	Was    price.Cents `json:"was"`
	Is     price.Cents `json:"is"`
}

// Moved reports whether a cent has moved.
func (r Repriced) Moved() bool { return r.Was != r.Is }

// Reprice prices a stored order again. It changes nothing; what it is for is to
// see that a new version of the engine gives old orders the same cents.
func Reprice(ctx context.Context, tx *txn.Tx, id string) (Repriced, error) {
	r := Repriced{ID: id}
	b, was, err := basis(ctx, tx, id, &r.Number)
	if err != nil {
		return r, err
	}
	is, err := b.Price()
	if err != nil {
		return r, fmt.Errorf("price order %s again: %w", id, err)
	}
	r.Was, r.Is = was.Cents, is.Cents
	return r, nil
}

// basis returns what an order was priced from, and what it came to.
func basis(ctx context.Context, tx *txn.Tx, id string, number *string) (b cart.Basis, was price.Totals, err error) {
	var config, totals []byte
	err = tx.QueryRow(ctx, `
		SELECT o.number, o.cart, o.products, c.document, o.totals, o.created_at
		FROM orders o
		JOIN order_configurations c ON c.shop_id = o.shop_id AND c.hash = o.configuration
		WHERE o.order_id = $1`, id).Scan(number, &b.Cart, &b.Products, &config, &totals, &b.At)
	if errors.Is(err, pgx.ErrNoRows) {
		return b, was, fault.New(fault.NotFound, "there is no order %s", id)
	}
	if err != nil {
		return b, was, fmt.Errorf("load what order %s was priced from: %w", id, err)
	}
	if err := errors.Join(json.Unmarshal(config, &b.Config), json.Unmarshal(totals, &was)); err != nil {
		return b, was, fmt.Errorf("read what order %s was priced from: %w", id, err)
	}
	return b, was, nil
}
