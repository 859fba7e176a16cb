package seal_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/seal"
)

func text(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

func keys(t *testing.T, texts ...string) seal.Keys {
	t.Helper()
	k, err := seal.Parse(strings.Join(texts, ","))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedOpensInItsPlaceOnly(t *testing.T) {
	t.Parallel()
	k := keys(t, text(1))
	secret := []byte("sk_live_secret")
	sealed, err := k.Seal(secret, "shp_a stripe")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, secret[:4]) {
		t.Error("the secret can be read")
	}
	if again, _ := k.Seal(secret, "shp_a stripe"); bytes.Equal(again, sealed) {
		t.Error("the same secret is sealed alike twice")
	}
	if got, err := k.Open(sealed, "shp_a stripe"); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("opened as %q, %v", got, err)
	}
	if _, err := k.Open(sealed, "shp_b stripe"); err == nil {
		t.Error("it opens in another place")
	}
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		if _, err := k.Open(altered, "shp_a stripe"); err == nil {
			t.Errorf("it opens with byte %d altered", i)
		}
		if _, err := k.Open(sealed[:i], "shp_a stripe"); err == nil {
			t.Errorf("it opens when cut off after %d bytes", i)
		}
	}
}

func TestKeysCanBeChanged(t *testing.T) {
	t.Parallel()
	before, between, after := keys(t, text(1)), keys(t, text(2), text(1)), keys(t, text(2))
	old, err := before.Seal([]byte("secret"), "p")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := between.Open(old, "p"); err != nil || string(got) != "secret" {
		t.Errorf("with the old key second: %q, %v", got, err)
	}
	if _, err := after.Open(old, "p"); err == nil {
		t.Error("it opens without its key")
	}
	fresh, err := between.Seal([]byte("secret"), "p")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.Open(fresh, "p"); err != nil {
		t.Errorf("sealed with the new key in front, it does not open with it: %v", err)
	}
}

func TestWithoutKey(t *testing.T) {
	t.Parallel()
	k := keys(t, "")
	if _, err := k.Seal([]byte("secret"), "p"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("seal: %v, want it unavailable", err)
	}
	if _, err := k.Open([]byte("something"), "p"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("open: %v, want it unavailable", err)
	}
}

func TestBadKeysAreNotQuoted(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"hunter2", text(1) + ",hunter2", base64.StdEncoding.EncodeToString([]byte("hunter2")), text(1) + ","} {
		_, err := seal.Parse(bad)
		if err == nil {
			t.Errorf("%q is taken", bad)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error quotes the key: %v", err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", keys(t, text(1)), keys(t, text(1)), keys(t, text(1))); s != "keys keys keys" {
		t.Errorf("printed as %s", s)
	}
}
