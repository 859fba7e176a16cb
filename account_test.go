package rackless_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/session"
	"github.com/rackless/rackless/shared/testkit"
)

func TestAccountFromRegistrationToErasure(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	var c customer.Customer
	k.Call(t, "", "POST", "/v1/customers", map[string]any{"email": "Ada@example.com", "password": "correct horse"}).Want(t, http.StatusCreated).Into(t, &c)
	k.Call(t, "", "POST", "/v1/customers", map[string]any{"email": "aDA@EXAMPLE.com"}).Want(t, http.StatusConflict)
	login := map[string]any{"email": "ada@example.com", "password": "correct horse"}
	var s session.Tokens
	k.Call(t, "", "POST", "/v1/sessions", login).Want(t, http.StatusCreated).Into(t, &s)

	path := "/v1/customers/" + c.ID
	r := k.Call(t, s.AccessToken, "PATCH", path, map[string]any{"first_name": "Ada"}, `If-Match: "1"`).Want(t, http.StatusOK)
	if got := r.Header.Get("ETag"); got != `"2"` {
		t.Errorf("ETag %s after the first change, want \"2\"", got)
	}
	k.Call(t, s.AccessToken, "PATCH", path, map[string]any{"first_name": "Eve"}, `If-Match: "1"`).Want(t, http.StatusPreconditionFailed)
	k.Call(t, s.AccessToken, "PATCH", path, map[string]any{"locked": true}).Want(t, http.StatusForbidden)
	k.Call(t, s.AccessToken, "GET", "/v1/customers", nil).Want(t, http.StatusForbidden)
	var found page.Page[customer.Customer]
	k.Call(t, k.Key, "GET", "/v1/customers?email=ADA%40example.com", nil).Want(t, http.StatusOK).Into(t, &found)
	if len(found.Items) != 1 || found.Items[0].FirstName != "Ada" {
		t.Errorf("staff found %+v", found.Items)
	}
	k.Call(t, k.Key, "GET", "/v1/customers?limit=101", nil).Want(t, http.StatusBadRequest)

	k.Settle(t)
	k.Call(t, s.AccessToken, "DELETE", path, nil).Want(t, http.StatusNoContent)
	k.Call(t, s.AccessToken, "GET", path, nil).Want(t, http.StatusUnauthorized)
	k.Call(t, k.Key, "GET", path, nil).Want(t, http.StatusNotFound)
	k.Call(t, "", "POST", "/v1/sessions", login).Want(t, http.StatusUnauthorized)

	k.Settle(t)
	var told, known int
	err := k.DB.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE recipient <> '') FROM notifications`).Scan(&told, &known)
	if err != nil || told != 1 || known != 0 {
		t.Errorf("%d notifications, %d of them know the recipient, error %v", told, known, err)
	}
}

func TestLogoutHoldsInEveryFunction(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	var c customer.Customer
	k.Call(t, "", "POST", "/v1/customers", map[string]any{"email": "ada@example.com", "password": "correct horse"}).Want(t, http.StatusCreated).Into(t, &c)
	var s session.Tokens
	k.Call(t, "", "POST", "/v1/sessions", map[string]any{"email": "ada@example.com", "password": "correct horse"}).Want(t, http.StatusCreated).Into(t, &s)
	paths := []string{"/v1/customers/" + c.ID, "/v1/customers/" + c.ID + "/addresses", "/v1/orders"}
	for _, path := range paths {
		k.Call(t, s.AccessToken, "GET", path, nil).Want(t, http.StatusOK)
	}
	k.Call(t, s.AccessToken, "DELETE", "/v1/sessions/current", nil).Want(t, http.StatusNoContent)
	for _, path := range paths {
		k.Call(t, s.AccessToken, "GET", path, nil).Want(t, http.StatusUnauthorized)
	}
	k.Call(t, "", "POST", "/v1/sessions/refresh", map[string]any{"refresh_token": s.RefreshToken}).Want(t, http.StatusUnauthorized)
	k.Call(t, k.Key, "DELETE", "/v1/sessions/current", nil).Want(t, http.StatusNotFound)
}

// A client that did not hear the reply to a refresh sends it again with the same
// key and is not taken for a thief; a thief without the key is.
func TestRefreshWhoseReplyWasLost(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	var guest session.Tokens
	k.Call(t, "", "POST", "/v1/sessions", map[string]any{"guest": true}).Want(t, http.StatusCreated).Into(t, &guest)
	body := map[string]any{"refresh_token": guest.RefreshToken}
	const key = "Idempotency-Key: 5f0c8a52-6d3f-4f43-8d36-1f1d5f1ad4a1"
	first := k.Call(t, "", "POST", "/v1/sessions/refresh", body, key).Want(t, http.StatusOK)
	k.Clock.Advance(time.Hour)
	second := k.Call(t, "", "POST", "/v1/sessions/refresh", body, key).Want(t, http.StatusOK)
	if string(first.Body) != string(second.Body) {
		t.Errorf("the replies differ:\n%s%s", first.Body, second.Body)
	}
	const other = "Idempotency-Key: another"
	for range 2 { // the refusal is remembered, not the reply
		k.Call(t, "", "POST", "/v1/sessions/refresh", body, other).Want(t, http.StatusUnauthorized)
	}
	var s session.Tokens
	first.Into(t, &s)
	k.Call(t, "", "POST", "/v1/sessions/refresh", map[string]any{"refresh_token": s.RefreshToken}).Want(t, http.StatusUnauthorized)
}

func TestWrongPasswordsAreCountedOverHTTP(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	body := map[string]any{"email": "nobody@example.com", "password": "wrong password"}
	for range 10 {
		k.Call(t, "", "POST", "/v1/sessions", body, "Idempotency-Key: same").Want(t, http.StatusUnauthorized)
	}
	r := k.Call(t, "", "POST", "/v1/sessions", body).Want(t, http.StatusTooManyRequests)
	if got := r.Header.Get("Retry-After"); got != "90" {
		t.Errorf("Retry-After %q, want 90: one of ten attempts in 15 minutes", got)
	}
}

// letter sends a dead letter as a broker does.
func letter(t *testing.T, handler http.Handler, id, shop, dest, code string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(`{}`))
	for name, value := range map[string]string{"Specversion": "1.0", "Id": id, "Type": "dev.rackless.customer.created.v1", "Source": "https://rackless.dev/customer",
		"Shop": shop, "Knativeerrordest": dest, "Knativeerrorcode": code, "Knativeerrordata": "YmVjYXVzZQ=="} {
		r.Header.Set("Ce-"+name, value)
	}
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

func TestQuarantineKeepsOnlyOurOwnDeadLetters(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	quarantine, ok := k.Shop.Invoke("event-quarantine")
	if !ok {
		t.Fatal("there is no quarantine")
	}
	id := outbox.NewID()
	_, err := k.DB.Exec(t.Context(), `
		INSERT INTO outbox (event_id, shop_id, type, source, subject, occurred_at, due_at, data, correlation, next_attempt)
		VALUES ($1, $2, 'dev.rackless.customer.created.v1', 'https://rackless.dev/customer', 'cus_1', $3, $3, '{"customer_id": "cus_1", "email": "a@example.com"}', 'x', $3)`,
		id, k.ShopID, testkit.Start)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range [][4]string{
		{id, k.ShopID, "http://customer-create.default.svc.cluster.local", "500"}, // does not consume it
		{id, "shp_x", "http://notify-email.default.svc.cluster.local", "500"},     // no shop
		{outbox.NewID(), k.ShopID, "http://notify-email", "500"},                  // never emitted
		{"1", k.ShopID, "http://notify-email", "500"},
		{id, k.ShopID, "", "500"},
		{id, k.ShopID, "http://notify-email.default.svc.cluster.local", "422"},
		{id, k.ShopID, "http://localhost:8000/functions/notify-email/", "422"}, // the same once more
	} {
		if code := letter(t, quarantine, l[0], l[1], l[2], l[3]); code != http.StatusAccepted {
			t.Errorf("letter %v: status %d", l, code)
		}
	}
	w := httptest.NewRecorder()
	quarantine.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader("noise")))
	if w.Code != http.StatusAccepted {
		t.Errorf("noise: status %d", w.Code)
	}
	var letters int
	var consumer, detail string
	var code int
	err = k.DB.QueryRow(t.Context(), `SELECT count(*) OVER (), consumer, code, detail FROM dead_letters`).Scan(&letters, &consumer, &code, &detail)
	if err != nil || letters != 1 || consumer != "notify-email" || code != 422 || detail != "because" {
		t.Errorf("%d letters; %s %d %q, error %v", letters, consumer, code, detail, err)
	}
}

// An event whose function died before it was published is found by the relay,
// and its consumer acts.
func TestRelaySendsWhatWasLeft(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	_, err := k.DB.Exec(t.Context(), `
		INSERT INTO outbox (event_id, shop_id, type, source, subject, occurred_at, due_at, data, correlation, next_attempt)
		VALUES ($1, $2, 'dev.rackless.customer.created.v1', 'https://rackless.dev/customer', 'cus_1', $3, $3, '{"customer_id": "cus_1", "email": "a@example.com"}', 'x', $3)`,
		outbox.NewID(), k.ShopID, testkit.Start)
	if err != nil {
		t.Fatal(err)
	}
	k.Sweep(t)
	k.Settle(t)
	k.Clock.Advance(time.Minute)
	k.Sweep(t)
	var state string
	var settled bool
	err = k.DB.QueryRow(t.Context(), `SELECT n.state, o.settled_at IS NOT NULL FROM notifications n JOIN outbox o USING (event_id)`).Scan(&state, &settled)
	if err != nil || state != "recorded" || !settled {
		t.Errorf("the welcome is %q, the event settled: %v, error %v", state, settled, err)
	}
}

// Who is erased is no longer in the orders; what was bought, and for how much, is.
func TestErasureReachesOrders(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	var c, s, crt struct {
		ID          string `json:"id"`
		AccessToken string `json:"access_token"`
	}
	credentials := map[string]any{"email": "ada@example.com", "password": "correct horse"}
	k.Call(t, "", "POST", "/v1/customers", credentials).Want(t, http.StatusCreated).Into(t, &c)
	k.Call(t, "", "POST", "/v1/sessions", credentials).Want(t, http.StatusCreated).Into(t, &s)
	k.Call(t, s.AccessToken, "POST", "/v1/carts", map[string]any{
		"items": []any{map[string]any{"product": "A", "qty": 1}}, "email": "ada@example.com", "billing": map[string]any{"last_name": "Lovelace"},
		"ship": map[string]any{"country": "US", "region": "CA", "postal": "92024", "address1": "12 St James's Square"},
	}).Want(t, http.StatusCreated).Into(t, &crt)
	o := place(t, k, crt.ID, s.AccessToken, "tok_approve")
	k.Call(t, k.Key, "PATCH", "/v1/orders/"+o.ID, map[string]any{"pool": "PROCESS", "note": "Ms Lovelace called"}, "Idempotency-Key: n").Want(t, http.StatusOK)

	k.Call(t, s.AccessToken, "DELETE", "/v1/customers/"+c.ID, nil).Want(t, http.StatusNoContent)
	k.Settle(t)

	history := k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID+"/history", nil).Want(t, http.StatusOK)
	if strings.Contains(string(history.Body), "Lovelace") || !strings.Contains(string(history.Body), "PROCESS") {
		t.Errorf("the history after the erasure: %s", history.Body)
	}
	left := k.Call(t, k.Key, "GET", "/v1/orders/"+o.ID, nil).Want(t, http.StatusOK)
	for _, word := range []string{"ada@", "Lovelace", "James"} {
		if strings.Contains(string(left.Body), word) {
			t.Errorf("the order still says %q", word)
		}
	}
	var after order.Order
	left.Into(t, &after)
	if after.TotalCents != o.TotalCents || after.State != "confirmed" {
		t.Errorf("the order came to %d and is %s, want %d and confirmed", after.TotalCents, after.State, o.TotalCents)
	}
}
