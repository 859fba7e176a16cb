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
	"go.opentelemetry.io/otel"
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

// Start sends the traces of a service to an OTLP endpoint, if on. What it returns
// sends the last of them.
func Start(on bool, service, endpoint, headers string) (stop func(context.Context) error) {
	if !on {
		return func(context.Context) error { return nil }
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(newExporter(endpoint, headers)),
		trace.WithResource(resource.NewSchemaless(semconv.ServiceName(service))))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return provider.Shutdown
}

// Handler makes a span of every request, if on.
func Handler(on bool, name string, next http.Handler) http.Handler {
	if !on {
		return next
	}
	return otelhttp.NewHandler(next, name)
}

// Transport makes a span of every outgoing request, if on.
func Transport(on bool, next http.RoundTripper) http.RoundTripper {
	if !on {
		return next
	}
	return otelhttp.NewTransport(next)
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
