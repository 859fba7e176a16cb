package stripe

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// The states of a PaymentIntent.
const (
	needsMethod       = "requires_payment_method"
	needsConfirmation = "requires_confirmation"
	needsAction       = "requires_action"
	needsCapture      = "requires_capture"
	canceled          = "canceled"
	succeeded         = "succeeded"
)

// An intent is a PaymentIntent.
type intent struct {
	id, secret           string
	amount               int64
	currency             string
	status               string
	captureMethod        string
	confirmationMethod   string
	capturable, received int64
	captures             int
	created              time.Time
	canceledAt           time.Time
	cancelReason         string
	expired              bool

	customer, method      string
	charge                string
	methodTypes           []string
	automatic             *form // automatic_payment_methods
	redirects             bool
	threeDSecure          string
	multicapture          bool
	returnURL             string
	futureUsage           string
	nextAction, lastError object
	metadata              map[string]string
	description, suffix   string
	descriptor            string
	receiptEmail          string
	shipping              *form
	review                string
}

// A charge is an attempt to authorize.
type charge struct {
	id                         string
	intent                     *intent
	method                     *method
	amount, captured, refunded int64
	status                     string
	isCaptured                 bool
	failure                    *apiError
	created, captureBefore     time.Time
	disputed                   bool
	secured                    bool // the buyer was authenticated
}

func (p *intent) object() object {
	o := object{
		"id": p.id, "object": "payment_intent", "amount": p.amount, "amount_capturable": p.capturable, "amount_received": p.received,
		"automatic_payment_methods": nil, "canceled_at": unixOrNull(p.canceledAt), "cancellation_reason": orNull(p.cancelReason),
		"capture_method": p.captureMethod, "client_secret": p.secret, "confirmation_method": p.confirmationMethod, "created": p.created.Unix(),
		"currency": p.currency, "customer": orNull(p.customer), "description": orNull(p.description), "last_payment_error": deref(p.lastError),
		"latest_charge": orNull(p.charge), "livemode": false, "metadata": p.metadata, "next_action": deref(p.nextAction), "payment_method": orNull(p.method),
		"payment_method_types": p.methodTypes, "processing": nil, "receipt_email": orNull(p.receiptEmail), "review": orNull(p.review),
		"setup_future_usage": orNull(p.futureUsage), "shipping": p.shipping.object(), "statement_descriptor": orNull(p.descriptor),
		"statement_descriptor_suffix": orNull(p.suffix), "status": p.status,
		"payment_method_options": object{"card": object{"request_three_d_secure": p.threeDSecure}},
	}
	if p.automatic != nil {
		o["automatic_payment_methods"] = object{"enabled": p.automatic.get("enabled") == "true", "allow_redirects": map[bool]string{true: "always", false: "never"}[p.redirects]}
	}
	return o
}

func (ch *charge) object() object {
	t := ch.method.trigger
	risk, outcome := t.risk, "authorized"
	if risk == "" {
		risk = "normal"
	}
	network := "approved_by_network"
	switch {
	case t.blocked:
		outcome, network = "blocked", "not_sent_to_network"
	case ch.failure != nil:
		outcome, network = "issuer_declined", "declined_by_network"
	case risk == "elevated":
		outcome = "manual_review"
	}
	multicapture := "unavailable"
	if ch.intent.multicapture {
		multicapture = "available"
	}
	o := object{
		"id": ch.id, "object": "charge", "amount": ch.amount, "amount_captured": ch.captured, "amount_refunded": ch.refunded,
		"billing_details": ch.method.billingObject(), "captured": ch.isCaptured, "created": ch.created.Unix(), "currency": ch.intent.currency,
		"customer": orNull(ch.intent.customer), "disputed": ch.disputed, "failure_code": nil, "failure_message": nil, "livemode": false,
		"metadata": ch.intent.metadata, "paid": ch.failure == nil, "payment_intent": ch.intent.id, "payment_method": ch.method.id,
		"refunded": ch.isCaptured && ch.refunded == ch.captured, "status": ch.status,
		"outcome": object{"network_status": network, "risk_level": risk, "type": outcome, "reason": nil, "seller_message": ""},
		"payment_method_details": object{"type": "card", "card": object{
			"brand": brand(t.number), "last4": t.number[len(t.number)-4:], "exp_month": ch.method.month, "exp_year": ch.method.year,
			"country": t.countryOrUS(), "funding": t.fundingOrCredit(), "checks": ch.method.checks(), "capture_before": unixOrNull(ch.captureBefore),
			"amount_authorized": ch.amount, "multicapture": object{"status": multicapture}, "overcapture": object{"status": "unavailable", "maximum_amount_capturable": ch.amount},
			"three_d_secure": nil, "network": brand(t.number),
		}},
	}
	if ch.secured {
		o["payment_method_details"].(object)["card"].(object)["three_d_secure"] = object{"result": "authenticated", "authentication_flow": "challenge", "version": "2.2.0"}
	}
	if ch.failure != nil {
		o["failure_code"], o["failure_message"] = ch.failure.code, ch.failure.message
		o["outcome"].(object)["reason"] = ch.failure.declineCode
	}
	return o
}

