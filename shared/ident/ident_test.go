package ident_test

import (
	"slices"
	"testing"

	"github.com/rackless/rackless/shared/ident"
)

func TestNew(t *testing.T) {
	t.Parallel()
	var ids []string
	for range 1000 {
		id := ident.New(ident.Order)
		if !ident.Valid(ident.Order, id) || ident.Valid(ident.Cart, id) {
			t.Fatalf("%s is no order's id, or is a cart's", id)
		}
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) {
		t.Error("later ids do not sort behind earlier ones")
	}
	if len(slices.Compact(ids)) != 1000 {
		t.Error("an id came twice")
	}
}

func TestDerive(t *testing.T) {
	t.Parallel()
	a, again, b := ident.Derive(ident.Operation, "x"), ident.Derive(ident.Operation, "x"), ident.Derive(ident.Operation, "y")
	if a != again || a == b || a[4:] == ident.Derive(ident.Payment, "x")[4:] {
		t.Errorf("%s, %s, %s: a name must give one id for each kind", a, again, b)
	}
	if !ident.Valid(ident.Operation, a) {
		t.Errorf("%s is not valid", a)
	}
}

func FuzzValid(f *testing.F) {
	f.Add("ord_06h0cktws9t6f40jbwzw9g1fyr")
	f.Add("ord_'; DROP TABLE orders --")
	f.Fuzz(func(t *testing.T, id string) {
		if !ident.Valid(ident.Shop, id) {
			return
		}
		for _, c := range id {
			if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				t.Errorf("%q is valid but has %q, which an SQL literal would have to quote", id, c)
			}
		}
	})
}
