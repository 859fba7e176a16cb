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
	DatabaseURL    string        `envconfig:"DATABASE_URL" json:"-"`                                       // this function's own login
	DatabasePool   int           `envconfig:"DATABASE_POOL" default:"2"`                                   // connections of one instance
	Sink           string        `envconfig:"K_SINK"`                                                      // where events are sent, set by Knative's SinkBinding
	FunctionURL    string        `envconfig:"FUNCTION_URL" default:"http://{name}"`                        // how the gateway reaches a function
	Port           int           `envconfig:"PORT" default:"8080"`                                         // set by Knative Serving
	ListenAddress  string        `envconfig:"LISTEN_ADDRESS"`                                              // set by func; wins over Port
	DrainTimeout   time.Duration `envconfig:"DRAIN_TIMEOUT" default:"25s"`                                 // below Kubernetes' 30 s of grace
	CredentialsKey string        `envconfig:"CREDENTIALS_KEY" json:"-"`                                    // seals shops' secrets in the database; see shared/seal
	LogLevel       string        `envconfig:"LOG_LEVEL" default:"info"`                                    // debug, info, warn or error
	Tracing        bool          `envconfig:"TRACING" default:"false"`                                     // OTLP over HTTP
	OTLPEndpoint   string        `envconfig:"OTEL_EXPORTER_OTLP_ENDPOINT" default:"http://localhost:4318"` // where traces go
	OTLPHeaders    string        `envconfig:"OTEL_EXPORTER_OTLP_HEADERS" json:"-"`                         // may hold a credential
}

// Email is what notify-email reads as well. Of the AWS variables those of plain
// access keys are read; roles are not assumed.
type Email struct {
	Sender          string `envconfig:"EMAIL_SENDER" default:"record"`       // record (write them down only), smtp or ses
	From            string `envconfig:"EMAIL_FROM" default:"shop@localhost"` // the address that messages come from
	SMTPHost        string `envconfig:"SMTP_HOST" default:"localhost"`
	SMTPPort        int    `envconfig:"SMTP_PORT" default:"587"`
	SMTPTLS         string `envconfig:"SMTP_TLS" default:"mandatory"` // STARTTLS: mandatory, opportunistic or none
	SMTPUsername    string `envconfig:"SMTP_USERNAME"`                // empty: no authentication
	SMTPPassword    string `envconfig:"SMTP_PASSWORD" json:"-"`
	SESEndpoint     string `envconfig:"SES_ENDPOINT"` // empty: that of the region
	AWSRegion       string `envconfig:"AWS_REGION"`
	AWSAccessKeyID  string `envconfig:"AWS_ACCESS_KEY_ID" json:"-"`
	AWSSecretKey    string `envconfig:"AWS_SECRET_ACCESS_KEY" json:"-"`
	AWSSessionToken string `envconfig:"AWS_SESSION_TOKEN" json:"-"`
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
