package console

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/rackless/rackless/shared/contract"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/topology"
)

// shop answers as a shop does, from memory.
type shop struct {
	replies map[string]string // by path and query
}

func (s shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Shop", "yes")
	reply, ok := s.replies[r.URL.RequestURI()]
	if !ok || r.Header.Get("Authorization") != "Bearer rk_test" {
		w.WriteHeader(http.StatusNotFound)
		reply = `{"status":404,"detail":"there is no order like <this>"}`
	}
	_, _ = io.WriteString(w, reply)
}

func (shop) Functions() []topology.Function {
	return []topology.Function{
		{Name: "order-place", State: topology.Up, Calls: 7, Starts: 1, Started: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Took: 34 * time.Millisecond},
		{Name: "payment-authorize", State: topology.AtZero, Err: "no <database>"},
	}
}

func (s shop) Transport() http.RoundTripper { return s }

func (s shop) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

func open(t *testing.T, s shop, hosts ...string) (http.Handler, *Feed) {
	t.Helper()
	feed := NewFeed()
	h, err := New(Options{Shop: s, Feed: feed, Key: "rk_test", Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return h, feed
}

// request returns one of a browser on this machine.
func request(ctx context.Context, method, url string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, method, url, nil)
	r.RemoteAddr = "127.0.0.1:4711"
	return r
}

func get(t *testing.T, h http.Handler, url string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(t.Context(), http.MethodGet, url))
	return w
}

func accepted(subject string) topology.Observation {
	e := event.New()
	e.SetID("1")
	e.SetType("dev.rackless.order.placed.v1")
	e.SetSubject(subject)
	return topology.Observation{What: topology.Accepted, Event: &e}
}

// A page elsewhere that points its own name at this machine gets the public API,
// not the console.
func TestHosts(t *testing.T) {
	t.Parallel()
	h, _ := open(t, shop{}, "shop.test")
	gone, cancel := context.WithCancel(t.Context()) // ends the stream
	cancel()
	consoles := func(r *http.Request) bool {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Header().Get("Shop") == ""
	}
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8000": true, "LOCALHOST": true, "127.0.0.1:8000": true, "127.8.9.1": true, "[::1]:8000": true, "shop.test:80": true,
		"192.168.1.7:8000": true, "evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "": false, "[": false,
	} {
		for _, path := range []string{"/", "/console/orders/ord_1", "/console/stream", "/api"} {
			r := request(gone, http.MethodGet, path)
			r.Host = host
			if got := consoles(r); got != want {
				t.Errorf("%s%s: the console answers: %t, want %t", host, path, got, want)
			}
		}
	}
	arrived := context.WithValue(gone, http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 168, 1, 7), Port: 8000})
	for host, want := range map[string]bool{"localhost": false, "127.0.0.1": false, "0.0.0.0": false, "192.168.1.7": false, "shop.test": true} {
		r := request(arrived, http.MethodGet, "/")
		r.Host, r.RemoteAddr = host, "192.168.1.8:4711"
		if got := consoles(r); got != want {
			t.Errorf("%s from another machine: the console answers: %t, want %t", host, got, want)
		}
	}
	r := request(arrived, http.MethodGet, "/")
	r.Host, r.RemoteAddr = "192.168.1.7:8000", "192.168.1.7:4711"
	if !consoles(r) {
		t.Error("from this machine by its address in the network: the console does not answer")
	}
}

func TestEverythingElseIsTheShops(t *testing.T) {
	t.Parallel()
	h, _ := open(t, shop{})
	for _, target := range []string{"GET /v1/orders", "GET /health", "POST /", "DELETE /api", "GET /console", "GET /nothing"} {
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(t.Context(), method, "http://localhost"+path))
		if w.Header().Get("Shop") == "" {
			t.Errorf("%s: the console answers", target)
		}
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	h, feed := open(t, shop{map[string]string{
		"/v1/orders?limit=8": `{"items":[{"id":"ord_1","number":"2026-11-1000","state":"confirmed","currency":"USD","total_cents":4498}]}`,
	}})
	feed.Observe(accepted("<script>alert(1)</script>"))
	w := get(t, h, "http://localhost/")
	for _, want := range []string{
		"order-place", "/v1/orders", "34 ms", "inventory.reserved", "no &lt;database&gt;", "2026-11-1000", "44.98 USD", "order.placed.v1", "&lt;script&gt;alert(1)",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if strings.Contains(w.Body.String(), "<script>alert") {
		t.Error("what an event says becomes a script")
	}
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if body := w.Body.String(); strings.Contains(body, " style=") || strings.Contains(body, " onclick=") || strings.Contains(body, `src="http`) {
		t.Error("the page needs what its policy forbids")
	}
}

func TestFindLeadsToTheOrder(t *testing.T) {
	t.Parallel()
	h, _ := open(t, shop{map[string]string{
		"/v1/orders?number=2026-11-1000": `{"items":[{"id":"ord_1"}]}`,
		"/v1/orders?number=7":            `{"items":[]}`,
		"/v1/orders?number=":             `{"items":[{"id":"ord_1"}]}`,
	}})
	for q, want := range map[string]string{"2026-11-1000": "/console/orders/ord_1", "+ord_2+": "/console/orders/ord_2", "ord_%2F..": "/console/orders/ord_%2F.."} {
		if w := get(t, h, "http://localhost/console/orders?q="+q); w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("q=%s: status %d to %q, want %q", q, w.Code, w.Header().Get("Location"), want)
		}
	}
	for _, q := range []string{"7", "", "8"} {
		if w := get(t, h, "http://localhost/console/orders?q="+q); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "there is no order") {
			t.Errorf("q=%s: status %d", q, w.Code)
		}
	}
	if w := get(t, h, "http://localhost/console/orders/ord_9"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "no order like &lt;this&gt;") {
		t.Errorf("an order that is none: status %d: %s", w.Code, w.Body)
	}
}

