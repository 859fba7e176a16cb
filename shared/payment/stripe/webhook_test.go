package stripe_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/rackless/rackless/shared/payment/stripe"
)

const (
	oldSecret = "whsec_old"
	newSecret = "whsec_new"
)

var body = []byte(`{"id":"evt_1","object":"event","type":"payment_intent.succeeded"}`)

// header is what Stripe's own library signs.
func header(at time.Time, secrets ...string) string {
	h := fmt.Sprintf("t=%d", at.Unix())
	for _, s := range secrets {
		h += ",v1=" + hex.EncodeToString(webhook.ComputeSignature(at, body, s))
	}
	return h
}

func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	both := []string{newSecret, oldSecret}
	for name, tc := range map[string]struct {
		body    []byte
		header  string
		secrets []string
		want    error
	}{
		"signed":                     {body, header(now, newSecret), []string{newSecret}, nil},
		"signed_twice":               {body, header(now, oldSecret, newSecret), []string{newSecret}, nil},
		"signed_with_the_old_secret": {body, header(now, oldSecret), both, nil},
		"other_schemes":              {body, header(now, newSecret) + ",v0=" + strings.Repeat("0", 64) + ",x", []string{newSecret}, nil},
		"at_the_limit":               {body, header(now.Add(-stripe.Tolerance), newSecret), []string{newSecret}, nil},
		"too_old":                    {body, header(now.Add(-stripe.Tolerance-time.Second), newSecret), []string{newSecret}, stripe.ErrTooOld},
		"another_secret":             {body, header(now, oldSecret), []string{newSecret}, stripe.ErrSignature},
		"no_secret":                  {body, header(now, ""), []string{""}, stripe.ErrSignature},
		"no_secrets":                 {body, header(now, newSecret), nil, stripe.ErrSignature},
		"another_body":               {append([]byte(" "), body...), header(now, newSecret), []string{newSecret}, stripe.ErrSignature},
		"another_time":               {body, strings.Replace(header(now, newSecret), "t=", "t=1", 1), []string{newSecret}, stripe.ErrSignature},
		"v0_only":                    {body, strings.Replace(header(now, newSecret), "v1", "v0", 1), []string{newSecret}, stripe.ErrSignature},
		"no_time":                    {body, strings.Replace(header(now, newSecret), "t=", "u=", 1), []string{newSecret}, stripe.ErrSignature},
		"no_header":                  {body, "", []string{newSecret}, stripe.ErrSignature},
		"no_hex":                     {body, fmt.Sprintf("t=%d,v1=zz", now.Unix()), []string{newSecret}, stripe.ErrSignature},
		"empty_signature":            {body, fmt.Sprintf("t=%d,v1=", now.Unix()), []string{newSecret}, stripe.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := stripe.VerifyWebhook(tc.body, tc.header, now, tc.secrets...); !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
		})
	}
}

func FuzzVerifyWebhook(f *testing.F) {
	f.Add(body, header(now, newSecret))
	f.Add(body, "t=,v1=,,=")
	f.Fuzz(func(t *testing.T, data []byte, h string) {
		err := stripe.VerifyWebhook(data, h, now, newSecret)
		if theirs := webhook.ValidatePayloadIgnoringTolerance(data, h, newSecret); err == nil && theirs != nil && !errors.Is(theirs, webhook.ErrInvalidHeader) {
			t.Errorf("%q, %q: accepted, but Stripe's library says %v", data, h, theirs)
		}
	})
}
