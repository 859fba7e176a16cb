package ebay

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The lives of tokens.
const (
	accessLife  = 7200 * time.Second
	refreshLife = 47_304_000 * time.Second
)

// consent is the page on which the seller consents: this seller always does, at
// once, and is sent back.
func (s *Simulator) consent(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != s.o.ClientID || q.Get("redirect_uri") != s.o.RuName || q.Get("response_type") != "code" || q.Get("scope") == "" {
		http.Error(w, "the consent was not asked for as it must be", http.StatusBadRequest)
		return
	}
	code := s.Grant()
	back := s.o.Accept
	if back == "" {
		back = "https://shop.example/ebay/accepted"
	}
	http.Redirect(w, r, back+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "expires_in": {"299"}}.Encode(), http.StatusFound)
}

// Grant has the seller consent and returns the code with which eBay would send
// them back.
func (s *Simulator) Grant() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := "v^1.1#i^1#" + s.next()
	s.codes[code] = true
	return code
}

// Revoke has the seller take back all consents.
func (s *Simulator) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token := range s.consents {
		s.consents[token] = false
	}
	s.access = map[string]time.Time{}
}

func (s *Simulator) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["token"]++
	fail := func(status int, code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": code}) // the client may be gone
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(s.o.ClientID+":"+s.o.ClientSecret))
	if r.Header.Get("Authorization") != basic {
		fail(http.StatusUnauthorized, "invalid_client")
		return
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.ParseForm() != nil {
		fail(http.StatusBadRequest, "invalid_request")
		return
	}
	out := map[string]any{"expires_in": int(accessLife.Seconds()), "token_type": "User Access Token"}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		code := r.PostForm.Get("code")
		if !s.codes[code] || r.PostForm.Get("redirect_uri") != s.o.RuName {
			fail(http.StatusBadRequest, "invalid_grant")
			return
		}
		delete(s.codes, code)
		refresh := "r^" + s.next()
		s.consents[refresh] = true
		out["refresh_token"], out["refresh_token_expires_in"] = refresh, int(refreshLife.Seconds())
	case "refresh_token":
		if !s.consents[r.PostForm.Get("refresh_token")] {
			fail(http.StatusBadRequest, "invalid_grant")
			return
		}
	case "client_credentials":
		out["token_type"] = "Application Access Token"
	default:
		fail(http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	access := "a^" + s.next()
	s.access[access] = s.Clock.Now().Add(accessLife)
	out["access_token"] = access
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // as above
}