// find returns the PaymentIntent of the path.
func (c *call) find() (*intent, *apiError) {
	id := c.r.PathValue("id")
	p := c.s.intents.byID[id]
	if p == nil {
		err := missing("payment_intent", id, "")
		err.param = "intent"
		return nil, err
	}
	return p, nil
}

func (c *call) createIntent() (object, *apiError) {
	f := c.form
	p := &intent{
		currency: f.get("currency"), status: needsMethod, captureMethod: "automatic_async", confirmationMethod: "automatic",
		created: c.now, metadata: map[string]string{}, methodTypes: []string{"card"}, threeDSecure: "automatic",
	}
	switch {
	case f.has("payment_method_types") && f.has("automatic_payment_methods"):
		return nil, invalid("parameters_exclusive", "payment_method_types", "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.")
	case f.has("confirmation_method"):
		p.confirmationMethod = f.get("confirmation_method")
	}
	if !f.has("payment_method_types") {
		// Methods that the account has switched on, some of which redirect.
		p.automatic = f.at("automatic_payment_methods")
		if p.automatic == nil {
			p.automatic = &form{members: map[string]*form{"enabled": {text: "true"}}, names: []string{"enabled"}}
		}
		p.redirects = p.automatic.get("enabled") == "true" && p.automatic.get("allow_redirects") != "never"
	}
	confirm := f.get("confirm") == "true"
	for _, name := range []string{"off_session", "error_on_requires_action", "mandate_data", "return_url"} {
		if f.has(name) && !confirm {
			return nil, invalid("", name, "You can only set %s when confirm is true.", name)
		}
	}
	if err := c.apply(p); err != nil {
		return nil, err
	}
	if err := c.confirmable(p); confirm && err != nil {
		err.executed = false
		return nil, err
	}
	p.id = c.s.id("pi")
	p.secret = p.id + "_secret_" + c.s.word(25)
	c.s.intents.add(p.id, p)
	c.s.Ledger.Open(sim.Account{ID: p.id, Reference: c.key, Currency: p.currency, Metadata: p.metadata})
	c.emit("payment_intent.created", p.object())
	if confirm {
		if err := c.confirm(p); err != nil {
			return nil, err
		}
	}
	return p.object(), nil
}

