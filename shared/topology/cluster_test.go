package topology_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/topology"
)

const brokerYAML = `---
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {name: main}
`

func serviceYAML(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: %s}\nspec: {template: {spec: {containers: [{image: x}]}}}\n", name)
	}
	return b.String()
}

// triggerYAML subscribes a function to a type; rest is more of the spec, in flow
// style.
func triggerYAML(name, function, typ, rest string) string {
	return fmt.Sprintf(`---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: %s}
spec:
  {broker: main, filter: {attributes: {type: %s}}, subscriber: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: %s}}, %s}
`, name, typ, function, rest)
}

// stub is a function made of closures; those that are nil do nothing.
type stub struct {
	http.HandlerFunc
	start, stop  func(context.Context) error
	env          func(map[string]string)
	ready, alive func() (bool, error)
}

func (s *stub) Start(ctx context.Context, env map[string]string) error {
	if s.env != nil {
		s.env(env)
	}
	if s.start != nil {
		return s.start(ctx)
	}
	return nil
}

func (s *stub) Stop(ctx context.Context) error {
	if s.stop != nil {
		return s.stop(ctx)
	}
	return nil
}

func (s *stub) Ready(context.Context) (bool, error) {
	if s.ready != nil {
		return s.ready()
	}
	return true, nil
}

func (s *stub) Alive(context.Context) (bool, error) {
	if s.alive != nil {
		return s.alive()
	}
	return true, nil
}

// one makes a subscriber that always returns h.
func one(h http.Handler) topology.Subscriber { return func() http.Handler { return h } }

func replying(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// call sends a request by way of the cluster and returns the status, 0 for no
// response.
func call(ctx context.Context, c *topology.Cluster, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := c.Transport().RoundTrip(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// publish posts an event to the broker main from within and returns the status.
func publish(t *testing.T, c *topology.Cluster, id, typ string) int {
	t.Helper()
	sink, ok := c.SinkURL("main")
	if !ok {
		t.Fatal("there is no broker main")
	}
	res, err := c.Transport().RoundTrip(eventRequest(t, sink, id, typ))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func eventRequest(t testing.TB, url, id, typ string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"specversion": "1.0", "id": id, "type": typ, "source": "/s"} {
		req.Header.Set("Ce-"+name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	return req
}

func status(t *testing.T, c *topology.Cluster, name string) topology.Function {
	t.Helper()
	all := c.Functions()
	i := slices.IndexFunc(all, func(f topology.Function) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no function %s", name)
	}
	return all[i]
}

func TestFunctionIsStartedOnceByConcurrentFirstCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var constructed atomic.Int32
		release := make(chan struct{})
		c := start(t, serviceYAML("f"), map[string]topology.Subscriber{"f": func() http.Handler {
			constructed.Add(1)
			return &stub{
				HandlerFunc: replying(http.StatusOK),
				start: func(context.Context) error {
					time.Sleep(2 * time.Second) // of the bubble: takes no time
					<-release
					return nil
				},
			}
		}}, topology.Options{})
		if got := status(t, c, "f"); got.State != topology.AtZero || got.Starts != 0 {
			t.Errorf("before: %+v", got)
		}
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() {
				if got := call(t.Context(), c, "http://f/x"); got != http.StatusOK {
					t.Errorf("reply %d", got)
				}
			})
		}
		synctest.Wait()
		if got := status(t, c, "f"); got.State != topology.Starting {
			t.Errorf("meanwhile: %+v", got)
		}
		close(release)
		calls.Wait()
		synctest.Wait()
		want := topology.Function{
			Name: "f", State: topology.Up, Calls: 20, Starts: 1, Took: 2 * time.Second,
			Started: time.Date(2000, 1, 1, 0, 0, 2, 0, time.UTC),
		}
		if diff := cmp.Diff(want, status(t, c, "f")); diff != "" {
			t.Errorf("afterwards (-want +got):\n%s", diff)
		}
		if n := constructed.Load(); n != 1 {
			t.Errorf("constructed %d times", n)
		}
	})
}

func TestFunctionReturnsToZeroWhenIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stops atomic.Int32
		c := start(t, serviceYAML("f"), map[string]topology.Subscriber{"f": func() http.Handler {
			return &stub{
				HandlerFunc: func(_ http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/long" {
						time.Sleep(time.Hour)
					}
				},
				stop: func(context.Context) error { stops.Add(1); return nil },
			}
		}}, topology.Options{IdleAfter: time.Minute})

		call(t.Context(), c, "http://f/")
		time.Sleep(40 * time.Second)
		call(t.Context(), c, "http://f/")
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if got := status(t, c, "f"); got.State != topology.Up || stops.Load() != 0 {
			t.Errorf("stopped before its time: %+v", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := status(t, c, "f"); got.State != topology.AtZero || stops.Load() != 1 {
			t.Errorf("not stopped: %+v, %d stops", got, stops.Load())
		}
		if got := call(t.Context(), c, "http://f/long"); got != http.StatusOK {
			t.Errorf("a call longer than the idle time is answered with %d", got)
		}
		if got := status(t, c, "f"); got.State != topology.Up || got.Starts != 2 || got.Calls != 3 || stops.Load() != 1 {
			t.Errorf("a call in flight did not keep it up: %+v", got)
		}
	})
}

func TestFunctionThatCannotStart(t *testing.T) {
	t.Parallel()
	fail := func(err error) *stub {
		return &stub{HandlerFunc: replying(http.StatusOK), start: func(context.Context) error { return err }}
	}
	tests := map[string]struct {
		first topology.Subscriber
		err   string
	}{
		"start_fails":      {one(fail(errors.New("no database"))), "start f: no database"},
		"start_panics":     {one(&stub{start: func(context.Context) error { panic("oops") }}), "start f: it panicked: oops"},
		"construct_panics": {func() http.Handler { panic("oops") }, "start f: it panicked: oops"},
		"never_ready":      {one(&stub{ready: func() (bool, error) { return false, errors.New("cold") }}), "start f: it did not become ready in time\ncold"},
		"start_hangs": {one(&stub{start: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}), "start f: context canceled"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				first := true
				c := start(t, serviceYAML("f"), map[string]topology.Subscriber{"f": func() http.Handler {
					if first {
						first = false
						return tt.first()
					}
					return fail(nil)
				}}, topology.Options{})
				if got := call(t.Context(), c, "http://f/"); got != http.StatusServiceUnavailable {
					t.Errorf("reply %d, want 503", got)
				}
				if got := status(t, c, "f"); got.State != topology.AtZero || got.Err != tt.err {
					t.Errorf("state %s, error %q, want %q", got.State, got.Err, tt.err)
				}
				if got := call(t.Context(), c, "http://f/"); got != http.StatusOK {
					t.Errorf("the next call is answered with %d: it was not started again", got)
				}
				if got := status(t, c, "f"); got.State != topology.Up || got.Err != "" {
					t.Errorf("it is not up: %+v", got)
				}
			})
		})
	}
}

func TestFunctionIsCalledOnlyWhenReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := start(t, serviceYAML("f"), map[string]topology.Subscriber{"f": one(&stub{
			HandlerFunc: func(w http.ResponseWriter, _ *http.Request) {
				if asked != 5 {
					t.Errorf("called after %d questions", asked)
				}
			},
			ready: func() (bool, error) { asked++; return asked == 5, nil },
		})}, topology.Options{})
		if got := call(t.Context(), c, "http://f/"); got != http.StatusOK {
			t.Errorf("reply %d", got)
		}
	})
}

func TestFunctionThatIsNotAliveIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var made, stopped atomic.Int32
		c := start(t, serviceYAML("f"), map[string]topology.Subscriber{"f": func() http.Handler {
			first := made.Add(1) == 1
			return &stub{
				HandlerFunc: replying(http.StatusOK),
				alive:       func() (bool, error) { return !first, nil },
				stop:        func(context.Context) error { stopped.Add(1); return nil },
			}
		}}, topology.Options{})
		call(t.Context(), c, "http://f/")
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if stopped.Load() != 0 {
			t.Error("replaced after two bad answers")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if stopped.Load() != 1 || status(t, c, "f").State != topology.AtZero {
			t.Error("not replaced after three bad answers")
		}
		call(t.Context(), c, "http://f/")
		time.Sleep(time.Hour)
		synctest.Wait()
		if made.Load() != 2 || stopped.Load() != 1 {
			t.Errorf("%d instances made, %d stopped", made.Load(), stopped.Load())
		}
	})
}

func TestFunctionMayFailToBeAliveNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := start(t, serviceYAML("f"), map[string]topology.Subscriber{"f": one(&stub{
			HandlerFunc: replying(http.StatusOK),
			alive:       func() (bool, error) { asked++; return asked%3 == 0, nil },
		})}, topology.Options{})
		call(t.Context(), c, "http://f/")
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := status(t, c, "f"); got.State != topology.Up {
			t.Errorf("it was replaced: %+v", got)
		}
	})
}

func TestFunctionWithMinScaleStaysUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		manifest := `
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: f}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/min-scale: "1"}}
    spec: {containers: [{image: x}]}
`
		c := start(t, manifest, map[string]topology.Subscriber{"f": one(replying(http.StatusOK))}, topology.Options{IdleAfter: time.Second})
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := status(t, c, "f"); got.State != topology.Up {
			t.Errorf("it is %+v", got)
		}
	})
}

func TestFunctionIsToldItsEnvironment(t *testing.T) {
	t.Parallel()
	manifest := brokerYAML + `
spec: {delivery: {deadLetterSink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: dead}}}}
---
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {name: dead}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: f}
spec:
  template:
    spec:
      containers:
      - env:
        - {name: COLOUR, value: red}
        - {name: SHAPE, value: round}
        - {name: SECRET, valueFrom: {secretKeyRef: {name: s, key: k}}}
`
	var got map[string]string
	c := start(t, manifest, map[string]topology.Subscriber{"f": one(&stub{
		HandlerFunc: replying(http.StatusOK),
		env:         func(env map[string]string) { got = env },
	})}, topology.Options{Env: func(name string) map[string]string {
		return map[string]string{"SHAPE": "square", "DATABASE_URL": "postgres://" + name}
	}})
	call(t.Context(), c, "http://f/")
	sink, _ := c.SinkURL("main")
	want := map[string]string{
		"K_SERVICE": "f", "K_SINK": sink, "COLOUR": "red", "SHAPE": "square", "DATABASE_URL": "postgres://f",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	type key struct{}
	outside := roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusTeapot, Body: http.NoBody, Request: r}, nil
	})
	blocked := make(chan struct{})
	var c *topology.Cluster
	c = start(t, serviceYAML("echo", "front"), map[string]topology.Subscriber{
		"echo": one(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/panic":
				panic(http.ErrAbortHandler)
			case "/block":
				<-r.Context().Done()
				close(blocked)
				return
			case "/value":
				fmt.Fprint(w, r.Context().Value(key{}))
				return
			}
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Seen", r.Method+" "+r.Host+" "+r.RequestURI+" "+r.Header.Get("X-Sent"))
			w.WriteHeader(http.StatusCreated)
			w.Header().Set("X-Late", "1")
			_, _ = w.Write(body)
		})),
		"front": one(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(call(r.Context(), c, "http://echo/"))
		})),
	}, topology.Options{Outside: outside})
	client := &http.Client{Transport: c.Transport()}

	for _, host := range []string{"echo", "echo:80", "echo.default", "echo.default.svc", "echo.default.svc.cluster.local"} {
		t.Run("host_"+host, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+host+"/a%2Fb?c=d", strings.NewReader("hello"))
			req.Header.Set("X-Sent", "yes")
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != http.StatusCreated || string(body) != "hello" || res.Header.Get("X-Seen") != "PUT "+host+" /a%2Fb?c=d yes" {
				t.Errorf("reply %s %q, seen %q", res.Status, body, res.Header.Get("X-Seen"))
			}
			if res.Header.Get("X-Late") != "" || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("header %v is not what a server sends", res.Header)
			}
		})
	}
	t.Run("a_function_calls_another", func(t *testing.T) {
		if got := call(t.Context(), c, "http://front"); got != http.StatusCreated {
			t.Errorf("reply %d", got)
		}
	})
	t.Run("values_of_the_callers_context_do_not_arrive", func(t *testing.T) {
		req, _ := http.NewRequestWithContext(context.WithValue(t.Context(), key{}, "secret"), http.MethodGet, "http://echo/value", nil)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, _ := io.ReadAll(res.Body); string(body) != "<nil>" {
			t.Errorf("the handler saw %s", body)
		}
	})
	t.Run("a_panic_is_a_broken_connection", func(t *testing.T) {
		if got := call(t.Context(), c, "http://echo/panic"); got != 0 {
			t.Errorf("reply %d", got)
		}
	})
	t.Run("cancelling_reaches_the_handler", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(0, cancel)
		if got := call(ctx, c, "http://echo/block"); got != 0 {
			t.Errorf("reply %d", got)
		}
		<-blocked
	})
	t.Run("other_hosts_are_outside", func(t *testing.T) {
		for _, url := range []string{"http://example.com/", "https://echo/", "http://echo:8080/"} {
			if got := call(t.Context(), c, url); got != http.StatusTeapot {
				t.Errorf("%s: reply %d", url, got)
			}
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestInvoke(t *testing.T) {
	t.Parallel()
	c := create(t, serviceYAML("f"), map[string]topology.Subscriber{"f": one(replying(http.StatusCreated))}, topology.Options{})
	if _, ok := c.Invoke("nosuch"); ok {
		t.Error("there is a handler for a function that is not")
	}
	h, ok := c.Invoke("f")
	if !ok {
		t.Fatal("no handler")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusCreated {
		t.Errorf("reply %d", w.Code)
	}
	if err := c.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("after Drain: %d %s", w.Code, w.Body)
	}
	if got := call(t.Context(), c, "http://f/"); got != http.StatusServiceUnavailable {
		t.Errorf("after Drain, from inside: %d", got)
	}
}

func TestNewNamesServicesWithoutFunction(t *testing.T) {
	t.Parallel()
	m, err := topology.Load(fstest.MapFS{"a.yaml": {Data: []byte(serviceYAML("f", "g"))}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = topology.New(m, topology.Options{Subscribers: func(name string) (topology.Subscriber, bool) { return nil, name == "f" }})
	want := `a.yaml, document 2, Service "g": metadata.name: this program has no function "g"; add it or remove the Service`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	manifest := serviceYAML("first", "second") + brokerYAML +
		triggerYAML("first", "first", "a", "") + triggerYAML("second", "second", "b", "")

	t.Run("lets_accepted_events_run_their_course", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var log []string
			note := func(text string) {
				mu.Lock()
				defer mu.Unlock()
				log = append(log, text)
			}
			var c *topology.Cluster
			c = create(t, manifest, map[string]topology.Subscriber{
				"first": one(&stub{
					HandlerFunc: func(w http.ResponseWriter, _ *http.Request) {
						time.Sleep(time.Minute)
						note(fmt.Sprint("first publishes ", publish(t, c, "2", "b")))
						w.WriteHeader(http.StatusAccepted)
					},
					stop: func(context.Context) error { note("stop"); return nil },
				}),
				"second": one(&stub{
					HandlerFunc: func(w http.ResponseWriter, _ *http.Request) {
						time.Sleep(time.Minute)
						note("second")
						w.WriteHeader(http.StatusAccepted)
					},
					stop: func(context.Context) error { note("stop"); return nil },
				}),
			}, topology.Options{})
			publish(t, c, "1", "a")
			drained := make(chan error)
			go func() { drained <- c.Drain(t.Context()) }()
			synctest.Wait()

			w := httptest.NewRecorder()
			c.Ingress().ServeHTTP(w, eventRequest(t, "/default/main", "3", "a"))
			if w.Code != http.StatusServiceUnavailable {
				t.Errorf("the ingress accepts while draining: %d", w.Code)
			}
			if err := <-drained; err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff([]string{"first publishes 202", "second", "stop", "stop"}, log); diff != "" {
				t.Errorf("course (-want +got):\n%s", diff)
			}
			if err := c.Drain(t.Context()); err == nil {
				t.Error("a second Drain says nothing")
			}
		})
	})
	t.Run("lets_calls_end", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var c *topology.Cluster
			c = create(t, manifest, map[string]topology.Subscriber{
				"first": one(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(time.Minute)
					w.WriteHeader(call(r.Context(), c, "http://second/"))
				})),
				"second": one(replying(http.StatusCreated)),
			}, topology.Options{})
			replied := make(chan int, 1)
			go func() { replied <- call(t.Context(), c, "http://first/") }()
			synctest.Wait()
			if err := c.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			if got := <-replied; got != http.StatusCreated {
				t.Errorf("reply %d", got)
			}
		})
	})
	t.Run("gives_up_when_its_context_ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			lost := map[string]bool{}
			stopped := false
			slow := &stub{
				HandlerFunc: func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
				stop:        func(context.Context) error { stopped = true; return nil },
			}
			endless := strings.ReplaceAll(triggerYAML("fourth", "second", "e", "delivery: {retry: 2000000000}"),
				"ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: second}", "uri: 'http://example.com/'")
			c := create(t, manifest+endless+triggerYAML("third", "second", "d", "delivery: {retry: 9, backoffPolicy: exponential, backoffDelay: PT1H}"),
				map[string]topology.Subscriber{"first": one(slow), "second": one(replying(500))},
				topology.Options{InFlight: 1, Outside: roundTripper(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}), Observer: func(o topology.Observation) {
					mu.Lock()
					defer mu.Unlock()
					if o.What == topology.Lost {
						lost[o.Event.ID()] = true
					}
				}})
			publish(t, c, "in flight", "a")
			publish(t, c, "queued", "a")
			publish(t, c, "waiting", "d")
			publish(t, c, "outside", "e")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := c.Drain(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "4 deliveries and 1 calls") {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(map[string]bool{"in flight": true, "queued": true, "waiting": true, "outside": true}, lost); diff != "" {
				t.Errorf("lost (-want +got):\n%s", diff)
			}
			if !stopped {
				t.Error("the function was not stopped")
			}
		})
	})
}
