// Package rackless is the whole shop in one process: every function, behind one
// gateway, wired together by a local broker that reads the same Knative manifests
// as a cluster does. "rackless run" starts it, tests use it, and func deploys it
// as one function (func.yaml at the root) for a shop that needs no more.
package rackless

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/httpapi"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/telemetry"
	"github.com/rackless/rackless/shared/topology"
)

// Options is what a shop needs. Only Logins has no default.
type Options struct {
	Logins       migrations.Logins          // to a migrated database
	Manifests    fs.FS                      // the embedded ones
	Clock        clock.Clock                // the system's
	Log          *slog.Logger               // none
	Observer     func(topology.Observation) // sees every event; must not block
	Chaos        topology.Chaos             // none
	IdleAfter    time.Duration              // how long a function stays up without a call; for ever
	Pool         int                        // connections of each function; 2
	Key          string                     // seals the shops' secrets, see shared/seal; none: they can have none
	Tracing      bool                       // send spans to OTLPEndpoint, with OTLPHeaders: see config.Function
	OTLPEndpoint string
	OTLPHeaders  string
	Postgres     []func(*pgxpool.Config) // for tests: what to change on the functions' pools
}

// Shop is a running shop. It answers the public API.
type Shop struct {
	*topology.Cluster
	gateway http.Handler
}

// Open starts a shop. Functions start when they are first called.
func Open(o Options) (*Shop, error) {
	if o.Manifests == nil {
		o.Manifests, _ = fs.Sub(Manifests, "infra/knative") // it is there: see embed.go
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Pool == 0 {
		o.Pool = 2
	}
	manifest, err := topology.Load(o.Manifests)
	if err != nil {
		return nil, err
	}
	var cluster *topology.Cluster
	env := func(name string) runtime.Env {
		sink, _ := cluster.SinkURL("rackless")
		return runtime.Env{
			Config: config.Function{
				DatabaseURL: o.Logins.URL(name), DatabasePool: o.Pool, Sink: sink, FunctionURL: "http://{name}",
				Tracing: o.Tracing, OTLPEndpoint: o.OTLPEndpoint, OTLPHeaders: o.OTLPHeaders, CredentialsKey: o.Key,
			},
			Clock: o.Clock, Client: &http.Client{Transport: cluster.Transport()}, Log: o.Log, Options: o.Postgres,
		}
	}
	cluster, err = topology.New(manifest, topology.Options{
		Subscribers: func(name string) (topology.Subscriber, bool) {
			construct, ok := registry[name]
			return func() http.Handler {
				f := construct()
				f.Use(env(name))
				return f
			}, ok
		},
		Clock: o.Clock, Logger: o.Log, Observer: o.Observer, Chaos: o.Chaos, IdleAfter: o.IdleAfter,
	})
	if err != nil {
		return nil, err
	}
	gateway, ok := cluster.Invoke("gateway")
	if !ok {
		return nil, errors.New("the manifests have no Service gateway")
	}
	cluster.Start()
	return &Shop{cluster, gateway}, nil
}

// ServeHTTP answers one request of the public API.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.gateway.ServeHTTP(w, r) }

// Functions returns an instance of every function, by name, for the makers of
// contracts.
func Functions() map[string]*runtime.Function {
	all := make(map[string]*runtime.Function, len(registry))
	for name, construct := range registry {
		all[name] = construct()
	}
	return all
}

// Function is the shop as func sees it.
type Function struct {
	shop atomic.Pointer[Shop]
}

// New returns the shop as one function; the environment says how to reach the
// database (DATABASE_URL, as its owner) and from which secret the functions'
// logins are derived (LOGIN_SECRET).
func New() *Function { return &Function{} }

// Start opens the shop. The database must be migrated and the logins set.
func (f *Function) Start(context.Context, map[string]string) error {
	cfg, err := config.Load[struct {
		config.Function
		LoginSecret string `envconfig:"LOGIN_SECRET" required:"true" json:"-"`
	}]()
	if err != nil {
		return err
	}
	logins, err := migrations.NewLogins(cfg.DatabaseURL, cfg.LoginSecret)
	if err != nil {
		return err
	}
	shop, err := Open(Options{
		Logins: logins, Log: telemetry.Logger(cfg.LogLevel), Pool: cfg.DatabasePool, Key: cfg.CredentialsKey, IdleAfter: time.Minute,
		Tracing: cfg.Tracing, OTLPEndpoint: cfg.OTLPEndpoint, OTLPHeaders: cfg.OTLPHeaders,
	})
	if err != nil {
		return fmt.Errorf("open the shop: %w", err)
	}
	f.shop.Store(shop)
	return nil
}

// Stop lets what is under way end.
func (f *Function) Stop(ctx context.Context) error {
	if shop := f.shop.Swap(nil); shop != nil {
		return shop.Drain(ctx)
	}
	return nil
}

// Ready reports whether the shop is open.
func (f *Function) Ready(context.Context) (bool, error) { return f.shop.Load() != nil, nil }

// Alive reports that the process is not stuck.
func (f *Function) Alive(context.Context) (bool, error) { return true, nil }

// Handle answers one request of the public API, with 503 until the shop is open.
func (f *Function) Handle(w http.ResponseWriter, r *http.Request) {
	shop := f.shop.Load()
	if shop == nil {
		httpapi.WriteProblem(w, fault.New(fault.Unavailable, "the shop is opening"), httpapi.RequestID(r))
		return
	}
	shop.ServeHTTP(w, r)
}
