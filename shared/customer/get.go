package customer

import (
	"context"

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
	return find(ctx, tx, in.ID)
}
