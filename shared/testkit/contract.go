package testkit

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless/shared/contract"
)

// checker holds all that tests see against the contract.
var checker = sync.OnceValues(func() (*contract.Checker, error) {
	return contract.NewChecker(contract.OpenAPI, contract.AsyncAPI)
})

// checkExchange fails the test if an exchange breaks the contract.
func checkExchange(tb testing.TB, x contract.Exchange) {
	tb.Helper()
	c, err := checker()
	if err != nil {
		tb.Fatalf("read the contract: %v", err)
	}
	if err := c.Exchange(x); err != nil {
		tb.Error(err)
	}
}

// checkEvents fails the test if an event that the shop has stated breaks the
// contract.
func checkEvents(ctx context.Context, tb testing.TB, db *pgxpool.Pool) {
	tb.Helper()
	c, err := checker()
	if err != nil {
		tb.Fatalf("read the contract: %v", err)
	}
	rows, err := db.Query(ctx, `SELECT type, data FROM outbox ORDER BY event_id`)
	if err != nil {
		tb.Errorf("read the outbox: %v", err)
		return
	}
	var eventType string
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&eventType, &data}, func() error {
		if err := c.Event(eventType, data); err != nil {
			tb.Errorf("the shop has stated an event that breaks the contract: %v", err)
		}
		return nil
	})
	if err != nil {
		tb.Errorf("read the outbox: %v", err)
	}
}
