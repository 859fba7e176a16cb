package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/ebay/client"
)

// serve is a site whose API is a handler.
func serve(t *testing.T, api http.HandlerFunc) *client.Seller {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/identity/v1/oauth2/token" {
			io.WriteString(w, `{"access_token":"a","expires_in":7200}`)
			return
		}
		api(w, r)
	}))
	t.Cleanup(server.Close)
	app := client.New(client.Config{URL: server.URL, Timeout: 10 * time.Second}, clock.NewManual(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)), nil)
	app.RecordPauses(&[]time.Duration{})
	return app.Seller("r", "EBAY_US")
}

func TestOrdersAreReadPageByPageWithOverlap(t *testing.T) {
	t.Parallel()
	const total = 450
	failures := 1
	seller := serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if got, want := q.Get("filter"), "lastmodifieddate:[2026-11-26T23:55:00.000Z..]"; got != want || q.Get("limit") != "200" {
			t.Errorf("filter %q, limit %s; want %q, 200", got, q.Get("limit"), want)
		}
		var offset int
		fmt.Sscan(q.Get("offset"), &offset)
		if offset == 200 && failures > 0 { // a page that fails is read again, not left out
			failures--
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		page := map[string]any{}
		var orders []map[string]any
		for i := offset; i < min(offset+200, total); i++ {
			orders = append(orders, map[string]any{"orderId": fmt.Sprint(i), "orderPaymentStatus": "PAID",
				"pricingSummary": map[string]any{"total": map[string]string{"value": "12.30", "currency": "USD"}}})
		}
		page["orders"] = orders
		if offset+200 < total {
			page["next"] = "more"
		}
		json.NewEncoder(w).Encode(page)
	})
	n := 0
	for o, err := range seller.Orders(t.Context(), time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)) {
		if err != nil || o.ID != fmt.Sprint(n) || !o.Paid() || o.Pricing.Total != (client.Money{Value: "12.30", Currency: "USD"}) {
			t.Fatalf("order %d: %+v, %v", n, o, err)
		}
		n++
	}
	if n != total {
		t.Errorf("%d orders, want %d", n, total)
	}
	for status, paid := range map[string]bool{"PENDING": false, "FAILED": false, "FULLY_REFUNDED": false, "PARTIALLY_REFUNDED": true, "NEW_ONE": false} {
		if (client.Order{Payment: status}).Paid() != paid {
			t.Errorf("%s: want paid %v", status, paid)
		}
	}
}

// Parcels are reported once, whatever is repeated and whichever reply is lost.
func TestShipReportsAParcelOnce(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		for _, tracking := range []string{"1Z 999-AA1", ""} {
			var booked []client.Package
			seller := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.EscapedPath() != "/sell/fulfillment/v1/order/12-34%2F5/shipping_fulfillment" {
					t.Errorf("path %s", r.URL.EscapedPath())
				}
				if r.Method == http.MethodGet {
					var list []map[string]any
					for _, p := range booked {
						list = append(list, map[string]any{"shipmentTrackingNumber": p.Tracking, "lineItems": p.Lines})
					}
					json.NewEncoder(w).Encode(map[string]any{"fulfillments": list})
					return
				}
				var p client.Package
				json.NewDecoder(r.Body).Decode(&p)
				if strings.ContainsAny(p.Tracking, " -") {
					t.Errorf("tracking %q", p.Tracking)
				}
				booked = append(booked, p)
				if lost {
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				w.WriteHeader(http.StatusCreated)
			})
			p := client.Package{Lines: []client.PackedLine{{ID: "1", Quantity: 2}}, Tracking: tracking}
			if tracking != "" {
				p.Carrier = "UPS"
			}
			for range 2 {
				if err := seller.Ship(t.Context(), "12-34/5", p); err != nil {
					t.Fatal(err)
				}
			}
			if len(booked) != 1 {
				t.Errorf("lost %v, tracking %q: reported %d times", lost, tracking, len(booked))
			}
		}
	}
}

func TestShipReturnsARefusal(t *testing.T) {
	t.Parallel()
	seller := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			io.WriteString(w, `{"fulfillments":[]}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"errors":[{"errorId":32300,"message":"bad tracking"}]}`)
	})
	err := seller.Ship(t.Context(), "1", client.Package{})
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Class != client.Fix || !strings.Contains(e.Hint(), "tracking number or carrier wrong") {
		t.Errorf("%v", err)
	}
}
