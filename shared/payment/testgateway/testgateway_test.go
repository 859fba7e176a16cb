package testgateway_test

import (
	"context"
	"testing"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/gatewaytest"
	"github.com/rackless/rackless/shared/payment/testgateway"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/testkit/txtest"
)

// as calls the gateway as a function does: with a principal in the context.
type as struct {
	testgateway.Gateway
	who principal.Principal
}

func (g as) Execute(ctx context.Context, op payment.Operation) (payment.Outcome, error) {
	return g.Gateway.Execute(principal.NewContext(ctx, g.who), op)
}

func (g as) Lookup(ctx context.Context, op payment.Operation) (payment.Outcome, bool, error) {
	return g.Gateway.Lookup(principal.NewContext(ctx, g.who), op)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	gatewaytest.Run(t, func(t *testing.T) *gatewaytest.Bank {
		db := txtest.New(t)
		token := func(token string) func(*payment.Operation) { return func(op *payment.Operation) { op.Token = token } }
		return &gatewaytest.Bank{
			Gateway:  as{testgateway.Gateway{Run: db.As(t, "payment-authorize")}, db.System()},
			Now:      db.Clock.Now,
			Approved: token(testgateway.TokenApprove), Declined: token(testgateway.TokenDecline), Held: token(testgateway.TokenHold),
			Settle: func() {}, KeepsRest: true,
			Books: func() map[string]gatewaytest.Book {
				books := map[string]gatewaytest.Book{}
				rows, err := db.Admin.Query(t.Context(), `SELECT kind, reference, amount_cents, outcome FROM test_gateway WHERE outcome <> 'declined' ORDER BY booked_at`)
				if err != nil {
					t.Fatal(err)
				}
				for rows.Next() {
					var kind payment.Kind
					var reference, outcome string
					var cents int64
					if err := rows.Scan(&kind, &reference, &cents, &outcome); err != nil {
						t.Fatal(err)
					}
					b := books[reference]
					switch kind {
					case payment.Authorize:
						b.Authorized += cents
					case payment.Charge:
						b.Authorized, b.Captured = b.Authorized+cents, b.Captured+cents
					case payment.Capture:
						b.Captured += cents
					case payment.Void, payment.Decline:
						b.Voided += cents
					case payment.Refund:
						b.Refunded += cents
					}
					books[reference] = b
				}
				if err := rows.Err(); err != nil {
					t.Fatal(err)
				}
				return books
			},
			Break: func(op *payment.Operation, f gatewaytest.Fault) bool {
				if f == gatewaytest.Lost && op.Token == testgateway.TokenApprove && op.Reference == "" {
					op.Token = testgateway.TokenLost
					return true
				}
				return false
			},
		}
	})
}
