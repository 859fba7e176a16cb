package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// RefreshInput renews a session. It travels without an Authorization header: the
// access token is mostly over by then.
type RefreshInput struct {
	RefreshToken string `json:"refresh_token"`
}

// Validate refuses what was never a token.
func (in RefreshInput) Validate() error {
	var f fault.Fields
	f.Check(in.RefreshToken != "" && len(in.RefreshToken) <= 200, "/refresh_token", "must be the refresh token of a session")
	return f.Err()
}

var errRefresh = fault.New(fault.Unauthenticated, "the refresh token is not valid, or no longer; log in again")

// Refresh gives a new pair of tokens for a refresh token, which is then used up.
//
// A used token that comes again means that two hold it, and nobody can tell who
// of them is the buyer: the whole session ends. But a buyer with two tabs may
// send it twice at once, so within ten seconds of its use the second call is
// refused with kind Conflict and nothing else happens: it gets no tokens, so a
// thief gains nothing either, and the next to come after that ends the session.
func Refresh(ctx context.Context, tx *txn.Tx, in RefreshInput) (Tokens, error) {
	var id, family, customerID string
	err := tx.QueryRow(ctx, `
		SELECT session_id, family, COALESCE(customer_id, '')
		FROM sessions
		WHERE refresh_hash = $1`, auth.Hash(in.RefreshToken)).Scan(&id, &family, &customerID)
	if errors.Is(err, pgx.ErrNoRows) {
		return Tokens{}, errRefresh
	}
	if err != nil {
		return Tokens{}, fmt.Errorf("find session: %w", err)
	}
	owner := customerID
	if owner == "" {
		owner = family
	}
	if err := Lock(ctx, tx, owner); err != nil {
		return Tokens{}, err
	}
	var until time.Time
	var used, revoked *time.Time
	err = tx.QueryRow(ctx, `
		SELECT refresh_until, refreshed_at, revoked_at
		FROM sessions
		WHERE session_id = $1`, id).Scan(&until, &used, &revoked)
	switch {
	case err != nil:
		return Tokens{}, fmt.Errorf("read session: %w", err)
	case revoked != nil || !until.After(tx.Now):
		return Tokens{}, errRefresh
	case used != nil && tx.Now.Sub(*used) < grace:
		return Tokens{}, fault.New(fault.Conflict, "this refresh token was used a moment ago; go on with the tokens that were given for it")
	case used != nil:
		if _, err := tx.Exec(ctx, `UPDATE sessions SET revoked_at = $2 WHERE family = $1 AND revoked_at IS NULL`, family, tx.Now); err != nil {
			return Tokens{}, fmt.Errorf("end the stolen session: %w", err)
		}
		return Tokens{}, txn.Keep(errRefresh)
	}
	if _, err := tx.Exec(ctx, `UPDATE sessions SET refreshed_at = $2 WHERE session_id = $1`, id, tx.Now); err != nil {
		return Tokens{}, fmt.Errorf("use up the refresh token: %w", err)
	}
	return issue(ctx, tx, family, customerID)
}
