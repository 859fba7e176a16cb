package post

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/webhook"
)

func TestOnlyPublicAddressesAreReached(t *testing.T) {
	t.Parallel()
	for address, public := range map[string]bool{
		"93.184.216.34:443": true, "[2606:2800:220:1:248:1893:25c8:1946]:443": true, "8.8.8.8:443": true,
		"127.0.0.1:443": false, "[::1]:443": false, "10.1.2.3:443": false, "172.16.0.1:443": false, "192.168.1.1:443": false, "169.254.169.254:80": false,
		"[fe80::1%eth0]:443": false, "[fd00::1]:443": false, "100.64.0.1:443": false, "0.0.0.0:443": false, "[::]:443": false, "224.0.0.1:443": false,
		"255.255.255.255:443": false, "[::ffff:10.0.0.1]:443": false, "[::ffff:127.0.0.1]:443": false, "[64:ff9b::a00:1]:443": false, "[2002:a00:1::]:443": false,
		"198.18.0.1:443": false, "240.0.0.1:443": false, "[2001:db8::1]:443": false, "[ff02::1]:443": false, "nonsense": false,
	} {
		if err := refuseInternal(address); (err == nil) != public {
			t.Errorf("%s: %v, want public %v", address, err, public)
		}
	}
}

// The address that a name leads to is what counts, and a redirect is not followed.
func TestNothingWithinTheHouseIsReached(t *testing.T) {
	t.Parallel()
	reached := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	t.Cleanup(inside.Close)
	for _, url := range []string{inside.URL, strings.Replace(inside.URL, "127.0.0.1", "localhost", 1)} {
		_, err := New(Config{Timeout: 5 * time.Second})(t.Context(), webhook.Message{URL: url})
		if err == nil || reached > 0 {
			t.Errorf("%s was reached", url)
		}
	}
	redirect := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
	t.Cleanup(redirect.Close)
	r, err := New(Config{Timeout: 5 * time.Second, Insecure: true})(t.Context(), webhook.Message{URL: redirect.URL})
	if err != nil || r.Status != http.StatusTemporaryRedirect || reached > 0 {
		t.Errorf("the redirect ended as %+v, %v; %d requests within", r, err, reached)
	}
}
