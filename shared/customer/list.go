package customer

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/txn"
)

// ListInput asks for a page of the shop's customers.
type ListInput struct {
	page.Query
	Email string `json:"-" query:"email"` // only the customer with this address, in whatever case
	Text  string `json:"-" query:"q"`     // only those with this text in the address or the name, in whatever case
}

// Validate refuses what cannot be looked for.
func (in ListInput) Validate() error {
	var f fault.Fields
	f.Merge("", in.Query.Validate())
	checkLength(&f, "/email", in.Email, 254)
	checkLength(&f, "/q", in.Text, 100)
	return f.Err()
}

// List returns the customers of the shop, newest first, without those erased. It
// is for staff.
func List(ctx context.Context, tx *txn.Tx, in ListInput) (page.Page[Customer], error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+`
		FROM customers
		WHERE shop_id = $1 AND erased_at IS NULL
		  AND ($2 = '' OR customer_id < $2)
		  AND ($3 = '' OR email_key = lower($3))
		  AND ($4 = '' OR strpos(lower(email || ' ' || first_name || ' ' || last_name), lower($4)) > 0)
		ORDER BY customer_id DESC
		LIMIT $5`, tx.Shop, in.After(), strings.TrimSpace(in.Email), strings.TrimSpace(in.Text), in.Rows())
	if err != nil {
		return page.Page[Customer]{}, fmt.Errorf("list customers: %w", err)
	}
	customers, err := pgx.CollectRows(rows, pgx.RowToStructByName[Customer])
	if err != nil {
		return page.Page[Customer]{}, fmt.Errorf("list customers: %w", err)
	}
	return page.Of(in.Query, customers, func(c Customer) string { return c.ID }), nil
}
