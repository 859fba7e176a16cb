// Package topologytest holds what every broker must do, written against URLs
// alone: the same tests run against the broker in this process and against
// Knative in a cluster. Tests call Run; it must not know which of them it tests.
package topologytest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Target is a place where Knative objects come to life.
type Target interface {
	// Apply brings the objects of a YAML manifest without namespaces into being
	// until the end of the test, apart from those of other tests. It returns the
	// URL of the ingress of its broker called "main".
	Apply(t *testing.T, manifest string) (ingress string)
	// Serve lets h answer until the end of the test, at an absolute URL that the
	// target's broker can reach.
	Serve(t *testing.T, h http.Handler) (url string)
}

// patience bounds the wait for something that must come. It is spent only by a
// test that fails.
const patience = 30 * time.Second

// Run tests the target, apart from what it is known to do otherwise: deviations
// gives the reason by the name of a test. Nothing in the shop depends on these.
func Run(t *testing.T, target Target, deviations map[string]string) {
	tests := []struct {
		name string // source and rule
		test func(*testing.T, Target)
	}{
		{"data_plane_ingress_accepts_both_content_modes", ingressAccepts},
		{"data_plane_ingress_refuses_what_is_not_an_event", ingressRefuses},
		{"data_plane_delivery_is_binary_and_asks_for_a_reply", deliveryForm},
		{"data_plane_retry_by_status", retryByStatus},
		{"data_plane_retry_without_response", retryWithoutResponse},
		{"data_plane_retry_until_accepted", retryUntilAccepted},
		{"data_plane_reply_is_published", replyPublished},
		{"data_plane_reply_in_202_is_ignored", replyIn202},
		{"event_delivery_timeout_is_a_failure", timeoutFails},
		{"event_delivery_dead_letter_attributes", deadLetterAttributes("why")},
		{"event_delivery_dead_letter_data_is_cut", deadLetterAttributes(strings.Repeat("why ", 1000))},
		{"event_delivery_dead_letter_sink_of_the_broker", deadLetterOfBroker},
		{"filter_handler_reply_that_is_no_event_is_502", junkReply},
		{"broker_ttl_ends_loops", ttlEndsLoops},
		{"eventfilter", filters},
	}
	for _, tt := range tests {
		if why := deviations[tt.name]; why != "" {
			t.Logf("%s: known to differ: %s", tt.name, why)
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, target)
		})
	}
}

// subscriber records what it gets and answers it.
type subscriber struct {
	url string
	got chan *received
}

type received struct {
	method string
	header http.Header
	body   string
}

func (r *received) id() string { return r.header.Get("Ce-Id") }

// serve starts a subscriber. Without an answer it replies 202.
func serve(t *testing.T, target Target, answer http.HandlerFunc) subscriber {
	t.Helper()
	s := subscriber{got: make(chan *received, 1024)}
	s.url = target.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.got <- &received{r.Method, r.Header, string(body)}
		if answer == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		answer(w, r)
	}))
	return s
}

// next returns what the subscriber gets next.
func (s subscriber) next(t *testing.T) *received {
	t.Helper()
	select {
	case r := <-s.got:
		return r
	case <-time.After(patience):
		t.Fatal("nothing was delivered")
		return nil
	}
}

