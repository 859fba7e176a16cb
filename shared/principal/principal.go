// Package principal says who asks. The platform's edge verifies a credential and
// puts the principal into the context of the call; domains read it to decide
// what the caller may see. It belongs to the vocabulary and verifies nothing
// itself.
package principal

import (
	"context"
	"slices"
	"strings"
)

// Kind is the sort of caller.
type Kind string

// The kinds of caller.
const (
	Anonymous Kind = "anonymous" // no credential: a visitor of one shop
	Guest     Kind = "guest"     // a visitor who has a cart, known by a session token
	Customer  Kind = "customer"  // a registered customer, known by a session token
	Staff     Kind = "staff"     // an API key: people and programs of the merchant
	System    Kind = "system"    // an event or a timer of our own
)

// Principal is a verified caller. The zero value is nobody in no shop.
type Principal struct {
	Shop   string   // the shop in which the caller acts, shp_…
	Kind   Kind     // what sort of caller
	ID     string   // the credential: key_… or ses_…, empty for visitors and the system
	Owner  string   // whose things are the caller's own: a customer's cus_… or a guest's ses_…
	Scopes []string // resource:action, resource:*, or * for all of the shop; staff only
}

// platform is the resource that is not a shop's: shops themselves.
const platform = "platform"

// Has reports whether a staff member holds the scope, directly or by wildcard.
// Nobody but staff holds scopes, and * does not reach beyond the shop: the scopes
// of the platform must be given by name.
func (p Principal) Has(scope string) bool {
	if p.Kind != Staff {
		return false
	}
	resource, _, _ := strings.Cut(scope, ":")
	return slices.ContainsFunc(p.Scopes, func(s string) bool {
		return s == "*" && resource != platform || s == scope || s == resource+":*"
	})
}

// Trusted reports whether the caller acts for the merchant, who may see what
// belongs to any buyer of the shop.
func (p Principal) Trusted() bool { return p.Kind == Staff || p.Kind == System }

// Owns reports whether the caller may see what belongs to owner. A thing that
// nobody owns is the merchant's.
func (p Principal) Owns(owner string) bool {
	return p.Trusted() || p.Owner != "" && p.Owner == owner
}

type contextKey struct{}

// NewContext returns a context that carries p.
func NewContext(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext returns the caller, the zero value if the context carries none.
func FromContext(ctx context.Context) Principal {
	p, _ := ctx.Value(contextKey{}).(Principal)
	return p
}
