package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
)

// Key is an API key of staff or of a program, without its secret.
type Key struct {
	ID        string     `json:"id" db:"key_id"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"` // resource:action, resource:* or *
	CreatedAt time.Time  `json:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

var scopeShape = regexp.MustCompile(`^(\*|[a-z_]+:(\*|[a-z_]+))$`)

// CreateKey makes an API key in the transaction's shop. The token is shown once:
// only its hash is kept.
func CreateKey(ctx context.Context, tx pgx.Tx, name string, scopes []string, now time.Time) (k Key, token string, err error) {
	var f fault.Fields
	f.Check(len(name) >= 1 && len(name) <= 120, "/name", "must have 1 to 120 characters")
	f.Check(len(scopes) > 0, "/scopes", "must name at least one scope")
	for i, s := range scopes {
		f.Check(scopeShape.MatchString(s), fmt.Sprintf("/scopes/%d", i), "must be resource:action, resource:* or *, not %q", s)
	}
	if err := f.Err(); err != nil {
		return Key{}, "", err
	}
	scopes = slices.Compact(slices.Sorted(slices.Values(scopes)))
	token, hash := NewToken(KeyToken)
	k = Key{ID: ident.New(ident.Key), Name: name, Scopes: scopes, CreatedAt: now}
	_, err = tx.Exec(ctx, `
		INSERT INTO api_keys (key_id, shop_id, name, hash, scopes, created_at)
		VALUES ($1, current_shop(), $2, $3, $4, $5)`, k.ID, k.Name, hash, k.Scopes, k.CreatedAt)
	if err != nil {
		return Key{}, "", fmt.Errorf("create key: %w", err)
	}
	return k, token, nil
}

// Keys returns the API keys of the transaction's shop, revoked ones too, oldest
// first.
func Keys(ctx context.Context, tx pgx.Tx) ([]Key, error) {
	rows, err := tx.Query(ctx, `
		SELECT key_id, name, scopes, created_at, revoked_at
		FROM api_keys
		WHERE shop_id = current_shop()
		ORDER BY key_id`)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByName[Key])
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, nil
}

// RevokeKey ends an API key of the transaction's shop in every function from the
// next call on, and returns it. It is NotFound if the shop has no such key;
// revoking it again changes nothing.
func RevokeKey(ctx context.Context, tx pgx.Tx, id string, now time.Time) (Key, error) {
	rows, err := tx.Query(ctx, `
		UPDATE api_keys
		SET revoked_at = COALESCE(revoked_at, $2)
		WHERE shop_id = current_shop() AND key_id = $1
		RETURNING key_id, name, scopes, created_at, revoked_at`, id, now)
	if err != nil {
		return Key{}, fmt.Errorf("revoke key: %w", err)
	}
	k, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Key])
	if errors.Is(err, pgx.ErrNoRows) {
		return Key{}, fault.New(fault.NotFound, "the shop has no key %s", id)
	}
	if err != nil {
		return Key{}, fmt.Errorf("revoke key: %w", err)
	}
	return k, nil
}
