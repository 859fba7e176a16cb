package customer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/session"
	"github.com/rackless/rackless/shared/txn"
)

// UpdateInput changes what is given of a customer and leaves the rest.
type UpdateInput struct {
	ID              string  `json:"-" path:"id"`
	IfMatch         int64   `json:"-" header:"If-Match"` // the version the caller saw; any if absent
	Email           *string `json:"email,omitempty"`
	Password        *string `json:"password,omitempty"`
	CurrentPassword string  `json:"current_password,omitempty"` // needed by a customer for a new e-mail address or password
	FirstName       *string `json:"first_name,omitempty"`
	LastName        *string `json:"last_name,omitempty"`
	Company         *string `json:"company,omitempty"`
	Phone           *string `json:"phone,omitempty"`
	Newsletters     *int    `json:"newsletters,omitempty"`
	PriceSchedule   *string `json:"price_schedule,omitempty"` // staff only
	TaxExempt       *bool   `json:"tax_exempt,omitempty"`     // staff only
	Locked          *bool   `json:"locked,omitempty"`         // staff only; true ends the customer's sessions
}

// Validate refuses fields that no customer can have.
func (in UpdateInput) Validate() error {
	var f fault.Fields
	if in.Email != nil {
		checkEmail(&f, *in.Email)
	}
	if in.Password != nil {
		checkPassword(&f, *in.Password)
	}
	checkLength(&f, "/current_password", in.CurrentPassword, maxPassword)
	var c Customer
	in.apply(&c)
	checkPerson(&f, c.FirstName, c.LastName, c.Company, c.Phone)
	checkNewsletters(&f, c.Newsletters)
	checkLength(&f, "/price_schedule", c.PriceSchedule, 20)
	return f.Err()
}

func (in UpdateInput) apply(c *Customer) {
	assign(&c.Email, in.Email)
	assign(&c.FirstName, in.FirstName)
	assign(&c.LastName, in.LastName)
	assign(&c.Company, in.Company)
	assign(&c.Phone, in.Phone)
	assign(&c.Newsletters, in.Newsletters)
	assign(&c.PriceSchedule, in.PriceSchedule)
	assign(&c.TaxExempt, in.TaxExempt)
	assign(&c.Locked, in.Locked)
}

// Update changes a customer, for staff or that customer. A customer must prove
// with the current password to be more than the finder of an open session before
// the address or the password changes. A new password ends the customer's other
// sessions, a lock all of them.
//
// It refuses with NotFound for anybody else, Precondition for a stale version,
// Forbidden for what only staff may change or a wrong current password, and
// Conflict for an e-mail address that another customer has.
func Update(ctx context.Context, tx *txn.Tx, in UpdateInput) (Customer, error) {
	c, err := claim(ctx, tx, in.ID)
	if err != nil {
		return Customer{}, err
	}
	if err := c.match(in.IfMatch); err != nil {
		return Customer{}, err
	}
	if !tx.Who.Trusted() {
		if in.PriceSchedule != nil || in.TaxExempt != nil || in.Locked != nil {
			return Customer{}, fault.New(fault.Forbidden, "only staff may change price_schedule, tax_exempt and locked")
		}
		if in.Password != nil || in.Email != nil && *in.Email != c.Email {
			if err := prove(ctx, tx, c.Email, in.CurrentPassword); err != nil {
				return Customer{}, err
			}
		}
	}
	var hash *string
	if in.Password != nil {
		h, err := hashPassword(*in.Password)
		if err != nil {
			return Customer{}, err
		}
		hash = &h
	}
	in.apply(&c)
	rows, err := tx.Query(ctx, `
		UPDATE customers
		SET email = $2, password_hash = COALESCE($3, password_hash), first_name = $4, last_name = $5, company = $6, phone = $7,
		    newsletters = $8, price_schedule = $9, tax_exempt = $10, locked = $11, version = version + 1, updated_at = $12
		WHERE customer_id = $1
		RETURNING `+columns,
		c.ID, c.Email, hash, c.FirstName, c.LastName, c.Company, c.Phone, c.Newsletters, c.PriceSchedule, c.TaxExempt, c.Locked, tx.Now)
	if err != nil {
		return Customer{}, fmt.Errorf("update customer: %w", err)
	}
	c, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Customer])
	if postgres.IsUnique(err, "customers_email_key") {
		return Customer{}, fault.New(fault.Conflict, "another customer has this e-mail address")
	}
	if err != nil {
		return Customer{}, fmt.Errorf("update customer: %w", err)
	}
	switch {
	case c.Locked:
		err = session.EndAll(ctx, tx, c.ID, "")
	case hash != nil:
		err = session.EndAll(ctx, tx, c.ID, tx.Who.ID)
	}
	return c, err
}

// prove refuses a customer who does not know the current password. The attempts
// are those of logging in.
func prove(ctx context.Context, tx *txn.Tx, email, password string) error {
	if err := session.Attempt(ctx, tx, email); err != nil {
		return err
	}
	_, ok, err := authenticate(ctx, tx, email, password)
	if err != nil {
		return err
	}
	if !ok {
		return txn.Keep(fault.New(fault.Forbidden, "current_password is not right"))
	}
	return session.Forgive(ctx, tx, email)
}
