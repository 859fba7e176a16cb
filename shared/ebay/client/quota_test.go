package client_test

import (
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/ebay/client"
)

func TestQuotas(t *testing.T) {
	t.Parallel()
	none := false
	seller := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.RequestURI(), "/developer/analytics/v1_beta/user_rate_limit/?api_context=sell&api_name=inventory"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if none {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		io.WriteString(w, `{"rateLimits":[{"apiContext":"sell","apiName":"inventory","apiVersion":"v1","resources":[
			{"name":"sell.inventory","rates":[{"limit":2000000,"remaining":1999000,"reset":"2026-11-27T08:00:00.000Z","timeWindow":86400}]}]}]}`)
	})
	got, err := seller.Quotas(t.Context(), "inventory")
	want := []client.Quota{{Resource: "sell.inventory", Limit: 2_000_000, Left: 1_999_000, Reset: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC), Window: 24 * time.Hour}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	none = true
	if got, err := seller.Quotas(t.Context(), "inventory"); err != nil || len(got) != 0 {
		t.Errorf("nothing to report: %+v, %v", got, err)
	}
}
