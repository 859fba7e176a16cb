package httpapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/fault"
)

// Mux routes by pattern, as http.ServeMux does, and refuses what it does not
// know with a problem: 404 for a path, 405 with Allow for a method.
func Mux(routes map[string]http.Handler) http.Handler {
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, pattern := range slices.Sorted(maps.Keys(routes)) {
		mux.Handle(pattern, routes[pattern])
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			continue // it takes every method
		}
		allowed[path] = append(allowed[path], method)
		if method == http.MethodGet {
			allowed[path] = append(allowed[path], http.MethodHead)
		}
	}
	for path, methods := range allowed {
		allow := strings.Join(methods, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			WriteProblem(w, &refusal{http.StatusMethodNotAllowed, "method-not-allowed", "this path takes " + allow}, RequestID(r))
		})
	}
	if _, taken := routes["/"]; !taken {
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			WriteProblem(w, fault.New(fault.NotFound, "there is nothing at this path"), RequestID(r))
		})
	}
	return mux
}

// RequestID returns the id under which a request is logged: the one the gateway
// or the client gave, if it is fit to be logged.
func RequestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) {
		return ""
	}
	return id
}
