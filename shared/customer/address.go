package customer

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/txn"
)

// maxAddresses bounds the addresses of one customer, so that all fit one page.
const maxAddresses = 50

// The kinds of address.
const (
	Shipping = "shipping"
	Billing  = "billing"
)

// Address is one of a customer's addresses. As long as there are any of a kind,
// one of them is its default: the first, until another is made it.
type Address struct {
	ID         string    `json:"id" db:"address_id"`
	CustomerID string    `json:"customer_id"`
	Kind       string    `json:"kind"` // shipping or billing
	IsDefault  bool      `json:"is_default"`
	FirstName  string    `json:"first_name"`
	LastName   string    `json:"last_name"`
	Company    string    `json:"company"`
	Address1   string    `json:"address1"`
	Address2   string    `json:"address2"`
	City       string    `json:"city"`
	Region     string    `json:"region"` // state code where there are any, free text elsewhere
	Postal     string    `json:"postal"`
	Country    string    `json:"country"` // ISO 3166-1 alpha-2
	Phone      string    `json:"phone"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// Location is where the address is changed.
func (a Address) Location() string {
	return "/v1/customers/" + a.CustomerID + "/addresses/" + a.ID
}

const addressColumns = `address_id, customer_id, kind, is_default, first_name, last_name, company, address1, address2,
	city, region, postal, country, phone, created_at, updated_at`

var countryShape = regexp.MustCompile(`^[A-Z]{2}$`)

func (a Address) validate() error {
	var f fault.Fields
	f.Check(a.Kind == Shipping || a.Kind == Billing, "/kind", "must be shipping or billing")
	checkPerson(&f, a.FirstName, a.LastName, a.Company, a.Phone)
	f.Check(strings.TrimSpace(a.Address1) != "", "/address1", "must not be empty")
	checkLength(&f, "/address1", a.Address1, 100)
	checkLength(&f, "/address2", a.Address2, 100)
	f.Check(strings.TrimSpace(a.City) != "", "/city", "must not be empty")
	checkLength(&f, "/city", a.City, 60)
	checkLength(&f, "/region", a.Region, 60)
	checkLength(&f, "/postal", a.Postal, 20)
	f.Check(countryShape.MatchString(a.Country), "/country", "must be two capital letters (ISO 3166-1 alpha-2)")
	return f.Err()
}

// CreateAddressInput adds an address to a customer.
type CreateAddressInput struct {
	CustomerID string `json:"-" path:"id"`
	Kind       string `json:"kind"`
	IsDefault  bool   `json:"is_default,omitempty"` // takes the place of the kind's default; the first of a kind is it anyway
	FirstName  string `json:"first_name,omitempty"`
	LastName   string `json:"last_name,omitempty"`
	Company    string `json:"company,omitempty"`
	Address1   string `json:"address1"`
	Address2   string `json:"address2,omitempty"`
	City       string `json:"city"`
	Region     string `json:"region,omitempty"`
	Postal     string `json:"postal,omitempty"`
	Country    string `json:"country"`
	Phone      string `json:"phone,omitempty"`
}

// Validate refuses what is no address. Whether it can be shipped to, checkout
// decides.
func (in CreateAddressInput) Validate() error { return in.address().validate() }

func (in CreateAddressInput) address() Address {
	return Address{
		CustomerID: in.CustomerID, Kind: in.Kind, IsDefault: in.IsDefault,
		FirstName: in.FirstName, LastName: in.LastName, Company: in.Company,
		Address1: in.Address1, Address2: in.Address2, City: in.City, Region: in.Region, Postal: in.Postal, Country: in.Country, Phone: in.Phone,
	}
}

// CreateAddress adds an address, for staff or that customer; for anybody else
// there is no such customer: kind NotFound. A customer with 50 addresses gets no
// more: kind Unprocessable.
func CreateAddress(ctx context.Context, tx *txn.Tx, in CreateAddressInput) (Address, error) {
	if _, err := claim(ctx, tx, in.CustomerID); err != nil {
		return Address{}, err
	}
	var all, ofKind int
	err := tx.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE kind = $2)
		FROM customer_addresses
		WHERE customer_id = $1`, in.CustomerID, in.Kind).Scan(&all, &ofKind)
	if err != nil {
		return Address{}, fmt.Errorf("count addresses: %w", err)
	}
	if all >= maxAddresses {
		return Address{}, fault.New(fault.Unprocessable, "a customer has at most %d addresses; delete one first", maxAddresses)
	}
	a := in.address()
	a.ID, a.CreatedAt, a.UpdatedAt = ident.New(ident.Address), tx.Now, tx.Now
	a.IsDefault = a.IsDefault || ofKind == 0
	if err := a.clearDefault(ctx, tx); err != nil {
		return Address{}, err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO customer_addresses (shop_id, `+addressColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)`,
		tx.Shop, a.ID, a.CustomerID, a.Kind, a.IsDefault, a.FirstName, a.LastName, a.Company, a.Address1, a.Address2,
		a.City, a.Region, a.Postal, a.Country, a.Phone, a.CreatedAt)
	if err != nil {
		return Address{}, fmt.Errorf("create address: %w", err)
	}
	return a, nil
}

// clearDefault makes room if a is to be the default of its kind.
func (a Address) clearDefault(ctx context.Context, tx *txn.Tx) error {
	if !a.IsDefault {
		return nil
	}
	_, err := tx.Exec(ctx, `
		UPDATE customer_addresses
		SET is_default = false, updated_at = $4
		WHERE customer_id = $1 AND kind = $2 AND is_default AND address_id <> $3`, a.CustomerID, a.Kind, a.ID, tx.Now)
	if err != nil {
		return fmt.Errorf("clear the default address: %w", err)
	}
	return nil
}

