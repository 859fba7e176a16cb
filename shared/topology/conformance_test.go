package topology_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rackless/rackless/shared/topology"
	"github.com/rackless/rackless/shared/topology/topologytest"
)

// local runs manifests in this process; all events travel over TCP.
type local struct{}

func (local) Apply(t *testing.T, manifest string) string {
	c := start(t, manifest, nil, topology.Options{Outside: &http.Transport{DisableKeepAlives: true}})
	ingress := httptest.NewServer(c.Ingress())
	t.Cleanup(ingress.Close)
	return ingress.URL + "/default/main"
}

func (local) Serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestConformance(t *testing.T) {
	t.Parallel()
	topologytest.Run(t, local{}, nil)
}

// start runs a manifest until the end of the test.
func start(t *testing.T, manifest string, functions map[string]topology.Subscriber, o topology.Options) *topology.Cluster {
	t.Helper()
	c := create(t, manifest, functions, o)
	c.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := c.Drain(ctx); err != nil {
			t.Error(err)
		}
	})
	return c
}

func create(t *testing.T, manifest string, functions map[string]topology.Subscriber, o topology.Options) *topology.Cluster {
	t.Helper()
	m, err := topology.Load(fstest.MapFS{"shop.yaml": {Data: []byte(manifest)}})
	if err != nil {
		t.Fatal(err)
	}
	o.Subscribers = func(name string) (topology.Subscriber, bool) {
		f, ok := functions[name]
		return f, ok
	}
	c, err := topology.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
