package rackless_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/testkit"
	"github.com/rackless/rackless/shared/webhook"
)

// receiver is a merchant's own program: it believes what is signed and answers as
// it is told.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	status  int
	secrets []string
	got     []told
	bad     int // messages that no secret has signed
}

type told struct{ id, kind string }

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	t.Setenv("WEBHOOK_INSECURE", "true") // it listens on this machine
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(r.handler())
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) handler() http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		id := req.Header.Get("webhook-id")
		signed := false
		for _, s := range r.secrets {
			signed = signed || verify(s, id, req.Header.Get("webhook-timestamp"), req.Header.Get("webhook-signature"), body)
		}
		if !signed {
			r.bad++
		}
		var m struct {
			Type string          `json:"type"`
			Data json.RawMessage `json:"data"`
		}
		if json.Unmarshal(body, &m) != nil || len(m.Data) == 0 {
			r.bad++
		}
		r.got = append(r.got, told{id, m.Type})
		w.WriteHeader(r.status)
	}
}

// verify checks a signature as the Standard Webhooks specification tells receivers.
func verify(secret, id, timestamp, header string, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "." + string(body)))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for part := range strings.SplitSeq(header, " ") {
		version, signature, _ := strings.Cut(part, ",")
		if version == "v1" && hmac.Equal([]byte(signature), []byte(want)) {
			return true
		}
	}
	return false
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) messages() (all []told, bad int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]told{}, r.got...), r.bad
}

func endpointAt(t *testing.T, k *testkit.Kit, r *receiver, types ...string) webhook.Endpoint {
	t.Helper()
	var e webhook.Endpoint
	k.Call(t, k.Key, "POST", "/v1/endpoints", map[string]any{"url": r.URL + "/hook", "types": append([]string{}, types...)}, "Idempotency-Key: endpoint").Want(t, http.StatusCreated).Into(t, &e)
	r.mu.Lock()
	r.secrets = append(r.secrets, e.Secret)
	r.mu.Unlock()
	return e
}

func deliveries(t *testing.T, k *testkit.Kit, query string) []webhook.Delivery {
	t.Helper()
	var p page.Page[webhook.Delivery]
	k.Call(t, k.Key, "GET", "/v1/deliveries"+query, nil).Want(t, http.StatusOK).Into(t, &p)
	return p.Items
}

// An order is told step by step, signed, once each.
func TestWebhooksTellOfAnOrder(t *testing.T) {
	r := newReceiver(t)
	k := testkit.New(t)
	stocked(t, k, 5)
	endpointAt(t, k, r, "order.placed.v1", "order.confirmed.v1")
	cart, token := buyer(t, k, 1)
	place(t, k, cart, token, "tok_approve")
	k.Sweep(t)
	all, bad := r.messages()
	kinds := map[string]int{}
	for _, m := range all {
		kinds[m.kind]++
	}
	if bad > 0 || len(all) != 2 || kinds["order.placed.v1"] != 1 || kinds["order.confirmed.v1"] != 1 {
		t.Errorf("told %v, %d of them badly; want placed and confirmed, once each", all, bad)
	}
	for _, d := range deliveries(t, k, "") {
		if d.State != "delivered" || d.Status != http.StatusNoContent || d.Attempts != 1 {
			t.Errorf("delivery %+v", d)
		}
	}
}

// What is not taken is tried again on schedule with the same id, given up in the
// end, and sent again when staff say so.
func TestWebhooksAreRepeatedAndReplayed(t *testing.T) {
	r := newReceiver(t)
	k := testkit.New(t)
	stocked(t, k, 5)
	e := endpointAt(t, k, r, "order.placed.v1")
	r.answer(http.StatusInternalServerError)
	cart, token := buyer(t, k, 1)
	place(t, k, cart, token, "tok_approve")
	attempts := 1
	for _, pause := range []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour} {
		if all, _ := r.messages(); len(all) != attempts {
			t.Fatalf("%d attempts, want %d", len(all), attempts)
		}
		k.Clock.Advance(pause - time.Second)
		k.Sweep(t)
		if all, _ := r.messages(); len(all) != attempts {
			t.Fatalf("%d attempts before the pause of %v was over", len(all), pause)
		}
		k.Clock.Advance(pause/10 + 2*time.Second)
		k.Sweep(t)
		attempts++
	}
	all, bad := r.messages()
	for _, m := range all {
		if m.id != all[0].id {
			t.Errorf("attempts have the ids %s and %s", all[0].id, m.id)
		}
	}
	d := deliveries(t, k, "?state=given_up")
	if bad > 0 || len(all) != 10 || len(d) != 1 || d[0].Status != 500 {
		t.Fatalf("%d attempts, %d badly signed; given up: %+v", len(all), bad, d)
	}
	r.answer(http.StatusOK)
	k.Call(t, k.Key, "POST", "/v1/endpoints/"+e.ID+"/replays", map[string]any{"delivery_id": d[0].ID}, "Idempotency-Key: replay").Want(t, http.StatusOK)
	k.Settle(t)
	if d := deliveries(t, k, "?state=delivered"); len(d) != 1 || d[0].ID != all[0].id {
		t.Errorf("after the replay: %+v", d)
	}
}

