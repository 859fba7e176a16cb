package cart

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// Cart is a cart as callers see it.
type Cart struct {
	ID        string     `json:"id" db:"cart_id"`
	Owner     string     `json:"-" db:"owner"`
	State     string     `json:"state" db:"state"` // open or ordered
	Email     string     `json:"email" db:"email"`
	Content   price.Cart `json:"content" db:"content"` // what is priced
	Billing   Contact    `json:"billing" db:"billing"`
	Notes     string     `json:"notes" db:"notes"`
	Version   int64      `json:"version" db:"version"`
	CreatedAt time.Time  `json:"created_at" db:"created_at"`
	UpdatedAt time.Time  `json:"updated_at" db:"updated_at"`
	// Session is what a guest must send from now on; only in the reply to the
	// creation of the guest's first cart.
	Session *Session `json:"session,omitempty" db:"-"`
}

// Session is the credential of a guest.
type Session struct {
	AccessToken string `json:"access_token"`
}

// Contact is who pays and where that person lives.
type Contact struct {
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Company   string `json:"company,omitempty"`
	Address1  string `json:"address1,omitempty"`
	Address2  string `json:"address2,omitempty"`
	City      string `json:"city,omitempty"`
	Region    string `json:"region,omitempty"`
	Postal    string `json:"postal,omitempty"`
	Country   string `json:"country,omitempty"` // ISO 3166 alpha-2
	Phone     string `json:"phone,omitempty"`
}

// ETag is the version as an entity tag.
func (c Cart) ETag() string { return `"` + strconv.FormatInt(c.Version, 10) + `"` }

// Location is where the cart is read.
func (c Cart) Location() string { return "/v1/carts/" + c.ID }

const columns = `cart_id, owner, state, email, content, billing, notes, version, created_at, updated_at`

// GetInput names a cart.
type GetInput struct {
	ID string `json:"-" path:"id"`
}

// Get returns a cart to its owner or to staff; for anybody else there is none.
func Get(ctx context.Context, tx *txn.Tx, in GetInput) (Cart, error) {
	return load(ctx, tx, in.ID, "")
}

// Lock returns a cart as Get does and keeps others from changing it until the
// transaction ends.
func Lock(ctx context.Context, tx *txn.Tx, id string) (Cart, error) {
	return load(ctx, tx, id, " FOR UPDATE")
}

func load(ctx context.Context, tx *txn.Tx, id, lock string) (Cart, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM carts WHERE cart_id = $1`+lock, id)
	if err != nil {
		return Cart{}, fmt.Errorf("load cart: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Cart])
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !tx.Who.Owns(c.Owner) {
		return Cart{}, fault.New(fault.NotFound, "there is no cart %s", id)
	}
	if err != nil {
		return Cart{}, fmt.Errorf("load cart: %w", err)
	}
	return c, nil
}

// MarkOrdered closes a cart that has become an order. The caller has locked it.
func MarkOrdered(tx *txn.Tx, c Cart) error {
	if c.State != "open" {
		return fault.New(fault.Conflict, "cart %s has been ordered already", c.ID)
	}
	tx.Later(`
		UPDATE carts
		SET state = 'ordered', version = version + 1, updated_at = $2
		WHERE cart_id = $1`, c.ID, tx.Now)
	return nil
}
