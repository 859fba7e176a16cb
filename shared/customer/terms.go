package customer

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/txn"
)

// Terms is what the shop has agreed with a customer that bears on prices.
type Terms struct {
	PriceSchedule string // wholesale schedule, empty for the public prices
	TaxExempt     bool
}

// TermsOf returns the terms of a customer; of one who was erased, the public
// ones.
func TermsOf(ctx context.Context, tx *txn.Tx, customerID string) (Terms, error) {
	var t Terms
	err := tx.QueryRow(ctx, `
		SELECT price_schedule, tax_exempt
		FROM customers
		WHERE customer_id = $1 AND erased_at IS NULL`, customerID).Scan(&t.PriceSchedule, &t.TaxExempt)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Terms{}, fmt.Errorf("load the customer's terms: %w", err)
	}
	return t, nil
}