// count returns how much the subscriber has got since it was asked last.
func (s subscriber) count() int {
	n := 0
	for {
		select {
		case <-s.got:
			n++
		default:
			return n
		}
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

const (
	brokerYAML = `
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {name: main}
`
	// quick retries twice, at once.
	quick = "retry: 2, backoffPolicy: exponential, backoffDelay: PT0.001S"
)

// triggerYAML is a trigger on main; rest is more of its spec, in flow style.
func triggerYAML(name, subscriber, rest string) string {
	return fmt.Sprintf(`---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: %s}
spec: {broker: main, subscriber: {uri: %q}, %s}
`, name, subscriber, rest)
}

func deadLetters(s subscriber) string { return fmt.Sprintf("deadLetterSink: {uri: %q}", s.url) }

// post sends an event in binary mode and checks the reply.
func post(t *testing.T, ingress string, want int, attributes map[string]string, body string) {
	t.Helper()
	header := http.Header{"Content-Type": {"application/json"}}
	for name, value := range map[string]string{"specversion": "1.0", "id": "1", "type": "t", "source": "/s"} {
		header.Set("Ce-"+name, value)
	}
	for name, value := range attributes {
		header.Set("Ce-"+name, value)
	}
	send(t, ingress, want, header, body)
}

func send(t *testing.T, ingress string, want int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ingress, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	// A broker over Knative's in-memory channel has delivered before it replies, and
	// says 500 when nobody took the event: it was accepted all the same.
	taken := want == http.StatusAccepted && res.StatusCode == http.StatusInternalServerError
	if res.StatusCode != want && !taken {
		t.Fatalf("the ingress replied %d (%s), want %d", res.StatusCode, bytes.TrimSpace(text), want)
	}
}

func ingressAccepts(t *testing.T, target Target) {
	s := serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+triggerYAML("all", s.url, ""))

	post(t, ingress, http.StatusAccepted, map[string]string{"id": "binary", "subject": "x", "shop": "7"}, `{"a":1}`)
	if got := s.next(t); got.id() != "binary" || got.body != `{"a":1}` || got.header.Get("Ce-Subject") != "x" || got.header.Get("Ce-Shop") != "7" {
		t.Errorf("binary event arrived as %v", got)
	}
	send(t, ingress, http.StatusAccepted, http.Header{"Content-Type": {"application/cloudevents+json"}},
		`{"specversion":"1.0","id":"structured","type":"t","source":"/s","shop":"7","datacontenttype":"application/json","data":{"a":1}}`)
	if got := s.next(t); got.id() != "structured" || got.body != `{"a":1}` || got.header.Get("Ce-Shop") != "7" {
		t.Errorf("structured event arrived as %v", got)
	}
}

func ingressRefuses(t *testing.T, target Target) {
	s := serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+triggerYAML("all", s.url, ""))

	send(t, ingress, http.StatusBadRequest, http.Header{"Content-Type": {"application/json"}}, `{"a":1}`)
	send(t, ingress, http.StatusBadRequest, http.Header{"Content-Type": {"application/cloudevents+json"}}, `{"specversion":"1.0"}`)
	post(t, ingress, http.StatusBadRequest, map[string]string{"id": ""}, `{}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ingress, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered with %d, want 405", res.StatusCode)
	}
	post(t, ingress, http.StatusAccepted, map[string]string{"id": "good"}, `{}`)
	if got := s.next(t); got.id() != "good" {
		t.Errorf("%q was delivered", got.id())
	}
}

func deliveryForm(t *testing.T, target Target) {
	s := serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+triggerYAML("all", s.url, ""))
	post(t, ingress, http.StatusAccepted, map[string]string{"knativebrokerttl": "9"}, `{"a":1}`)
	got := s.next(t)
	if got.method != http.MethodPost || got.header.Get("Ce-Specversion") != "1.0" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("not a binary event: %v", got)
	}
	if prefer := got.header.Get("Prefer"); prefer != "reply" {
		t.Errorf("Prefer is %q, want reply", prefer)
	}
	if ttl, ok := got.header["Ce-Knativebrokerttl"]; ok {
		t.Errorf("the broker's own attribute knativebrokerttl is shown: %v", ttl)
	}
}

func retryByStatus(t *testing.T, target Target) {
	for code, attempts := range map[int]int{
		200: 1, 204: 1, 301: 1, 400: 1, 401: 1, 403: 1, 413: 1, 422: 1,
		404: 3, 408: 3, 409: 3, 429: 3, 500: 3, 502: 3, 503: 3, 504: 3,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s, dead, done := serve(t, target, status(code)), serve(t, target, nil), serve(t, target, nil)
			ingress := target.Apply(t, brokerYAML+
				triggerYAML("tested", s.url, "filter: {attributes: {type: t}}, delivery: {"+quick+", "+deadLetters(dead)+"}")+
				triggerYAML("done", done.url, "filter: {attributes: {type: done}}"))
			post(t, ingress, http.StatusAccepted, nil, `{}`)
			for range attempts {
				s.next(t)
			}
			if code >= 300 {
				if got := dead.next(t).header.Get("Ce-Knativeerrorcode"); got != fmt.Sprint(code) {
					t.Errorf("the dead letter's code is %s", got)
				}
			}
			post(t, ingress, http.StatusAccepted, map[string]string{"type": "done"}, `{}`)
			done.next(t)
			if n := s.count(); n > 0 {
				t.Errorf("%d attempts more than %d", n, attempts)
			}
			if n := dead.count(); n > 0 {
				t.Errorf("%d dead letters too many", n)
			}
		})
	}
}

func retryWithoutResponse(t *testing.T, target Target) {
	s := serve(t, target, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	dead := serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+triggerYAML("tested", s.url, "delivery: {"+quick+", "+deadLetters(dead)+"}"))
	post(t, ingress, http.StatusAccepted, nil, `{}`)
	dead.next(t)
	if n := s.count(); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
}

func retryUntilAccepted(t *testing.T, target Target) {
	var mu sync.Mutex
	calls := 0
	s := serve(t, target, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	dead, done := serve(t, target, nil), serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+
		triggerYAML("tested", s.url, "filter: {attributes: {type: t}}, delivery: {"+quick+", "+deadLetters(dead)+"}")+
		triggerYAML("done", done.url, "filter: {attributes: {type: done}}"))
	post(t, ingress, http.StatusAccepted, map[string]string{"id": "same"}, `{"a":1}`)
	for range 3 {
		if got := s.next(t); got.id() != "same" || got.body != `{"a":1}` {
			t.Errorf("an attempt differs: %v", got)
		}
	}
	post(t, ingress, http.StatusAccepted, map[string]string{"type": "done"}, `{}`)
	done.next(t)
	if s.count()+dead.count() > 0 {
		t.Error("it went on after it was accepted")
	}
}

// replyWith answers with an event in binary mode.
func replyWith(code int, typ string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{"specversion": "1.0", "id": "reply-to-" + r.Header.Get("Ce-Id"), "type": typ, "source": "/replier"} {
			w.Header().Set("Ce-"+name, value)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"reply":true}`)
	}
}