// apply sets what creation, update and confirmation have in common. It changes
// nothing if it refuses.
func (c *call) apply(p *intent) *apiError {
	f := c.form
	draft := *p
	var err *apiError
	if f.has("currency") {
		draft.currency = f.get("currency")
	}
	if f.has("amount") || f.has("currency") {
		if f.has("amount") {
			draft.amount = f.integer("amount")
		}
		if err := checkAmount(draft.amount, draft.currency); err != nil {
			return err
		}
	}
	if f.has("customer") {
		draft.customer = f.get("customer")
		if cu := c.s.customers.byID[draft.customer]; draft.customer != "" && (cu == nil || cu.deleted) {
			return missing("customer", draft.customer, "customer")
		}
	}
	if f.has("payment_method_types") {
		draft.methodTypes = f.list("payment_method_types")
		if len(draft.methodTypes) != 1 || draft.methodTypes[0] != "card" {
			return invalid("", "payment_method_types", "The payment method type provided is invalid: this account has card only.")
		}
	}
	if draft.metadata, err = merge(p.metadata, f.at("metadata")); err != nil {
		return err
	}
	for name, field := range map[string]*string{
		"capture_method": &draft.captureMethod, "description": &draft.description, "receipt_email": &draft.receiptEmail, "return_url": &draft.returnURL,
		"setup_future_usage": &draft.futureUsage, "statement_descriptor_suffix": &draft.suffix, "statement_descriptor": &draft.descriptor,
	} {
		if f.has(name) {
			*field = f.get(name)
		}
	}
	if f.has("shipping") {
		draft.shipping = f.at("shipping")
	}
	card := f.at("payment_method_options", "card")
	if card.has("request_three_d_secure") {
		draft.threeDSecure = card.get("request_three_d_secure")
	}
	if card.has("capture_method") {
		draft.captureMethod = card.get("capture_method")
	}
	if card.has("request_multicapture") {
		draft.multicapture = card.get("request_multicapture") == "if_available" && c.s.o.Multicapture
	}
	switch {
	case f.has("payment_method") && f.has("payment_method_data"):
		return invalid("parameters_exclusive", "payment_method_data", "You may only specify one of these parameters: payment_method, payment_method_data.")
	case f.get("payment_method") != "":
		m, err := c.useMethod(f.get("payment_method"), draft.customer)
		if err != nil {
			return err
		}
		draft.method, draft.status = m.id, needsConfirmation
	case f.has("payment_method_data"):
		m, err := c.newMethod(f.at("payment_method_data"))
		if err != nil {
			return err
		}
		draft.method, draft.status = m.id, needsConfirmation
	}
	*p = draft
	return nil
}

func (c *call) retrieveIntent() (object, *apiError) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	return p.object(), nil
}

// open are the states in which a PaymentIntent can still be changed and
// confirmed.
var open = []string{needsMethod, needsConfirmation, needsAction}

func (c *call) updateIntent() (object, *apiError) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	for _, name := range c.form.names {
		if !slices.Contains(open, p.status) && !slices.Contains([]string{"metadata", "description", "expand", "receipt_email", "shipping"}, name) {
			return nil, unexpected("payment_intent_unexpected_state", "This PaymentIntent's %s could not be updated because it has a status of %s.", name, p.status).with(p)
		}
	}
	if err := c.apply(p); err != nil {
		return nil, err
	}
	return p.object(), nil
}

// with adds the PaymentIntent to an error.
func (e *apiError) with(p *intent) *apiError {
	e.intent = p.object()
	return e
}

func (c *call) confirmIntent() (object, *apiError) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(open, p.status) {
		return nil, unexpected("payment_intent_unexpected_state", "You cannot confirm this PaymentIntent because it has a status of %s.", p.status).with(p)
	}
	if err := c.apply(p); err != nil {
		return nil, err
	}
	if err := c.confirmable(p); err != nil {
		return nil, err.with(p)
	}
	if err := c.confirm(p); err != nil {
		return nil, err
	}
	return p.object(), nil
}

// confirmable checks what a confirmation needs.
func (c *call) confirmable(p *intent) *apiError {
	switch {
	case p.method == "":
		return unexpected("payment_intent_unexpected_state", "You cannot confirm this PaymentIntent because it's missing a payment method.")
	case p.redirects && p.returnURL == "":
		return invalid("", "return_url", "This PaymentIntent accepts payment methods that redirect: you must provide a return_url, or set automatic_payment_methods[allow_redirects] to never.")
	}
	return nil
}

