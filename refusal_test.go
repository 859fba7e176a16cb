package rackless_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/shared/httpapi"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/testkit"
)

// door is a way to call an operation: through the gateway or at the function's
// own URL.
type door struct {
	name string
	url  string
}

// doors opens the gateway and, for one function, its own URL.
func doors(t *testing.T, k *testkit.Kit, function string) []door {
	t.Helper()
	handler, ok := k.Shop.Invoke(function)
	if !ok {
		t.Fatalf("there is no function %s", function)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return []door{{"gateway", k.URL}, {"function", server.URL}}
}

// fixtures are things of the kit's shop whose ids the operations take.
type fixtures struct {
	ids     map[string]string // by the first segments of a path: the path with its ids filled in
	buyer   string            // token of the guest who owns them
	guest   string            // token of another guest
	foreign string            // key of another shop, with every scope
	bare    string            // key of this shop, without a useful scope
}

func newFixtures(t *testing.T, k *testkit.Kit) fixtures {
	t.Helper()
	stocked(t, k, 10)
	cartID, token := buyer(t, k, 1)
	o := place(t, k, cartID, token, "tok_approve")
	open, token2 := buyer(t, k, 1)
	var c, a struct {
		ID string `json:"id"`
	}
	k.Call(t, "", "POST", "/v1/customers", map[string]any{"email": "someone@example.com", "password": "correct horse"}).Want(t, http.StatusCreated).Into(t, &c)
	k.Call(t, k.Key, "POST", "/v1/customers/"+c.ID+"/addresses", map[string]any{
		"kind": "shipping", "address1": "1 Main St", "city": "Encinitas", "region": "CA", "postal": "92024", "country": "US",
	}).Want(t, http.StatusCreated).Into(t, &a)
	_, foreign := k.AddShop(t, "", "*")
	_, other := buyer(t, k, 1)
	_ = token2
	return fixtures{
		ids: map[string]string{
			"/v1/customers/{id}": "/v1/customers/" + c.ID, "{address}": a.ID, "{tender}": "POINTS", "/v1/carts/{id}": "/v1/carts/" + open,
			"/v1/orders/{id}": "/v1/orders/" + o.ID, "/v1/payments/{id}": "/v1/payments/" + o.Payments[0].ID, "/v1/products/{id}": "/v1/products/A", "{gateway}": "stripe", "{code}": "STD", "/v1/endpoints/{id}": "/v1/endpoints/whe_06h0c6qbx9x05e73seysdj4z5r", "/v1/ebay/accounts/{id}": "/v1/ebay/accounts/eba_06h0c6qbx9x05e73seysdj4z5r",
		},
		buyer: token, guest: other, foreign: foreign, bare: k.AddKey(t, k.ShopID, "nothing:read"),
	}
}

// fill puts ids into a path.
func (f fixtures) fill(path string) string {
	for pattern, value := range f.ids {
		path = strings.Replace(path, pattern, value, 1)
	}
	return path
}

// wantProblem fails the test unless the reply is a well-formed problem of the
// status.
func wantProblem(t *testing.T, what string, r testkit.Reply, statuses ...int) {
	t.Helper()
	var p httpapi.Problem
	if err := json.Unmarshal(r.Body, &p); err != nil || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: status %d is no problem+json: %s", what, r.Status, r.Body)
		return
	}
	for _, s := range statuses {
		if r.Status == s && p.Status == s && p.Detail != "" && strings.HasPrefix(p.Type, "https://rackless.dev/problems/") {
			return
		}
	}
	t.Errorf("%s: status %d, want %v: %s", what, r.Status, statuses, r.Body)
}

// wrongType returns a body in which one field has a type that it cannot have.
func wrongType(in reflect.Type) string {
	for i := range in.NumField() {
		f := in.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			if body := wrongType(f.Type); body != "" {
				return body
			}
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		kind := f.Type.Kind()
		if kind == reflect.Pointer {
			kind = f.Type.Elem().Kind()
		}
		if kind == reflect.String {
			return `{"` + name + `": 7}`
		}
		return `{"` + name + `": "seven"}`
	}
	return ""
}

// foreignBodies are valid bodies of operations whose body is checked before their
// id is looked up.
var foreignBodies = map[string]string{
	"address-create":          `{"kind": "shipping", "address1": "1", "city": "c", "country": "US"}`,
	"webhook-replay":          `{"delivery_id": "whd_x"}`,
	"ebay-run":                `{"kind": "sync"}`,
	"order-pay":               `{"tender": "CREDIT", "token": "tok_approve"}`,
	"order-ship":              `{"carrier": "UGND"}`,
	"customer-account-adjust": `{"add_cents": 1}`,
}