func replyPublished(t *testing.T, target Target) {
	replier, s := serve(t, target, replyWith(http.StatusOK, "reply")), serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+
		triggerYAML("replier", replier.url, "filter: {attributes: {type: t}}")+
		triggerYAML("reader", s.url, "filter: {attributes: {type: reply}}"))
	post(t, ingress, http.StatusAccepted, nil, `{}`)
	if got := s.next(t); got.id() != "reply-to-1" || got.header.Get("Ce-Source") != "/replier" || got.body != `{"reply":true}` {
		t.Errorf("the reply arrived as %v", got)
	}
}

func replyIn202(t *testing.T, target Target) {
	replier, s := serve(t, target, replyWith(http.StatusAccepted, "reply")), serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+
		triggerYAML("replier", replier.url, "filter: {attributes: {type: t}}")+
		triggerYAML("reader", s.url, "filter: {attributes: {source: /replier}}")+
		triggerYAML("done", s.url, "filter: {attributes: {type: done}}"))
	post(t, ingress, http.StatusAccepted, nil, `{}`)
	replier.next(t)
	post(t, ingress, http.StatusAccepted, map[string]string{"type": "done", "id": "done"}, `{}`)
	if got := s.next(t); got.id() != "done" {
		t.Errorf("%q was published", got.id())
	}
}

func timeoutFails(t *testing.T, target Target) {
	release := make(chan struct{})
	s := serve(t, target, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	dead := serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+triggerYAML("tested", s.url, "delivery: {retry: 0, timeout: PT0.1S, "+deadLetters(dead)+"}"))
	post(t, ingress, http.StatusAccepted, nil, `{}`)
	dead.next(t)
}

// deadLetterAttributes returns the test that a dead letter says where, with which
// status and with which text it was refused, of which it keeps the beginning.
func deadLetterAttributes(text string) func(*testing.T, Target) {
	return func(t *testing.T, target Target) {
		s := serve(t, target, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, text)
		})
		dead := serve(t, target, nil)
		ingress := target.Apply(t, brokerYAML+triggerYAML("tested", s.url, "delivery: {"+quick+", "+deadLetters(dead)+"}"))
		post(t, ingress, http.StatusAccepted, map[string]string{"subject": "x"}, `{"a":1}`)
		got := dead.next(t)
		data := base64.StdEncoding.EncodeToString([]byte(text))
		want := map[string]string{
			"Ce-Id": "1", "Ce-Subject": "x", "Ce-Knativeerrordest": s.url, "Ce-Knativeerrorcode": "422",
			"Ce-Knativeerrordata": data[:min(len(data), 1024)],
		}
		for name, value := range want {
			if diff := cmp.Diff(strings.TrimSuffix(value, "/"), strings.TrimSuffix(got.header.Get(name), "/")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if got.body != `{"a":1}` {
			t.Errorf("the data became %s", got.body)
		}
	}
}

func deadLetterOfBroker(t *testing.T, target Target) {
	s, dead := serve(t, target, status(http.StatusBadRequest)), serve(t, target, nil)
	broker := strings.TrimSpace(brokerYAML) + "\nspec: {delivery: {" + quick + ", " + deadLetters(dead) + "}}\n"
	ingress := target.Apply(t, broker+triggerYAML("inherits", s.url, "")+
		triggerYAML("own-retries", s.url, "delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT0.001S}"))
	post(t, ingress, http.StatusAccepted, nil, `{}`)
	dead.next(t)
	dead.next(t)
}