// confirm attempts the payment. If it fails, the error tells so and has the
// PaymentIntent, which can be confirmed again.
func (c *call) confirm(p *intent) *apiError {
	m := c.s.methods.byID[p.method]
	p.nextAction, p.lastError = nil, nil
	offSession := c.form.get("off_session") == "true"
	asked := p.threeDSecure == "any" || p.threeDSecure == "challenge"
	var secure bool
	switch m.trigger.secure {
	case always:
		secure = true
	case unlessSetUp:
		secure = !m.setUp
	case onSession:
		secure = !offSession
	case ifAsked:
		secure = asked
	}
	if f, ok := c.plan.Find(sim.Outcome); ok {
		return c.decline(p, m, forced(f.Code))
	}
	if !secure {
		return c.attempt(p, m, false)
	}
	if offSession || c.form.get("error_on_requires_action") == "true" {
		return c.decline(p, m, cardError("authentication_required", "authentication_required", "This transaction requires authentication."))
	}
	p.status = needsAction
	challenge := "http://" + c.r.Host + "/_sim/3ds/" + p.id
	if p.returnURL != "" {
		p.nextAction = object{"type": "redirect_to_url", "redirect_to_url": object{"url": challenge, "return_url": p.returnURL}}
	} else {
		p.nextAction = object{"type": "use_stripe_sdk", "use_stripe_sdk": object{"type": "three_d_secure_redirect", "stripe_js": challenge}}
	}
	c.emit("payment_intent.requires_action", p.object())
	return nil
}

// forced makes the decline that a fault wants.
func forced(code string) *apiError {
	switch code {
	case "expired_card", "incorrect_cvc", "incorrect_number", "incorrect_zip", "invalid_cvc", "invalid_expiry_month", "invalid_expiry_year",
		"invalid_number", "processing_error", "authentication_required":
		return cardError(code, code, "Your card was declined.")
	}
	return cardError(declined, code, "Your card was declined.")
}

// attempt asks the issuer.
func (c *call) attempt(p *intent, m *method, secured bool) *apiError {
	if t := m.trigger; t.code != "" && !(t.needsCVC && !m.cvcSent) {
		return c.decline(p, m, cardError(t.code, t.decline, "Your card was declined."))
	}
	ch := c.charge(p, m)
	ch.status, ch.secured = succeeded, secured
	ch.captureBefore = c.now.Add(c.s.o.AuthorizationLife)
	if p.futureUsage != "" {
		m.setUp = m.setUp || p.futureUsage == "off_session"
		if p.customer != "" {
			m.customer = p.customer
		}
	}
	c.book(p, sim.Authorized, p.amount, ch.id)
	p.capturable = p.amount
	if m.trigger.risk == "elevated" {
		p.review = c.s.id("prv")
		c.emit("review.opened", object{"id": p.review, "object": "review", "charge": ch.id, "payment_intent": p.id, "open": true, "reason": "rule", "created": c.now.Unix()})
	}
	if p.captureMethod == "manual" {
		p.status = needsCapture
		c.s.due(ch.captureBefore)
		c.emit("charge.succeeded", ch.object())
		c.emit("payment_intent.amount_capturable_updated", p.object())
		return nil
	}
	c.claim(p, p.amount, true)
	c.emit("charge.succeeded", ch.object())
	c.emit("payment_intent.succeeded", p.object())
	c.dispute(ch)
	return nil
}

func (c *call) charge(p *intent, m *method) *charge {
	ch := &charge{id: c.s.id("ch"), intent: p, method: m, amount: p.amount, created: c.now}
	c.s.charges.add(ch.id, ch)
	p.charge = ch.id
	return ch
}

// decline books a failed attempt: the PaymentIntent wants another method.
func (c *call) decline(p *intent, m *method, err *apiError) *apiError {
	ch := c.charge(p, m)
	ch.status, ch.failure = "failed", err
	err.charge, err.method = ch.id, m.object()
	p.status, p.method, p.nextAction = needsMethod, "", nil
	p.lastError = err.object()
	c.emit("charge.failed", ch.object())
	c.emit("payment_intent.payment_failed", p.object())
	return err.with(p)
}

func (c *call) book(p *intent, posting sim.Posting, amount int64, id string) {
	c.s.Ledger.Book(p.id, sim.Entry{At: c.now, Posting: posting, Cents: amount, ID: id})
}

