package customer

import (
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/fault"
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
func checkEmail(f *fault.Fields, path, email string) {
	a, err := mail.ParseAddress(email)
	f.Check(err == nil && a.Address == email && len(email) <= 254 && strings.Contains(email, "@"), path,
		"must be an e-mail address such as name@example.com")
}