func TestWithoutKeyThereAreNoOrders(t *testing.T) {
	t.Parallel()
	h, err := New(Options{Shop: shop{}, Feed: NewFeed()})
	if err != nil {
		t.Fatal(err)
	}
	if w := get(t, h, "http://localhost/"); !strings.Contains(w.Body.String(), "without an API key") {
		t.Errorf("the page does not say why: %s", w.Body)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	h, feed := open(t, shop{})
	server := httptest.NewServer(h)
	defer server.Close()
	for _, subject := range []string{"ord_1", "ord_2", "ord_3"} {
		feed.Observe(accepted(subject))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/console/stream?from=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "1") // wins: it is where this reader was cut off
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("media type %q", got)
	}
	lines := bufio.NewScanner(res.Body)
	next := func(name string) string {
		for lines.Scan() {
			if lines.Text() == "event: "+name {
				lines.Scan()
				id := lines.Text()
				lines.Scan()
				return id + " " + lines.Text()
			}
		}
		t.Fatalf("the stream ended without %s: %v", name, lines.Err())
		return ""
	}
	first := next("entries")
	if strings.Contains(first, ">ord_1<") || !strings.Contains(first, ">ord_2<") || !strings.Contains(first, ">ord_3<") || !strings.HasPrefix(first, "id: 3 ") {
		t.Errorf("first message %s, want the two entries that came after the first", first)
	}
	if functions := next("functions"); !strings.Contains(functions, "order-place") {
		t.Errorf("functions: %s", functions)
	}
	feed.Observe(accepted("ord_4"))
	if second := next("entries"); !strings.Contains(second, ">ord_4<") || strings.Contains(second, ">ord_3<") {
		t.Errorf("second message %s, want the entry that is new", second)
	}
	feed.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Errorf("the stream does not end well: %v", err)
	}
}

