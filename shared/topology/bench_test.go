package topology_test

import (
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/rackless/rackless/shared/topology"
)

// BenchmarkDelivery publishes events that one of 40 triggers asks for.
func BenchmarkDelivery(b *testing.B) {
	manifest := serviceYAML("f") + brokerYAML + triggerYAML("t", "f", "a", "")
	for i := range 39 {
		manifest += triggerYAML("t"+string(rune('a'+i/26))+string(rune('a'+i%26)), "f", "other", "")
	}
	m, err := topology.Load(fstest.MapFS{"a.yaml": {Data: []byte(manifest)}})
	if err != nil {
		b.Fatal(err)
	}
	c, err := topology.New(m, topology.Options{Pending: 1 << 30, Subscribers: func(string) (topology.Subscriber, bool) {
		return one(replying(http.StatusAccepted)), true
	}})
	if err != nil {
		b.Fatal(err)
	}
	sink, _ := c.SinkURL("main")
	b.ReportAllocs()
	for b.Loop() {
		res, err := c.Transport().RoundTrip(eventRequest(b, sink, "1", "a"))
		if err != nil || res.StatusCode != http.StatusAccepted {
			b.Fatal(res, err)
		}
	}
	if err := c.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if err := c.Drain(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCall calls a function that is up.
func BenchmarkCall(b *testing.B) {
	m, err := topology.Load(fstest.MapFS{"a.yaml": {Data: []byte(serviceYAML("f"))}})
	if err != nil {
		b.Fatal(err)
	}
	c, err := topology.New(m, topology.Options{Subscribers: func(string) (topology.Subscriber, bool) {
		return one(replying(http.StatusAccepted)), true
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := call(b.Context(), c, "http://f/"); got != http.StatusAccepted {
			b.Fatal(got)
		}
	}
	b.StopTimer()
	if err := c.Drain(b.Context()); err != nil {
		b.Fatal(err)
	}
}
