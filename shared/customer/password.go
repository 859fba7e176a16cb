package customer

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// hashing is argon2id with 19 MiB, 2 passes and 1 lane, the least that OWASP's
// password storage cheat sheet recommends. Hashing happens inside transactions,
// so a function never hashes more at once than it has database connections, and
// stays within its memory while many register or log in.
var hashing = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// nobodysHash is the hash, with the parameters of hashing, of a password that
// nobody knows: to compare with it takes as long as with a customer's.
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$5/O17aQU07nfEANS7gkd3w$5YQiy6JfLTiUu/SP9YDRDKUpdjv5W+p8g5Azo3OMtXY"

func checkPassword(f *fault.Fields, password string) {
	n := utf8.RuneCountInString(password)
	f.Check(n >= 8 && n <= maxPassword, "/password", "must have 8 to %d characters", maxPassword)
}

const maxPassword = 200

func hashPassword(password string) (string, error) {
	hash, err := argon2id.CreateHash(password, hashing)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	return hash, nil
}

// account is what a log-in is decided by.
type account struct {
	ID     string  `db:"customer_id"`
	Hash   *string `db:"password_hash"`
	Locked bool    `db:"locked"`
}

// authenticate returns the account whose e-mail address and password these are,
// false if there is none or it is locked. It takes as long whatever the reason.
func authenticate(ctx context.Context, tx *txn.Tx, email, password string) (account, bool, error) {
	rows, err := tx.Query(ctx, `
		SELECT customer_id, password_hash, locked
		FROM customers
		WHERE shop_id = $1 AND email_key = lower($2) AND erased_at IS NULL`, tx.Shop, email)
	if err != nil {
		return account{}, false, fmt.Errorf("find account: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[account])
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return account{}, false, fmt.Errorf("find account: %w", err)
	}
	hash := nobodysHash
	if a.Hash != nil {
		hash = *a.Hash
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return account{}, false, fmt.Errorf("verify the password: %w", err)
	}
	return a, ok && a.Hash != nil && !a.Locked, nil
}
