// Package stripe takes and gives back money through Stripe's PaymentIntents. The
// payment functions call it through payment.Gateway; nobody else should.
//
// The id of an operation is Stripe's idempotency key and stands in the metadata
// of what it made or changed: a repetition within a day has no second effect,
// and a lost reply is found for as long as Stripe keeps its objects. The same key
// lets net/http send a request again whose kept connection broke.
//
// Tokens are payment methods that Stripe's page script made, "pm_…", or a stored
// one with the customer it belongs to, "cus_…|pm_…". A card number is refused
// before anything is sent.
//
// A part of an authorization can be captured and the rest kept for another capture
// where Stripe offers that for the account and the card (multicapture); otherwise
// what a partial capture leaves is released.
// If the buyer's bank wants to see the buyer (3-D Secure), the outcome is held
// with the intent's client secret, see payment.Outcome.
package stripe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	stripe "github.com/stripe/stripe-go/v85"

	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/card"
)

// Config says how Stripe is reached. Test and live mode have the same address:
// the key decides.
type Config struct {
	URL     string        `envconfig:"STRIPE_URL" default:"https://api.stripe.com"`
	Timeout time.Duration `envconfig:"STRIPE_TIMEOUT" default:"60s"` // of one request
}

// Credentials are those of an account.
type Credentials struct {
	Key string `json:"-"` // sk_… or rk_…
}

// String, GoString and LogValue keep the key out of texts and logs.
func (Credentials) String() string       { return "credentials" }
func (Credentials) GoString() string     { return "credentials" }
func (Credentials) LogValue() slog.Value { return slog.StringValue("credentials") }

// Gateway is a Stripe account. It is safe for concurrent use.
type Gateway struct{ api *stripe.Client }

var _ payment.Gateway = (*Gateway)(nil)

// New returns the gateway of an account. It sends nothing. base may be nil for
// the usual transport.
func New(c Config, account Credentials, base http.RoundTripper) *Gateway {
	if base == nil {
		base = http.DefaultTransport
	}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(c.URL),
		HTTPClient: &http.Client{
			Timeout:       c.Timeout,
			Transport:     transport{base},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // it would quote replies
		MaxNetworkRetries: stripe.Int64(0),                                // the caller asks again
		EnableTelemetry:   stripe.Bool(false),
	})
	return &Gateway{stripe.NewClient(account.Key, stripe.WithBackends(&stripe.Backends{API: backend}))}
}

// maxReply bounds a reply: a page of a list is 100 objects of some 5 kB.
const maxReply = 4 << 20

// transport bounds replies and leaves out what the library tells of the machine
// that it runs on.
type transport struct{ base http.RoundTripper }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "Stripe/v1 GoBindings/"+stripe.ClientVersion)
	r.Header.Del("X-Stripe-Client-User-Agent")
	res, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if 300 <= res.StatusCode && res.StatusCode < 400 {
		res.Body.Close()
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxReply), res.Body}
	return res, nil
}

// The names under which an operation stands in the metadata: of the intent or
// refund that it made, and of the intent that it captured.
const (
	metaOperation = "operation_id"
	metaCapture   = "capture_operation_id"
	metaOrder     = "order_id"
	metaPayment   = "payment_id"
)

