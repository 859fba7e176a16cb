// Package client calls eBay's REST APIs for sellers: Inventory, Fulfillment and
// the OAuth tokens that they need.
//
// Every call is bounded in time and size. What may be repeated without a second
// effect is repeated after 429 and 5xx, with growing pauses and jitter; what may
// not comes back as Doubtful for the caller to read back. An account whose
// consent was revoked refuses at once from then on; others go on.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rackless/rackless/shared/clock"
)

// Config says how eBay is reached and as which application. The sandbox is
// https://api.sandbox.ebay.com with https://auth.sandbox.ebay.com.
type Config struct {
	URL          string        `envconfig:"EBAY_URL" default:"https://api.ebay.com"`
	ConsentURL   string        `envconfig:"EBAY_CONSENT_URL" default:"https://auth.ebay.com/oauth2/authorize"`
	ClientID     string        `envconfig:"EBAY_CLIENT_ID"`
	ClientSecret string        `envconfig:"EBAY_CLIENT_SECRET" json:"-"`
	RuName       string        `envconfig:"EBAY_RU_NAME"` // eBay's name of the address to which it sends sellers back
	Timeout      time.Duration `envconfig:"EBAY_TIMEOUT" default:"30s"`
	Pause        time.Duration `envconfig:"EBAY_PAUSE" default:"1s"` // before the first repetition of a call; it doubles with each
}

// LogValue keeps the secret out of logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.URL) }

const (
	maxReply    = 16 << 20        // a page of 200 orders
	maxAttempts = 5               // of one call
	longest     = time.Minute     // the longest pause that a call waits itself
	renewEarly  = 5 * time.Minute // before an access token expires
)

// App is the application at eBay. It is safe for concurrent use.
type App struct {
	config Config
	clock  clock.Clock
	http   *http.Client
	wait   func(context.Context, time.Duration) error

	keyring keyring
	once    sync.Once
	self    *Seller // the application by itself
}

// New returns the application. It sends nothing. base may be nil for the usual
// transport.
func New(c Config, now clock.Clock, base http.RoundTripper) *App {
	if base == nil {
		base = http.DefaultTransport
	}
	return &App{config: c, clock: now, wait: sleep, http: &http.Client{
		Timeout:       c.Timeout,
		Transport:     base,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Seller is an account at eBay. It is safe for concurrent use.
type Seller struct {
	app         *App
	marketplace string
	refresh     string

	mu      sync.Mutex // one renewal at a time
	access  string
	expires time.Time
	dead    error // why eBay accepts the consent no more
}

// Seller returns the account of a refresh token on a marketplace, such as
// EBAY_US. It sends nothing.
func (a *App) Seller(refreshToken, marketplace string) *Seller {
	return &Seller{app: a, refresh: refreshToken, marketplace: marketplace}
}

// own returns the application acting by itself, with its own tokens.
func (a *App) own() *Seller {
	a.once.Do(func() { a.self = &Seller{app: a, marketplace: "EBAY_US"} })
	return a.self
}

// String and GoString keep the tokens out of texts and logs.
func (*Seller) String() string   { return "seller" }
func (*Seller) GoString() string { return "seller" }

// call is a request to one of the APIs.
type call struct {
	method, path string
	query        url.Values
	body         any
	repeatable   bool // has no second effect
}

// do sends a call and decodes the reply into out, if that is not nil. It returns
// the headers of the reply. An error is an *Error or that of ctx.
func (s *Seller) do(ctx context.Context, c call, out any) (http.Header, error) {
	var body []byte
	if c.body != nil {
		var err error
		if body, err = json.Marshal(c.body); err != nil {
			return nil, err
		}
	}
	renewed := false
	for attempt := 0; ; attempt++ {
		token, err := s.token(ctx)
		if err == nil {
			var header http.Header
			if header, err = s.send(ctx, c, body, token, out); err == nil {
				return header, nil
			}
		}
		var failed *Error
		if !errors.As(err, &failed) || ctx.Err() != nil {
			return nil, err
		}
		if failed.Status == http.StatusUnauthorized && !renewed && token != "" {
			renewed = true
			s.discard(token)
			continue
		}
		pause := pause(s.app.config.Pause, attempt, failed.Wait)
		if failed.Class != Retry || failed.Doubtful && !c.repeatable || attempt+1 >= maxAttempts || pause > longest {
			return nil, err
		}
		if err := s.app.wait(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// pause returns how long to wait after so many failed attempts before: what eBay
// asks for, or once, twice, four times … the first pause, a minute at most, of which
// a random half or more.
func pause(first time.Duration, attempt int, asked time.Duration) time.Duration {
	if asked > 0 {
		return asked
	}
	d := min(first<<attempt, longest)
	return d/2 + rand.N(d/2+1)
}

// send makes one attempt.
func (s *Seller) send(ctx context.Context, c call, body []byte, token string, out any) (http.Header, error) {
	target := s.app.config.URL + c.path
	if len(c.query) > 0 {
		target += "?" + c.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, c.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("X-EBAY-C-MARKETPLACE-ID", s.marketplace)
	if c.body != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Language", language(s.marketplace))
	}
	status, header, reply, err := s.app.roundTrip(r)
	if err != nil {
		return nil, &Error{Class: Retry, Doubtful: true, cause: err}
	}
	if status >= 300 {
		return nil, s.app.refusal(status, header, reply)
	}
	if out == nil || len(reply) == 0 {
		return header, nil
	}
	if err := json.Unmarshal(reply, out); err != nil {
		return nil, &Error{Status: status, Class: Retry, Doubtful: true, cause: err}
	}
	return header, nil
}

// roundTrip returns the whole reply to a request.
func (a *App) roundTrip(r *http.Request) (int, http.Header, []byte, error) {
	res, err := a.http.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err == nil && len(reply) > maxReply {
		err = errors.New("the reply is too long")
	}
	return res.StatusCode, res.Header, reply, err
}

// refusal reads the errors of a reply. A gateway may answer something else than
// eBay's envelope: then the status decides.
func (a *App) refusal(status int, header http.Header, reply []byte) *Error {
	var envelope struct {
		Errors []Detail `json:"errors"`
	}
	if json.Unmarshal(reply, &envelope) != nil {
		envelope.Errors = nil
	}
	return &Error{
		Status: status, Class: classify(status, envelope.Errors), Details: envelope.Errors,
		Wait: a.retryAfter(header.Get("Retry-After")), Doubtful: status >= 500,
	}
}

// retryAfter reads seconds or a date.
func (a *App) retryAfter(value string) time.Duration {
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(a.clock.Now()))
	}
	return 0
}

// language is that of a marketplace's listings.
func language(marketplace string) string {
	switch strings.TrimPrefix(marketplace, "EBAY_") {
	case "DE", "AT", "CH":
		return "de-DE"
	case "GB", "IE":
		return "en-GB"
	case "CA":
		return "en-CA"
	case "AU":
		return "en-AU"
	case "FR":
		return "fr-FR"
	case "IT":
		return "it-IT"
	case "ES":
		return "es-ES"
	}
	return "en-US"
}
