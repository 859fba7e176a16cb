// Package seal keeps a shop's secrets in the database without trusting it with
// them: they are encrypted under a key that only the functions have which use
// them. Whoever reads the tables, or a backup of them, has nothing.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/rackless/rackless/shared/fault"
)

// keySize is that of AES-256, in bytes.
const keySize = 32

// idSize is how many bytes of a key's SHA-256 go before what it has sealed, so
// that the key is known which opens it.
const idSize = 4

// Keys seal with the first key and open with any: to change the key, put the new
// one in front, and take the old one away once nothing is sealed under it. The
// zero value has none and refuses both with kind Unavailable.
type Keys struct{ keys []key }

type key struct {
	id   []byte
	aead cipher.AEAD
}

// Parse returns the keys of a text: base64 of 32 random bytes each, separated by
// commas. An empty text is no key. An error never quotes the text.
func Parse(text string) (Keys, error) {
	var k Keys
	if text == "" {
		return k, nil
	}
	for i, part := range strings.Split(text, ",") {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil || len(raw) != keySize {
			return Keys{}, fmt.Errorf("key %d is not the base64 of %d bytes: make one with openssl rand -base64 %d", i+1, keySize, keySize)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return Keys{}, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return Keys{}, err
		}
		hash := sha256.Sum256(raw)
		k.keys = append(k.keys, key{hash[:idSize], aead})
	}
	return k, nil
}

// String and GoString keep the keys out of texts and logs.
func (Keys) String() string   { return "keys" }
func (Keys) GoString() string { return "keys" }

func (k Keys) check() error {
	if len(k.keys) == 0 {
		return fault.New(fault.Unavailable, "secrets cannot be kept or read: CREDENTIALS_KEY is not set")
	}
	return nil
}

// Seal encrypts a secret with AES-256-GCM. place says where it is kept, such as
// the shop and the row: sealed for one place, it opens in no other.
func (k Keys) Seal(secret []byte, place string) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	first := k.keys[0]
	return first.aead.Seal(bytes.Clone(first.id), nil, secret, []byte(place)), nil
}

// Open returns what was sealed for that place, or an error if it was sealed for
// another, altered, or sealed under a key that is not there.
func (k Keys) Open(sealed []byte, place string) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	if len(sealed) < idSize {
		return nil, errors.New("what is sealed is too short")
	}
	for _, key := range k.keys {
		if !bytes.Equal(key.id, sealed[:idSize]) {
			continue
		}
		secret, err := key.aead.Open(nil, nil, sealed[idSize:], []byte(place))
		if err != nil {
			return nil, errors.New("what is sealed was altered or belongs elsewhere")
		}
		return secret, nil
	}
	return nil, errors.New("the key under which it was sealed is not in CREDENTIALS_KEY")
}
