package customer

import (
	"context"
	"fmt"
	"strings"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/session"
	"github.com/rackless/rackless/shared/txn"
)

// LoginInput asks for a session: a customer's or a guest's.
type LoginInput struct {
	Email    string `json:"email,omitempty"`
	Password string `json:"password,omitempty"`
	Guest    bool   `json:"guest,omitempty"` // a session of nobody yet, instead of e-mail and password
}

// Validate refuses what is neither.
func (in LoginInput) Validate() error {
	var f fault.Fields
	if in.Guest {
		f.Check(in.Email == "", "/email", "must be absent for a guest")
		f.Check(in.Password == "", "/password", "must be absent for a guest")
		return f.Err()
	}
	f.Check(in.Email != "" && len(in.Email) <= 254, "/email", "must be the customer's e-mail address")
	f.Check(in.Password != "", "/password", "must be the customer's password")
	checkLength(&f, "/password", in.Password, maxPassword)
	return f.Err()
}

var errLogin = fault.New(fault.Unauthenticated, "the e-mail address or the password is not right")

// Login opens a session. An unknown address, a wrong password and a locked
// customer are refused alike, with kind Unauthenticated, after the same work; ten
// refusals for an address use up its attempts for a while: kind TooMany.
func Login(ctx context.Context, tx *txn.Tx, in LoginInput) (session.Tokens, error) {
	if in.Guest {
		return session.Open(ctx, tx, "")
	}
	email := strings.TrimSpace(in.Email)
	if err := session.Attempt(ctx, tx, email); err != nil {
		return session.Tokens{}, err
	}
	a, ok, err := authenticate(ctx, tx, email, in.Password)
	if err != nil {
		return session.Tokens{}, err
	}
	if !ok {
		return session.Tokens{}, txn.Keep(errLogin)
	}
	if err := session.Lock(ctx, tx, a.ID); err != nil {
		return session.Tokens{}, err
	}
	// The customer may have been locked, erased or given another password since.
	var same bool
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM customers WHERE customer_id = $1 AND password_hash = $2 AND NOT locked AND erased_at IS NULL)`,
		a.ID, *a.Hash).Scan(&same)
	if err != nil {
		return session.Tokens{}, fmt.Errorf("log in: %w", err)
	}
	if !same {
		return session.Tokens{}, txn.Keep(errLogin)
	}
	if err := session.Forgive(ctx, tx, email); err != nil {
		return session.Tokens{}, err
	}
	return session.Open(ctx, tx, a.ID)
}
