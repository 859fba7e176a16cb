package rackless_test

import (
	"net/http"
	"testing"

	"github.com/rackless/rackless/shared/testkit"
)

// BenchmarkCheckout is a buyer's cart, order and wait until it is confirmed and
// everyone has acted on it, over HTTP, the database not flushing to disk.
func BenchmarkCheckout(b *testing.B) {
	k := testkit.New(b)
	stocked(b, k, 1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		cartID, token := buyer(b, k, 1)
		k.Call(b, token, "POST", "/v1/orders", map[string]any{
			"cart_id": cartID, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}},
		}, "Idempotency-Key: "+cartID).Want(b, http.StatusAccepted)
		k.Settle(b)
		k.Clock.Advance(1e9)
	}
}