// Execute implements payment.Gateway.
func (g *Gateway) Execute(ctx context.Context, op payment.Operation) (payment.Outcome, error) {
	units, ok := amount(op)
	if !ok {
		return refused("253", "Stripe takes no such amount"), nil
	}
	if card.Contains(op.Token) {
		return refused("209", "card numbers are not accepted, only tokens"), nil
	}
	if followsUp(op.Kind) && !isID("pi_", op.Reference) {
		return refused("256", "this is not a payment at Stripe"), nil
	}
	switch op.Kind {
	case payment.Authorize, payment.Charge:
		return g.sale(ctx, op, units)
	case payment.Capture:
		p := &stripe.PaymentIntentCaptureParams{AmountToCapture: &units, Metadata: map[string]string{metaCapture: op.ID}}
		if op.CapturedCents+op.AmountCents < op.AuthorizedCents {
			more, err := g.capturesMore(ctx, op.Reference)
			if err != nil {
				return payment.Outcome{}, err
			}
			if more {
				p.FinalCapture = stripe.Bool(false)
			}
		}
		p.SetIdempotencyKey(op.ID)
		p.AddExpand("latest_charge")
		intent, err := g.api.V1PaymentIntents.Capture(ctx, op.Reference, p)
		return g.followUp(ctx, op, intent, err)
	case payment.Void, payment.Decline:
		p := &stripe.PaymentIntentCancelParams{}
		p.SetIdempotencyKey(op.ID)
		p.AddExpand("latest_charge")
		intent, err := g.api.V1PaymentIntents.Cancel(ctx, op.Reference, p)
		return g.followUp(ctx, op, intent, err)
	case payment.Refund:
		p := &stripe.RefundCreateParams{PaymentIntent: &op.Reference, Amount: &units, Metadata: metadata(op)}
		p.SetIdempotencyKey(op.ID)
		refund, err := g.api.V1Refunds.Create(ctx, p)
		if err != nil {
			return g.refusedUnless(ctx, op, err)
		}
		return refunded(op, refund)
	case payment.Approve:
		o, found, err := g.Lookup(ctx, op)
		if err == nil && !found {
			o = refused("256", "Stripe has no payment "+op.Reference)
		}
		return o, err
	}
	return refused("252", "Stripe has no "+string(op.Kind)), nil
}

// capturesMore tells whether Stripe keeps the rest of an authorization of which a
// part is captured.
func (g *Gateway) capturesMore(ctx context.Context, id string) (bool, error) {
	p := &stripe.PaymentIntentRetrieveParams{}
	p.AddExpand("latest_charge")
	intent, err := g.api.V1PaymentIntents.Retrieve(ctx, id, p)
	if err != nil {
		return false, plain("retrieve a payment", err)
	}
	return inParts(intent.LatestCharge), nil
}

// inParts tells whether Stripe takes several captures of a charge.
func inParts(c *stripe.Charge) bool {
	return c != nil && c.PaymentMethodDetails != nil && c.PaymentMethodDetails.Card != nil && c.PaymentMethodDetails.Card.Multicapture != nil &&
		c.PaymentMethodDetails.Card.Multicapture.Status == stripe.ChargePaymentMethodDetailsCardMulticaptureStatusAvailable
}

// sale authorizes or charges.
func (g *Gateway) sale(ctx context.Context, op payment.Operation, units int64) (payment.Outcome, error) {
	customer, method, stored := strings.Cut(op.Token, "|")
	if !stored {
		customer, method = "", op.Token
	}
	if !isID("pm_", method) || stored && !isID("cus_", customer) {
		return refused("208", "this is not a token of Stripe"), nil
	}
	capture := stripe.PaymentIntentCaptureMethodManual
	if op.Kind == payment.Charge {
		capture = stripe.PaymentIntentCaptureMethodAutomatic
	}
	p := &stripe.PaymentIntentCreateParams{
		Amount: &units, Currency: stripe.String(strings.ToLower(op.Currency)), CaptureMethod: stripe.String(capture), Confirm: stripe.Bool(true),
		PaymentMethod: &method, PaymentMethodTypes: []*string{stripe.String("card")},
		Description: stripe.String("order " + op.OrderID), Metadata: metadata(op),
	}
	if op.Kind == payment.Authorize {
		p.PaymentMethodOptions = &stripe.PaymentIntentCreatePaymentMethodOptionsParams{
			Card: &stripe.PaymentIntentCreatePaymentMethodOptionsCardParams{RequestMulticapture: stripe.String("if_available")},
		}
	}
	if stored {
		p.Customer = &customer
	}
	p.SetIdempotencyKey(op.ID)
	p.AddExpand("latest_charge")
	intent, err := g.api.V1PaymentIntents.Create(ctx, p)
	if err != nil {
		return declined(op, err)
	}
	o, found, err := outcome(op, intent)
	if err == nil && !found {
		err = fmt.Errorf("stripe made a payment that is %.40q", intent.Status)
	}
	return o, err
}

func metadata(op payment.Operation) map[string]string {
	return map[string]string{metaOperation: op.ID, metaOrder: op.OrderID, metaPayment: op.PaymentID}
}

