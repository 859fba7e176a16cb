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

// VerifyWebhook checks that body, exactly as it was received, was signed with
// the account's signature key, which is used as it is shown: as text. The
// signature has no date, so the caller must handle a notification id once, and
// read the transaction itself: the body is a hint.
func VerifyWebhook(body []byte, header, signatureKey string) error {
	algorithm, digest, _ := strings.Cut(header, "=")
	got, err := hex.DecodeString(digest)
	if err != nil || signatureKey == "" || !strings.EqualFold(algorithm, "sha512") {
		return ErrSignature
	}
	mac := hmac.New(sha512.New, []byte(signatureKey))
	mac.Write(body)
	if !hmac.Equal(got, mac.Sum(nil)) {
		return ErrSignature
	}
	return nil
}
