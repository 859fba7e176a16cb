package rackless_test

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/testkit"
)

// write is one valid request for a write operation.
type write struct {
	token string
	path  string
	body  map[string]any
}

// once is a write that cannot be sent twice by its nature, with the reason.
var once = map[string]string{
	"session-delete":    "the session that would repeat it has ended",
	"ebay-notification": "it is sent by eBay, which signs it: see TestEbayNotices",
	"ebay-run":          "it needs an account that a seller has connected; any number of requests make one run",
	"ebay-publish":      "it needs an account that a seller has connected: see TestEbayPublishesOnce",
	"webhook-receive":   "it is sent by gateways, which sign it: see TestWebhooks",
}

// prepare returns how to make a fresh valid request of every write operation,
// each with what it needs.
func prepare(t *testing.T, k *testkit.Kit) map[string]func() write {
	t.Helper()
	stocked(t, k, 1000)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{
		"payment_methods": []any{map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "manual", "enabled": true}},
	}).Want(t, http.StatusOK)
	n := 0
	customer := func() string {
		n++
		var c struct {
			ID string `json:"id"`
		}
		k.Call(t, k.Key, "POST", "/v1/customers", map[string]any{"email": strings.Repeat("a", n) + "@example.com", "password": "correct horse"}).
			Want(t, http.StatusCreated).Into(t, &c)
		return c.ID
	}
	address := map[string]any{"kind": "shipping", "address1": "1 Main St", "city": "Encinitas", "region": "CA", "postal": "92024", "country": "US"}
	addressOf := func() string {
		id := customer()
		var a struct {
			ID string `json:"id"`
		}
		k.Call(t, k.Key, "POST", "/v1/customers/"+id+"/addresses", address).Want(t, http.StatusCreated).Into(t, &a)
		return "/v1/customers/" + id + "/addresses/" + a.ID
	}
	endpoint := func() string {
		n++
		var e struct {
			ID string `json:"id"`
		}
		k.Call(t, k.Key, "POST", "/v1/endpoints", map[string]any{"url": "https://erp.example.com/" + strconv.Itoa(n), "types": []string{"customer.erased.v1"}},
			"Idempotency-Key: endpoint "+strconv.Itoa(n)).Want(t, http.StatusCreated).Into(t, &e)
		return e.ID
	}
	paid := func(card string) order.Order {
		cart, token := buyer(t, k, 1)
		return place(t, k, cart, token, card)
	}
	ordered := func() order.Order { return paid("tok_approve") }
	return map[string]func() write{
		"shop-create":    func() write { return write{k.Key, "/v1/shops", map[string]any{"name": "Another", "currency": "EUR"}} },
		"shop-configure": func() write { return write{k.Key, "/v1/shop", map[string]any{"name": "Renamed"}} },
		"payment-connect": func() write {
			return write{k.Key, "/v1/gateways", map[string]any{"gateway": "stripe", "secret_key": "sk_test_1234"}}
		},
		"payment-disconnect": func() write {
			k.Call(t, k.Key, "POST", "/v1/gateways", map[string]any{"gateway": "stripe", "secret_key": "sk_test_1234"}).Want(t, http.StatusOK)
			return write{k.Key, "/v1/gateways/stripe", nil}
		},
		"webhook-endpoint-create": func() write {
			return write{k.Key, "/v1/endpoints", map[string]any{"url": "https://erp.example.com/hook"}}
		},
		"webhook-endpoint-update": func() write {
			return write{k.Key, "/v1/endpoints/" + endpoint(), map[string]any{"rotate_secret": true}}
		},
		"webhook-endpoint-delete": func() write { return write{k.Key, "/v1/endpoints/" + endpoint(), nil} },
		"webhook-replay": func() write {
			return write{k.Key, "/v1/endpoints/" + endpoint() + "/replays", map[string]any{"failed_since": "2026-11-01T00:00:00Z"}}
		},
		"ebay-connect": func() write { return write{k.Key, "/v1/ebay/accounts", map[string]any{"name": "main"}} },
		"ebay-profile": func() write { return write{k.Key, "/v1/ebay/profiles/STD", map[string]any{"category": "1"}} },
		"customer-create": func() write {
			return write{"", "/v1/customers", map[string]any{"email": "new@example.com"}}
		},
		"customer-update": func() write {
			return write{k.Key, "/v1/customers/" + customer(), map[string]any{"first_name": "Ada"}}
		},
		"customer-delete": func() write { return write{k.Key, "/v1/customers/" + customer(), nil} },
		"customer-account-adjust": func() write {
			return write{k.Key, "/v1/customers/" + customer() + "/accounts/POINTS/adjustments", map[string]any{"add_cents": 500}}
		},
		"address-create": func() write { return write{k.Key, "/v1/customers/" + customer() + "/addresses", address} },
		"address-update": func() write { return write{k.Key, addressOf(), map[string]any{"city": "Carlsbad"}} },
		"address-delete": func() write { return write{k.Key, addressOf(), nil} },
		"session-create": func() write {
			customer()
			return write{"", "/v1/sessions", map[string]any{"email": strings.Repeat("a", n) + "@example.com", "password": "correct horse"}}
		},
		"session-refresh": func() write {
			customer()
			var s struct {
				RefreshToken string `json:"refresh_token"`
			}
			k.Call(t, "", "POST", "/v1/sessions", map[string]any{"email": strings.Repeat("a", n) + "@example.com", "password": "correct horse"}).
				Want(t, http.StatusCreated).Into(t, &s)
			return write{"", "/v1/sessions/refresh", map[string]any{"refresh_token": s.RefreshToken}}
		},
		"catalog-upsert": func() write {
			return write{k.Key, "/v1/products", map[string]any{"products": []any{map[string]any{"id": "B", "base_price": "1.00"}}}}
		},
		"inventory-adjust": func() write {
			return write{k.Key, "/v1/inventory/adjustments", map[string]any{"adjustments": []any{map[string]any{"sku": "A", "add": 7}}}}
		},
		"cart-create": func() write {
			return write{"", "/v1/carts", map[string]any{"items": []any{map[string]any{"product": "A", "qty": 1}}}}
		},
		"cart-update": func() write {
			cart, token := buyer(t, k, 1)
			return write{token, "/v1/carts/" + cart, map[string]any{"add_items": []any{map[string]any{"product": "A", "qty": 1}}}}
		},
		"order-place": func() write {
			cart, token := buyer(t, k, 1)
			return write{token, "/v1/orders", map[string]any{"cart_id": cart, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}}}}
		},
		"order-cancel":    func() write { return write{k.Key, "/v1/orders/" + ordered().ID + "/cancel", nil} },
		"payment-capture": func() write { return write{k.Key, "/v1/payments/" + ordered().Payments[0].ID + "/capture", nil} },
		"order-update": func() write {
			return write{k.Key, "/v1/orders/" + ordered().ID, map[string]any{"pool": "PROCESS", "note": "n"}}
		},
		"order-pay": func() write {
			return write{k.Key, "/v1/orders/" + paid("tok_decline").ID + "/payments", map[string]any{"tender": "CREDIT", "token": "tok_approve"}}
		},
		"order-ship": func() write {
			return write{k.Key, "/v1/orders/" + ordered().ID + "/shipments", map[string]any{"carrier": "UGND"}}
		},
		"payment-approve": func() write { return write{k.Key, "/v1/payments/" + paid("tok_hold").Payments[0].ID + "/approve", nil} },
		"payment-decline": func() write { return write{k.Key, "/v1/payments/" + paid("tok_hold").Payments[0].ID + "/decline", nil} },
		"payment-void":    func() write { return write{k.Key, "/v1/payments/" + ordered().Payments[0].ID + "/void", nil} },
		"order-revise": func() write {
			return write{k.Key, "/v1/orders/" + ordered().ID + "/revisions", map[string]any{"items": []any{map[string]any{"product": "A", "qty": 1, "force_price": "9.99"}}}}
		},
		"payment-verify": func() write {
			return write{k.Key, "/v1/payments/verifications", map[string]any{"tender": "CREDIT", "token": "tok_approve"}}
		},
		"payment-refund": func() write {
			p := ordered().Payments[0].ID
			k.Call(t, k.Key, "POST", "/v1/payments/"+p+"/capture", nil, "Idempotency-Key: capture "+p).Want(t, http.StatusOK)
			return write{k.Key, "/v1/payments/" + p + "/refund", map[string]any{"amount_cents": 100}}
		},
	}
}

