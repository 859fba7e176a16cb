// Package telemetry is how a function is watched: JSON log lines always,
// OpenTelemetry traces over OTLP when switched on. Ids are logged, contents of
// requests never.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	api "go.opentelemetry.io/otel/trace"
)

// Logger returns a logger of JSON lines on standard output, at the level debug,
// info, warn or error; any other word means info.
func Logger(level string) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: l}))
}

// Traces are the spans of one service; nil are none.
type Traces struct{ provider *trace.TracerProvider }

// Start sends the traces of a service to an OTLP endpoint, if on.
func Start(on bool, service, endpoint, headers string) *Traces {
	if !on {
		return nil
	}
	return &Traces{trace.NewTracerProvider(trace.WithBatcher(newExporter(endpoint, headers)),
		trace.WithResource(resource.NewSchemaless(semconv.ServiceName(service))))}
}

// Stop sends the last of them.
func (t *Traces) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Handler makes a span of every request, which bears the name.
func (t *Traces) Handler(name string, next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	named := otelhttp.WithSpanNameFormatter(func(string, *http.Request) string { return name })
	return otelhttp.NewHandler(next, name, append(t.options(), named)...)
}

// Transport makes a span of every outgoing request.
func (t *Traces) Transport(next http.RoundTripper) http.RoundTripper {
	if t == nil {
		return next
	}
	return otelhttp.NewTransport(next, t.options()...)
}

func (t *Traces) options() []otelhttp.Option {
	return []otelhttp.Option{otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(propagation.TraceContext{})}
}

var traceParent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// TraceParent returns the W3C trace context of the present span, or the one that
// came with the request when traces are off here, so that a chain is not cut.
func TraceParent(ctx context.Context, header string) string {
	if sc := api.SpanContextFromContext(ctx); sc.IsValid() {
		return fmt.Sprintf("00-%s-%s-%s", sc.TraceID(), sc.SpanID(), sc.TraceFlags())
	}
	if traceParent.MatchString(header) {
		return header
	}
	return ""
}
