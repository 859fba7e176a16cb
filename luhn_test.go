package rackless_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/testkit"
	"github.com/rackless/rackless/shared/topology"
)

// planted are card numbers as people write them; all pass the Luhn check.
var planted = []string{"4111111111111111", "5555 5555 5555 4444", "3782-822463-10005", "6011111111111117"}

// witness keeps whatever the shop says: its log, the events on their way, its spans.
type witness struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (w *witness) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.Write(p)
}

// quotes reports whether a text was said, as it is or as a URL has it.
func (w *witness) quotes(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Contains(w.said.Bytes(), []byte(text)) || bytes.Contains(w.said.Bytes(), []byte(url.PathEscape(text)))
}

func (w *witness) observe(o topology.Observation) {
	if o.Event != nil {
		fmt.Fprintln(w, o.Event.String(), o.Err)
	}
}

// A card number that somebody puts where a buyer or staff can write something is
// refused, and is afterwards neither in the database nor in a log line, an event, a
// span or a reply.
func TestCardNumbersAreNowhere(t *testing.T) {
	t.Parallel()
	var w, spans witness
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(&spans, r.Body) }))
	t.Cleanup(func() { // the last spans are sent when the shop ends
		collector.Close()
		for _, number := range planted {
			if spans.quotes(number) {
				t.Errorf("%s was traced", number)
			}
		}
		if !spans.quotes(`"order-place"`) {
			t.Errorf("%d bytes of spans are too few to tell anything", spans.said.Len())
		}
	})
	k := testkit.New(t, func(o *rackless.Options) {
		o.Log = slog.New(slog.NewJSONHandler(&w, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Observer = w.observe
		o.Tracing, o.OTLPEndpoint = true, collector.URL
	})
	stocked(t, k, 10)
	cartID, token := buyer(t, k, 1)
	o := place(t, k, cartID, token, "tok_decline")
	for i, number := range planted {
		for name, send := range map[string]func() testkit.Reply{
			"an order's token": func() testkit.Reply {
				cart, token := buyer(t, k, 1)
				return k.Call(t, token, "POST", "/v1/orders", map[string]any{"cart_id": cart, "payments": []any{map[string]any{"tender": "CREDIT", "token": number}}}, "Idempotency-Key: x")
			},
			"an order's gift card": func() testkit.Reply {
				cart, token := buyer(t, k, 1)
				return k.Call(t, token, "POST", "/v1/orders", map[string]any{"cart_id": cart, "payments": []any{map[string]any{"tender": "GIFTCARD", "code": number}}}, "Idempotency-Key: x")
			},
			"another payment": func() testkit.Reply {
				return k.Call(t, token, "POST", "/v1/orders/"+o.ID+"/payments", map[string]any{"tender": "CREDIT", "token": number}, fmt.Sprint("Idempotency-Key: ", i))
			},
			"a cart's notes": func() testkit.Reply {
				cart, token := buyer(t, k, 1)
				return k.Call(t, token, "PATCH", "/v1/carts/"+cart, map[string]any{"notes": "my card is " + number + ", thanks"})
			},
			"an address": func() testkit.Reply {
				return k.Call(t, "", "POST", "/v1/carts", map[string]any{"items": []any{map[string]any{"product": "A", "qty": 1}}, "ship": map[string]any{"country": "US", "address1": number}})
			},
			"a customer's name": func() testkit.Reply {
				return k.Call(t, "", "POST", "/v1/customers", map[string]any{"email": "luhn@example.com", "password": "correct horse", "first_name": number})
			},
			"an idempotency key": func() testkit.Reply {
				return k.Call(t, token, "POST", "/v1/orders/"+o.ID+"/payments", map[string]any{"tender": "CREDIT", "token": "tok_decline"}, "Idempotency-Key: "+number)
			},
			"a browser's name": func() testkit.Reply {
				return k.Call(t, "", "GET", "/v1/orders", nil, "User-Agent: "+number)
			},
			"a path": func() testkit.Reply {
				return k.Call(t, k.Key, "GET", "/v1/orders/"+strings.ReplaceAll(number, " ", "%20"), nil)
			},
		} {
			r := send()
			if r.Status < 400 {
				t.Errorf("%s in %s: status %d, want it refused", number, name, r.Status)
			}
			if bytes.Contains(r.Body, []byte(number)) {
				t.Errorf("%s in %s: the reply quotes it: %s", number, name, r.Body)
			}
		}
	}
	plantEverywhere(t, k)
	k.Settle(t)
	tables, err := k.DB.Query(t.Context(), `SELECT format('%I', relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range planted {
		for _, table := range names {
			var found int
			if err := k.DB.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` AS row WHERE strpos(row::text, $1) > 0`, number).Scan(&found); err != nil {
				t.Fatal(err)
			}
			if found > 0 {
				t.Errorf("%s is in %d rows of %s", number, found, table)
			}
		}
		if w.quotes(number) {
			t.Errorf("%s was logged or sent", number)
		}
	}
	if len(names) < 20 || w.said.Len() == 0 {
		t.Errorf("%d tables and %d bytes of log are too few to tell anything", len(names), w.said.Len())
	}
}

// plantEverywhere puts a card number into every field, query parameter, path and
// header of every operation that takes one, as staff and as a buyer; each must be
// refused for it. Fields of articles and the like are passed over: see
// runtime.refuseCards.
func plantEverywhere(t *testing.T, k *testkit.Kit) {
	t.Helper()
	f := fixtures{ids: map[string]string{"{id}": "crt_06h0c6qbx9x05e73seysdj4z5r", "{gateway}": "test", "{address}": "x", "{code}": "x", "{tender}": "POINTS"}}
	fields := 0
	for _, m := range manifest.Functions {
		method, route, ok := strings.Cut(m.Route, " ")
		if !ok {
			continue
		}
		ops, err := rackless.Functions()[m.Name].Operations()
		if err != nil {
			t.Fatal(err)
		}
		refuses := func(where string, r testkit.Reply, number string) {
			t.Helper()
			if r.Status != http.StatusBadRequest || !bytes.Contains(r.Body, []byte("card number")) || bytes.Contains(r.Body, []byte(number)) {
				t.Errorf("%s: %s in %s: status %d, want it refused and not quoted: %s", m.Name, number, where, r.Status, r.Body)
			}
		}
		number := planted[fields%len(planted)]
		refuses("the key", k.Call(t, k.Key, method, f.fill(route), nil, "Idempotency-Key: "+number), number)
		refuses("the query", k.Call(t, k.Key, method, f.fill(route)+"?x="+url.QueryEscape(number), nil), number)
		if strings.Contains(route, "{") {
			last := route[:strings.LastIndex(route, "{")] + url.PathEscape(number) + route[strings.LastIndex(route, "}")+1:]
			refuses("the path", k.Call(t, k.Key, method, f.fill(last), nil), number)
		}
		if ops[0].In == nil || slices.ContainsFunc([]string{"catalog-", "inventory-", "ebay-", "shop-"}, func(d string) bool { return strings.HasPrefix(m.Name, d) }) {
			continue
		}
		for at, body := range bodies(ops[0].In, "", 0) {
			if at == "/tracking" {
				continue
			}
			fields++
			number := planted[fields%len(planted)]
			for _, caller := range []string{k.Key, ""} {
				refuses(at, k.Call(t, caller, method, f.fill(route), body(number)), number)
			}
		}
	}
	if fields < 100 {
		t.Errorf("%d fields were tried, which cannot be all", fields)
	}
}

// bodies returns, by the path of each field of a type that can hold a text, how to
// make a body with nothing but that field.
func bodies(typ reflect.Type, at string, depth int) map[string]func(string) any {
	out := map[string]func(string) any{}
	if depth > 6 { // categories hold categories
		return out
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return bodies(typ.Elem(), at, depth)
	case reflect.String, reflect.Interface:
		out[at] = func(number string) any { return number }
	case reflect.Slice:
		for path, body := range bodies(typ.Elem(), at+"/0", depth+1) {
			out[path] = func(number string) any { return []any{body(number)} }
		}
	case reflect.Map:
		for path, body := range bodies(typ.Elem(), at+"/x", depth+1) {
			out[path] = func(number string) any { return map[string]any{"x": body(number)} }
		}
		out[at+" (name)"] = func(number string) any { return map[string]any{number: nil} }
	case reflect.Struct:
		for i := range typ.NumField() {
			field := typ.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case field.Anonymous && name == "":
				maps.Copy(out, bodies(field.Type, at, depth))
			case field.IsExported() && name != "-" && name != "":
				for path, body := range bodies(field.Type, at+"/"+name, depth+1) {
					out[path] = func(number string) any { return map[string]any{name: body(number)} }
				}
			}
		}
	}
	return out
}