// followUp reads what a capture or a cancellation came to.
func (g *Gateway) followUp(ctx context.Context, op payment.Operation, intent *stripe.PaymentIntent, err error) (payment.Outcome, error) {
	if err != nil {
		return g.refusedUnless(ctx, op, err)
	}
	o, found, err := outcome(op, intent)
	if err == nil && !found {
		err = fmt.Errorf("stripe did not %s the payment, which is %.40q", op.Kind, intent.Status)
	}
	return o, err
}

// refusedUnless returns a refusal, unless that is only the answer to a
// repetition: what counts is the state in which the payment is.
func (g *Gateway) refusedUnless(ctx context.Context, op payment.Operation, refusal error) (payment.Outcome, error) {
	o, err := declined(op, refusal)
	if err != nil || o.Status != "256" {
		return o, err
	}
	if now, found, err := g.Lookup(ctx, op); err != nil || found {
		return now, err
	}
	return o, nil
}

// Lookup implements payment.Gateway. Stripe's search is not asked, since it lags
// behind: lists and objects do not. An authorization that failed only after the
// buyer was sent to their bank is cancelled on the way, so that the buyer's
// browser cannot try another card behind our back.
func (g *Gateway) Lookup(ctx context.Context, op payment.Operation) (o payment.Outcome, found bool, err error) {
	id := op.Reference
	switch op.Kind {
	case payment.Refund:
		return g.findRefund(ctx, op)
	case payment.Authorize, payment.Charge:
		if id, err = g.findIntent(ctx, op); err != nil || id == "" {
			return o, false, err
		}
	}
	if !isID("pi_", id) {
		return o, false, nil
	}
	p := &stripe.PaymentIntentRetrieveParams{}
	p.AddExpand("latest_charge")
	intent, err := g.api.V1PaymentIntents.Retrieve(ctx, id, p)
	if err != nil {
		if e, ok := errors.AsType[*stripe.Error](err); ok && e.HTTPStatusCode == http.StatusNotFound {
			return o, false, nil
		}
		return o, false, plain("retrieve a payment", err)
	}
	again := op.Kind == payment.Authorize || op.Kind == payment.Charge || op.Kind == payment.Approve
	if again && intent.Status == stripe.PaymentIntentStatusRequiresPaymentMethod {
		p := &stripe.PaymentIntentCancelParams{}
		p.SetIdempotencyKey(op.ID + "-cancel")
		if _, err := g.api.V1PaymentIntents.Cancel(ctx, id, p); err != nil {
			return o, false, plain("cancel a payment that failed", err)
		}
	}
	return outcome(op, intent)
}

// Standing implements payment.Gateway.
func (g *Gateway) Standing(ctx context.Context, op payment.Operation) (s payment.Standing, found bool, err error) {
	if !isID("pi_", op.Reference) {
		return s, false, nil
	}
	p := &stripe.PaymentIntentRetrieveParams{}
	p.AddExpand("latest_charge")
	intent, err := g.api.V1PaymentIntents.Retrieve(ctx, op.Reference, p)
	if e, ok := errors.AsType[*stripe.Error](err); ok && e.HTTPStatusCode == http.StatusNotFound {
		return s, false, nil
	}
	if err != nil {
		return s, false, plain("retrieve a payment", err)
	}
	switch intent.Status {
	case stripe.PaymentIntentStatusRequiresCapture, stripe.PaymentIntentStatusSucceeded, stripe.PaymentIntentStatusCanceled:
	default:
		return s, false, nil
	}
	s = payment.Standing{AsideCents: cents(intent.AmountCapturable, op.Currency), CapturedCents: cents(intent.AmountReceived, op.Currency)}
	if c := intent.LatestCharge; c != nil {
		s.RefundedCents = cents(c.AmountRefunded, op.Currency)
	}
	return s, true, nil
}

// slack is how far Stripe's clock may be behind ours.
const slack = 5 * time.Minute

// maxListed bounds how many objects are looked through.
const maxListed = 10_000