// claim captures an amount and, if it is the last capture, releases the rest.
func (c *call) claim(p *intent, amount int64, final bool) {
	ch := c.s.charges.byID[p.charge]
	ch.captured += amount
	ch.isCaptured = true
	p.received += amount
	p.capturable -= amount
	p.captures++
	c.book(p, sim.Captured, amount, ch.id)
	if final || p.capturable == 0 {
		c.release(p)
		p.status = succeeded
	}
}

// release gives back what is held and not captured.
func (c *call) release(p *intent) {
	if p.capturable > 0 {
		c.book(p, sim.Voided, p.capturable, p.charge)
		p.capturable = 0
	}
}

// maxCaptures is how many captures an authorization can have.
const maxCaptures = 50

func (c *call) captureIntent() (object, *apiError) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	f := c.form
	amount := p.capturable
	if f.has("amount_to_capture") {
		amount = f.integer("amount_to_capture")
	}
	final := f.get("final_capture") != "false"
	switch {
	case p.expired && p.status == canceled:
		return nil, unexpected("charge_expired_for_capture", "The authorization has expired: this PaymentIntent can not be captured any more.").with(p)
	case p.status == succeeded:
		return nil, unexpected("payment_intent_unexpected_state", "This PaymentIntent could not be captured because it has already been captured.").with(p)
	case p.status != needsCapture:
		return nil, unexpected("payment_intent_unexpected_state", "This PaymentIntent could not be captured because it has a status of %s. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.", p.status).with(p)
	case amount < 1:
		return nil, invalid("parameter_invalid_integer", "amount_to_capture", "This value must be greater than or equal to 1.")
	case amount > p.capturable:
		return nil, invalid("amount_too_large", "amount_to_capture", "The provided amount_to_capture (%s) is greater than the capturable amount (%s).", dollars(amount, p.currency), dollars(p.capturable, p.currency))
	case !final && !p.multicapture:
		return nil, invalid("", "final_capture", "final_capture can only be false if multicapture is available for this PaymentIntent.")
	case !final && p.captures == maxCaptures-1:
		return nil, invalid("", "final_capture", "A PaymentIntent can be captured at most %d times.", maxCaptures)
	}
	metadata, err := merge(p.metadata, f.at("metadata"))
	if err != nil {
		return nil, err
	}
	p.metadata = metadata
	if f.has("statement_descriptor_suffix") {
		p.suffix = f.get("statement_descriptor_suffix")
	}
	c.claim(p, amount, final)
	ch := c.s.charges.byID[p.charge]
	c.emit("charge.captured", ch.object())
	if p.status == succeeded {
		c.emit("payment_intent.succeeded", p.object())
	} else {
		c.emit("payment_intent.amount_capturable_updated", p.object())
	}
	c.dispute(ch)
	return p.object(), nil
}

func (c *call) cancelIntent() (object, *apiError) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	if p.status == succeeded || p.status == canceled {
		return nil, unexpected("payment_intent_unexpected_state", "You cannot cancel this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, processing.", p.status).with(p)
	}
	c.end(p, c.form.get("cancellation_reason"))
	return p.object(), nil
}

// end cancels a PaymentIntent. One that was captured in part has succeeded.
func (c *call) end(p *intent, reason string) {
	c.release(p)
	p.nextAction = nil
	if p.captures > 0 {
		p.status = succeeded
		c.emit("payment_intent.succeeded", p.object())
		return
	}
	p.status, p.canceledAt, p.cancelReason = canceled, c.now, reason
	c.emit("payment_intent.canceled", p.object())
}

// expire ends an authorization whose time is over.
func (c *call) expire(p *intent) {
	if p.status != needsCapture {
		return
	}
	ch := c.s.charges.byID[p.charge]
	if ch.captureBefore.After(c.now) {
		c.s.due(ch.captureBefore)
		return
	}
	p.expired = true
	c.emit("charge.expired", ch.object())
	c.end(p, "automatic")
}

