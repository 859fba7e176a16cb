package telemetry_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/rackless/rackless/shared/telemetry"
)

// A span arrives at a collector as OTLP's JSON encoding has it.
func TestSpansAreExported(t *testing.T) {
	type span struct {
		TraceID, SpanID, ParentSpanID, Name string
		Kind                                int
		StartTimeUnixNano                   string
		Attributes                          []struct {
			Key   string
			Value map[string]any
		}
		Status struct{ Code int }
	}
	type body struct {
		ResourceSpans []struct {
			Resource struct {
				Attributes []struct {
					Key   string
					Value map[string]any
				}
			}
			ScopeSpans []struct{ Spans []span }
		}
	}
	got := make(chan body, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b body
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			t.Errorf("the collector got no JSON: %v", err)
		}
		if r.URL.Path != "/v1/traces" || r.Header.Get("X-Key") != "secret" {
			t.Errorf("the collector got %s with key %q", r.URL.Path, r.Header.Get("X-Key"))
		}
		got <- b
	}))
	defer collector.Close()

	traces := telemetry.Start(true, "cart-price", collector.URL+"/", "X-Key=secret")
	function := traces.Handler("cart-price", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		parent := trace.SpanFromContext(r.Context())
		if p := telemetry.TraceParent(r.Context(), ""); !strings.HasPrefix(p, "00-"+parent.SpanContext().TraceID().String()) {
			t.Errorf("traceparent %q is not of the present span", p)
		}
		_, child := parent.TracerProvider().Tracer("test").Start(r.Context(), "child")
		child.SetAttributes(attribute.Int("rows", 3), attribute.Bool("hit", true))
		child.SetStatus(codes.Error, "no")
		child.End()
	}))
	function.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if err := traces.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}

	b := <-got
	if len(b.ResourceSpans) != 1 || b.ResourceSpans[0].Resource.Attributes[0].Value["stringValue"] != "cart-price" {
		t.Fatalf("resource: %+v", b)
	}
	var spans []span
	for _, scope := range b.ResourceSpans[0].ScopeSpans {
		spans = append(spans, scope.Spans...)
	}
	if len(spans) != 2 {
		t.Fatalf("%d spans, want 2", len(spans))
	}
	c, p := spans[0], spans[1]
	if c.ParentSpanID != p.SpanID || c.TraceID != p.TraceID || c.Name != "child" || p.Name != "cart-price" || p.Kind != 2 || c.Kind != 1 || c.Status.Code != 2 {
		t.Errorf("child %+v of parent %+v", c, p)
	}
	if c.Attributes[0].Value["intValue"] != "3" || c.Attributes[1].Value["boolValue"] != true {
		t.Errorf("attributes %+v", c.Attributes)
	}
}
