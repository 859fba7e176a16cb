// Package session is who a buyer is from one call to the next. A session is a
// pair of opaque tokens: one that opens calls for a quarter of an hour and one
// that renews the pair. It owns the table sessions and the attempts to log in,
// which it keeps among the rate limits. Who may have a customer's session, the
// customer package decides; what a token opens, auth.
package session

import (
	"context"
	"fmt"
	"time"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/txn"
)

// How long tokens live. The token of a guest opens a cart and its orders, so it
// lives as long as an abandoned cart is worth coming back to.
const (
	accessLife  = 15 * time.Minute
	refreshLife = 30 * 24 * time.Hour
	guestLife   = 30 * 24 * time.Hour
)

// grace is how long after its use a refresh token that comes again is taken for
// the second tab of a browser instead of for stolen. It hands out nothing.
const grace = 10 * time.Second

// Tokens is a session as its buyer gets it, once: only hashes are kept.
type Tokens struct {
	AccessToken  string    `json:"access_token"` // for "Authorization: Bearer …"
	TokenType    string    `json:"token_type"`   // Bearer
	ExpiresAt    time.Time `json:"expires_at"`
	RefreshToken string    `json:"refresh_token"` // for one renewal
	RefreshUntil time.Time `json:"refresh_until"`
	CustomerID   string    `json:"customer_id,omitempty"` // empty for a guest
}

// Open begins a session of a customer, or of a guest if customerID is empty. The
// caller has made sure of the customer and holds Lock for them.
func Open(ctx context.Context, tx *txn.Tx, customerID string) (Tokens, error) {
	return issue(ctx, tx, ident.New(ident.Session), customerID)
}

// NewGuest begins a session of a visitor who has just got something to come back
// to: its token opens calls for 30 days and cannot be renewed. family is what
// owns the guest's things.
func NewGuest(ctx context.Context, tx *txn.Tx) (token, family string, err error) {
	family = ident.New(ident.Session)
	token, hash := auth.NewToken(auth.SessionToken)
	_, err = tx.Exec(ctx, `
		INSERT INTO sessions (session_id, shop_id, family, access_hash, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		ident.New(ident.Session), tx.Shop, family, hash, tx.Now, tx.Now.Add(guestLife))
	if err != nil {
		return "", "", fmt.Errorf("begin a guest's session: %w", err)
	}
	return token, family, nil
}

func issue(ctx context.Context, tx *txn.Tx, family, customerID string) (Tokens, error) {
	access, accessHash := auth.NewToken(auth.SessionToken)
	refresh, refreshHash := auth.NewToken(auth.RefreshToken)
	t := Tokens{
		AccessToken: access, TokenType: "Bearer", ExpiresAt: tx.Now.Add(accessLife),
		RefreshToken: refresh, RefreshUntil: tx.Now.Add(refreshLife), CustomerID: customerID,
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO sessions (session_id, shop_id, family, customer_id, access_hash, refresh_hash, created_at, expires_at, refresh_until)
		VALUES ($1, $2, $3, NULLIF($4, ''), $5, $6, $7, $8, $9)`,
		ident.New(ident.Session), tx.Shop, family, customerID, accessHash, refreshHash, tx.Now, t.ExpiresAt, t.RefreshUntil)
	if err != nil {
		return Tokens{}, fmt.Errorf("begin a session: %w", err)
	}
	return t, nil
}

// Lock makes what begins, renews or ends sessions of one owner wait for each
// other until the transaction ends. Without it a session that is being renewed
// could outlive the end of all.
func Lock(ctx context.Context, tx *txn.Tx, owner string) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('session ' || $1, 0))`, owner); err != nil {
		return fmt.Errorf("lock the sessions: %w", err)
	}
	return nil
}

// EndAll ends the sessions of a customer in every function from the next call
// on; the caller holds Lock. The session except, with all that it was renewed
// from, goes on; empty spares none.
func EndAll(ctx context.Context, tx *txn.Tx, customerID, except string) error {
	_, err := tx.Exec(ctx, `
		UPDATE sessions
		SET revoked_at = $2
		WHERE customer_id = $1 AND revoked_at IS NULL
		  AND family IS DISTINCT FROM (SELECT family FROM sessions WHERE session_id = $3)`, customerID, tx.Now, except)
	if err != nil {
		return fmt.Errorf("end the customer's sessions: %w", err)
	}
	return nil
}

// EndInput ends the session of the caller; it takes nothing.
type EndInput struct{}

// End logs the caller out: the session and all that it was renewed from or into
// end in every function from the next call on. A caller without a session has
// none to end: kind NotFound.
func End(ctx context.Context, tx *txn.Tx, _ EndInput) (struct{}, error) {
	if err := Lock(ctx, tx, tx.Who.Owner); err != nil {
		return struct{}{}, err
	}
	tag, err := tx.Exec(ctx, `
		UPDATE sessions
		SET revoked_at = $2
		WHERE family = (SELECT family FROM sessions WHERE session_id = $1) AND revoked_at IS NULL`, tx.Who.ID, tx.Now)
	if err != nil {
		return struct{}{}, fmt.Errorf("end session: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return struct{}{}, fault.New(fault.NotFound, "this credential is not a session; there is nothing to end")
	}
	return struct{}{}, nil
}