func junkReply(t *testing.T, target Target) {
	s := serve(t, target, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	dead := serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+triggerYAML("tested", s.url, "delivery: {"+quick+", "+deadLetters(dead)+"}"))
	post(t, ingress, http.StatusAccepted, nil, `{}`)
	if got := dead.next(t).header.Get("Ce-Knativeerrorcode"); got != "502" {
		t.Errorf("the code is %s, want 502", got)
	}
	if n := s.count(); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
}

func ttlEndsLoops(t *testing.T, target Target) {
	s, dead := serve(t, target, replyWith(http.StatusOK, "t")), serve(t, target, nil)
	ingress := target.Apply(t, brokerYAML+triggerYAML("echo", s.url, "delivery: {"+quick+", "+deadLetters(dead)+"}"))
	post(t, ingress, http.StatusAccepted, nil, `{}`)
	got := dead.next(t).header
	if code, dest := got.Get("Ce-Knativeerrorcode"), got.Get("Ce-Knativeerrordest"); code != "400" || strings.HasPrefix(dest, s.url) {
		t.Errorf("the last reply was refused with %s by %s, want 400 by the broker", code, dest)
	}
	if n := s.count(); n != 255 {
		t.Errorf("the event went round %d times, want 255", n)
	}
}

func filters(t *testing.T, target Target) {
	// id → attributes of the events that every filter sees.
	events := map[string]map[string]string{
		"placed":  {"type": "order.placed.v1", "source": "/order", "subject": "ord_1", "shop": "a"},
		"paid":    {"type": "order.paid.v1", "source": "/order", "subject": "ord_2"},
		"stock":   {"type": "stock.low.v1", "source": "/stock", "shop": "b"},
		"sub-bad": {"type": "order.placed.v2", "source": "/other", "subject": "x", "shop": ""},
	}
	tests := map[string]struct {
		spec string
		want []string
	}{
		"attributes_none":                {`filter: {}`, []string{"paid", "placed", "stock", "sub-bad"}},
		"attributes_exact":               {`filter: {attributes: {type: order.placed.v1}}`, []string{"placed"}},
		"attributes_all_must_match":      {`filter: {attributes: {type: order.placed.v1, source: /stock}}`, nil},
		"attributes_empty_is_any":        {`filter: {attributes: {subject: ""}}`, []string{"paid", "placed", "sub-bad"}},
		"attributes_extension":           {`filter: {attributes: {shop: b}}`, []string{"stock"}},
		"attributes_unknown_fails":       {`filter: {attributes: {nosuch: ""}}`, nil},
		"subscriptionsapi_exact":         {`filters: [{exact: {type: order.paid.v1}}]`, []string{"paid"}},
		"subscriptionsapi_prefix":        {`filters: [{prefix: {type: order.placed}}]`, []string{"placed", "sub-bad"}},
		"subscriptionsapi_suffix":        {`filters: [{suffix: {type: .v1}}]`, []string{"paid", "placed", "stock"}},
		"subscriptionsapi_list_is_all":   {`filters: [{suffix: {type: .v1}}, {prefix: {type: order}}]`, []string{"paid", "placed"}},
		"subscriptionsapi_all":           {`filters: [{all: [{exact: {source: /order}}, {exact: {subject: ord_2}}]}]`, []string{"paid"}},
		"subscriptionsapi_any":           {`filters: [{any: [{exact: {source: /stock}}, {exact: {subject: ord_2}}]}]`, []string{"paid", "stock"}},
		"subscriptionsapi_not":           {`filters: [{not: {prefix: {type: order}}}]`, []string{"stock"}},
		"subscriptionsapi_missing":       {`filters: [{prefix: {subject: ord}}]`, []string{"paid", "placed"}},
		"subscriptionsapi_cesql":         {`filters: [{cesql: "type LIKE 'order.%' AND EXISTS shop"}]`, []string{"placed"}},
		"trigger_types_filters_override": {`filter: {attributes: {type: stock.low.v1}}, filters: [{exact: {type: order.paid.v1}}]`, []string{"paid"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, all := serve(t, target, nil), serve(t, target, nil)
			ingress := target.Apply(t, brokerYAML+triggerYAML("tested", s.url, tt.spec)+triggerYAML("all", all.url, ""))
			for id, attributes := range events {
				sent := map[string]string{"id": id}
				for name, value := range attributes {
					if value != "" {
						sent[name] = value
					}
				}
				post(t, ingress, http.StatusAccepted, sent, `{}`)
			}
			var got []string
			for range tt.want {
				got = append(got, s.next(t).id())
			}
			for range events {
				all.next(t)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("delivered (-want +got):\n%s", diff)
			}
			if n := s.count(); n > 0 {
				t.Errorf("%d events more", n)
			}
		})
	}
}