// ListAddressesInput names a customer.
type ListAddressesInput struct {
	CustomerID string `json:"-" path:"id"`
}

// ListAddresses returns all addresses of a customer, oldest first, to staff or
// that customer; for anybody else there is no such customer: kind NotFound.
func ListAddresses(ctx context.Context, tx *txn.Tx, in ListAddressesInput) (page.Page[Address], error) {
	if _, err := Get(ctx, tx, GetInput{ID: in.CustomerID}); err != nil {
		return page.Page[Address]{}, err
	}
	rows, err := tx.Query(ctx, `
		SELECT `+addressColumns+`
		FROM customer_addresses
		WHERE customer_id = $1
		ORDER BY address_id`, in.CustomerID)
	if err != nil {
		return page.Page[Address]{}, fmt.Errorf("list addresses: %w", err)
	}
	addresses, err := pgx.CollectRows(rows, pgx.RowToStructByName[Address])
	if err != nil {
		return page.Page[Address]{}, fmt.Errorf("list addresses: %w", err)
	}
	return page.Page[Address]{Items: addresses}, nil
}

// UpdateAddressInput changes what is given of an address and leaves the rest. Its
// kind is for good.
type UpdateAddressInput struct {
	CustomerID string  `json:"-" path:"id"`
	AddressID  string  `json:"-" path:"address"`
	IsDefault  *bool   `json:"is_default,omitempty"` // false is refused for the default: make another it
	FirstName  *string `json:"first_name,omitempty"`
	LastName   *string `json:"last_name,omitempty"`
	Company    *string `json:"company,omitempty"`
	Address1   *string `json:"address1,omitempty"`
	Address2   *string `json:"address2,omitempty"`
	City       *string `json:"city,omitempty"`
	Region     *string `json:"region,omitempty"`
	Postal     *string `json:"postal,omitempty"`
	Country    *string `json:"country,omitempty"`
	Phone      *string `json:"phone,omitempty"`
}

// UpdateAddress changes an address, for staff or that customer; for anybody else
// there is none: kind NotFound.
func UpdateAddress(ctx context.Context, tx *txn.Tx, in UpdateAddressInput) (Address, error) {
	if _, err := claim(ctx, tx, in.CustomerID); err != nil {
		return Address{}, err
	}
	a, err := findAddress(ctx, tx, in.CustomerID, in.AddressID)
	if err != nil {
		return Address{}, err
	}
	if a.IsDefault && in.IsDefault != nil && !*in.IsDefault {
		return Address{}, fault.New(fault.Unprocessable, "make another %s address the default instead", a.Kind)
	}
	assign(&a.IsDefault, in.IsDefault)
	assign(&a.FirstName, in.FirstName)
	assign(&a.LastName, in.LastName)
	assign(&a.Company, in.Company)
	assign(&a.Address1, in.Address1)
	assign(&a.Address2, in.Address2)
	assign(&a.City, in.City)
	assign(&a.Region, in.Region)
	assign(&a.Postal, in.Postal)
	assign(&a.Country, in.Country)
	assign(&a.Phone, in.Phone)
	a.UpdatedAt = tx.Now
	if err := a.validate(); err != nil {
		return Address{}, err
	}
	if err := a.clearDefault(ctx, tx); err != nil {
		return Address{}, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE customer_addresses
		SET is_default = $2, first_name = $3, last_name = $4, company = $5, address1 = $6, address2 = $7,
		    city = $8, region = $9, postal = $10, country = $11, phone = $12, updated_at = $13
		WHERE address_id = $1`,
		a.ID, a.IsDefault, a.FirstName, a.LastName, a.Company, a.Address1, a.Address2, a.City, a.Region, a.Postal, a.Country, a.Phone, a.UpdatedAt)
	if err != nil {
		return Address{}, fmt.Errorf("update address: %w", err)
	}
	return a, nil
}

// DeleteAddressInput names an address.
type DeleteAddressInput struct {
	CustomerID string `json:"-" path:"id"`
	AddressID  string `json:"-" path:"address"`
}

// DeleteAddress removes an address, for staff or that customer; for anybody else
// there is none: kind NotFound. In place of a default, the oldest that is left of
// its kind becomes it.
func DeleteAddress(ctx context.Context, tx *txn.Tx, in DeleteAddressInput) (struct{}, error) {
	if _, err := claim(ctx, tx, in.CustomerID); err != nil {
		return struct{}{}, err
	}
	a, err := findAddress(ctx, tx, in.CustomerID, in.AddressID)
	if err != nil {
		return struct{}{}, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM customer_addresses WHERE address_id = $1`, a.ID); err != nil {
		return struct{}{}, fmt.Errorf("delete address: %w", err)
	}
	if !a.IsDefault {
		return struct{}{}, nil
	}
	_, err = tx.Exec(ctx, `
		UPDATE customer_addresses
		SET is_default = true, updated_at = $3
		WHERE address_id = (SELECT min(address_id) FROM customer_addresses WHERE customer_id = $1 AND kind = $2)`, a.CustomerID, a.Kind, tx.Now)
	if err != nil {
		return struct{}{}, fmt.Errorf("choose another default address: %w", err)
	}
	return struct{}{}, nil
}

func findAddress(ctx context.Context, tx *txn.Tx, customerID, id string) (Address, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+addressColumns+`
		FROM customer_addresses
		WHERE customer_id = $1 AND address_id = $2`, customerID, id)
	if err != nil {
		return Address{}, fmt.Errorf("find address: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Address])
	if err == pgx.ErrNoRows {
		return Address{}, fault.New(fault.NotFound, "the customer has no address %s", id)
	}
	if err != nil {
		return Address{}, fmt.Errorf("find address: %w", err)
	}
	return a, nil
}
