package customer

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Terms is what the shop has agreed with a customer that bears on prices.
type Terms struct {
	PriceSchedule string // wholesale schedule, empty for the public prices
	TaxExempt     bool
}

// QueueTerms adds to a batch the statement that reads the terms of a customer;
// those of one who was erased stay as they are in into.
func QueueTerms(batch *pgx.Batch, customerID string, into *Terms) {
	batch.Queue(`
		SELECT price_schedule, tax_exempt
		FROM customers
		WHERE customer_id = $1 AND erased_at IS NULL`, customerID).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(&into.PriceSchedule, &into.TaxExempt); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("load the customer's terms: %w", err)
		}
		return nil
	})
}
