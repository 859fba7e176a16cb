// Package idem makes writes repeatable: a client that sends the same
// Idempotency-Key again, because it did not hear the reply, gets the same bytes
// again and causes nothing twice (IETF draft "The Idempotency-Key HTTP Header
// Field"). The record is written in the transaction of the effect.
package idem

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// lease is how long a claim counts as in flight. It outlasts every request, so
// a claim that is older was left by a process that died.
const lease = 2 * time.Minute

// Key identifies one intended effect of one caller.
type Key struct {
	hash    []byte // where it is kept
	request []byte // what was asked
	seal    []byte // opens the reply; not kept anywhere
}

// NewKey returns the key of a request. owner is the caller, as stable as the
// caller is: tokens change, their owner does not. The stored reply can be read
// only by who knows the client's key.
func NewKey(owner, operation, clientKey string, request []byte) (Key, error) {
	if len(clientKey) < 1 || len(clientKey) > 255 {
		return Key{}, fault.New(fault.Invalid, "Idempotency-Key must have 1 to 255 characters")
	}
	digest := func(parts ...string) []byte {
		h := sha256.New()
		for _, p := range parts {
			fmt.Fprintf(h, "%d:%s", len(p), p)
		}
		return h.Sum(nil)
	}
	sum := sha256.Sum256(request)
	return Key{
		hash:    digest("key", owner, operation, clientKey),
		request: sum[:],
		seal:    digest("seal", owner, operation, clientKey),
	}, nil
}

// Name is stable for the intended effect: what a step derives its ids from, so
// that it finds what an earlier attempt began. It cannot be guessed from outside
// the caller.
func (k Key) Name() string { return hex.EncodeToString(k.hash) }

// Reply is what was answered.
type Reply struct {
	Status int
	Header []byte
	Body   []byte
}

// Claim takes the key within a transaction. If the effect has happened, it
// returns the reply that was given; nil means: go on, also when a process that
// took the key before died and never replied. It refuses with Conflict while
// another request with the key is in flight, and with Unprocessable when the key
// was used for another request.
func (k Key) Claim(ctx context.Context, tx *txn.Tx) (*Reply, error) {
	var outcome string
	var status *int
	var header, body []byte
	err := tx.QueryRow(ctx, `SELECT outcome, status, header, reply FROM claim_key($1, $2, $3, $4)`,
		k.hash, k.request, tx.Now, lease).Scan(&outcome, &status, &header, &body)
	if err != nil {
		return nil, fmt.Errorf("claim the idempotency key: %w", err)
	}
	switch outcome {
	case "new", "resume":
		return nil, nil
	case "in_flight":
		return nil, fault.New(fault.Conflict, "a request with this Idempotency-Key is still being handled; try again shortly")
	case "mismatch":
		return nil, fault.New(fault.Unprocessable, "this Idempotency-Key was used for another request; use a new key")
	}
	opened, err := k.open(body)
	if err != nil {
		return nil, fault.From(fault.Unprocessable, err, "this Idempotency-Key cannot open the recorded reply; use a new key")
	}
	return &Reply{Status: *status, Header: header, Body: opened}, nil
}

const finish = `
	UPDATE idempotency
	SET status = $2, header = $3, reply = $4
	WHERE shop_id = current_shop() AND key_hash = $1 AND status IS NULL`

// Finish records the reply in the transaction of the effect, which has claimed the
// key itself and so holds its row.
func (k Key) Finish(tx *txn.Tx, r Reply) error {
	sealed, err := k.sealed(r.Body)
	if err != nil {
		return fmt.Errorf("seal the reply: %w", err)
	}
	tx.Later(finish, k.hash, r.Status, r.Header, sealed)
	return nil
}

// FinishClaimed records the reply in the transaction of the effect, when the key was
// claimed in one before. It refuses with Conflict if somebody else has taken the key
// up since and answered.
func (k Key) FinishClaimed(ctx context.Context, tx *txn.Tx, r Reply) error {
	sealed, err := k.sealed(r.Body)
	if err != nil {
		return fmt.Errorf("seal the reply: %w", err)
	}
	tag, err := tx.Exec(ctx, finish, k.hash, r.Status, r.Header, sealed)
	if err != nil {
		return fmt.Errorf("record the reply: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "a request with this Idempotency-Key has been answered meanwhile; send it again for the answer")
	}
	return nil
}

// Forget takes back a committed claim whose request was refused: it had no effect,
// and the key is as if never used.
func (k Key) Forget(ctx context.Context, tx *txn.Tx) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM idempotency
		WHERE shop_id = current_shop() AND key_hash = $1 AND status IS NULL`, k.hash)
	if err != nil {
		return fmt.Errorf("forget the idempotency key: %w", err)
	}
	return nil
}

// Release gives up a committed claim whose request may have had an effect: the
// next request with the key takes it up again at once.
func (k Key) Release(ctx context.Context, tx *txn.Tx) error {
	_, err := tx.Exec(ctx, `
		UPDATE idempotency
		SET lease_until = $2
		WHERE shop_id = current_shop() AND key_hash = $1 AND status IS NULL`, k.hash, tx.Now)
	if err != nil {
		return fmt.Errorf("release the idempotency key: %w", err)
	}
	return nil
}

func (k Key) sealed(plain []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	return aead.Seal(nonce, nonce, plain, k.hash), nil
}

func (k Key) open(sealed []byte) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("sealed reply is too short")
	}
	nonce, rest := sealed[:aead.NonceSize()], sealed[aead.NonceSize():]
	return aead.Open(nil, nonce, rest, k.hash)
}

func (k Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.seal)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
