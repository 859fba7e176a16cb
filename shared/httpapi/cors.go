package httpapi

import (
	"net/http"
	"slices"
)

// Cross-origin rules of one shop: which pages may call its operations from a
// browser (Fetch standard, CORS protocol).
type CORS struct{ Origins []string }

// Allow sets the headers that let the calling page read the reply, and reports
// whether its origin is one of the shop's.
func (c CORS) Allow(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	w.Header().Add("Vary", "Origin")
	if !slices.Contains(c.Origins, origin) && !slices.Contains(c.Origins, "*") {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id, Idempotent-Replayed")
	return true
}

// Preflight answers an OPTIONS request. No cookies are in play: callers bring
// tokens of their own.
func (c CORS) Preflight(w http.ResponseWriter, r *http.Request) {
	if c.Allow(w, r) {
		w.Header().Set("Access-Control-Allow-Methods", r.Header.Get("Access-Control-Request-Method"))
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-Match, Prefer, Rackless-Shop, X-Request-Id")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}
