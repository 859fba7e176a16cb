package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/infra/simulators/stripe"
	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/runtime"
)

// child is what a process of the harness is told by its environment.
type child struct {
	Role   string `envconfig:"CHAOS_ROLE"` // the function, or "stripe", "authorizenet"; empty: this is no child
	Socket string `envconfig:"CHAOS_SOCKET"`
	Clock  string `envconfig:"CHAOS_CLOCK"`
	Record string `envconfig:"CHAOS_RECORD"`
	Point  string `envconfig:"CHAOS_POINT"`
	Spare  int    `envconfig:"CHAOS_SPARE"`
	Plant  string `envconfig:"CHAOS_PLANT"`
	Seed   uint64 `envconfig:"CHAOS_SEED"`
}

// The simulated accounts.
const (
	stripeKey         = "sk_test_chaos"
	authorizeNetLogin = "chaos"
	authorizeNetKey   = "chaoskey"
)

// Child runs the process's part if the harness has started it as one; then it
// does not return before the process is to end.
func Child(ctx context.Context) (was bool, err error) {
	c, err := config.Load[child]()
	if err != nil || c.Role == "" {
		return false, err
	}
	return true, c.run(ctx)
}

func (c child) run(ctx context.Context) error {
	clock, err := openClock(c.Clock)
	if err != nil {
		return err
	}
	listener, err := net.Listen("unix", c.Socket)
	if err != nil {
		return err
	}
	var handler http.Handler
	switch c.Role {
	case "stripe":
		handler = stripe.New(stripe.Options{Options: sim.Options{Clock: clock, Seed: c.Seed}, SecretKey: stripeKey})
	case "authorizenet":
		handler = authorizenet.New(authorizenet.Options{
			Options: sim.Options{Clock: clock, Seed: c.Seed}, LoginID: authorizeNetLogin, TransactionKey: authorizeNetKey,
			FirstTransID: int64(c.Seed%1e6)*1000 + 1e12,
		})
	default:
		if handler, err = c.function(ctx, clock); err != nil {
			return err
		}
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// function makes the function as its own main would, with a watched connection.
func (c child) function(ctx context.Context, clock timepiece) (http.Handler, error) {
	f := rackless.Functions()[c.Role]
	if f == nil {
		return nil, fmt.Errorf("there is no function %s", c.Role)
	}
	cfg, err := config.Load[config.Function]()
	if err != nil {
		return nil, err
	}
	at := &points{function: c.Role, armed: c.Point, spare: c.Spare}
	if c.Record != "" {
		if at.record, err = os.OpenFile(c.Record, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
			return nil, err
		}
	}
	planted, err := newPlant(c.Plant, cfg.DatabaseURL)
	if err != nil {
		return nil, err
	}
	broker := http.DefaultTransport.(*http.Transport).Clone()
	http.DefaultTransport = transport{http.DefaultTransport, at, "the gateway"} // the one that gateways' clients use
	f.Use(runtime.Env{
		Config: cfg, Clock: clock, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Client: &http.Client{Transport: transport{broker, at, "publishing"}},
		Options: []func(*pgxpool.Config){func(p *pgxpool.Config) {
			dial := p.ConnConfig.DialFunc
			p.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return &wire{Conn: conn, points: at, plant: planted, sql: map[string]string{}}, nil
			}
		}},
	})
	if err := f.Start(ctx, nil); err != nil {
		return nil, err
	}
	return replies(runtime.Health(f), at), nil
}
