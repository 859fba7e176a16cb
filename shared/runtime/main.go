package runtime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"knative.dev/pkg/signals"

	"github.com/rackless/rackless/shared/config"
)

// Instance is what func calls an instance: a function, or the whole shop.
type Instance interface {
	Start(context.Context, map[string]string) error
	Stop(context.Context) error
	Ready(context.Context) (bool, error)
	Alive(context.Context) (bool, error)
	Handle(http.ResponseWriter, *http.Request)
}

// Main runs an instance as a process until SIGTERM or SIGINT, then lets the
// requests in flight end. It is all that a function's main calls.
func Main(f Instance) {
	if err := run(signals.NewContext(), f); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, f Instance) error {
	cfg, err := config.Load[config.Function]()
	if err != nil {
		return err
	}
	address := cfg.ListenAddress
	if address == "" {
		address = fmt.Sprintf(":%d", cfg.Port)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if err := f.Start(ctx, nil); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := NewServer(Health(f))
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return errors.Join(err, f.Stop(context.WithoutCancel(ctx)))
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.DrainTimeout)
	defer cancel()
	return errors.Join(server.Shutdown(drain), f.Stop(drain))
}

// NewServer returns a server with bounds on how long a client may take.
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// Health serves the probes of an instance beside the instance itself, under the
// paths that func and Knative use.
func Health(f Instance) http.Handler {
	probe := func(check func(context.Context) (bool, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if ok, err := check(r.Context()); !ok || err != nil {
				http.Error(w, "not ready", http.StatusServiceUnavailable)
				return
			}
			fmt.Fprintln(w, "OK")
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health/readiness", probe(f.Ready))
	mux.HandleFunc("/health/liveness", probe(f.Alive))
	mux.HandleFunc("/", f.Handle)
	return mux
}
