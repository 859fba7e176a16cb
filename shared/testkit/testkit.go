// Package testkit opens a whole shop for a test: every function with its own
// database login, the local broker with the committed manifests, a database of
// the test's own and real HTTP in front. Only tests may import it.
package testkit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/contract"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/testkit/pgtest"
)

// Start is where the clock of every kit stands at first.
var Start = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// Secret is what the logins of the template are derived from.
const Secret = "testkit"

// Key is what shops' secrets are sealed with.
var Key = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))

// Template is the migrated database that tests copy, logins included.
func Template() pgtest.Template {
	h := sha256.New()
	_ = fs.WalkDir(migrations.Files, ".", func(path string, _ fs.DirEntry, _ error) error {
		data, _ := fs.ReadFile(migrations.Files, path) // embedded; a folder reads as nothing
		h.Write(data)
		return nil
	})
	return pgtest.Template{
		Hash: hex.EncodeToString(h.Sum(nil)[:8]),
		Build: func(ctx context.Context, adminURL string) error {
			if err := migrations.Up(ctx, adminURL); err != nil {
				return err
			}
			logins, err := migrations.NewLogins(adminURL, Secret)
			if err != nil {
				return err
			}
			return logins.Set(ctx)
		},
	}
}

// Kit is an open shop.
type Kit struct {
	Shop   *rackless.Shop
	Clock  *clock.Manual
	DB     *pgxpool.Pool // the superuser's
	Logins migrations.Logins
	URL    string // of the public API
	ShopID string // of a shop whose host is the one of URL
	Key    string // an API key of that shop, with the scope *
}

// New opens a shop for the length of a test. change may alter its options.
func New(tb testing.TB, change ...func(*rackless.Options)) *Kit {
	tb.Helper()
	db := pgtest.New(tb, Template())
	logins, err := migrations.NewLogins(db.AdminURL(), Secret)
	if err != nil {
		tb.Fatal(err)
	}
	k := &Kit{Clock: clock.NewManual(Start), DB: db.Pool(tb), Logins: logins}
	options := rackless.Options{Logins: logins, Key: Key, Clock: k.Clock, Log: slog.New(slog.NewTextHandler(writer{tb}, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	for _, c := range change {
		c(&options)
	}
	k.Shop, err = rackless.Open(options)
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(k.Shop)
	k.URL = server.URL
	tb.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := k.Shop.Drain(ctx); err != nil {
			tb.Errorf("drain the shop: %v", err)
		}
		checkEvents(ctx, tb, k.DB)
	})
	k.ShopID, k.Key = k.AddShop(tb, "127.0.0.1", "*", "platform:*")
	return k
}

// AddShop makes another shop with an API key that holds the scopes. host may be
// empty.
func (k *Kit) AddShop(tb testing.TB, host string, scopes ...string) (shopID, key string) {
	tb.Helper()
	shopID = ident.New(ident.Shop)
	_, err := k.DB.Exec(tb.Context(), `INSERT INTO shops (shop_id, name, currency, created_at, updated_at) VALUES ($1, 'Test', 'USD', $2, $2)`, shopID, Start)
	if err == nil && host != "" {
		_, err = k.DB.Exec(tb.Context(), `INSERT INTO shop_hosts (host, shop_id) VALUES ($1, $2)`, host, shopID)
	}
	if err != nil {
		tb.Fatalf("add a shop: %v", err)
	}
	return shopID, k.AddKey(tb, shopID, scopes...)
}

// AddKey makes an API key of a shop.
func (k *Kit) AddKey(tb testing.TB, shopID string, scopes ...string) string {
	tb.Helper()
	token, hash := auth.NewToken(auth.KeyToken)
	_, err := k.DB.Exec(tb.Context(), `INSERT INTO api_keys (key_id, shop_id, name, hash, scopes, created_at) VALUES ($1, $2, 'test', $3, $4, $5)`,
		ident.New(ident.Key), shopID, hash, scopes, Start)
	if err != nil {
		tb.Fatalf("add an API key: %v", err)
	}
	return token
}

// Settle waits until no event is under way.
func (k *Kit) Settle(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	if err := k.Shop.Settle(ctx); err != nil {
		tb.Fatalf("settle the events: %v", err)
	}
}

// Sweep wakes the function that takes up what was lost and what is due, and
// waits until no event is under way.
func (k *Kit) Sweep(tb testing.TB) {
	tb.Helper()
	relay, ok := k.Shop.Invoke("outbox-relay")
	if !ok {
		tb.Fatal("there is no function outbox-relay")
	}
	w := httptest.NewRecorder()
	relay.ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/", nil))
	if w.Code/100 != 2 {
		tb.Fatalf("sweep: status %d: %s", w.Code, w.Body)
	}
	k.Settle(tb)
}

// WantStock fails the test unless so many pieces of a SKU are on the shelf and
// reserved.
func (k *Kit) WantStock(tb testing.TB, sku string, onHand, reserved int64) {
	tb.Helper()
	var gotOnHand, gotReserved int64
	err := k.DB.QueryRow(tb.Context(), `SELECT on_hand, reserved FROM stock WHERE shop_id = $1 AND sku = $2`, k.ShopID, sku).Scan(&gotOnHand, &gotReserved)
	if err != nil {
		tb.Fatalf("stock of %s: %v", sku, err)
	}
	if gotOnHand != onHand || gotReserved != reserved {
		tb.Errorf("stock of %s: %d on the shelf, %d reserved; want %d and %d", sku, gotOnHand, gotReserved, onHand, reserved)
	}
}

// Reply is an HTTP response, read to its end.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Into decodes the body.
func (r Reply) Into(tb testing.TB, out any) {
	tb.Helper()
	if err := json.Unmarshal(r.Body, out); err != nil {
		tb.Fatalf("the reply %d %s is not the JSON expected: %v", r.Status, r.Body, err)
	}
}

// Want fails the test unless the status is the one given.
func (r Reply) Want(tb testing.TB, status int) Reply {
	tb.Helper()
	if r.Status != status {
		tb.Fatalf("status %d, want %d: %s", r.Status, status, r.Body)
	}
	return r
}

// Call sends a request to the public API. body may be nil, a string that is
// sent as it is, or a value that is sent as JSON. headers are "Name: value".
func (k *Kit) Call(tb testing.TB, token, method, path string, body any, headers ...string) Reply {
	tb.Helper()
	return Call(tb, http.DefaultClient, k.URL+path, token, method, body, headers...)
}

// Call sends a request; see Kit.Call. What is sent and what comes back must obey
// the contract.
func Call(tb testing.TB, client *http.Client, url, token, method string, body any, headers ...string) Reply {
	tb.Helper()
	var sent []byte
	var payload io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		sent = []byte(b)
		payload = bytes.NewReader(sent)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			tb.Fatal(err)
		}
		sent = data
		payload = bytes.NewReader(sent)
	}
	req, err := http.NewRequestWithContext(tb.Context(), method, url, payload)
	if err != nil {
		tb.Fatal(err)
	}
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		tb.Fatalf("%s %s: %v", method, url, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatalf("%s %s: %v", method, url, err)
	}
	checkExchange(tb, contract.Exchange{
		Method: method, URL: req.URL, Header: req.Header, Body: sent, Status: res.StatusCode, ReplyHeader: res.Header, ReplyBody: data,
	})
	return Reply{res.StatusCode, res.Header, data}
}

// writer sends log lines to the test's log.
type writer struct{ tb testing.TB }

func (w writer) Write(p []byte) (int, error) {
	w.tb.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}
