package topology_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/topology"
)

// attemptTimes lets a function answer each attempt as the replies say, the last
// for good, and returns when the attempts came, from the first.
func attemptTimes(t *testing.T, delivery string, replies ...http.HandlerFunc) []time.Duration {
	t.Helper()
	var mu sync.Mutex
	var times []time.Time
	c := start(t, serviceYAML("f")+brokerYAML+triggerYAML("t", "f", "a", "delivery: {"+delivery+"}"),
		map[string]topology.Subscriber{"f": one(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			times = append(times, time.Now())
			n := len(times)
			mu.Unlock()
			replies[min(n, len(replies))-1](w, r)
		}))}, topology.Options{})
	publish(t, c, "1", "a")
	if err := c.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	var since []time.Duration
	for _, at := range times {
		since = append(since, at.Sub(times[0]))
	}
	return since
}

func seconds(n ...int) []time.Duration {
	var all []time.Duration
	for _, n := range n {
		all = append(all, time.Duration(n)*time.Second)
	}
	return all
}

// knative/eventing, pkg/kncloudevents: RetryConfigFromDeliverySpec (back-off,
// time-out), generateBackoffFn (Retry-After).
func TestBackoff(t *testing.T) {
	t.Parallel()
	after := func(code int, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(code)
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	tests := map[string]struct {
		delivery string
		replies  []http.HandlerFunc
		want     []time.Duration
	}{
		"exponential":               {"retry: 4, backoffPolicy: exponential, backoffDelay: PT1S", []http.HandlerFunc{replying(500)}, seconds(0, 1, 3, 7, 15)},
		"linear_begins_at_once":     {"retry: 4, backoffPolicy: linear, backoffDelay: PT1S", []http.HandlerFunc{replying(500)}, seconds(0, 0, 1, 3, 6)},
		"none":                      {"retry: 2", []http.HandlerFunc{replying(500)}, seconds(0, 0, 0)},
		"ends_with_success":         {"retry: 4, backoffPolicy: exponential, backoffDelay: PT1S", []http.HandlerFunc{replying(500), replying(200)}, seconds(0, 1)},
		"retry_after_429":           {"retry: 1, backoffPolicy: exponential, backoffDelay: PT1S", []http.HandlerFunc{after(429, "60")}, seconds(0, 60)},
		"retry_after_503":           {"retry: 1, backoffPolicy: exponential, backoffDelay: PT1S", []http.HandlerFunc{after(503, "60")}, seconds(0, 60)},
		"retry_after_date":          {"retry: 1, backoffPolicy: exponential, backoffDelay: PT1S", []http.HandlerFunc{after(503, "Sat, 01 Jan 2000 00:02:00 GMT")}, seconds(0, 120)},
		"retry_after_500_no_effect": {"retry: 1, backoffPolicy: exponential, backoffDelay: PT1S", []http.HandlerFunc{after(500, "60")}, seconds(0, 1)},
		"retry_after_shorter":       {"retry: 1, backoffPolicy: exponential, backoffDelay: PT10S", []http.HandlerFunc{after(429, "2")}, seconds(0, 10)},
		"retry_after_max":           {"retry: 1, backoffPolicy: exponential, backoffDelay: PT1S, retryAfterMax: PT30S", []http.HandlerFunc{after(429, "60")}, seconds(0, 30)},
		"retry_after_max_zero":      {"retry: 1, backoffPolicy: exponential, backoffDelay: PT1S, retryAfterMax: PT0S", []http.HandlerFunc{after(429, "60")}, seconds(0, 1)},
		"retry_after_nonsense":      {"retry: 1, backoffPolicy: exponential, backoffDelay: PT1S", []http.HandlerFunc{after(429, "soon")}, seconds(0, 1)},
		"timeout_of_each_attempt":   {"retry: 2, backoffPolicy: exponential, backoffDelay: PT1S, timeout: PT10S", []http.HandlerFunc{hang}, seconds(0, 11, 23)},
		"timeout_by_default":        {"retry: 1", []http.HandlerFunc{hang}, seconds(0, 300)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if diff := cmp.Diff(tt.want, attemptTimes(t, tt.delivery, tt.replies...)); diff != "" {
					t.Errorf("attempts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTriggerBoundsAttemptsInFlight(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				c := start(t, serviceYAML("f")+brokerYAML+triggerYAML("t", "f", "a", ""), map[string]topology.Subscriber{
					"f": one(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })),
				}, topology.Options{InFlight: limit})
				for n := range 50 {
					publish(t, c, fmt.Sprint(n), "a")
				}
				synctest.Wait()
				want := limit
				if want == 0 {
					want = 16
				}
				if got := status(t, c, "f").InFlight; got != want {
					t.Errorf("%d in flight, want %d", got, want)
				}
				close(release)
				if err := c.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := status(t, c, "f"); got.Calls != 50 || got.InFlight != 0 {
					t.Errorf("in the end %+v", got)
				}
			})
		})
	}
}

func TestEventThatWaitsForARetryBlocksNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var done []string
		c := start(t, serviceYAML("f")+brokerYAML+triggerYAML("t", "f", "a", "delivery: {retry: 1, backoffPolicy: exponential, backoffDelay: PT1H}"),
			map[string]topology.Subscriber{"f": one(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				id := r.Header.Get("Ce-Id")
				if id == "bad" && len(done) == 0 {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}
				done = append(done, id)
			}))}, topology.Options{InFlight: 1})
		publish(t, c, "bad", "a")
		synctest.Wait()
		publish(t, c, "good", "a")
		if err := c.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"good", "bad"}, done); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

func TestIngressPushesBackWhenFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
		c := start(t, serviceYAML("slow", "quick")+brokerYAML+triggerYAML("slow", "slow", "a", "")+triggerYAML("quick", "quick", "a", ""),
			map[string]topology.Subscriber{"slow": one(slow), "quick": one(replying(http.StatusAccepted))},
			topology.Options{Pending: 3, InFlight: 1})
		for n := range 3 {
			if got := publish(t, c, fmt.Sprint(n), "a"); got != http.StatusAccepted {
				t.Errorf("event %d: %d", n, got)
			}
			synctest.Wait()
		}
		w := httptest.NewRecorder()
		c.Ingress().ServeHTTP(w, eventRequest(t, "/default/main", "x", "a"))
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
			t.Errorf("reply %d %v, want 429 with Retry-After", w.Code, w.Header())
		}
		synctest.Wait()
		if got := status(t, c, "quick").Calls; got != 3 {
			t.Errorf("a refused event reached a trigger: %d calls", got)
		}
		if got := publish(t, c, "y", "b"); got != http.StatusAccepted {
			t.Errorf("an event for nobody: %d", got)
		}
		close(release)
		if err := c.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := publish(t, c, "z", "a"); got != http.StatusAccepted {
			t.Errorf("afterwards: %d", got)
		}
	})
}

func TestIngressBoundsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := start(t, serviceYAML("f")+brokerYAML+triggerYAML("t", "f", "a", ""), map[string]topology.Subscriber{
			"f": one(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })),
		}, topology.Options{})
		data := strings.Repeat("x", 1<<20)
		post := func(data string) int {
			req := eventRequest(t, "/default/main", "x", "a")
			req.Body = http.NoBody
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/default/main", strings.NewReader(data))
			r.Header = req.Header
			c.Ingress().ServeHTTP(w, r)
			return w.Code
		}
		for n := range 64 {
			if got := post(data); got != http.StatusAccepted {
				t.Fatalf("event %d of 1 MiB: %d", n, got)
			}
		}
		if got := post("x"); got != http.StatusTooManyRequests {
			t.Errorf("beyond 64 MiB: %d, want 429", got)
		}
		if got := post(data + "x"); got != http.StatusRequestEntityTooLarge {
			t.Errorf("an event beyond 1 MiB: %d, want 413", got)
		}
		close(release)
		if err := c.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := post(data); got != http.StatusAccepted {
			t.Errorf("afterwards: %d", got)
		}
	})
}

func TestIngressKnowsItsBrokers(t *testing.T) {
	t.Parallel()
	c := start(t, brokerYAML, nil, topology.Options{})
	for path, want := range map[string]int{
		"/default/main": 202, "/default/main/": 202, "/": 404, "/main": 404, "/default/other": 404, "/other/main": 404,
	} {
		w := httptest.NewRecorder()
		c.Ingress().ServeHTTP(w, eventRequest(t, path, "1", "a"))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	c.Ingress().ServeHTTP(w, httptest.NewRequest(http.MethodOptions, "/default/main", nil))
	if w.Code != http.StatusOK || w.Header().Get("WebHook-Allowed-Origin") != "*" {
		t.Errorf("OPTIONS: %d %v", w.Code, w.Header())
	}
}

// knative/eventing, pkg/broker: TTLDefaulter.
func TestIngressCountsDownTTL(t *testing.T) {
	t.Parallel()
	for ttl, want := range map[string]int{"": 202, "nonsense": 202, "2": 202, "1": 400, "0": 400, "-5": 400} {
		c := start(t, brokerYAML, nil, topology.Options{})
		req := eventRequest(t, "/default/main", "1", "a")
		if ttl != "" {
			req.Header.Set("Ce-Knativebrokerttl", ttl)
		}
		w := httptest.NewRecorder()
		c.Ingress().ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("knativebrokerttl %q: %d, want %d", ttl, w.Code, want)
		}
	}
}

func TestObserverSeesWhatBecomesOfAnEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var seen []string
		attempts := 0
		c := start(t, serviceYAML("f", "dead")+brokerYAML+
			triggerYAML("t", "f", "a", "delivery: {retry: 1, backoffPolicy: exponential, backoffDelay: PT1S}")+
			triggerYAML("u", "f", "b", "delivery: {deadLetterSink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: dead}}}")+
			triggerYAML("v", "f", "c", "delivery: {deadLetterSink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: f}}}"),
			map[string]topology.Subscriber{
				"f": one(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(5 * time.Millisecond)
					if attempts++; attempts == 2 {
						w.WriteHeader(http.StatusAccepted)
						return
					}
					w.WriteHeader(http.StatusConflict)
				})),
				"dead": one(replying(http.StatusAccepted)),
			}, topology.Options{Observer: func(o topology.Observation) {
				mu.Lock()
				defer mu.Unlock()
				id := "-"
				if o.Event != nil {
					id = o.Event.ID()
				}
				seen = append(seen, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s #%d %d %v %s",
					o.What, id, o.Broker, o.Trigger, o.Subscriber, o.Attempt, o.Status, o.Duration, o.Err)), " "))
			}})
		for _, typ := range []string{"a", "b", "c"} {
			publish(t, c, typ, typ)
			if err := c.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{
			"accepted a main #0 0 0s",
			"started - f #0 0 0s",
			"attempted a main t f #1 409 5ms the reply is 409",
			"attempted a main t f #2 202 5ms",
			"delivered a main t f #0 0 0s",
			"accepted b main #0 0 0s",
			"attempted b main u f #1 409 5ms the reply is 409",
			"started - dead #0 0 0s",
			"attempted b main u dead #1 202 0s",
			"dead-lettered b main u f #0 0 0s the reply is 409",
			"accepted c main #0 0 0s",
			"attempted c main v f #1 409 5ms the reply is 409",
			"attempted c main v f #1 409 5ms the reply is 409",
			"lost c main v f #0 0 0s the reply is 409; nor did the dead letter sink take it: the reply is 409",
		}
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("observed (-want +got):\n%s", diff)
		}
	})
}

// knative/specs, data-plane.md: Derived (Reply) Events.
func TestReplyIn202IsNotPublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for code, want := range map[int]int{http.StatusOK: 1, http.StatusAccepted: 0} {
			c := start(t, serviceYAML("f", "g")+brokerYAML+triggerYAML("t", "f", "a", "")+triggerYAML("u", "g", "b", ""), map[string]topology.Subscriber{
				"f": one(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					for name, value := range map[string]string{"specversion": "1.0", "id": "2", "type": "b", "source": "/f"} {
						w.Header().Set("Ce-"+name, value)
					}
					w.WriteHeader(code)
				})),
				"g": one(replying(http.StatusAccepted)),
			}, topology.Options{})
			publish(t, c, "1", "a")
			if err := c.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := status(t, c, "g").Calls; got != want {
				t.Errorf("%d: the reply was delivered %d times, want %d", code, got, want)
			}
		}
	})
}

// Dead letters that go to a broker carry their attributes past its filter.
func TestDeadLettersMayGoToABroker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got http.Header
		manifest := serviceYAML("f", "keeper") + brokerYAML +
			triggerYAML("t", "f", "a", "delivery: {deadLetterSink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: dead}}}") +
			strings.ReplaceAll(brokerYAML, "main", "dead") +
			strings.ReplaceAll(triggerYAML("k", "keeper", "a", ""), "broker: main", "broker: dead")
		c := start(t, manifest, map[string]topology.Subscriber{
			"f":      one(replying(http.StatusBadRequest)),
			"keeper": one(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header })),
		}, topology.Options{})
		publish(t, c, "1", "a")
		if err := c.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got.Get("Ce-Id") != "1" || got.Get("Ce-Knativeerrorcode") != "400" || got.Get("Ce-Knativeerrordest") != "http://f.default.svc.cluster.local/" {
			t.Errorf("the keeper got %v", got)
		}
	})
}

// canceled returns a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// nowhere is an outside that cannot be reached.
var nowhere = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("unreachable") })
