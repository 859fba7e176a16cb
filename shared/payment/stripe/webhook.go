package stripe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how old a signature may be.
const Tolerance = 5 * time.Minute

// The reasons for which a webhook is not believed.
var (
	ErrSignature = errors.New("the Stripe-Signature header has no valid signature of the body")
	ErrTooOld    = errors.New("the signature of the webhook is too old")
)

// VerifyWebhook checks that body, exactly as it was received, was signed by
// Stripe with one of the endpoint's secrets ("whsec_…"; two while a secret is
// replaced). Signatures older than Tolerance are refused; that an event is
// handled once is up to the caller. Nothing of the body may be used before.
func VerifyWebhook(body []byte, header string, now time.Time, secrets ...string) error {
	var stamp string
	var signatures [][]byte
	for field := range strings.SplitSeq(header, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(field), "="); name {
		case "t":
			stamp = value
		case "v1":
			if mac, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, mac)
			}
		}
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || !signed(body, stamp, signatures, secrets) {
		return ErrSignature
	}
	if now.Sub(time.Unix(at, 0)) > Tolerance {
		return ErrTooOld
	}
	return nil
}

func signed(body []byte, stamp string, signatures [][]byte, secrets []string) bool {
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, s := range signatures {
			if hmac.Equal(s, want) {
				return true
			}
		}
	}
	return false
}
