// Package runtime makes a function of an operation: it gives it the life cycle
// that Knative and func expect, and puts in front of it what every operation
// needs: identification, access, rate limits, strict decoding, idempotency, one
// transaction, problems and a log line. What it enforces is declared in the
// function's func.yaml, so a function's URL may be called directly: the gateway
// is not a wall.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/httpapi"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/telemetry"
	"github.com/rackless/rackless/shared/txn"
)

// Operation is one thing that a function does: answer its route or act on one
// type of event. Make one with Read, Write, Staged, On, OnStaged, Warm, Post or
// Raw.
type Operation struct {
	In, Out reflect.Type // what the route takes and replies, nil for an event
	Event   string       // the type acted on, empty for the route
	Status  int          // the route's status on success
	raw     bool         // it needs no database
	route   func(*instance, wait) http.Handler
	then    wait
	event   func(context.Context, *instance, string) error
	post    func(context.Context, *txn.Runner, *http.Request) error
}

// Waits reports whether a client may have the reply held back; see WriteThenWait.
func (op Operation) Waits() bool { return op.then != nil }

// Env is what a function is given from outside. The zero value of a field means
// its default.
type Env struct {
	Config  config.Function
	Clock   clock.Clock  // the system's
	Client  *http.Client // for the broker and other functions
	Log     *slog.Logger // JSON to standard output
	Options []func(*pgxpool.Config)
}

// Function is one instance of a function. It is what func's scaffolding, our own
// main and the shop in one process start alike.
type Function struct {
	spec    manifest.Function
	ops     []Operation
	wire    func(*Env) ([]Operation, error)
	env     *Env
	mu      sync.Mutex
	running atomic.Pointer[instance]
}

// instance is a started function.
type instance struct {
	spec    manifest.Function
	env     *Env
	db      *pgxpool.Pool
	runner  *txn.Runner
	handler http.Handler
	stop    func(context.Context) error
}

// New returns the function of that name, made of ops. It does nothing else:
// what needs the environment happens in Start.
func New(name string, ops ...Operation) *Function {
	spec, ok := manifest.Lookup(name)
	if !ok {
		spec.Name = name // refused by Start
	}
	return &Function{spec: spec, ops: ops}
}

// Wired returns a function whose operations need more from outside than the
// database: wire makes them when the function starts.
func Wired(name string, wire func(*Env) ([]Operation, error)) *Function {
	f := New(name)
	f.wire = wire
	return f
}

// Name returns the function's name.
func (f *Function) Name() string { return f.spec.Name }

// Operations returns what the function does, for the makers of contracts.
func (f *Function) Operations() ([]Operation, error) {
	if f.wire == nil {
		return f.ops, nil
	}
	return f.wire(&Env{Clock: clock.System{}, Client: http.DefaultClient, Log: slog.New(slog.DiscardHandler)})
}

// Use sets the environment before Start; without it, Start reads the process's.
func (f *Function) Use(env Env) { f.env = &env }

// Start makes the function ready to serve. Values in cfg are func's; ours come
// from the environment. It does not connect to the database: the first request
// does.
func (f *Function) Start(ctx context.Context, _ map[string]string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running.Load() != nil {
		return nil
	}
	if _, ok := manifest.Lookup(f.spec.Name); !ok {
		return fmt.Errorf("function %s has no entry in the manifest: write its func.yaml and run make generate", f.spec.Name)
	}
	in, err := f.start(ctx)
	if err != nil {
		return fmt.Errorf("start %s: %w", f.spec.Name, err)
	}
	f.running.Store(in)
	return nil
}

