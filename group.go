package rackless

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/httpapi"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/runtime"
)

// Group is the functions of one domain in one process: fewer and warmer Services
// for a shop that would rather have that than a Service for each operation. Every
// function keeps its own login and its own connections. It answers their routes,
// and events posted to /<function>.
type Group struct {
	functions []*runtime.Function
	mux       *http.ServeMux
}

// Domain returns the domain of a function: the first word of its name.
func Domain(function string) string {
	domain, _, _ := strings.Cut(function, "-")
	return domain
}

// NewGroup returns the functions of the domain that the environment names
// (DOMAIN), with the logins of functions as in New.
func NewGroup() *Group { return &Group{} }

// Start starts every function of the domain; see runtime.Function.Start.
func (g *Group) Start(ctx context.Context, values map[string]string) error {
	cfg, err := config.Load[struct {
		config.Function
		Domain      string `envconfig:"DOMAIN" required:"true"`
		LoginSecret string `envconfig:"LOGIN_SECRET" required:"true" json:"-"`
	}]()
	if err != nil {
		return err
	}
	logins, err := migrations.NewLogins(cfg.DatabaseURL, cfg.LoginSecret)
	if err != nil {
		return err
	}
	g.mux = http.NewServeMux()
	routes := map[string]http.Handler{}
	for _, spec := range manifest.Functions {
		if Domain(spec.Name) != cfg.Domain {
			continue
		}
		f := registry[spec.Name]()
		own := cfg.Function
		own.DatabaseURL = logins.URL(spec.Name)
		f.Use(runtime.Env{Config: own})
		if err := f.Start(ctx, values); err != nil {
			return errors.Join(err, g.Stop(ctx))
		}
		g.functions = append(g.functions, f)
		g.mux.Handle("/"+spec.Name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = "/", ""
			f.ServeHTTP(w, r)
		}))
		if method, path, ok := strings.Cut(spec.Route, " "); ok {
			routes[spec.Route] = f
			if _, taken := routes["OPTIONS "+path]; !taken && method != "" {
				routes["OPTIONS "+path] = f
			}
		}
	}
	if len(g.functions) == 0 {
		return fmt.Errorf("DOMAIN: there is no function whose name begins with %s-", cfg.Domain)
	}
	g.mux.Handle("/", httpapi.Mux(routes))
	return nil
}

// Stop stops every function.
func (g *Group) Stop(ctx context.Context) error {
	var errs []error
	for _, f := range g.functions {
		errs = append(errs, f.Stop(ctx))
	}
	return errors.Join(errs...)
}

// Ready reports whether every function is.
func (g *Group) Ready(ctx context.Context) (bool, error) {
	for _, f := range g.functions {
		if ok, err := f.Ready(ctx); !ok || err != nil {
			return false, err
		}
	}
	return len(g.functions) > 0, nil
}

// Alive reports that the process is not stuck.
func (g *Group) Alive(context.Context) (bool, error) { return true, nil }

// Handle answers one request.
func (g *Group) Handle(w http.ResponseWriter, r *http.Request) { g.mux.ServeHTTP(w, r) }
