// Package manifest is what the functions' func.yaml files declare, as Go tables:
// the runtime reads its own entry, the gateway the routes, the sweeper who
// consumes what. table.go is generated from functions/*/func.yaml by
// "make generate"; this file says what its fields mean.
package manifest

import (
	"slices"
	"time"
)

// Function is one deployable operation.
type Function struct {
	Name        string   // <domain>-<verb>: folder, Knative Service, image and log attribute; with _ for -, the database login
	Route       string   // "POST /v1/customers", a pattern of http.ServeMux; empty if it only consumes events
	Summary     string   // first sentence of the package comment
	Access      string   // anyone, buyer or staff: who may call the route
	Scope       string   // resource:action that staff need for the route
	Idempotency string   // required, optional or empty: the Idempotency-Key of the route
	Rate        Rate     // limit per caller's address, zero for none
	Consumes    []string // types of the events it acts on
	Told        []string // of those, the types on which it acts only where somebody outside wants to be told
	Warms       []string // types of events that only wake it, without effect or inbox row
	Emits       []string // types of the events it states
}

// Rate is a limit: so many calls per period.
type Rate struct {
	Burst  int
	Period time.Duration
}

// Lookup returns the entry of a function.
func Lookup(name string) (Function, bool) {
	for _, f := range Functions {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}

// Consumers returns who must have an inbox row for an event of the type before
// it counts as settled; told is whether somebody outside wants to be told of it.
func Consumers(eventType string, told bool) []string {
	var names []string
	for _, f := range Functions {
		for _, t := range f.Consumes {
			if t == eventType && (told || !slices.Contains(f.Told, t)) {
				names = append(names, f.Name)
			}
		}
	}
	return names
}
