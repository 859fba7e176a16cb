// Package auth tells who calls. Tokens are opaque random strings of which the
// database keeps only the SHA-256, so that a revocation holds from the next call
// on in every function, and a stolen table opens nothing.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/principal"
)

// The prefixes of tokens tell people and leak scanners what they look at.
const (
	KeyToken     = "rk" // an API key
	SessionToken = "rs" // a buyer's session
	RefreshToken = "rr" // renews a session
)

// NewToken returns a fresh token of 160 random bits and the hash to keep.
func NewToken(prefix string) (token string, hash []byte) {
	secret := make([]byte, 20)
	_, _ = rand.Read(secret) // never fails, see crypto/rand
	token = prefix + "_" + strings.ToLower(base32.StdEncoding.EncodeToString(secret))
	return token, Hash(token)
}

// Hash returns what the database keeps of a token. A plain hash is enough: the
// token has too many random bits to be guessed.
func Hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Credential is what a call brings to be identified by.
type Credential struct {
	Token string // from "Authorization: Bearer …", empty for a visitor
	Shop  string // shop id a visitor names, wins over Host
	Host  string // the host the visitor called, without port
}

// Caller is who was identified, and what their shop says about its callers.
type Caller struct {
	principal.Principal
	CORSOrigins []string // origins whose pages may call, "*" for all
}

// Queryer reads rows: a pool or a transaction.
type Queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Identify finds out who calls. A token that is unknown, expired or revoked is
// refused with kind Unauthenticated, a visitor of no shop with NotFound.
func Identify(ctx context.Context, db Queryer, c Credential, now time.Time) (Caller, error) {
	var hash []byte
	if c.Token != "" {
		hash = Hash(c.Token)
	}
	rows, err := db.Query(ctx, `
		SELECT shop_id, COALESCE(kind, ''), id, owner, scopes, cors_origins
		FROM identify($1, $2, $3, $4)`, hash, c.Shop, c.Host, now)
	if err != nil {
		return Caller{}, fmt.Errorf("identify the caller: %w", err)
	}
	caller, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (c Caller, err error) {
		err = row.Scan(&c.Shop, &c.Kind, &c.ID, &c.Owner, &c.Scopes, &c.CORSOrigins)
		return c, err
	})
	switch {
	case err == pgx.ErrNoRows && c.Token != "" || err == nil && caller.Kind == "":
		return caller, fault.New(fault.Unauthenticated, "the token is not valid, or no longer")
	case err == pgx.ErrNoRows:
		return Caller{}, fault.New(fault.NotFound, "no shop answers to this host; send a credential, or the shop's id in the Rackless-Shop header")
	case err != nil:
		return Caller{}, fmt.Errorf("identify the caller: %w", err)
	}
	return caller, nil
}

// Access is who may call an operation at all. Whose things the caller then
// reaches is decided by the domain.
type Access string

// The kinds of access.
const (
	Anyone Access = "anyone" // no credential is needed
	Buyer  Access = "buyer"  // a guest or a customer, or staff with the scope
	Staff  Access = "staff"  // staff with the scope
)

// Authorize refuses a caller who may not call an operation.
func Authorize(p principal.Principal, access Access, scope string) error {
	buyer := p.Kind == principal.Guest || p.Kind == principal.Customer
	switch {
	case p.Kind == principal.Staff && !p.Has(scope):
		return fault.New(fault.Forbidden, "the API key lacks the scope %s", scope)
	case p.Kind == principal.Staff, access == Anyone, access == Buyer && buyer:
		return nil
	case p.Kind == principal.Anonymous:
		return fault.New(fault.Unauthenticated, "a credential is needed: Authorization: Bearer <token>")
	default:
		return fault.New(fault.Forbidden, "only staff with the scope %s may do this", scope)
	}
}

// Throttle spends one of burst calls per period under key; the shop is that of
// the transaction. It returns how long to wait, zero if the call is allowed.
func Throttle(ctx context.Context, tx pgx.Tx, key string, burst int, period time.Duration, now time.Time) (time.Duration, error) {
	var wait time.Duration
	err := tx.QueryRow(ctx, `SELECT throttle($1, $2, $3, $4)`, key, burst, period, now).Scan(&wait)
	if err != nil {
		return 0, fmt.Errorf("throttle: %w", err)
	}
	return wait, nil
}