// dispute makes the disputes and warnings of the test cards for that.
func (c *call) dispute(ch *charge) {
	t := ch.method.trigger
	for range t.disputes {
		if t.dispute == fraudWarning {
			c.emit("radar.early_fraud_warning.created", object{
				"id": c.s.id("issfr"), "object": "radar.early_fraud_warning", "charge": ch.id, "payment_intent": ch.intent.id, "actionable": true,
				"fraud_type": "made_with_stolen_card", "created": c.now.Unix(), "livemode": false,
			})
			continue
		}
		status, reason := "needs_response", t.dispute
		if t.dispute == disputeInquiry {
			status, reason = "warning_needs_response", "general"
		} else {
			ch.disputed = true
		}
		c.emit("charge.dispute.created", object{
			"id": c.s.id("dp"), "object": "dispute", "amount": ch.captured / int64(t.disputes), "charge": ch.id, "payment_intent": ch.intent.id, "currency": ch.intent.currency,
			"reason": reason, "status": status, "created": c.now.Unix(), "livemode": false, "metadata": object{},
		})
	}
}

func (c *call) listIntents() (object, *apiError) {
	return page(c, &c.s.intents, "/v1/payment_intents", func(p *intent) bool {
		return (!c.form.has("customer") || p.customer == c.form.get("customer")) && c.within(p.created)
	}, (*intent).object)
}

func (c *call) retrieveCharge() (object, *apiError) {
	ch := c.s.charges.byID[c.r.PathValue("id")]
	if ch == nil {
		return nil, missing("charge", c.r.PathValue("id"), "")
	}
	return ch.object(), nil
}

// Authenticate is what the buyer's bank reports of a 3-D Secure challenge. It
// returns an error if none is open.
func (s *Simulator) Authenticate(id string, ok bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.intents.byID[id]
	if p == nil || p.status != needsAction {
		return fmt.Errorf("no authentication is open for %q", id)
	}
	c := &call{s: s, now: s.Clock.Now(), form: &form{}, version: APIVersion}
	m := s.methods.byID[p.method]
	p.nextAction = nil
	// The outcome is in the PaymentIntent; there is nobody to tell here.
	if ok {
		_ = c.attempt(p, m, true)
	} else {
		err := &apiError{kind: "invalid_request_error", code: "payment_intent_authentication_failure", message: "The provided PaymentMethod has failed authentication.", method: m.object()}
		p.status, p.method, p.lastError = needsMethod, "", err.object()
		c.emit("payment_intent.payment_failed", p.object())
	}
	s.Webhooks.Add(c.messages...)
	return nil
}

var challenge = template.Must(template.New("").Parse(`<!doctype html><title>3-D Secure</title>
<form method="post"><p>Payment {{.}}</p>
<button name="result" value="succeed">Complete</button> <button name="result" value="fail">Fail</button></form>
`))

// challengePage is the page of the buyer's bank.
func (s *Simulator) challengePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = challenge.Execute(w, r.PathValue("id")) // the client may be gone
}

// challengeAnswer takes the buyer's answer and sends the buyer back to the shop.
func (s *Simulator) challengeAnswer(w http.ResponseWriter, r *http.Request) {
	result := r.FormValue("result")
	if result != "succeed" && result != "fail" {
		http.Error(w, "result must be succeed or fail", http.StatusBadRequest)
		return
	}
	id := r.PathValue("id")
	if err := s.Authenticate(id, result == "succeed"); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	s.mu.Lock()
	p := s.intents.byID[id]
	back, secret, status := p.returnURL, p.secret, "succeeded"
	if p.status == needsMethod {
		status = "failed"
	}
	s.mu.Unlock()
	if back == "" {
		fmt.Fprintln(w, status)
		return
	}
	separator := "?"
	if strings.Contains(back, "?") {
		separator = "&"
	}
	query := url.Values{"payment_intent": {id}, "payment_intent_client_secret": {secret}, "redirect_status": {status}}
	http.Redirect(w, r, back+separator+query.Encode(), http.StatusSeeOther)
}