// A key that comes again, also ten times at once, has one effect and gets one
// answer, byte by byte; with another request it is refused.
func TestEveryWriteIsIdempotent(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	writes := prepare(t, k)
	for _, m := range manifest.Functions {
		method, _, ok := strings.Cut(m.Route, " ")
		if !ok || method == http.MethodGet || once[m.Name] != "" {
			continue
		}
		make, ok := writes[m.Name]
		if !ok {
			t.Errorf("%s: the test has no valid request for it", m.Name)
			continue
		}
		w := make()
		k.Settle(t)
		key := "Idempotency-Key: " + m.Name
		var body any
		if w.body != nil {
			body = w.body
		}
		replies := send(t, k, 10, func() testkit.Reply { return k.Call(t, w.token, method, w.path, body, key) })
		k.Settle(t)
		answer := k.Call(t, w.token, method, w.path, body, key)
		if answer.Status/100 != 2 || answer.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: repeated: status %d, replayed %q: %s", m.Name, answer.Status, answer.Header.Get("Idempotent-Replayed"), answer.Body)
			continue
		}
		fresh := 0
		for _, r := range replies {
			switch {
			case r.Status == http.StatusConflict:
			case r.Status != answer.Status || !bytes.Equal(r.Body, answer.Body) || r.Header.Get("ETag") != answer.Header.Get("ETag"):
				t.Errorf("%s: replies differ:\n%d %s\n%d %s", m.Name, r.Status, r.Body, answer.Status, answer.Body)
			case r.Header.Get("Idempotent-Replayed") == "":
				fresh++
			}
		}
		if fresh != 1 {
			t.Errorf("%s: %d of ten requests at once had an effect, want 1", m.Name, fresh)
		}
		wantProblem(t, m.Name+": another request", k.Call(t, w.token, method, w.path+"?x=1", body, key), http.StatusUnprocessableEntity, http.StatusBadRequest)
		if w.body != nil {
			other := maps.Clone(w.body)
			for _, name := range slices.Sorted(maps.Keys(other)) {
				if s, ok := other[name].(string); ok && name != "cart_id" && name != "kind" {
					other[name] = s + "x"
				}
			}
			if !maps.EqualFunc(other, w.body, func(a, b any) bool { x, ok := a.(string); return !ok || x == b }) {
				wantProblem(t, m.Name+": another body", k.Call(t, w.token, method, w.path, other, key), http.StatusUnprocessableEntity, http.StatusBadRequest)
			}
		}
	}
	k.Settle(t)
	var adjusted, orders int64
	if err := k.DB.QueryRow(t.Context(), `SELECT (SELECT sum(qty) FROM stock_movements WHERE kind = 'adjust'), (SELECT count(*) FROM orders)`).Scan(&adjusted, &orders); err != nil {
		t.Fatal(err)
	}
	if adjusted != 1007 {
		t.Errorf("stock was adjusted to %d, want 1007: once", adjusted)
	}
}

// send makes n calls at once.
func send(t *testing.T, k *testkit.Kit, n int, call func() testkit.Reply) []testkit.Reply {
	t.Helper()
	replies := make([]testkit.Reply, n)
	var group sync.WaitGroup
	for i := range replies {
		group.Go(func() { replies[i] = call() })
	}
	group.Wait()
	return replies
}
