package customer

import (
	"context"
	"fmt"
	"strings"

	"github.com/alexedwards/argon2id"
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
	checkEmail(&f, "/email", in.Email)
	checkPassword(&f, "/password", in.Password)
	checkNames(&f, in.FirstName, in.LastName, in.Company, in.Phone)
	f.Check(in.Newsletters >= 0 && in.Newsletters < 1<<15, "/newsletters", "must be a bit mask of lists 1 to 15")
	return f.Err()
}

// Create registers a customer. The address must be new in the shop, without
// regard to case; otherwise it returns a fault of kind Conflict.
func Create(ctx context.Context, tx *txn.Tx, in CreateInput) (Customer, error) {
	var hash *string
	if in.Password != "" {
		h, err := argon2id.CreateHash(in.Password, hashing)
		if err != nil {
			return Customer{}, fmt.Errorf("hash the password: %w", err)
		}
		hash = &h
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO customers (customer_id, shop_id, email, password_hash, first_name, last_name, company, phone, newsletters, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
		RETURNING `+columns,
		ident.New(ident.Customer), tx.Shop, strings.TrimSpace(in.Email), hash, in.FirstName, in.LastName, in.Company, in.Phone, in.Newsletters, tx.Now)
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

// hashing is argon2id with 19 MiB, 2 passes and 1 lane, the least that OWASP's
// password storage cheat sheet recommends: it fits the memory of one function
// while several people register at once.
var hashing = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func checkPassword(f *fault.Fields, path, password string) {
	f.Check(password == "" || len(password) >= 8 && len(password) <= 200, path, "must have 8 to 200 characters")
}

func checkNames(f *fault.Fields, first, last, company, phone string) {
	f.Check(len(first) <= 50, "/first_name", "must not exceed 50 characters")
	f.Check(len(last) <= 50, "/last_name", "must not exceed 50 characters")
	f.Check(len(company) <= 100, "/company", "must not exceed 100 characters")
	f.Check(len(phone) <= 30, "/phone", "must not exceed 30 characters")
}
