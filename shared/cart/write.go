package cart

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/session"
	"github.com/rackless/rackless/shared/txn"
)

// CreateInput opens a cart with what is known already.
type CreateInput struct{ Fields }

// Create opens a cart for the caller. A visitor without a session is given one.
func Create(ctx context.Context, tx *txn.Tx, in CreateInput) (Cart, error) {
	if err := in.authorize(tx.Who); err != nil {
		return Cart{}, err
	}
	c := Cart{ID: ident.New(ident.Cart), Owner: tx.Who.Owner}
	if tx.Who.Kind == principal.Anonymous {
		token, family, err := session.NewGuest(ctx, tx)
		if err != nil {
			return Cart{}, err
		}
		c.Owner, c.Session = family, &Session{AccessToken: token}
	}
	in.apply(&c)
	if c.Content.Items == nil {
		c.Content.Items = []price.Item{} // a list, as the contract says
	}
	if len(c.Content.Items) > maxItems {
		return Cart{}, tooMany()
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO carts (cart_id, shop_id, owner, email, content, billing, notes, checkout_started_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
		RETURNING `+columns,
		c.ID, tx.Shop, c.Owner, c.Email, c.Content, c.Billing, c.Notes, started(tx, c, nil), tx.Now)
	if err != nil {
		return Cart{}, fmt.Errorf("create cart: %w", err)
	}
	stored, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Cart])
	if err != nil {
		return Cart{}, fmt.Errorf("create cart: %w", err)
	}
	stored.Session = c.Session
	return stored, nil
}

// UpdateInput changes a cart. With If-Match, only if it is still that version.
type UpdateInput struct {
	ID      string `json:"-" path:"id"`
	IfMatch int64  `json:"-" header:"If-Match"`
	Fields
}

// Update changes a cart that has not been ordered; kind Precondition if it is
// not of the given version any more, Conflict if it has become an order.
func Update(ctx context.Context, tx *txn.Tx, in UpdateInput) (Cart, error) {
	if err := in.authorize(tx.Who); err != nil {
		return Cart{}, err
	}
	c, err := Lock(ctx, tx, in.ID)
	if err != nil {
		return Cart{}, err
	}
	if in.IfMatch != 0 && in.IfMatch != c.Version {
		return Cart{}, fault.New(fault.Precondition, "the cart has changed: it is version %d now", c.Version)
	}
	if c.State != "open" {
		return Cart{}, fault.New(fault.Conflict, "cart %s has been ordered already", c.ID)
	}
	before := c
	in.apply(&c)
	if len(c.Content.Items) > maxItems {
		return Cart{}, tooMany()
	}
	rows, err := tx.Query(ctx, `
		UPDATE carts
		SET email = $2, content = $3, billing = $4, notes = $5, version = version + 1, updated_at = $6,
		    checkout_started_at = COALESCE(checkout_started_at, $7)
		WHERE cart_id = $1
		RETURNING `+columns,
		c.ID, c.Email, c.Content, c.Billing, c.Notes, tx.Now, started(tx, c, &before))
	if err != nil {
		return Cart{}, fmt.Errorf("update cart: %w", err)
	}
	c, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Cart])
	if err != nil {
		return Cart{}, fmt.Errorf("update cart: %w", err)
	}
	return c, nil
}

// started returns the time at which the cart got its first address, which wakes
// the functions of the checkout; nil if it has none, or had one before.
func started(tx *txn.Tx, c Cart, before *Cart) any {
	if c.Content.Ship.Country == "" && c.Content.Ship.Postal == "" || before != nil && (before.Content.Ship.Country != "" || before.Content.Ship.Postal != "") {
		return nil
	}
	tx.Emit(events.CheckoutStarted{CartID: c.ID})
	return tx.Now
}

func tooMany() error {
	var f fault.Fields
	f.Add("/add_items", "the cart must not hold more than %d lines", maxItems)
	return f.Err()
}

// EraseOwner removes from the carts of an erased customer what names the person.
func EraseOwner(ctx context.Context, tx *txn.Tx, customerID string) error {
	_, err := tx.Exec(ctx, `
		UPDATE carts
		SET email = '', billing = '{}', notes = '', content = content #- '{ship,address1}' #- '{ship,address2}',
		    version = version + 1, updated_at = $2
		WHERE owner = $1`, customerID, tx.Now)
	if err != nil {
		return fmt.Errorf("erase the owner of carts: %w", err)
	}
	return nil
}
