package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// scopes are what the shop asks a seller's consent for.
var scopes = []string{
	"https://api.ebay.com/oauth/api_scope/sell.inventory",
	"https://api.ebay.com/oauth/api_scope/sell.fulfillment",
	"https://api.ebay.com/oauth/api_scope/sell.account",
	"https://api.ebay.com/oauth/api_scope/commerce.notification.subscription",
}

// Consent returns the page on which a seller lets the shop act for them. eBay
// sends them back with state, which the caller compares with its own.
func (a *App) Consent(state string) string {
	return a.config.ConsentURL + "?" + url.Values{
		"client_id": {a.config.ClientID}, "response_type": {"code"}, "redirect_uri": {a.config.RuName},
		"scope": {strings.Join(scopes, " ")}, "state": {state},
	}.Encode()
}

// Grant is a seller's consent. The refresh token is a secret.
type Grant struct {
	RefreshToken string `json:"-"`
	Expires      time.Time
}

// Exchange returns the consent that a seller came back with as a code, decoded
// from the address. A code works once, for some minutes.
func (a *App) Exchange(ctx context.Context, code string) (Grant, error) {
	t, err := a.grant(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.config.RuName}})
	if err != nil {
		return Grant{}, err
	}
	if t.RefreshToken == "" {
		return Grant{}, &Error{Status: http.StatusOK, Class: Account, cause: errors.New("eBay gave no refresh token")}
	}
	return Grant{t.RefreshToken, a.clock.Now().Add(time.Duration(t.RefreshExpires) * time.Second)}, nil
}

// token returns an access token that is valid for some minutes yet.
func (s *Seller) token(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead != nil {
		return "", s.dead
	}
	if s.access != "" && s.app.clock.Now().Before(s.expires.Add(-renewEarly)) {
		return s.access, nil
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.refresh}}
	if s == s.app.self {
		form = url.Values{"grant_type": {"client_credentials"}, "scope": {"https://api.ebay.com/oauth/api_scope"}}
	}
	t, err := s.app.grant(ctx, form)
	if err != nil {
		var failed *Error
		if errors.As(err, &failed) && failed.Class == Account {
			s.dead = err
		}
		return "", err
	}
	s.access, s.expires = t.AccessToken, s.app.clock.Now().Add(time.Duration(t.Expires)*time.Second)
	return s.access, nil
}

// discard forgets an access token that eBay has refused, unless another caller
// has renewed it already.
func (s *Seller) discard(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.access == token {
		s.access = ""
	}
}

type tokens struct {
	AccessToken    string `json:"access_token"`
	Expires        int64  `json:"expires_in"` // seconds
	RefreshToken   string `json:"refresh_token"`
	RefreshExpires int64  `json:"refresh_token_expires_in"`
}

// grant asks eBay for tokens. A refusal of the grant is of class Account; one of
// the application's own keys is Fix: it is not the seller's to mend.
func (a *App) grant(ctx context.Context, form url.Values) (tokens, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.config.URL+"/identity/v1/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return tokens{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(a.config.ClientID, a.config.ClientSecret)
	status, header, reply, err := a.roundTrip(r)
	if err != nil {
		return tokens{}, &Error{Class: Retry, cause: err}
	}
	var t struct {
		tokens
		Error string `json:"error"`
	}
	decoded := json.Unmarshal(reply, &t)
	switch {
	case status == http.StatusOK && decoded == nil && t.AccessToken != "":
		return t.tokens, nil
	case status == http.StatusTooManyRequests || status >= 500 || status == http.StatusOK:
		return tokens{}, &Error{Status: status, Class: Retry, Wait: a.retryAfter(header.Get("Retry-After")), cause: fmt.Errorf("no tokens, status %d", status)}
	case t.Error == "invalid_grant":
		return tokens{}, &Error{Status: status, Class: Account, cause: errors.New("the consent was revoked, has expired or was used: connect the account again")}
	}
	return tokens{}, &Error{Status: status, Class: Fix, cause: fmt.Errorf("eBay refuses the application: %.40q", t.Error)}
}