// A rotated secret signs together with the old one for a day.
func TestWebhookSecretIsRotated(t *testing.T) {
	r := newReceiver(t)
	k := testkit.New(t)
	stocked(t, k, 50)
	e := endpointAt(t, k, r, "order.placed.v1")
	var rotated webhook.Endpoint
	k.Call(t, k.Key, "PATCH", "/v1/endpoints/"+e.ID, map[string]any{"rotate_secret": true}, "Idempotency-Key: rotate").Want(t, http.StatusOK).Into(t, &rotated)
	if rotated.Secret == "" || rotated.Secret == e.Secret {
		t.Fatalf("the new secret is %q", rotated.Secret)
	}
	order := func() {
		cart, token := buyer(t, k, 1)
		place(t, k, cart, token, "tok_approve")
	}
	order() // the receiver knows the old one only
	if _, bad := r.messages(); bad != 0 {
		t.Errorf("%d messages are not signed with the old secret within the day", bad)
	}
	k.Clock.Advance(25 * time.Hour)
	order()
	if _, bad := r.messages(); bad != 1 {
		t.Errorf("%d messages are not signed with the old secret after the day, want 1", bad)
	}
	r.mu.Lock()
	r.secrets = []string{rotated.Secret}
	r.mu.Unlock()
	order()
	if all, bad := r.messages(); bad != 1 || len(all) != 3 {
		t.Errorf("%d messages, %d bad; want the third signed with the new secret", len(all), bad)
	}
}

// An endpoint that wants no more is switched off, and one of another shop is none.
func TestWebhookEndpointThatIsGone(t *testing.T) {
	r := newReceiver(t)
	k := testkit.New(t)
	stocked(t, k, 5)
	e := endpointAt(t, k, r)
	_, other := k.AddShop(t, "other.example", "*")
	k.Call(t, other, "PATCH", "/v1/endpoints/"+e.ID, map[string]any{"enabled": false}, "Idempotency-Key: x").Want(t, http.StatusNotFound)
	r.answer(http.StatusGone)
	cart, token := buyer(t, k, 1)
	place(t, k, cart, token, "tok_approve")
	var p page.Page[webhook.Endpoint]
	k.Call(t, k.Key, "GET", "/v1/endpoints", nil).Want(t, http.StatusOK).Into(t, &p)
	if len(p.Items) != 1 || p.Items[0].Enabled || p.Items[0].Reason == "" {
		t.Errorf("after 410 the endpoint is %+v", p.Items)
	}
}

// Without leave for development nothing within the house is reached, nor without TLS.
func TestWebhooksStayOutside(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	for _, url := range []string{"http://erp.example.com/", "https://user:secret@erp.example.com/", "https://erp.example.com:8443/", "file:///etc/passwd", "https://"} {
		k.Call(t, k.Key, "POST", "/v1/endpoints", map[string]any{"url": url}, "Idempotency-Key: "+url).Want(t, http.StatusBadRequest)
	}
}

// Where nobody wants to be told, nobody is woken to tell.
func TestShopThatTellsNobodyWakesNobody(t *testing.T) {
	r := newReceiver(t)
	k := testkit.New(t)
	stocked(t, k, 10)
	woken := func() (n int) {
		t.Helper()
		cart, token := buyer(t, k, 1)
		place(t, k, cart, token, "tok_approve")
		k.Clock.Advance(2 * time.Minute)
		k.Sweep(t)
		err := k.DB.QueryRow(t.Context(), `
			SELECT (SELECT count(*) FROM inbox WHERE consumer = 'webhook-deliver')
			       + 1000 * (SELECT count(*) FROM outbox WHERE settled_at IS NULL AND due_at <= $1)`, k.Clock.Now()).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := woken(); n != 0 {
		t.Errorf("webhook-deliver acted on %d events, and %d wait for it; want none", n%1000, n/1000)
	}
	var e struct {
		ID string `json:"id"`
	}
	k.Call(t, k.Key, "POST", "/v1/endpoints", map[string]any{"url": r.URL}, "Idempotency-Key: e").Want(t, http.StatusCreated).Into(t, &e)
	some := woken()
	if some == 0 {
		t.Error("webhook-deliver acted on nothing though an endpoint listens")
	}
	k.Call(t, k.Key, "PATCH", "/v1/endpoints/"+e.ID, map[string]any{"enabled": false}, "Idempotency-Key: off").Want(t, http.StatusOK)
	if n := woken(); n%1000 != some%1000 {
		t.Errorf("webhook-deliver acted on %d events though the endpoint is switched off", n-some)
	}
}
