//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/order"
)

// client sends requests for any name to one address, which tells them apart by
// that name.
type client struct{ http *http.Client }

func newClient(address string) client {
	return client{&http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
		MaxIdleConnsPerHost: 64,
	}}}
}

type reply struct {
	status int
	body   []byte
}

func (c client) send(ctx context.Context, method, url, token, key string, body any) (reply, error) {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return reply{}, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return reply{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, got}, err
}

// must sends a request until it succeeds: what a client does while things are
// being killed. Anything but a passing trouble fails the test.
func (x *site) must(t *testing.T, token, method, path, key string, body, out any) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for {
		r, err := x.api.send(t.Context(), method, "http://"+x.host(x.front)+path, token, key, body)
		switch {
		case err == nil && r.status/100 == 2:
			if out != nil {
				if err := json.Unmarshal(r.body, out); err != nil {
					t.Fatalf("%s %s: %v: %s", method, path, err, r.body)
				}
			}
			return
		case err == nil && r.status < 500 && r.status != http.StatusTooManyRequests || time.Now().After(deadline):
			t.Fatalf("%s %s: status %d: %s: %v", method, path, r.status, r.body, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

type object = map[string]any
type list = []any

// furnish gives the shop products with so many pieces of each in stock.
func (x *site) furnish(t *testing.T, stock map[string]int) {
	t.Helper()
	x.must(t, x.key, "PATCH", "/v1/shop", "", object{
		"general":          object{"policy": "exact", "currency": "USD"},
		"shipping_methods": list{object{"id": "GROUND", "name": "Ground", "region": "US", "handler": "SIMPLE", "carrier": "SLOW", "enabled": true, "item_price": "5.00", "add_price": "0.00"}},
		"payment_methods":  list{object{"tender": "CREDIT", "gateway": "test", "capture": "on_confirm", "enabled": true, "title": "Card"}},
	}, nil)
	var products, counts list
	for sku, qty := range stock {
		products = append(products, object{"id": sku, "name": sku, "base_price": "19.99", "weight": "16", "active": true, "track_stock": true})
		counts = append(counts, object{"sku": sku, "set": qty})
	}
	x.must(t, x.key, "PUT", "/v1/products", "", object{"products": products}, nil)
	x.must(t, x.key, "POST", "/v1/inventory/adjustments", "stock"+fmt.Sprint(time.Now().UnixNano()), object{"adjustments": counts, "reason": "count"}, nil)
}

// visit is a buyer with a cart.
type visit struct{ cart, token string }

func (x *site) visit(t *testing.T, sku string, qty int) visit {
	t.Helper()
	var c struct {
		ID      string
		Session struct {
			AccessToken string `json:"access_token"`
		}
	}
	x.must(t, "", "POST", "/v1/carts", "", object{
		"items": list{object{"product": sku, "qty": qty}}, "email": "buyer@example.com",
		"ship": object{"country": "US", "region": "CA", "postal": "92024", "city": "Encinitas", "address1": "1 Main St"},
	}, &c)
	return visit{c.ID, c.Session.AccessToken}
}

// place orders a buyer's cart.
func (x *site) place(t *testing.T, v visit, card string) (o order.Order) {
	t.Helper()
	x.must(t, v.token, "POST", "/v1/orders", v.cart, object{"cart_id": v.cart, "payments": list{object{"tender": "CREDIT", "token": card}}}, &o)
	return o
}

// state returns what has become of an order.
func (x *site) state(t *testing.T, v visit, id string) (o order.Order) {
	t.Helper()
	x.must(t, v.token, "GET", "/v1/orders/"+id, "", nil, &o)
	return o
}

// await waits until an order has come to a state, and sweeps now and then, as the
// schedule does every ten minutes.
func (x *site) await(t *testing.T, id string, want ...string) string {
	t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	swept := time.Now()
	for {
		var state string
		err := x.db.QueryRow(t.Context(), `SELECT state FROM orders WHERE order_id = $1`, id).Scan(&state)
		if err == nil {
			for _, w := range want {
				if state == w {
					return state
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("order %s is %q after three minutes (%v), want %v", id, state, err, want)
		}
		if time.Since(swept) > 5*time.Second {
			x.sweep(t)
			swept = time.Now()
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// sweep wakes the sweeper, for which events are due a minute after they were
// stated: here they are at once.
func (x *site) sweep(t *testing.T) {
	t.Helper()
	_, err := x.db.Exec(t.Context(), `UPDATE outbox SET next_attempt = now() - interval '1 second' WHERE settled_at IS NULL AND due_at <= now()`)
	if err != nil {
		t.Logf("hurry the events: %v", err)
	}
	r, err := x.within.send(t.Context(), "POST", "http://"+x.sweeper, "", "", object{})
	if err != nil || r.status/100 != 2 {
		t.Logf("sweep: status %d, %v", r.status, err)
	}
}

// pods returns the names of the functions' pods, or of one function's.
func (x *site) pods(t *testing.T, function string) []string {
	t.Helper()
	selector := "serving.knative.dev/service"
	if function != "" {
		selector += "=" + function
	}
	out, err := x.kubectl(t.Context(), "-n", "rackless", "get", "pods", "-l", selector, "-o",
		`go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	return fields(out)
}

func fields(text string) []string {
	var out []string
	for _, f := range bytes.Fields([]byte(text)) {
		out = append(out, string(f))
	}
	return out
}

// How long Knative keeps a pod that has nothing to do: in a test, so that it does not
// take all day, and as it comes.
const (
	brief = "15s"
	usual = "60s"
)

// keepPods sets it.
func (x *site) keepPods(t *testing.T, window string) {
	t.Helper()
	if _, err := x.kubectl(t.Context(), "-n", "knative-serving", "patch", "configmap", "config-autoscaler", "--type", "merge", "-p", `{"data": {"stable-window": "`+window+`"}}`); err != nil {
		t.Fatal(err)
	}
}
