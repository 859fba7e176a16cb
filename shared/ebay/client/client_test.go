package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/ebay/client"
)

// site is an eBay that answers as a test tells it.
type site struct {
	mu      sync.Mutex
	grants  int             // tokens given
	revoked map[string]bool // refresh tokens
	calls   []string        // bodies of the bulk calls
	answer  func(n int, w http.ResponseWriter, body string)
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path == "/identity/v1/oauth2/token" {
		id, secret, _ := r.BasicAuth()
		form := string(body)
		for token := range s.revoked {
			if strings.Contains(form, token) {
				w.WriteHeader(http.StatusBadRequest)
				io.WriteString(w, `{"error":"invalid_grant","error_description":"revoked"}`)
				return
			}
		}
		if id != "app" || secret != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"error":"invalid_client"}`)
			return
		}
		s.grants++
		fmt.Fprintf(w, `{"access_token":"access-%d","expires_in":7200,"token_type":"User Access Token"}`, s.grants)
		return
	}
	s.calls = append(s.calls, string(body))
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", s.grants) || r.Header.Get("Content-Language") != "en-US" || r.Header.Get("X-EBAY-C-MARKETPLACE-ID") != "EBAY_US" {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"errors":[{"errorId":1001,"message":"Invalid access token"}]}`)
		return
	}
	s.answer(len(s.calls), w, string(body))
}

// succeed answers a bulk call: every row of it is done.
func succeed(_ int, w http.ResponseWriter, body string) {
	var in struct {
		Requests []struct {
			SKU    string
			Offers []struct{ OfferID string }
		}
	}
	json.Unmarshal([]byte(body), &in)
	var rows []string
	for _, r := range in.Requests {
		rows = append(rows, fmt.Sprintf(`{"sku":%q,"statusCode":200},{"sku":%q,"offerId":%q,"statusCode":200}`, r.SKU, r.SKU, r.Offers[0].OfferID))
	}
	fmt.Fprintf(w, `{"responses":[%s]}`, strings.Join(rows, ","))
}

func refuse(status int, ids ...int) func(int, http.ResponseWriter, string) {
	return func(_ int, w http.ResponseWriter, _ string) {
		var details []string
		for _, id := range ids {
			details = append(details, fmt.Sprintf(`{"errorId":%d,"message":"no"}`, id))
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":[%s]}`, strings.Join(details, ","))
	}
}

func start(t *testing.T, s *site) (*client.App, *clock.Manual, *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	now := clock.NewManual(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC))
	app := client.New(client.Config{URL: server.URL, ClientID: "app", ClientSecret: "secret", RuName: "shop-ru", Timeout: 10 * time.Second, Pause: time.Second}, now, nil)
	pauses := &[]time.Duration{}
	app.RecordPauses(pauses)
	return app, now, pauses
}

func changes(n int) []client.Change {
	all := make([]client.Change, n)
	for i := range all {
		all[i] = client.Change{SKU: fmt.Sprintf("SKU-%d", i), OfferID: fmt.Sprint(9000 + i), Quantity: new(int64(i))}
	}
	return all
}

// A change of 5,000 SKUs costs the 200 calls that the bulk limit requires.
func TestSetStockCostsNoMoreCallsThanTheLimitRequires(t *testing.T) {
	t.Parallel()
	s := &site{answer: succeed}
	app, _, _ := start(t, s)
	for i, r := range app.Seller("r", "EBAY_US").SetStock(t.Context(), changes(5000)) {
		if r.Err != nil || r.SKU != fmt.Sprintf("SKU-%d", i) {
			t.Fatalf("result %d: %+v", i, r)
		}
	}
	if len(s.calls) != 200 {
		t.Errorf("%d calls, want 200", len(s.calls))
	}
	if s.grants != 1 {
		t.Errorf("%d tokens were asked for, want 1", s.grants)
	}
}

func TestPartialSuccessIsJudgedEntryByEntry(t *testing.T) {
	t.Parallel()
	s := &site{answer: func(_ int, w http.ResponseWriter, _ string) {
		w.WriteHeader(http.StatusMultiStatus)
		io.WriteString(w, `{"responses":[
			{"sku":"SKU-2","statusCode":200},{"sku":"SKU-2","offerId":"9002","statusCode":400,"errors":[{"errorId":25004,"message":"quantity"}]},
			{"sku":"SKU-0","statusCode":200},{"sku":"SKU-0","offerId":"9000","statusCode":200,"warnings":[{"errorId":25402,"message":"notice"}]},
			{"offerId":"9001","statusCode":500,"errors":[{"errorId":25001,"message":"fault"}]}]}`)
	}}
	app, _, _ := start(t, s)
	got := app.Seller("r", "EBAY_US").SetStock(t.Context(), changes(4))
	if got[0].Err != nil || len(got[0].Warnings) != 1 {
		t.Errorf("the first succeeded with a warning: %+v", got[0])
	}
	for i, want := range map[int]client.Class{1: client.Retry, 2: client.Fix, 3: client.Retry} {
		var e *client.Error
		if !errors.As(got[i].Err, &e) || e.Class != want {
			t.Errorf("change %d: %v, want class %v", i, got[i].Err, want)
		}
	}
}

func TestBackOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer func(int, http.ResponseWriter, string)
		least  []time.Duration // pauses are at least these, and at most twice as long
	}{
		{"twice 503", func(n int, w http.ResponseWriter, body string) {
			if n <= 2 {
				w.WriteHeader(http.StatusServiceUnavailable)
				io.WriteString(w, "<html>")
				return
			}
			succeed(n, w, body)
		}, []time.Duration{500 * time.Millisecond, time.Second}},
		{"429 with Retry-After", func(n int, w http.ResponseWriter, body string) {
			if n == 1 {
				w.Header().Set("Retry-After", "7")
				refuse(http.StatusTooManyRequests, 2001)(n, w, body)
				return
			}
			succeed(n, w, body)
		}, []time.Duration{7 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &site{answer: c.answer}
			app, _, pauses := start(t, s)
			if err := app.Seller("r", "EBAY_US").PutGroup(t.Context(), "G", client.Group{}); err != nil {
				t.Fatal(err)
			}
			if len(*pauses) != len(c.least) {
				t.Fatalf("pauses %v, want %d", *pauses, len(c.least))
			}
			for i, p := range *pauses {
				if p < c.least[i] || p > 2*c.least[i] {
					t.Errorf("pause %d is %v, want %v to twice that", i, p, c.least[i])
				}
			}
		})
	}
}

// A quota that is used up ends the run: the rest would be refused as well.
func TestQuotaStopsTheRest(t *testing.T) {
	t.Parallel()
	s := &site{answer: func(n int, w http.ResponseWriter, body string) {
		w.Header().Set("Retry-After", "3600")
		refuse(http.StatusTooManyRequests, 2001)(n, w, body)
	}}
	app, _, pauses := start(t, s)
	got := app.Seller("r", "EBAY_US").SetStock(t.Context(), changes(60))
	if len(got) != 60 || len(s.calls) != 1 || len(*pauses) != 0 {
		t.Fatalf("%d results, %d calls, pauses %v; want 60, 1, none", len(got), len(s.calls), *pauses)
	}
	var e *client.Error
	if !errors.As(got[59].Err, &e) || e.Class != client.Retry || e.Wait != time.Hour {
		t.Errorf("the last: %+v, want retry after an hour", got[59].Err)
	}
}

func TestRevokedConsentStopsThatAccountOnly(t *testing.T) {
	t.Parallel()
	s := &site{answer: succeed, revoked: map[string]bool{"gone": true}}
	app, _, _ := start(t, s)
	gone, other := app.Seller("gone", "EBAY_US"), app.Seller("good", "EBAY_US")
	for range 2 {
		r := gone.SetStock(t.Context(), changes(30))
		var e *client.Error
		if !errors.As(r[29].Err, &e) || e.Class != client.Account || !strings.Contains(e.Error(), "connect the account again") {
			t.Fatalf("revoked: %v", r[29].Err)
		}
	}
	if len(s.calls) != 0 {
		t.Errorf("%d calls were made without a token", len(s.calls))
	}
	if r := other.SetStock(t.Context(), changes(1)); r[0].Err != nil {
		t.Errorf("the other account: %v", r[0].Err)
	}
}

func TestWrongApplicationKeysAreNotTheSellersFault(t *testing.T) {
	t.Parallel()
	s := &site{answer: succeed}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	app := client.New(client.Config{URL: server.URL, ClientID: "app", ClientSecret: "wrong"}, clock.System{}, nil)
	var e *client.Error
	if err := app.Seller("r", "EBAY_US").SetStock(t.Context(), changes(1))[0].Err; !errors.As(err, &e) || e.Class != client.Fix || strings.Contains(err.Error(), "wrong") {
		t.Errorf("%v", err)
	}
}

func TestTokenIsRenewedEarlyAndOnceAfterARefusal(t *testing.T) {
	t.Parallel()
	s := &site{answer: succeed}
	app, now, _ := start(t, s)
	seller := app.Seller("r", "EBAY_US")
	set := func() error { return seller.SetStock(t.Context(), changes(1))[0].Err }
	for _, step := range []struct {
		advance time.Duration
		want    int
	}{{0, 1}, {114 * time.Minute, 1}, {2 * time.Minute, 2}} {
		now.Advance(step.advance)
		if err := set(); err != nil || s.grants != step.want {
			t.Fatalf("%v later: %v, %d tokens, want %d", step.advance, err, s.grants, step.want)
		}
	}
	s.grants += 5 // the access token is no longer the one that eBay knows
	if err := set(); err != nil || s.grants != 8 {
		t.Errorf("after a 401: %v, %d", err, s.grants)
	}
	s.answer = refuse(http.StatusUnauthorized, 1001)
	var e *client.Error
	if err := set(); !errors.As(err, &e) || e.Class != client.Account {
		t.Errorf("401 again after renewal: %v, want account", err)
	}
}

func TestExchangeAndConsent(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ParseForm(); r.PostForm.Get("grant_type") != "authorization_code" || r.PostForm.Get("code") != "v^1.1#x" || r.PostForm.Get("redirect_uri") != "shop-ru" {
			t.Errorf("form %v", r.PostForm)
		}
		io.WriteString(w, `{"access_token":"a","expires_in":7200,"refresh_token":"v^1.1#r","refresh_token_expires_in":47304000}`)
	}))
	t.Cleanup(server.Close)
	now := clock.NewManual(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC))
	app := client.New(client.Config{URL: server.URL, ConsentURL: "https://auth.example/authorize", ClientID: "app", RuName: "shop-ru"}, now, nil)
	g, err := app.Exchange(t.Context(), "v^1.1#x")
	if err != nil || g.RefreshToken != "v^1.1#r" || !g.Expires.Equal(now.Now().Add(47304000*time.Second)) {
		t.Errorf("%v, %v", g.Expires, err)
	}
	if u := app.Consent("st ate"); !strings.HasPrefix(u, "https://auth.example/authorize?") || !strings.Contains(u, "state=st+ate") || !strings.Contains(u, "sell.inventory") {
		t.Errorf("consent at %s", u)
	}
}
