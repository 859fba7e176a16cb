// Package fault is the closed set of reasons for which an operation can be
// refused. Domains return faults, the HTTP and event edges map their kinds to
// status codes; nobody else branches on error text.
//
// It belongs to the vocabulary: it imports nothing of this project.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind says why an operation was refused and, by that, whether a repetition
// can help.
type Kind int

// The kinds. The zero value is Internal, so that an error nobody classified is
// never taken for the caller's mistake.
const (
	Internal        Kind = iota // a defect of ours; the text is for the log only
	Invalid                     // the input can never be accepted as it is
	Unauthenticated             // no, or no longer valid, credentials
	Forbidden                   // known caller without the needed scope
	NotFound                    // no such thing, or not the caller's
	Conflict                    // contradicts the present state, e.g. a duplicate
	Precondition                // the caller's version (If-Match) is stale
	Unprocessable               // well-formed, but refused by a business rule for good
	TooMany                     // a rate or quota is used up
	Unavailable                 // a dependency is down; try again later
)

var names = [...]string{
	Internal:        "internal",
	Invalid:         "invalid",
	Unauthenticated: "unauthenticated",
	Forbidden:       "forbidden",
	NotFound:        "not-found",
	Conflict:        "conflict",
	Precondition:    "precondition-failed",
	Unprocessable:   "unprocessable",
	TooMany:         "too-many-requests",
	Unavailable:     "unavailable",
}

// String returns the kind's stable name, which is also the last segment of its
// problem type URI.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(names) {
		return names[Internal]
	}
	return names[k]
}

// Field is one refused part of an input.
type Field struct {
	Path   string `json:"path"`   // JSON pointer into the request, e.g. /items/0/qty
	Detail string `json:"detail"` // what is wrong and what would be right
}

// Error is a refusal. Detail is written for the caller; the wrapped cause, if
// there is one, for the log.
type Error struct {
	Kind   Kind
	Detail string
	Fields []Field
	Data   map[string]any // members a client may act on, e.g. old and new prices
	cause  error
}

// New returns a refusal whose detail is formatted for the caller.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// From classifies cause as kind, with a detail for the caller; cause itself is
// only logged.
func From(kind Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...), cause: cause}
}

// With returns a copy of e that carries a member for the client.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Data = make(map[string]any, len(e.Data)+1)
	for k, v := range e.Data {
		c.Data[k] = v
	}
	c.Data[key] = value
	return &c
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Path, f.Detail)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of the outermost refusal in err's chain, Internal if
// there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is a refusal of the given kind.
func Is(err error, kind Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}

// Fields collects refused fields while an input is validated.
//
//	var f fault.Fields
//	f.Check(in.Qty > 0, "/qty", "must be at least 1")
//	return f.Err()
type Fields []Field

// Add notes a refused field.
func (f *Fields) Add(path, format string, args ...any) {
	*f = append(*f, Field{Path: path, Detail: fmt.Sprintf(format, args...)})
}

// Check notes the field unless ok.
func (f *Fields) Check(ok bool, path, format string, args ...any) {
	if !ok {
		f.Add(path, format, args...)
	}
}

// Merge notes the fields of err, their paths below prefix. An error without
// fields is noted at prefix itself; nil adds nothing.
func (f *Fields) Merge(prefix string, err error) {
	if err == nil {
		return
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || len(e.Fields) == 0 {
		f.Add(prefix, "%s", err)
		return
	}
	for _, x := range e.Fields {
		*f = append(*f, Field{Path: prefix + x.Path, Detail: x.Detail})
	}
}

// Err returns nil if no field was refused, otherwise an Invalid refusal that
// lists them in the order in which they were found.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Detail: "the request has invalid fields", Fields: slices.Clone(f)}
}
