package authorizenet_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	simulator "github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/authorizenet"
)

// TestVerifyWebhook takes a webhook from the simulator and alters it.
func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	var body []byte
	var header string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		header = r.Header.Get("X-ANET-Signature")
	}))
	defer receiver.Close()
	key := strings.Repeat("0123456789ABCDEF", 8)
	s := simulator.New(simulator.Options{LoginID: "login", TransactionKey: "key", SignatureKey: key, Webhooks: []string{receiver.URL}})
	server := httptest.NewServer(s)
	defer server.Close()
	gateway := authorizenet.New(authorizenet.Config{URL: server.URL + simulator.Path}, authorizenet.Credentials{Login: "login", TransactionKey: "key"}, nil, clock.System{})
	op := operation(payment.Charge, func(op *payment.Operation) { op.Token = stored(t, server.URL+simulator.Path) })
	if o, err := gateway.Execute(t.Context(), op); err != nil || o.State != payment.Succeeded {
		t.Fatalf("charge: %+v, %v", o, err)
	}
	if s.Deliver(t.Context()) == 0 || header == "" {
		t.Fatal("no webhook came")
	}
	for name, tc := range map[string]struct {
		body        []byte
		header, key string
		want        error
	}{
		"signed":          {body, header, key, nil},
		"lower_case":      {body, strings.ToLower(header), key, nil},
		"another_body":    {append([]byte(" "), body...), header, key, authorizenet.ErrSignature},
		"another_key":     {body, header, strings.ToLower(key), authorizenet.ErrSignature},
		"no_key":          {body, header, "", authorizenet.ErrSignature},
		"no_header":       {body, "", key, authorizenet.ErrSignature},
		"half":            {body, header[:60], key, authorizenet.ErrSignature},
		"empty":           {body, "sha512=", key, authorizenet.ErrSignature},
		"other_algorithm": {body, strings.Replace(header, "sha512", "sha256", 1), key, authorizenet.ErrSignature},
	} {
		if err := authorizenet.VerifyWebhook(tc.body, tc.header, tc.key); !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", name, err, tc.want)
		}
	}
}
