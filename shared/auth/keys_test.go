package auth_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/testkit/txtest"
)

func TestKeysAreMadeListedAndRevoked(t *testing.T) {
	t.Parallel()
	db := txtest.New(t)
	other := db.AddShop(t)
	in := func(shop string, fn func(*postgres.Tx) error) {
		t.Helper()
		if err := postgres.InShop(t.Context(), db.Admin, shop, fn); err != nil {
			t.Fatal(err)
		}
	}
	var key auth.Key
	var token string
	in(db.Shop, func(tx *postgres.Tx) (err error) {
		key, token, err = auth.CreateKey(t.Context(), tx, "console", []string{"order:*", "customer:read", "order:*"}, db.Clock.Now())
		return err
	})
	who, err := auth.Identify(t.Context(), db.Admin, auth.Credential{Token: token}, db.Clock.Now())
	if err != nil || who.ID != key.ID || who.Shop != db.Shop || !slices.Equal(who.Scopes, []string{"customer:read", "order:*"}) {
		t.Errorf("the token makes its bearer %+v, error %v", who, err)
	}
	// Even the superuser, whom row-level security does not bind, stays in the shop.
	in(other, func(tx *postgres.Tx) error {
		keys, err := auth.Keys(t.Context(), tx)
		if len(keys) != 0 {
			t.Errorf("another shop lists %d keys", len(keys))
		}
		if _, err := auth.RevokeKey(t.Context(), tx, key.ID, db.Clock.Now()); !fault.Is(err, fault.NotFound) {
			t.Errorf("another shop revokes the key: %v", err)
		}
		return err
	})
	revoked := db.Clock.Advance(time.Hour)
	in(db.Shop, func(tx *postgres.Tx) error {
		_, err := auth.RevokeKey(t.Context(), tx, key.ID, revoked)
		return err
	})
	db.Clock.Advance(time.Hour)
	in(db.Shop, func(tx *postgres.Tx) error {
		if _, err := auth.RevokeKey(t.Context(), tx, key.ID, db.Clock.Now()); err != nil {
			return err
		}
		keys, err := auth.Keys(t.Context(), tx)
		key.RevokedAt = &revoked
		if diff := cmp.Diff([]auth.Key{key}, keys); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		return err
	})
	if _, err := auth.Identify(t.Context(), db.Admin, auth.Credential{Token: token}, db.Clock.Now()); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the revoked key: %v", err)
	}
}

func TestKeyNeedsNameAndScopes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		name   string
		scopes []string
	}{
		"no_name":       {"", []string{"*"}},
		"no_scopes":     {"x", nil},
		"half_a_scope":  {"x", []string{"order"}},
		"capital_scope": {"x", []string{"Order:read"}},
		"two_colons":    {"x", []string{"order:read:all"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := auth.CreateKey(t.Context(), nil, test.name, test.scopes, time.Time{})
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("error %v, want one of kind invalid", err)
			}
		})
	}
}
