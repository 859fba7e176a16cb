package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha1" // #nosec: eBay signs over SHA-1
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Challenge returns the answer with which an endpoint shows eBay that it is the
// shop's: of the code, the token and the address just as they were registered.
func Challenge(code, verificationToken, endpoint string) string {
	sum := sha256.Sum256([]byte(code + verificationToken + endpoint))
	return hex.EncodeToString(sum[:])
}

// PublicKey is a key with which eBay signs notices.
type PublicKey struct {
	Key    string `json:"key"` // PEM without line breaks
	Digest string `json:"digest"`
}

// Verify says whether eBay has sent a notice: header is X-EBAY-SIGNATURE, body
// what was received, byte for byte. key returns the public key of an id.
func Verify(ctx context.Context, header string, body []byte, key func(ctx context.Context, id string) (PublicKey, error)) error {
	var s struct {
		ID        string `json:"kid"`
		Signature []byte `json:"signature"` // base64 of DER
	}
	text, err := base64.StdEncoding.DecodeString(header)
	if err != nil || json.Unmarshal(text, &s) != nil || s.ID == "" || len(s.ID) > 100 {
		return errors.New("the signature of the notice cannot be read")
	}
	public, err := key(ctx, s.ID)
	if err != nil {
		return fmt.Errorf("find the key of a notice: %w", err)
	}
	curve, err := public.parse()
	if err != nil {
		return err
	}
	var digest []byte
	switch strings.ReplaceAll(strings.ToUpper(public.Digest), "-", "") {
	case "SHA1":
		sum := sha1.Sum(body) // #nosec: as above
		digest = sum[:]
	case "SHA256":
		sum := sha256.Sum256(body)
		digest = sum[:]
	default:
		return fmt.Errorf("eBay signs with %.20q, which is not known", public.Digest)
	}
	if !ecdsa.VerifyASN1(curve, digest, s.Signature) {
		return errors.New("the signature of the notice is wrong")
	}
	return nil
}

func (k PublicKey) parse() (*ecdsa.PublicKey, error) {
	text := strings.TrimPrefix(k.Key, "-----BEGIN PUBLIC KEY-----")
	text = strings.TrimSuffix(strings.TrimSpace(text), "-----END PUBLIC KEY-----")
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("eBay's public key cannot be read")
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("eBay's public key cannot be read")
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("eBay's public key is not one of ECDSA")
	}
	return key, nil
}

// keyTime is how long a public key is believed before it is asked for again.
const keyTime = time.Hour

// keyring remembers the public keys of notices.
type keyring struct {
	mu   sync.Mutex
	keys map[string]remembered
}

type remembered struct {
	PublicKey
	until time.Time
}

// maxKeys bounds the keyring: the ids come with the notices.
const maxKeys = 100

// PublicKey returns the key of an id with which eBay signs notices, from memory if
// it was asked for within the hour.
func (a *App) PublicKey(ctx context.Context, id string) (PublicKey, error) {
	a.keyring.mu.Lock()
	defer a.keyring.mu.Unlock()
	now := a.clock.Now()
	if k, ok := a.keyring.keys[id]; ok && now.Before(k.until) {
		return k.PublicKey, nil
	}
	var k PublicKey
	_, err := a.own().do(ctx, call{method: http.MethodGet, path: "/commerce/notification/v1/public_key/" + url.PathEscape(id), repeatable: true}, &k)
	if err != nil {
		return PublicKey{}, err
	}
	if a.keyring.keys == nil || len(a.keyring.keys) >= maxKeys {
		a.keyring.keys = map[string]remembered{}
	}
	a.keyring.keys[id] = remembered{k, now.Add(keyTime)}
	return k, nil
}
