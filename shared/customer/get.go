package customer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// GetInput names a customer.
type GetInput struct {
	ID string `json:"-" path:"id"`
}

// Get returns a customer to staff or to that customer. For anybody else, and
// for one who was erased, there is none: kind NotFound.
func Get(ctx context.Context, tx *txn.Tx, in GetInput) (Customer, error) {
	if !tx.Who.Owns(in.ID) {
		return Customer{}, notFound(in.ID)
	}
	rows, err := tx.Query(ctx, `
		SELECT `+columns+`
		FROM customers
		WHERE customer_id = $1 AND erased_at IS NULL`, in.ID)
	if err != nil {
		return Customer{}, fmt.Errorf("get customer: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Customer])
	if err == pgx.ErrNoRows {
		return Customer{}, notFound(in.ID)
	}
	if err != nil {
		return Customer{}, fmt.Errorf("get customer: %w", err)
	}
	return c, nil
}

func notFound(id string) error { return fault.New(fault.NotFound, "there is no customer %s", id) }
