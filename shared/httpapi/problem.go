// Package httpapi is the HTTP side of every operation: strict requests in,
// problems (RFC 9457) and JSON out. It knows kinds of faults, not domains.
package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/rackless/rackless/shared/fault"
)

// statuses maps what was refused to what HTTP calls it.
var statuses = map[fault.Kind]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Precondition:    http.StatusPreconditionFailed,
	fault.Unprocessable:   http.StatusUnprocessableEntity,
	fault.TooMany:         http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
}

// refusal is a status that no kind of fault has: what HTTP itself refuses.
type refusal struct {
	status int
	name   string
	detail string
}

func (r *refusal) Error() string { return r.detail }

// The refusals of HTTP itself.
var (
	errTooLarge  = &refusal{http.StatusRequestEntityTooLarge, "body-too-large", "the body must not exceed 1 MiB"}
	errMediaType = &refusal{http.StatusUnsupportedMediaType, "unsupported-media-type", "the body must be JSON: Content-Type: application/json"}
)

// Problem is the body of every refusal.
type Problem struct {
	Type     string         `json:"type"`               // https://rackless.dev/problems/<name>
	Title    string         `json:"title"`              // the status in words
	Status   int            `json:"status"`             // the HTTP status
	Detail   string         `json:"detail"`             // what was wrong with this request
	Instance string         `json:"instance,omitempty"` // the request's id, to be quoted when asking for help
	Errors   []fault.Field  `json:"errors,omitempty"`   // the refused fields
	Data     map[string]any `json:"data,omitempty"`     // what a client may act on
}

// ProblemOf returns what a caller is told of err. A defect of ours is told
// without its text.
func ProblemOf(err error, requestID string) Problem {
	p := Problem{Instance: requestID}
	if r, ok := errors.AsType[*refusal](err); ok {
		p.Status, p.Type, p.Detail = r.status, r.name, r.detail
	} else {
		kind := fault.KindOf(err)
		p.Status, p.Type, p.Detail = statuses[kind], kind.String(), "something went wrong on our side; the request had no effect"
		if e, ok := errors.AsType[*fault.Error](err); ok && kind != fault.Internal {
			p.Detail, p.Errors, p.Data = e.Detail, e.Fields, e.Data
		}
	}
	p.Type = "https://rackless.dev/problems/" + p.Type
	p.Title = http.StatusText(p.Status)
	return p
}

// WriteProblem replies with what the caller is told of err and returns the
// status.
func WriteProblem(w http.ResponseWriter, err error, requestID string) int {
	return writeProblem(w, ProblemOf(err, requestID))
}

// briefly is how much of a reply a broker keeps with a dead letter: as much as
// makes 1,024 characters in base64. Of more, the dispatcher of Knative's in-memory
// channel (0.50) dies, with whatever it has in flight.
const briefly = 768

// WriteBriefProblem is WriteProblem for a broker.
func WriteBriefProblem(w http.ResponseWriter, err error, requestID string) int {
	p := ProblemOf(err, requestID)
	if text, err := json.Marshal(p); err != nil || len(text) >= briefly {
		p.Errors, p.Data = nil, nil
		for limit := briefly / 2; len(p.Detail) > limit; limit /= 2 {
			p.Detail = strings.ToValidUTF8(p.Detail[:limit], "") + "…"
			if text, _ := json.Marshal(p); len(text) < briefly { // escapes may be longer than the text
				break
			}
		}
	}
	return writeProblem(w, p)
}

func writeProblem(w http.ResponseWriter, p Problem) int {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="rackless"`)
	}
	if seconds, ok := p.Data["retry_after"].(int); ok {
		h.Set("Retry-After", itoa(seconds))
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone; there is nobody to tell
	return p.Status
}
