package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/ebay/client"
)

func TestChallenge(t *testing.T) {
	t.Parallel()
	got := client.Challenge("a1b2c3", strings.Repeat("x", 32), "https://shop.example/hooks/ebay")
	if want := "035620ad89def5e478c7dcbca5d4c4b953d86c4ec7c0856ecccc84eacf8e05ac"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := client.PublicKey{Key: "-----BEGIN PUBLIC KEY-----" + base64.StdEncoding.EncodeToString(der) + "-----END PUBLIC KEY-----", Digest: "SHA1"}
	body := []byte(`{"metadata":{"topic":"MARKETPLACE_ACCOUNT_DELETION"}}`)
	sum := sha1.Sum(body)
	signature, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	header := func(kid string) string {
		return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"ecdsa","kid":%q,"signature":%q,"digest":"SHA1"}`, kid, base64.StdEncoding.EncodeToString(signature)))
	}
	keys := func(_ context.Context, id string) (client.PublicKey, error) {
		if id != "k1" {
			return client.PublicKey{}, errors.New("no such key")
		}
		return public, nil
	}
	if err := client.Verify(t.Context(), header("k1"), body, keys); err != nil {
		t.Errorf("genuine: %v", err)
	}
	for name, err := range map[string]error{
		"altered":     client.Verify(t.Context(), header("k1"), append([]byte(" "), body...), keys),
		"unknown key": client.Verify(t.Context(), header("k2"), body, keys),
		"no header":   client.Verify(t.Context(), "", body, keys),
		"no base64":   client.Verify(t.Context(), "{}", body, keys),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
