package order

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/txn"
)

// EraseBuyer removes from the orders and carts of an erased customer what names
// the person: e-mail address, billing contact, streets and notes, those of staff too. Amounts, goods
// and the region that decided the tax stay.
func EraseBuyer(ctx context.Context, tx *txn.Tx, e events.CustomerErased) error {
	rows, err := tx.Query(ctx, `
		UPDATE orders
		SET email = '', billing = '{}', notes = '', cart = cart #- '{ship,address1}' #- '{ship,address2}',
		    version = version + 1, updated_at = $2
		WHERE owner = $1
		RETURNING order_id`, e.CustomerID, tx.Now)
	if err != nil {
		return fmt.Errorf("erase the buyer from orders: %w", err)
	}
	orders, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("erase the buyer from orders: %w", err)
	}
	_, err = tx.Exec(ctx, `DELETE FROM order_history WHERE shop_id = current_shop() AND order_id = ANY($1) AND kind = 'note'`, orders)
	if err != nil {
		return fmt.Errorf("erase the notes on the buyer's orders: %w", err)
	}
	if err := payment.EraseBuyer(ctx, tx, orders); err != nil {
		return err
	}
	return cart.EraseOwner(ctx, tx, e.CustomerID)
}
