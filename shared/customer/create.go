package customer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/txn"
)

// CreateInput registers a customer.
type CreateInput struct {
	Email       string `json:"email"`
	Password    string `json:"password,omitempty"` // at least 8 characters; without one the customer cannot log in yet
	FirstName   string `json:"first_name,omitempty"`
	LastName    string `json:"last_name,omitempty"`
	Company     string `json:"company,omitempty"`
	Phone       string `json:"phone,omitempty"`
	Newsletters int    `json:"newsletters,omitempty"`
}

// Validate refuses fields that no customer can have.
func (in CreateInput) Validate() error {
	var f fault.Fields
	checkEmail(&f, in.Email)
	if in.Password != "" {
		checkPassword(&f, in.Password)
	}
	checkPerson(&f, in.FirstName, in.LastName, in.Company, in.Phone)
	checkNewsletters(&f, in.Newsletters)
	return f.Err()
}

// Create registers a customer. The address must be new in the shop, without
// regard to case; otherwise it returns a fault of kind Conflict.
func Create(ctx context.Context, tx *txn.Tx, in CreateInput) (Customer, error) {
	var hash *string
	if in.Password != "" {
		h, err := hashPassword(in.Password)
		if err != nil {
			return Customer{}, err
		}
		hash = &h
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO customers (customer_id, shop_id, email, password_hash, first_name, last_name, company, phone, newsletters, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
		RETURNING `+columns,
		ident.New(ident.Customer), tx.Shop, in.Email, hash, in.FirstName, in.LastName, in.Company, in.Phone, in.Newsletters, tx.Now)
	if err != nil {
		return Customer{}, fmt.Errorf("create customer: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Customer])
	if postgres.IsUnique(err, "customers_email_key") {
		return Customer{}, fault.New(fault.Conflict, "this e-mail address is registered already; log in instead")
	}
	if err != nil {
		return Customer{}, fmt.Errorf("create customer: %w", err)
	}
	tx.Emit(events.CustomerCreated{CustomerID: c.ID, Email: c.Email})
	return c, nil
}
