package chaos

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// span is when something must have happened: not before it was first asked for,
// not after it was first answered. Zero until it was.
type span struct{ from, to time.Time }

// calls are the deliveries of one run that came through, as the broker saw them.
// The deliveries of one event to one function are one call, however many of them
// died: it takes effect once.
type calls struct {
	mu    sync.Mutex
	spans map[string]span // by function and order
}

func key(function, orderID string) string { return function + " " + orderID }

// watch notes the calls of a function.
func (c *calls) watch(function string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		order := r.Header.Get("Ce-Subject")
		if parts := strings.Split(r.URL.Path, "/"); order == "" && len(parts) > 4 && parts[2] == "orders" {
			order = parts[3] // /v1/orders/{id}/cancel
		}
		if order == "" {
			h.ServeHTTP(w, r)
			return
		}
		began := time.Now()
		answer := &status{ResponseWriter: w}
		defer func() {
			c.note(key(function, order), began, answer.code/100 == 2)
		}()
		h.ServeHTTP(answer, r)
	})
}

func (c *calls) note(key string, began time.Time, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, known := c.spans[key]
	if !known || began.Before(s.from) {
		s.from = began
	}
	if done {
		s.to = time.Now() // the last: which of several events had the effect is not known
	}
	c.spans[key] = s
}

// of returns when a function did its work for an order.
func (c *calls) of(function, orderID string) (span, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.spans[key(function, orderID)]
	return s, ok
}

// status keeps the status of a reply.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}
