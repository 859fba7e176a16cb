package customer

import (
	"context"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/session"
	"github.com/rackless/rackless/shared/txn"
)

// Customer is a registered customer as callers see one.
type Customer struct {
	ID            string    `json:"id" db:"customer_id"`
	Email         string    `json:"email"`
	FirstName     string    `json:"first_name"`
	LastName      string    `json:"last_name"`
	Company       string    `json:"company"`
	Phone         string    `json:"phone"`
	Newsletters   int       `json:"newsletters"`    // bit n-1 set: subscribed to list n
	PriceSchedule string    `json:"price_schedule"` // wholesale schedule, empty for the public prices
	TaxExempt     bool      `json:"tax_exempt"`
	Locked        bool      `json:"locked"` // may not log in
	Version       int64     `json:"version"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// ETag is the version as an entity tag.
func (c Customer) ETag() string { return `"` + strconv.FormatInt(c.Version, 10) + `"` }

// Location is where the customer is read.
func (c Customer) Location() string { return "/v1/customers/" + c.ID }

const columns = `customer_id, COALESCE(email, '') AS email, first_name, last_name, company, phone, newsletters,
	price_schedule, tax_exempt, locked, version, created_at, updated_at`

// checkEmail refuses what cannot be the address of one person. Whether it is,
// only a message sent to it can tell.
func checkEmail(f *fault.Fields, email string) {
	a, err := mail.ParseAddress(email)
	f.Check(err == nil && a.Address == email && len(email) <= 254 && strings.Contains(email, "@"), "/email",
		"must be an e-mail address such as name@example.com")
}

func checkPerson(f *fault.Fields, first, last, company, phone string) {
	checkLength(f, "/first_name", first, 50)
	checkLength(f, "/last_name", last, 50)
	checkLength(f, "/company", company, 100)
	checkLength(f, "/phone", phone, 30)
}

func checkNewsletters(f *fault.Fields, mask int) {
	f.Check(mask >= 0 && mask < 1<<15, "/newsletters", "must be a bit mask of lists 1 to 15")
}

func checkLength(f *fault.Fields, path, text string, characters int) {
	f.Check(utf8.RuneCountInString(text) <= characters, path, "must not exceed %d characters", characters)
}

// claim makes the caller the only one who changes the customer, and what hangs on
// the customer, until the transaction ends, and returns the customer as it then
// is. For who does not own the customer, and for one who was erased, there is
// none: kind NotFound.
func claim(ctx context.Context, tx *txn.Tx, id string) (Customer, error) {
	if !tx.Who.Owns(id) {
		return Customer{}, notFound(id)
	}
	if err := session.Lock(ctx, tx, id); err != nil {
		return Customer{}, err
	}
	return find(ctx, tx, id)
}

func find(ctx context.Context, tx *txn.Tx, id string) (Customer, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+`
		FROM customers
		WHERE customer_id = $1 AND erased_at IS NULL`, id)
	if err != nil {
		return Customer{}, fmt.Errorf("find customer: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Customer])
	if err == pgx.ErrNoRows {
		return Customer{}, notFound(id)
	}
	if err != nil {
		return Customer{}, fmt.Errorf("find customer: %w", err)
	}
	return c, nil
}

// match refuses a caller who saw another version; zero means that the caller
// does not mind.
func (c Customer) match(version int64) error {
	if version != 0 && version != c.Version {
		return fault.New(fault.Precondition, "the customer has changed since version %d; read it again", version)
	}
	return nil
}

func notFound(id string) error { return fault.New(fault.NotFound, "there is no customer %s", id) }

// assign sets what was given and leaves the rest.
func assign[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}