func (f *Function) start(ctx context.Context) (_ *instance, err error) {
	env := Env{}
	if f.env != nil {
		env = *f.env
	} else {
		cfg, err := config.Load[config.Function]()
		if err != nil {
			return nil, err
		}
		env.Config = cfg
	}
	if env.Clock == nil {
		env.Clock = clock.System{}
	}
	if env.Log == nil {
		env.Log = telemetry.Logger(env.Config.LogLevel)
	}
	env.Log = env.Log.With("function", f.spec.Name)
	traces := telemetry.Start(env.Config.Tracing, f.spec.Name, env.Config.OTLPEndpoint, env.Config.OTLPHeaders)
	defer func() {
		if err != nil {
			err = errors.Join(err, traces.Stop(ctx))
		}
	}()
	if env.Client == nil {
		env.Client = &http.Client{Transport: traces.Transport(http.DefaultTransport)}
	}
	ops := f.ops
	if f.wire != nil {
		if ops, err = f.wire(&env); err != nil {
			return nil, err
		}
	}
	needsDatabase := slices.ContainsFunc(ops, func(op Operation) bool { return !op.raw })
	if needsDatabase && env.Config.DatabaseURL == "" {
		return nil, errors.New("environment variable DATABASE_URL is missing: the address of the database, with the function's own login")
	}
	db, err := postgres.Open(ctx, env.Config.DatabaseURL, env.Config.DatabasePool, env.Options...)
	if err != nil {
		return nil, err
	}
	in := &instance{spec: f.spec, env: &env, db: db}
	in.runner = &txn.Runner{
		DB: db, Clock: env.Clock, Log: env.Log,
		Publisher: outbox.Publisher{Client: env.Client, Sink: env.Config.Sink},
	}
	in.stop = func(ctx context.Context) error {
		db.Close()
		return traces.Stop(ctx)
	}
	in.handler, err = in.routes(ops)
	if err != nil {
		db.Close()
		return nil, err
	}
	in.handler = traces.Handler(f.spec.Name, in.handler)
	return in, nil
}

func (in *instance) routes(ops []Operation) (http.Handler, error) {
	routes := map[string]http.Handler{}
	consumed := map[string]Operation{}
	for _, op := range ops {
		switch {
		case op.route != nil && in.spec.Route == "":
			return nil, errors.New("it answers requests but func.yaml declares no route")
		case op.route != nil:
			routes[in.spec.Route] = op.route(in, op.then)
		case op.post != nil:
			routes["POST /{$}"] = in.posts(op.post)
		default:
			consumed[op.Event] = op
		}
	}
	if in.spec.Route != "" && len(routes) == 0 {
		return nil, fmt.Errorf("func.yaml declares the route %s but no operation answers it", in.spec.Route)
	}
	for _, t := range append(in.spec.Consumes, in.spec.Warms...) {
		if _, ok := consumed[t]; !ok {
			return nil, fmt.Errorf("func.yaml subscribes to %s but no operation acts on it", t)
		}
	}
	if len(consumed) > 0 {
		routes["POST /{$}"] = in.events(consumed)
	}
	if method, path, ok := strings.Cut(in.spec.Route, " "); ok && method != "" {
		routes["OPTIONS "+path] = http.HandlerFunc(in.preflight)
	}
	return httpapi.Mux(routes), nil
}

// Stop lets go of everything. Requests must have ended.
func (f *Function) Stop(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in := f.running.Swap(nil); in != nil {
		return in.stop(ctx)
	}
	return nil
}

// Ready reports whether the function can serve.
func (f *Function) Ready(context.Context) (bool, error) { return f.running.Load() != nil, nil }

// Alive reports that the process is not stuck.
func (f *Function) Alive(context.Context) (bool, error) { return true, nil }

// Handle answers one request; it is the method that func calls.
func (f *Function) Handle(w http.ResponseWriter, r *http.Request) { f.ServeHTTP(w, r) }

// ServeHTTP answers one request, with 503 until the function is started.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := f.running.Load()
	if in == nil {
		w.Header().Set("Retry-After", "1")
		httpapi.WriteProblem(w, fault.New(fault.Unavailable, "the function is starting"), httpapi.RequestID(r))
		return
	}
	in.handler.ServeHTTP(w, r)
}