// findIntent looks for the intent that an operation made, newest first, among
// those that are not older than it.
func (g *Gateway) findIntent(ctx context.Context, op payment.Operation) (string, error) {
	p := &stripe.PaymentIntentListParams{}
	p.Limit = stripe.Int64(100)
	if !op.Since.IsZero() {
		p.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: op.Since.Add(-slack).Unix()}
	}
	n := 0
	for intent, err := range g.api.V1PaymentIntents.List(ctx, p).All(ctx) {
		if err != nil {
			return "", plain("list payments", err)
		}
		if intent.Metadata[metaOperation] == op.ID {
			return intent.ID, nil
		}
		if n++; n == maxListed {
			return "", fmt.Errorf("stripe lists more than %d payments", maxListed)
		}
	}
	return "", nil
}

// findRefund looks for the refund that an operation made.
func (g *Gateway) findRefund(ctx context.Context, op payment.Operation) (payment.Outcome, bool, error) {
	if !isID("pi_", op.Reference) {
		return payment.Outcome{}, false, nil
	}
	p := &stripe.RefundListParams{PaymentIntent: &op.Reference}
	p.Limit = stripe.Int64(100)
	for refund, err := range g.api.V1Refunds.List(ctx, p).All(ctx) {
		if e, ok := errors.AsType[*stripe.Error](err); ok && e.HTTPStatusCode == http.StatusNotFound {
			return payment.Outcome{}, false, nil
		}
		if err != nil {
			return payment.Outcome{}, false, plain("list refunds", err)
		}
		if refund.Metadata[metaOperation] == op.ID {
			o, err := refunded(op, refund)
			return o, err == nil, err
		}
	}
	return payment.Outcome{}, false, nil
}

// outcome returns what became of an operation by the state of the intent; found
// is false if a follow-up has not happened.
func outcome(op payment.Operation, intent *stripe.PaymentIntent) (o payment.Outcome, found bool, err error) {
	o = payment.Outcome{Reference: intent.ID, Detail: string(intent.Status)}
	if c := intent.LatestCharge; c != nil {
		o.AuthCode, o.AVS, o.CVV = checks(c)
		o.Amex = c.PaymentMethodDetails != nil && c.PaymentMethodDetails.Card != nil && c.PaymentMethodDetails.Card.Brand == "amex"
		if c.Outcome != nil && c.Outcome.SellerMessage != "" {
			o.Detail = detail(c.Outcome.SellerMessage)
		}
	}
	become := func(state payment.State, status string) (payment.Outcome, bool, error) {
		o.State, o.Status = state, status
		return o, true, nil
	}
	switch op.Kind {
	case payment.Capture:
		o.Open = intent.Status == stripe.PaymentIntentStatusRequiresCapture && cents(intent.AmountReceived, op.Currency) >= op.CapturedCents+op.AmountCents
		if !o.Open && intent.Status != stripe.PaymentIntentStatusSucceeded || intent.Metadata[metaCapture] != op.ID {
			return payment.Outcome{}, false, nil
		}
		return become(payment.Succeeded, "002")
	case payment.Void, payment.Decline:
		released := 0 < op.CapturedCents && op.CapturedCents < op.AuthorizedCents && intent.Status == stripe.PaymentIntentStatusSucceeded // the rest of it
		if intent.Status != stripe.PaymentIntentStatusCanceled && !released {
			return payment.Outcome{}, false, nil
		}
		return become(payment.Succeeded, "603")
	}
	switch intent.Status {
	case stripe.PaymentIntentStatusRequiresCapture:
		o.InParts = inParts(intent.LatestCharge)
		return become(payment.Succeeded, "199")
	case stripe.PaymentIntentStatusSucceeded:
		if op.Kind == payment.Authorize {
			return become(payment.Succeeded, "199")
		}
		return become(payment.Succeeded, "001")
	case stripe.PaymentIntentStatusRequiresAction:
		o.ClientSecret, o.Detail = intent.ClientSecret, "the buyer's bank asks the buyer to confirm the payment"
		return become(payment.Held, "499")
	case stripe.PaymentIntentStatusCanceled, stripe.PaymentIntentStatusRequiresPaymentMethod:
		if e := intent.LastPaymentError; e != nil {
			o, err = declined(op, e)
			o.Reference = intent.ID
			return o, err == nil, err
		}
		if r := intent.CancellationReason; r == "automatic" || r == "expired" {
			return become(payment.Declined, "262")
		}
		return become(payment.Declined, "256")
	}
	return payment.Outcome{}, false, fmt.Errorf("stripe has a payment of operation %s that is %.40q", op.ID, intent.Status)
}

