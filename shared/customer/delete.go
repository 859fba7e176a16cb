package customer

import (
	"context"
	"fmt"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/session"
	"github.com/rackless/rackless/shared/txn"
)

// DeleteInput names a customer to erase.
type DeleteInput struct {
	ID      string `json:"-" path:"id"`
	IfMatch int64  `json:"-" header:"If-Match"` // the version the caller saw; any if absent
}

// Delete erases a customer, for staff or that customer: what identifies the
// person goes, the sessions end, the row and the orders stay, and the e-mail
// address is free for another. It refuses with NotFound for anybody else and
// Precondition for a stale version.
func Delete(ctx context.Context, tx *txn.Tx, in DeleteInput) (struct{}, error) {
	c, err := claim(ctx, tx, in.ID)
	if err != nil {
		return struct{}{}, err
	}
	if err := c.match(in.IfMatch); err != nil {
		return struct{}{}, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE customers
		SET email = NULL, password_hash = NULL, first_name = '', last_name = '', company = '', phone = '', newsletters = 0,
		    version = version + 1, updated_at = $2, erased_at = $2
		WHERE customer_id = $1`, c.ID, tx.Now)
	if err != nil {
		return struct{}{}, fmt.Errorf("erase customer: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM customer_addresses WHERE customer_id = $1`, c.ID); err != nil {
		return struct{}{}, fmt.Errorf("erase the customer's addresses: %w", err)
	}
	tx.Emit(events.CustomerErased{CustomerID: c.ID, Email: c.Email})
	return struct{}{}, session.EndAll(ctx, tx, c.ID, "")
}