func TestEveryOperationRefusesBadRequests(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	f := newFixtures(t, k)
	k.Settle(t)
	before := snapshot(t, k)
	functions := rackless.Functions()
	for _, m := range manifest.Functions {
		method, route, ok := strings.Cut(m.Route, " ")
		if !ok {
			continue
		}
		path := f.fill(route)
		if strings.Contains(path, "{") {
			t.Errorf("%s: the test has no id for %s", m.Name, path)
			continue
		}
		ops, err := functions[m.Name].Operations()
		if err != nil {
			t.Fatal(err)
		}
		in := ops[0].In
		for _, d := range doors(t, k, m.Name) {
			call := func(token, method, body string, headers ...string) testkit.Reply {
				var payload any
				if body != "" {
					payload = body
				}
				return testkit.Call(t, http.DefaultClient, d.url+path, token, method, payload, append(headers, "Rackless-Shop: "+k.ShopID)...)
			}
			at := m.Name + " at the " + d.name + ": "
			key := "Idempotency-Key: " + m.Name + d.name
			wantProblem(t, at+"huge body", call(k.Key, method, `{"x": "`+strings.Repeat("x", 2<<20)+`"}`, key), http.StatusRequestEntityTooLarge)
			wantProblem(t, at+"bad JSON", call(k.Key, method, `{"`, key), http.StatusBadRequest)
			wantProblem(t, at+"unknown field", call(k.Key, method, `{"no_such_field": 1}`, key), http.StatusBadRequest)
			wantProblem(t, at+"two values", call(k.Key, method, `{} {}`, key), http.StatusBadRequest)
			if httpapi.HasBody(in) {
				wantProblem(t, at+"wrong type", call(k.Key, method, wrongType(in), key), http.StatusBadRequest)
				wantProblem(t, at+"not JSON", call(k.Key, method, `{}`, key, "Content-Type: text/plain"), http.StatusUnsupportedMediaType)
			}
			wantProblem(t, at+"unknown token", call("rk_nonsense", method, "", key), http.StatusUnauthorized)
			wantProblem(t, at+"odd credential", call("", method, "", key, "Authorization: Basic eDp5"), http.StatusUnauthorized)
			wantProblem(t, at+"wrong method", call(k.Key, "TRACE", ""), http.StatusMethodNotAllowed)
			wantProblem(t, at+"missing scope", call(f.bare, method, "", key), http.StatusForbidden)
			if m.Access == "staff" {
				wantProblem(t, at+"a buyer", call(f.guest, method, "", key), http.StatusForbidden)
			}
			if m.Access != "anyone" {
				wantProblem(t, at+"no credential", call("", method, "", key), http.StatusUnauthorized)
			}
			if m.Idempotency == "required" {
				wantProblem(t, at+"no idempotency key", call(k.Key, method, ""), http.StatusBadRequest)
			}
			wantProblem(t, at+"unknown path", testkit.Call(t, http.DefaultClient, d.url+"/v1/nothing/here", k.Key, method, nil), http.StatusNotFound)
			if strings.Contains(route, "{") && m.Name != "webhook-receive" && m.Name != "ebay-profile" { // whose paths name nobody's row
				wantProblem(t, at+"a foreign shop's id", call(f.foreign, method, foreignBodies[m.Name], key+"f"), http.StatusNotFound)
				if m.Access == "buyer" {
					wantProblem(t, at+"another buyer's id", call(f.guest, method, foreignBodies[m.Name], key+"g"), http.StatusNotFound)
				}
			}
		}
	}
	k.Settle(t)
	if after := snapshot(t, k); after != before {
		t.Errorf("refused requests have written:\nbefore %s\nafter  %s", before, after)
	}
}

func TestExpiredSessionIsRefused(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	f := newFixtures(t, k)
	k.Clock.Advance(31 * 24 * time.Hour)
	for _, m := range manifest.Functions {
		method, route, ok := strings.Cut(m.Route, " ")
		if ok && m.Access == "buyer" {
			wantProblem(t, m.Name, k.Call(t, f.buyer, method, f.fill(route), nil, "Idempotency-Key: x"), http.StatusUnauthorized)
		}
	}
}

// snapshot is a digest of what the tables hold, without the rate limits, which
// also count what is refused.
func snapshot(t *testing.T, k *testkit.Kit) string {
	t.Helper()
	rows, err := k.DB.Query(t.Context(), `
		SELECT tablename FROM pg_tables
		WHERE schemaname = 'public' AND tablename NOT IN ('rate_limits', 'schema_migrations')
		ORDER BY tablename`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var digest strings.Builder
	for _, table := range tables {
		var sum string
		err := k.DB.QueryRow(t.Context(), `SELECT count(*) || ':' || COALESCE(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM `+table+` t`).Scan(&sum)
		if err != nil {
			t.Fatal(err)
		}
		digest.WriteString(table + "=" + sum + " ")
	}
	return digest.String()
}
