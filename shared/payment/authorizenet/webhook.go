package authorizenet

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"strings"
)

// ErrSignature is the reason for which a webhook is not believed.
var ErrSignature = errors.New("the X-ANET-Signature header has no valid signature of the body")

// VerifyWebhook checks that body, exactly as it was received, was signed with one
// of the account's signature keys, which are used as they are shown: as text. The
// signature has no date, so the caller must handle a notification id once, and
// read the transaction itself: the body is a hint.
func VerifyWebhook(body []byte, header string, keys ...string) error {
	algorithm, digest, _ := strings.Cut(header, "=")
	got, err := hex.DecodeString(digest)
	if err != nil || !strings.EqualFold(algorithm, "sha512") {
		return ErrSignature
	}
	for _, key := range keys {
		mac := hmac.New(sha512.New, []byte(key))
		mac.Write(body)
		if key != "" && hmac.Equal(got, mac.Sum(nil)) {
			return nil
		}
	}
	return ErrSignature
}