func TestFeedRemembersTheLatest(t *testing.T) {
	t.Parallel()
	feed := NewFeed()
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range kept {
				feed.Observe(accepted("ord_1"))
			}
		})
	}
	writers.Wait()
	entries, next, _, _ := feed.since(0)
	if len(entries) != kept || next != 4*kept || entries[0].Number != 3*kept || entries[kept-1].Number != 4*kept-1 {
		t.Errorf("%d entries until %d, want the latest %d", len(entries), next, kept)
	}
	if entries, _, _, _ := feed.since(next); len(entries) != 0 {
		t.Errorf("%d entries are new to who has all", len(entries))
	}
	if entries, _, _, _ := feed.since(next + 7); len(entries) != kept {
		t.Errorf("who comes from an earlier process gets %d entries, want all", len(entries))
	}
	if got := feed.totals().Events; got != 4*kept {
		t.Errorf("%d events counted, want %d", got, 4*kept)
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	const history = `{"order_id":"ord_1","number":"2026-11-1000","state":"cancelled","steps":[
		{"event_id":"1","type":"order.placed.v1","time":"2026-11-23T12:00:00Z","request_id":"req-1","effects":[{"consumer":"inventory-reserve","at":"2026-11-23T12:00:00.010Z"}]},
		{"event_id":"2","type":"order.due.v1","time":"2026-11-23T12:00:00Z","due_at":"2026-11-23T12:30:00Z","request_id":"req-1","effects":[],"waiting":["order-cancel"]},
		{"event_id":"3","type":"inventory.reserved.v1","time":"2026-11-23T12:00:00.010Z","caused_by":"1","request_id":"req-1","effects":[{"consumer":"payment-authorize","at":"2026-11-23T12:00:01Z","failed":"0 no reply"}]},
		{"event_id":"4","type":"order.cancelled.v1","time":"2026-11-25T12:00:00Z","request_id":"req-2","effects":[{"consumer":"payment-void","at":"2026-11-25T12:00:00.020Z"}]},
		{"event_id":"5","type":"payment.voided.v1","time":"2026-11-25T12:00:00.020Z","caused_by":"4","request_id":"req-2","effects":[]}]}`
	var h order.History
	if err := json.Unmarshal([]byte(history), &h); err != nil {
		t.Fatal(err)
	}
	drawn := newTimeline(h)
	want := []struct {
		class string
		depth int
		label string
	}{
		{"request", 0, "order-place"},
		{"fact", 1, "order.placed.v1"},
		{"effect", 2, "inventory-reserve"},
		{"fact", 3, "inventory.reserved.v1"},
		{"failed", 4, "payment-authorize"},
		{"timer", 1, "order.due.v1"},
		{"waiting", 2, "order-cancel"},
		{"request", 0, "order-cancel"},
		{"undo", 1, "order.cancelled.v1"},
		{"effect", 2, "payment-void"},
		{"undo", 3, "payment.voided.v1"},
	}
	if len(drawn.Rows) != len(want) {
		t.Fatalf("%d rows, want %d: %+v", len(drawn.Rows), len(want), drawn.Rows)
	}
	for i, w := range want {
		r := drawn.Rows[i]
		if r.Class != w.class || r.Depth != w.depth || r.Label != w.label {
			t.Errorf("row %d is %s %d %s, want %s %d %s", i, r.Class, r.Depth, r.Label, w.class, w.depth, w.label)
		}
		if r.From < 0 || r.To > width || r.From > r.To {
			t.Errorf("row %d is drawn from %d to %d", i, r.From, r.To)
		}
	}
	if r := drawn.Rows[2]; r.Length() < 50 {
		t.Errorf("ten milliseconds beside two days are %d wide", r.Length())
	}
	if last := drawn.Rows[len(want)-1]; last.To != width || drawn.Took != 48*time.Hour+20*time.Millisecond {
		t.Errorf("it ends at %d after %v", last.To, drawn.Took)
	}

	handler, _ := open(t, shop{map[string]string{"/v1/orders/ord_1/timeline": history, "/v1/orders/ord_2/timeline": `{"order_id":"ord_2","steps":[]}`}})
	page := get(t, handler, "http://localhost/console/orders/ord_1").Body.String()
	for _, want := range []string{"Order 2026-11-1000", "POST /v1/orders", "given up: 0 no reply", "acts when it rings", "2 days"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if empty := get(t, handler, "http://localhost/console/orders/ord_2"); empty.Code != http.StatusOK || !strings.Contains(empty.Body.String(), "were deleted") {
		t.Errorf("an order without events: status %d", empty.Code)
	}
}

func TestReferenceShowsEverything(t *testing.T) {
	t.Parallel()
	h, _ := open(t, shop{})
	w := get(t, h, "http://localhost:8000/api")
	document, err := contract.Read(contract.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	page := w.Body.String()
	for _, path := range document.Paths {
		for _, op := range path.Value {
			if !strings.Contains(page, `<article class="card" id="`+op.Value.ID+`">`) || !strings.Contains(page, path.Name) {
				t.Errorf("%s %s is missing", op.Name, path.Name)
			}
		}
	}
	for _, want := range []string{
		"curl -X POST http://localhost:8000/v1/orders \\", "Authorization: Bearer $TOKEN", "&#34;cart_id&#34;", "expected_total_cents", "The total the buyer saw",
		`id="order.placed.v1"`, "pending</code> · <code>confirmed",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the reference does not show %s", want)
		}
	}
	for path, want := range map[string][]byte{"/openapi.yaml": contract.OpenAPI, "/asyncapi.yaml": contract.AsyncAPI} {
		if got := get(t, h, "http://localhost"+path); got.Body.String() != string(want) {
			t.Errorf("%s is not the document", path)
		}
	}
}

func TestCurlQuotesTheBody(t *testing.T) {
	t.Parallel()
	o := operation{Method: "PATCH", Path: "/v1/carts/{id}", Operation: contract.Operation{Access: "anyone"},
		Parameters: []contract.Parameter{{Name: "id", In: "path", Example: "crt_1"}}}
	want := `curl -X PATCH http://x/v1/carts/crt_1 \
  -H 'Content-Type: application/json' \
  -d '{"notes": "it'\''s"}'`
	if got := o.Curl("http://x", example{Body: `{"notes": "it's"}`}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTook(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 ms", 40 * time.Microsecond: "0.0 ms", 2340 * time.Microsecond: "2.3 ms", 34 * time.Millisecond: "34 ms", 1250 * time.Millisecond: "1.2 s",
		61 * time.Second: "1 min 1 s", 90 * time.Minute: "1 h 30 min", 72 * time.Hour: "3 days",
	} {
		if got := took(d); got != want {
			t.Errorf("took(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestAssetsAreKept(t *testing.T) {
	t.Parallel()
	h, _ := open(t, shop{})
	page := get(t, h, "http://localhost/").Body.String()
	_, rest, _ := strings.Cut(page, `rel="stylesheet" href="`)
	href, _, _ := strings.Cut(rest, `"`)
	if w := get(t, h, "http://localhost"+href); w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%s: status %d, %v", href, w.Code, w.Header())
	}
	if w := get(t, h, "http://localhost/console/static/console.css?v=old"); w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("an old version is kept: %v", w.Header())
	}
	if w := get(t, h, "http://localhost/console/static/..%2Fconsole.go"); w.Code != http.StatusNotFound {
		t.Errorf("a file that is no asset: status %d", w.Code)
	}
}
