// Package gateway passes the requests of the public API to the functions that
// answer them. It decides nothing: every function checks its callers itself.
package gateway

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/httpapi"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function { return runtime.New("gateway", runtime.Raw(routes)) }

// routes serves each function's route by passing it on.
func routes(env *runtime.Env) (http.Handler, error) {
	handlers := map[string]http.Handler{
		"GET /health": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintln(w, `{"status":"ok"}`)
		}),
	}
	for _, f := range manifest.Functions {
		method, path, ok := strings.Cut(f.Route, " ")
		if !ok {
			continue // it takes events only, or is the gateway
		}
		domain, _, _ := strings.Cut(f.Name, "-")
		target, err := url.Parse(strings.NewReplacer("{name}", f.Name, "{domain}", domain).Replace(env.Config.FunctionURL))
		if err != nil {
			return nil, fmt.Errorf("FUNCTION_URL: %w", err)
		}
		handlers[method+" "+path] = proxy(env, target)
		if _, taken := handlers["OPTIONS "+path]; !taken {
			handlers["OPTIONS "+path] = handlers[method+" "+path] // all methods of a path have one answer to a preflight
		}
	}
	return httpapi.Mux(handlers), nil
}

func proxy(env *runtime.Env, target *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Transport: env.Client.Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = target.Host
			r.SetXForwarded()
			if httpapi.RequestID(r.In) == "" {
				r.Out.Header.Set("X-Request-Id", uuid.Must(uuid.NewV7()).String())
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			env.Log.ErrorContext(r.Context(), "function not reached", "target", target.Host, "error", err)
			httpapi.WriteProblem(w, fault.From(fault.Unavailable, err, "the function behind this path cannot be reached"), httpapi.RequestID(r))
		},
	}
}
