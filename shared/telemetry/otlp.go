package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
)

// exporter sends spans as OTLP/HTTP in its JSON encoding. The official exporter
// brings gRPC and protocol buffers with it, 8 MB in every function's binary for
// something that is off by default; this is what it would send.
type exporter struct {
	client *http.Client
	url    string
	header http.Header
}

// exportTimeout is OTLP's default for one request.
const exportTimeout = 10 * time.Second

// newExporter sends to an endpoint such as http://collector:4318, as
// OTEL_EXPORTER_OTLP_ENDPOINT gives it. headers are those of
// OTEL_EXPORTER_OTLP_HEADERS: name=value,name=value.
func newExporter(endpoint, headers string) *exporter {
	e := &exporter{
		client: &http.Client{Timeout: exportTimeout},
		url:    strings.TrimSuffix(endpoint, "/") + "/v1/traces",
		header: http.Header{"Content-Type": {"application/json"}},
	}
	for _, h := range strings.Split(headers, ",") {
		if name, value, ok := strings.Cut(h, "="); ok {
			e.header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return e
}

// The shapes of OTLP's JSON encoding: ids are hexadecimal, 64-bit integers are
// strings (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding").
type (
	otlpSpan struct {
		TraceID      string         `json:"traceId"`
		SpanID       string         `json:"spanId"`
		ParentSpanID string         `json:"parentSpanId,omitempty"`
		Name         string         `json:"name"`
		Kind         int            `json:"kind"`
		Start        string         `json:"startTimeUnixNano"`
		End          string         `json:"endTimeUnixNano"`
		Attributes   []otlpPair     `json:"attributes,omitempty"`
		Status       map[string]any `json:"status,omitempty"`
	}
	otlpPair struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
	otlpScope struct {
		Scope map[string]string `json:"scope"`
		Spans []otlpSpan        `json:"spans"`
	}
	otlpResource struct {
		Resource struct {
			Attributes []otlpPair `json:"attributes"`
		} `json:"resource"`
		ScopeSpans []otlpScope `json:"scopeSpans"`
	}
)

// ExportSpans sends a batch; the spans of one process have one resource.
func (e *exporter) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	var resource otlpResource
	resource.Resource.Attributes = pairs(spans[0].Resource().Attributes())
	scopes := map[string]int{}
	for _, s := range spans {
		name := s.InstrumentationScope().Name
		i, ok := scopes[name]
		if !ok {
			i = len(resource.ScopeSpans)
			scopes[name] = i
			resource.ScopeSpans = append(resource.ScopeSpans, otlpScope{Scope: map[string]string{"name": name}})
		}
		resource.ScopeSpans[i].Spans = append(resource.ScopeSpans[i].Spans, toOTLP(s))
	}
	body, err := json.Marshal(map[string]any{"resourceSpans": []otlpResource{resource}})
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("export spans: %w", err)
	}
	req.Header = e.header.Clone()
	res, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("export spans: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4096) // let the connection be used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("export spans: the collector replied %s", res.Status)
	}
	return nil
}

// Shutdown has nothing to end: every batch is sent when it is given.
func (e *exporter) Shutdown(context.Context) error { return nil }

func toOTLP(s trace.ReadOnlySpan) otlpSpan {
	out := otlpSpan{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), Name: s.Name(),
		Kind:  int(s.SpanKind()), // the numbers agree: 1 internal, 2 server, 3 client …
		Start: strconv.FormatInt(s.StartTime().UnixNano(), 10), End: strconv.FormatInt(s.EndTime().UnixNano(), 10),
		Attributes: pairs(s.Attributes()),
	}
	if s.Parent().SpanID().IsValid() {
		out.ParentSpanID = s.Parent().SpanID().String()
	}
	switch s.Status().Code {
	case codes.Ok:
		out.Status = map[string]any{"code": 1}
	case codes.Error:
		out.Status = map[string]any{"code": 2, "message": s.Status().Description}
	}
	return out
}

// private are the attributes of a request whose text is a stranger's: it may hold a
// card number, a token or a name, and a refusal comes too late to keep it out. Which
// operation it was, the name of the span says.
var private = map[attribute.Key]bool{
	semconv.URLPathKey: true, semconv.URLQueryKey: true, semconv.URLFullKey: true, semconv.UserAgentOriginalKey: true,
}

func pairs(attributes []attribute.KeyValue) []otlpPair {
	var out []otlpPair
	for _, a := range attributes {
		if private[a.Key] {
			continue
		}
		value := map[string]any{"stringValue": a.Value.String()}
		switch a.Value.Type() {
		case attribute.BOOL:
			value = map[string]any{"boolValue": a.Value.AsBool()}
		case attribute.INT64:
			value = map[string]any{"intValue": strconv.FormatInt(a.Value.AsInt64(), 10)}
		}
		out = append(out, otlpPair{Key: string(a.Key), Value: value})
	}
	return out
}
