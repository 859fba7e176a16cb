package ebay

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The lives of codes and tokens.
const (
	codeLife    = 299 * time.Second
	accessLife  = 7200 * time.Second
	refreshLife = 47_304_000 * time.Second
)

// The scopes that the package knows; publicScope is the bare one.
const (
	publicScope         = "https://api.ebay.com/oauth/api_scope"
	inventoryScope      = publicScope + "/sell.inventory"
	inventoryReadScope  = publicScope + "/sell.inventory.readonly"
	fulfillScope        = publicScope + "/sell.fulfillment"
	fulfillReadScope    = publicScope + "/sell.fulfillment.readonly"
	financesScope       = publicScope + "/sell.finances"
	accountScope        = publicScope + "/sell.account"
	accountReadScope    = publicScope + "/sell.account.readonly"
	disputeScope        = publicScope + "/sell.payment.dispute"
	subscriptionScope   = publicScope + "/commerce.notification.subscription"
	subscriptionRdScope = publicScope + "/commerce.notification.subscription.readonly"
	identityScope       = publicScope + "/commerce.identity.readonly"
)

var allScopes = []string{
	publicScope, inventoryScope, inventoryReadScope, fulfillScope, fulfillReadScope, financesScope, accountScope, accountReadScope, disputeScope,
	subscriptionScope, subscriptionRdScope, identityScope,
}

// grants are the grants of tokens with the calls a day that the vendor allows.
var grants = map[string]int64{"client_credentials": 1_000, "authorization_code": 10_000, "refresh_token": 50_000}

// A consent is what a code or token stands for.
type consent struct {
	scopes      []string
	until       time.Time
	dead        bool // revoked, or used up
	application bool // it is the application's own
}

func (c *consent) has(scope string) bool { return slices.Contains(c.scopes, scope) }

// granted reports whether the keyset has all the scopes.
func (s *Simulator) granted(scopes []string) bool {
	own := s.o.Scopes
	if len(own) == 0 {
		own = allScopes
	}
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(own, scope) })
}

// consentPage is the page on which the seller consents: this seller always does, at
// once, and is sent back; with the parameter refuse they do not.
func (s *Simulator) consentPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	scopes := strings.Fields(q.Get("scope"))
	if q.Get("client_id") != s.o.ClientID || q.Get("redirect_uri") != s.o.RuName || q.Get("response_type") != "code" || len(scopes) == 0 || !s.granted(scopes) {
		http.Error(w, "the consent was not asked for as it must be", http.StatusBadRequest)
		return
	}
	back := s.o.Accept
	if back == "" {
		back = "https://shop.example/ebay/accepted"
	}
	result := url.Values{"state": {q.Get("state")}}
	if q.Has("refuse") {
		result.Set("error", "access_denied")
	} else {
		result.Set("code", s.Grant(scopes...))
		result.Set("expires_in", "299")
	}
	http.Redirect(w, r, back+"?"+result.Encode(), http.StatusFound)
}

// Grant has the seller consent to scopes, all if none is named, and returns the
// code with which eBay would send them back.
func (s *Simulator) Grant(scopes ...string) string {
	if len(scopes) == 0 {
		scopes = allScopes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code := "v^1.1#i^1#" + s.next()
	s.codes[code] = &consent{scopes: scopes, until: s.Clock.Now().Add(codeLife)}
	return code
}

// Revoke has the seller take back all consents; subscribers to that are told.
func (s *Simulator) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.consents {
		c.dead = true
	}
	for _, c := range s.access {
		c.dead = c.dead || !c.application
	}
	s.publish("AUTHORIZATION_REVOCATION", map[string]any{
		"username": sellerName, "userId": sellerID, "eiasToken": sellerToken, "revokeReason": "REVOKED_BY_USER", "revocationDate": stamp(s.Clock.Now()),
	})
}

// A denial is an error of the token endpoint, which has a shape of its own.
type denial struct {
	status      int
	code, cause string
}

func (s *Simulator) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["token"]++
	status, body := http.StatusOK, any(nil)
	tokens, d := s.exchange(r)
	body = tokens
	if d != nil {
		status, body = d.status, map[string]string{"error": d.code, "error_description": d.cause}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

func (s *Simulator) exchange(r *http.Request) (map[string]any, *denial) {
	deny := func(code, cause string) (map[string]any, *denial) {
		return nil, &denial{http.StatusBadRequest, code, cause}
	}
	if r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(s.o.ClientID+":"+s.o.ClientSecret)) {
		return nil, &denial{http.StatusUnauthorized, "invalid_client", "client authentication failed"}
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.ParseForm() != nil {
		return deny("invalid_request", "the request is missing a required parameter or malformed")
	}
	grant, now := r.PostForm.Get("grant_type"), s.Clock.Now()
	limit, known := grants[grant]
	if !known {
		return deny("unsupported_grant_type", "grant type in request is not supported by the authorization server")
	}
	s.turn()
	if s.tokens[grant] >= limit {
		s.refused++
		return nil, &denial{http.StatusTooManyRequests, "temporarily_unavailable", "the daily limit of this grant is reached"}
	}
	s.tokens[grant]++
	scopes := strings.Fields(r.PostForm.Get("scope"))
	out := map[string]any{"expires_in": int(accessLife.Seconds()), "token_type": "User Access Token"}
	token := &consent{until: now.Add(accessLife)}
	switch grant {
	case "authorization_code":
		c := s.codes[r.PostForm.Get("code")]
		switch {
		case r.PostForm.Get("code") == "" || r.PostForm.Get("redirect_uri") == "":
			return deny("invalid_request", "code or redirect_uri is missing")
		case c == nil || c.dead || !now.Before(c.until) || r.PostForm.Get("redirect_uri") != s.o.RuName:
			return deny("invalid_grant", "the provided authorization grant code is invalid or was issued to another client")
		}
		c.dead, token.scopes = true, c.scopes
		refresh := "r^" + s.next()
		s.consents[refresh] = &consent{scopes: c.scopes, until: now.Add(refreshLife)}
		out["refresh_token"], out["refresh_token_expires_in"] = refresh, int(refreshLife.Seconds())
	case "refresh_token":
		c := s.consents[r.PostForm.Get("refresh_token")]
		switch {
		case c == nil || c.dead || !now.Before(c.until):
			return deny("invalid_grant", "the provided authorization refresh token is invalid or was issued to another client")
		case slices.ContainsFunc(scopes, func(x string) bool { return !c.has(x) }):
			return deny("invalid_scope", "the requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client")
		}
		token.scopes = c.scopes
		if len(scopes) > 0 {
			token.scopes = scopes
		}
	default:
		if len(scopes) == 0 || !s.granted(scopes) {
			return deny("invalid_scope", "the requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client")
		}
		out["token_type"] = "Application Access Token"
		token.scopes, token.application = scopes, true
	}
	access := "a^" + s.next()
	s.access[access] = token
	out["access_token"] = access
	return out, nil
}
