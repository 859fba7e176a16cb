package principal_test

import (
	"context"
	"testing"

	"github.com/rackless/rackless/shared/principal"
)

func TestHas(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		scopes []string
		scope  string
		want   bool
	}{
		{[]string{"order:read"}, "order:read", true},
		{[]string{"order:read"}, "order:write", false},
		{[]string{"order:*"}, "order:write", true},
		{[]string{"order:*"}, "orders:write", false},
		{[]string{"*"}, "order:write", true},
		{[]string{"*"}, "platform:write", false},
		{[]string{"platform:*"}, "platform:write", true},
		{[]string{"platform:*"}, "order:read", false},
		{nil, "order:read", false},
	} {
		p := principal.Principal{Kind: principal.Staff, Scopes: test.scopes}
		if got := p.Has(test.scope); got != test.want {
			t.Errorf("%v has %s: %t, want %t", test.scopes, test.scope, got, test.want)
		}
	}
	for _, kind := range []principal.Kind{principal.Anonymous, principal.Guest, principal.Customer, principal.System} {
		if (principal.Principal{Kind: kind, Scopes: []string{"*"}}).Has("order:read") {
			t.Errorf("%s holds a scope", kind)
		}
	}
}

func TestOwns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		who   principal.Principal
		owner string
		want  bool
	}{
		{principal.Principal{Kind: principal.Customer, Owner: "cus_1"}, "cus_1", true},
		{principal.Principal{Kind: principal.Customer, Owner: "cus_1"}, "cus_2", false},
		{principal.Principal{Kind: principal.Customer, Owner: "cus_1"}, "", false},
		{principal.Principal{Kind: principal.Anonymous}, "", false},
		{principal.Principal{Kind: principal.Staff}, "cus_1", true},
		{principal.Principal{Kind: principal.System}, "", true},
	} {
		if got := test.who.Owns(test.owner); got != test.want {
			t.Errorf("%+v owns %q: %t, want %t", test.who, test.owner, got, test.want)
		}
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	p := principal.Principal{Shop: "shp_1", Kind: principal.Guest, Owner: "ses_1"}
	if got := principal.FromContext(principal.NewContext(t.Context(), p)); got.Owner != "ses_1" {
		t.Errorf("got %+v", got)
	}
	if got := principal.FromContext(context.Background()); got.Kind != "" || got.Owns("") {
		t.Errorf("nobody is %+v", got)
	}
}
