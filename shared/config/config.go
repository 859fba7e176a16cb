// Package config reads the environment into structs. It is the only package
// that does: what a function needs from outside is the struct it asks for.
package config

import (
	"fmt"
	"time"

	"github.com/kelseyhightower/envconfig"
)

// Function is what every function reads.
type Function struct {
	DatabaseURL   string        `envconfig:"DATABASE_URL" required:"true" json:"-"` // this function's own login
	DatabasePool  int           `envconfig:"DATABASE_POOL" default:"2"`             // connections of one instance
	Sink          string        `envconfig:"K_SINK"`                                // where events are sent, set by Knative's SinkBinding
	FunctionURL   string        `envconfig:"FUNCTION_URL" default:"http://{name}"`  // how the gateway reaches a function
	Port          int           `envconfig:"PORT" default:"8080"`                   // set by Knative Serving
	ListenAddress string        `envconfig:"LISTEN_ADDRESS"`                        // set by func; wins over Port
	DrainTimeout  time.Duration `envconfig:"DRAIN_TIMEOUT" default:"25s"`           // below Kubernetes' 30 s of grace
	LogLevel      string        `envconfig:"LOG_LEVEL" default:"info"`              // debug, info, warn or error
	Tracing       bool          `envconfig:"TRACING" default:"false"`               // OTLP over HTTP, to OTEL_EXPORTER_OTLP_ENDPOINT
}

// Load fills a new T from the environment. The error names the variable and
// what is wrong with it, never its value.
func Load[T any]() (T, error) {
	var c T
	if err := envconfig.Process("", &c); err != nil {
		if p, ok := err.(*envconfig.ParseError); ok {
			return c, fmt.Errorf("environment variable %s must be a %s", p.KeyName, p.TypeName)
		}
		return c, fmt.Errorf("read the environment: %w", err)
	}
	return c, nil
}