// refunded returns what became of a refund. One that the buyer's bank has yet to
// take counts as made: Stripe reports it if it fails later.
func refunded(op payment.Operation, r *stripe.Refund) (payment.Outcome, error) {
	o := payment.Outcome{Reference: op.Reference, Record: r.ID, Detail: "refund " + cut(string(r.Status), 40)}
	switch r.Status {
	case stripe.RefundStatusSucceeded, stripe.RefundStatusPending:
		o.State, o.Status = payment.Succeeded, "303"
	case stripe.RefundStatusRequiresAction:
		o.State, o.Status = payment.Held, "499"
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		o.State, o.Status, o.Code = payment.Declined, "256", cut(string(r.FailureReason), 60)
	default:
		return payment.Outcome{}, fmt.Errorf("stripe has a refund of operation %s that is %.40q", op.ID, r.Status)
	}
	return o, nil
}

// checks returns the authorization code, and what the bank said of the address
// and the card code in Authorize.Net's letters (see payment.Outcome).
func checks(c *stripe.Charge) (authCode, avs, cvv string) {
	authCode = cut(c.AuthorizationCode, 20)
	if c.PaymentMethodDetails == nil || c.PaymentMethodDetails.Card == nil || c.PaymentMethodDetails.Card.Checks == nil {
		return authCode, "", ""
	}
	k := c.PaymentMethodDetails.Card.Checks
	line, postal := string(k.AddressLine1Check), string(k.AddressPostalCodeCheck)
	switch {
	case line == "pass" && postal == "pass":
		avs = "Y"
	case line == "pass":
		avs = "A"
	case postal == "pass":
		avs = "Z"
	case line == "fail" || postal == "fail":
		avs = "N"
	case line == "unavailable" || postal == "unavailable":
		avs = "U"
	}
	cvv = map[string]string{"pass": "M", "fail": "N", "unavailable": "U", "unchecked": "P"}[string(k.CVCCheck)]
	return authCode, avs, cvv
}

func refused(status, words string) payment.Outcome {
	return payment.Outcome{State: payment.Declined, Status: status, Detail: words}
}

// followsUp tells operations on a payment from those that make one.
func followsUp(kind payment.Kind) bool { return kind != payment.Authorize && kind != payment.Charge }

// isID reports whether s is an id of Stripe's with a prefix: it becomes a part
// of addresses.
func isID(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	return ok && rest != "" && len(s) <= 255 && strings.IndexFunc(rest, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// amount returns an operation's amount as Stripe counts it, in the smallest unit
// by its own list of currencies; ok is false if Stripe has no such amount.
func amount(op payment.Operation) (units int64, ok bool) {
	digits, known := money.Exponent(op.Currency)
	units = op.AmountCents
	switch {
	case !known || units < 0 || units > 1e15:
		return 0, false
	case op.Currency == "ISK" || op.Currency == "UGX": // no decimals, but counted as if there were two
		return units * 100, true
	case op.Currency == "MGA": // one decimal of five in writing, none at Stripe
		return units / 100, units%100 == 0
	case digits == 3: // of which only these are taken, in steps of ten
		return units, units%10 == 0 && strings.Contains("BHD JOD KWD OMR TND", op.Currency)
	case digits > 3:
		return 0, false
	}
	return units, true
}

// cents is the reverse of amount.
func cents(units int64, currency string) int64 {
	switch currency {
	case "ISK", "UGX":
		return units / 100
	case "MGA":
		return units * 100
	}
	return units
}

func detail(words string) string {
	if card.Contains(words) {
		return ""
	}
	return cut(words, 300)
}

func cut(s string, limit int) string {
	runes := []rune(s)
	return string(runes[:min(limit, len(runes))])
}

// plain makes of the library's error one that tells neither what was sent nor
// what came back, which may hold client secrets.
func plain(doing string, err error) error {
	if e, ok := errors.AsType[*stripe.Error](err); ok {
		return fmt.Errorf("stripe: %s: status %d %.60s, request %.60s", doing, e.HTTPStatusCode, e.Code, e.RequestID)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("stripe: %s: %w", doing, e.Err)
	}
	return fmt.Errorf("stripe: %s: the reply cannot be read", doing)
}
