package session

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// The attempts that a name allows, known or unknown: 10 in 15 minutes
// (CommerceRack counted none; NIST SP 800-63B, §5.2.2 demands a bound).
const (
	attempts      = 10
	attemptPeriod = 15 * time.Minute
)

// Attempt spends one attempt to prove to be the person behind an e-mail address,
// wherever it comes from. It holds only if the transaction commits: refuse a wrong
// password with txn.Keep. When the attempts are used up, it refuses with kind
// TooMany, for known and unknown addresses alike.
func Attempt(ctx context.Context, tx *txn.Tx, email string) error {
	wait, err := auth.Throttle(ctx, tx, attemptKey(email), attempts, attemptPeriod, tx.Now)
	if err != nil || wait <= 0 {
		return err
	}
	seconds := int(math.Ceil(wait.Seconds()))
	return fault.New(fault.TooMany, "too many attempts with this e-mail address; try again in %d seconds", seconds).With("retry_after", seconds)
}

// Forgive gives the attempts back to who has proved it.
func Forgive(ctx context.Context, tx *txn.Tx, email string) error {
	_, err := tx.Exec(ctx, `DELETE FROM rate_limits WHERE shop_id = $1 AND key = $2`, tx.Shop, attemptKey(email))
	if err != nil {
		return fmt.Errorf("forgive attempts: %w", err)
	}
	return nil
}

// attemptKey does not show the address to who reads the table.
func attemptKey(email string) string {
	return "password " + hex.EncodeToString(auth.Hash(strings.ToLower(email)))
}
