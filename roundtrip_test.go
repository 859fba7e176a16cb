package rackless_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/shared/testkit"
)

// counter counts what is sent to Postgres and waited for. Statements that travel
// in a batch are one.
type counter struct{ n *atomic.Int64 }

func (c counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}
func (counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.n.Add(1)
	return ctx
}
func (counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// Pricing a cart waits for Postgres three times at most, whatever the cart holds:
// who calls, the cart, and all that its price depends on.
func TestPricingRoundTrips(t *testing.T) {
	t.Parallel()
	var trips atomic.Int64
	k := testkit.New(t, func(o *rackless.Options) {
		o.Postgres = append(o.Postgres, func(cfg *pgxpool.Config) { cfg.ConnConfig.Tracer = counter{&trips} })
	})
	stocked(t, k, 5)
	for _, qty := range []int{1, 5} {
		cartID, token := buyer(t, k, qty)
		price := func() { k.Call(t, token, "GET", "/v1/carts/"+cartID+"/price", nil).Want(t, http.StatusOK) }
		price() // connects
		k.Settle(t)
		before := trips.Load()
		price()
		if got := trips.Load() - before; got > 3 {
			t.Errorf("%d round trips to price a cart of %d, want 3 at most", got, qty)
		}
	}
}
