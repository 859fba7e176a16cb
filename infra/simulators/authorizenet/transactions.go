package authorizenet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// The kinds of transactions, as the reports name them.
const (
	authOnly    = "authOnlyTransaction"
	authCapture = "authCaptureTransaction"
	captureOnly = "captureOnlyTransaction"
	refund      = "refundTransaction"
)

// The states of transactions.
const (
	pendingCapture    = "authorizedPendingCapture"
	pendingSettlement = "capturedPendingSettlement"
	settled           = "settledSuccessfully"
	refundPending     = "refundPendingSettlement"
	refundSettled     = "refundSettledSuccessfully"
	voided            = "voided"
	expired           = "expired"
	statusDeclined    = "declined"
	fdsPending        = "FDSPendingReview"
	fdsAuthorized     = "FDSAuthorizedPendingReview"
	pendingRelease    = "authorizedPendingRelease"
)

// A transaction is what is stored of one.
type transaction struct {
	id, kind, status     string
	responseCode, reason int
	authCode, avs, cvv   string
	networkID            string
	submitted            time.Time
	// requested is what was asked for, authorized what was granted, settle
	// what is claimed or, of a refund, given back.
	requested, authorized, settle cents
	instrument                    instrument
	refTransID                    string
	invoice                       string
	prepaidBalance                string
	group                         *splitGroup
	profile                       *customer
	paymentProfile                *wallet
	request                       *node // the transactionRequest
	refunded                      cents
	batch                         *batch
}

// A batch is what settled at one time.
type batch struct {
	id           string
	at           time.Time
	transactions []*transaction
}

// A splitGroup is several partial approvals for one order.
type splitGroup struct {
	id           string
	status       string
	transactions []*transaction
}

func (t *transaction) filterAction() string {
	switch t.reason {
	case 252:
		return "hold"
	case 253:
		return "authAndHold"
	}
	return "decline"
}

// filterName is the name of the only fraud filter.
const filterName = "Simulated Filter"

// holds are the zips with which the simulator's fraud filter holds a
// transaction. They are its own: the vendor's sandbox has none.
var holds = map[string]int{"46252": 252, "46253": 253}

// tick does what has come due since the last call: settlement and expiry. The
// clock may have skipped many cut-offs, of which the first had everything to
// settle that there was.
func (s *Simulator) tick(now time.Time) {
	cutOff := s.ticked.Truncate(24 * time.Hour).Add(s.o.CutOff)
	if !cutOff.After(s.ticked) {
		cutOff = cutOff.Add(24 * time.Hour)
	}
	if !cutOff.After(now) {
		s.settle(cutOff)
	}
	for ; s.lapsed < len(s.transactions); s.lapsed++ {
		t := s.transactions[s.lapsed]
		if t.submitted.AddDate(0, 0, s.o.AuthorizationDays).After(now) {
			break
		}
		switch t.status {
		case pendingCapture, fdsAuthorized, pendingRelease:
			s.Ledger.Book(t.id, sim.Entry{At: now, Posting: sim.Voided, Cents: int64(t.authorized), ID: t.id})
			t.status, t.settle = expired, 0
		case fdsPending:
			t.status, t.settle = expired, 0
		}
	}
	s.ticked = now
}

// Settle settles now what waits for it and returns the number of transactions.
func (s *Simulator) Settle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock.Now()
	s.tick(now)
	return s.settle(now)
}

func (s *Simulator) settle(at time.Time) int {
	b := &batch{at: at}
	for _, t := range s.transactions {
		switch t.status {
		case pendingSettlement:
			t.status = settled
		case refundPending:
			t.status = refundSettled
		default:
			continue
		}
		t.batch = b
		b.transactions = append(b.transactions, t)
	}
	if len(b.transactions) > 0 {
		b.id = s.nextID()
		s.batches = append(s.batches, b)
	}
	return len(b.transactions)
}

// An answer is the transactionResponse of a request: what was booked, if
// anything, or the reason why not.
type answer struct {
	reason int
	t      *transaction
	// transID is the id to tell if it is not that of t.
	transID    string
	refTransID string
	instrument instrument
	avs, cvv   string
	test       bool
	profile    map[string]any
}

// render makes the transactionResponse and the outer error that goes with it.
func (c *call) render(a answer) (map[string]any, error) {
	code := responseCodeOf(a.reason)
	r := map[string]any{
		"responseCode": strconv.Itoa(code), "authCode": "", "avsResultCode": "P", "cvvResultCode": a.cvv, "cavvResultCode": "",
		"transId": "0", "refTransID": a.refTransID, "transHash": "", "testRequest": "0", "accountNumber": "", "accountType": "",
		"transHashSha2": "", "SupplementalDataQualificationIndicator": 0,
	}
	if a.avs != "" {
		r["avsResultCode"] = a.avs
	}
	if a.instrument.number != "" {
		r["accountNumber"], r["accountType"] = a.instrument.mask(), a.instrument.brand()
	}
	if a.t != nil {
		t := a.t
		r["transId"], r["authCode"], r["avsResultCode"], r["cvvResultCode"] = t.id, t.authCode, t.avs, t.cvv
		r["accountNumber"], r["accountType"] = t.instrument.mask(), t.instrument.brand()
		if t.networkID != "" {
			r["networkTransId"] = t.networkID
		}
		if t.group != nil && a.reason != 310 && a.reason != 311 {
			r["splitTenderId"] = t.group.id
			r["prePaidCard"] = map[string]string{"requestedAmount": t.requested.String(), "approvedAmount": t.authorized.String(), "balanceOnCard": t.prepaidBalance}
			var parts []map[string]string
			for _, p := range t.group.transactions {
				parts = append(parts, map[string]string{
					"transId": p.id, "responseCode": strconv.Itoa(p.responseCode), "responseToCustomer": "1", "authCode": p.authCode, "accountNumber": p.instrument.mask(),
					"accountType": p.instrument.brand(), "requestedAmount": p.requested.String(), "approvedAmount": p.authorized.String(), "balanceOnCard": p.prepaidBalance,
				})
			}
			r["splitTenderPayments"] = parts
		} else if t.prepaidBalance != "" {
			r["prePaidCard"] = map[string]string{"requestedAmount": t.requested.String(), "approvedAmount": t.authorized.String(), "balanceOnCard": t.prepaidBalance}
		}
		if t.profile != nil {
			r["profile"] = map[string]string{"customerProfileId": t.profile.id, "customerPaymentProfileId": t.paymentProfile.id}
		}
	}
	if a.transID != "" {
		r["transId"] = a.transID
	}
	if a.test {
		r["testRequest"] = "1"
	}
	var fields []map[string]string
	for _, f := range c.req.child("transactionRequest").child("userFields").all("userField") {
		fields = append(fields, map[string]string{"name": f.at("name"), "value": f.at("value")})
	}
	if fields != nil {
		r["userFields"] = fields
	}
	if code == approved || code == held {
		r["messages"] = []map[string]string{{"code": strconv.Itoa(a.reason), "description": reasonText(a.reason)}}
	} else {
		r["errors"] = []map[string]string{{"errorCode": strconv.Itoa(a.reason), "errorText": reasonText(a.reason)}}
	}
	out := map[string]any{"transactionResponse": r}
	if a.profile != nil {
		out["profileResponse"] = a.profile
	}
	if code == failed {
		return out, refuse("E00027", "The transaction was unsuccessful.")
	}
	return out, nil
}

// createTransaction runs any type of transaction.
func (c *call) createTransaction() (map[string]any, error) {
	tr := c.req.child("transactionRequest")
	if err := exclusive(tr); err != nil {
		return nil, err
	}
	var a answer
	var err error
	switch tr.at("transactionType") {
	case authOnly, authCapture, captureOnly:
		a, err = c.charge(tr)
	case "priorAuthCaptureTransaction":
		a = c.forced()
		if a.reason == 0 {
			a = c.capture(tr)
		}
	case "voidTransaction":
		a = c.forced()
		if a.reason == 0 {
			a = c.void(tr)
		}
	case refund:
		a, err = c.refund(tr)
	default: // PayPal's
		a.reason = 69
	}
	if err != nil {
		return nil, err
	}
	return c.render(a)
}

// forced is the refusal that a fault wants, its reason 0 if none does.
func (c *call) forced() answer {
	f, _ := c.plan.Find(sim.Outcome)
	reason, _ := strconv.Atoi(f.Code) // 0 if it is not a number
	if responseCodeOf(reason) == approved {
		reason = 0
	}
	return answer{reason: reason}
}

// exclusive checks that stored and new data are not mixed.
func exclusive(tr *node) error {
	profile := tr.child("profile")
	if profile == nil {
		return nil
	}
	if isTrue(profile.at("createProfile")) {
		switch {
		case len(profile.children) > 1:
			return refuse("E00088", "Profile ids must not be sent when createProfile is true.")
		case tr.child("payment") == nil:
			return refuse("E00089", "Payment data is required when createProfile is true.")
		}
		return nil
	}
	switch {
	case tr.child("payment") != nil && profile.child("paymentProfile") != nil:
		return refuse("E00091", "A payment profile id must not be sent with payment data.")
	case tr.child("payment") != nil:
		return refuse("E00090", "Profile and payment data must not both be sent.")
	case tr.child("billTo") != nil:
		return refuse("E00093", "A payment profile must not be sent with billing data.")
	case tr.child("shipTo") != nil && profile.child("shippingProfileId") != nil:
		return refuse("E00092", "A shipping profile id must not be sent with shipTo.")
	}
	return nil
}

func isTrue(s string) bool { return s == "true" || s == "1" }

// setting returns the value of a transaction setting.
func setting(tr *node, name string) (string, bool) {
	for _, s := range tr.child("transactionSettings").all("setting") {
		if s.at("settingName") == name {
			return s.at("settingValue"), true
		}
	}
	return "", false
}

// amount reads an amount; ok is whether one was sent.
func amount(tr *node) (a cents, reason int, ok bool) {
	e := tr.child("amount")
	if e == nil {
		return 0, 5, false
	}
	a, reason = parseCents(e.text)
	return a, reason, true
}

// charge runs an authorization, with or without capture.
func (c *call) charge(tr *node) (answer, error) {
	kind := tr.at("transactionType")
	how, billTo, err := c.instrument(tr)
	if err != nil {
		return answer{}, err
	}
	a := answer{instrument: how}
	value, reason, _ := amount(tr)
	group, groupReason := c.group(tr)
	switch {
	case reason != 0:
		a.reason = reason
	case value == 0 && kind != authOnly:
		a.reason = 5
	case tr.child("currencyCode") != nil && tr.at("currencyCode") != c.s.o.Currency:
		a.reason = 39
	case len(tr.child("lineItems").all("lineItem")) > 30:
		a.reason = 271
	case groupReason != 0:
		a.reason = groupReason
	case tr.child("refTransId") != nil && tr.child("splitTenderId") != nil:
		a.reason = 297
	case kind == captureOnly && tr.at("authCode") == "":
		a.reason = 12
	case how.number == "":
		a.reason = 6
	case c.testMode(tr) && how.number == "4222222222222":
		a.reason, _ = strconv.Atoi(strconv.FormatInt(int64(value/100), 10)) // digits
	default:
		a.reason = how.check(c.now)
	}
	if how.bank() && a.reason == 0 && kind != authCapture {
		a.reason = 53
	}
	if value == 0 && a.reason == 0 && slices.Contains([]string{"JCB", "DinersClub"}, how.brand()) {
		a.reason = 289
	}
	if c.testMode(tr) {
		if a.reason == 0 {
			a.reason = 1
		}
		a.test = true
		return a, nil
	}
	if a.reason != 0 {
		return a, nil
	}
	key := c.duplicateKey(tr, kind, value, how, billTo)
	if first := c.duplicateOf(tr, key); first != nil {
		a.reason = 11
		if _, sent := setting(tr, "duplicateWindow"); sent {
			a.t = first
		}
		return a, nil
	}

	zip := billTo.at("zip")
	t := &transaction{
		kind: kind, submitted: c.now, requested: value, authorized: value, instrument: how, invoice: tr.at("order", "invoiceNumber"),
		avs: how.avs(zip), cvv: how.cvv(), request: tr, profile: how.profile, paymentProfile: how.paymentProfile, group: group,
	}
	t.reason = c.decide(t, zip)
	if responseCodeOf(t.reason) == failed {
		a.reason = t.reason
		return a, nil
	}
	if t.reason == 1 {
		c.prepaid(t, tr, zip)
	}
	c.s.store(t)
	c.s.recent[key] = t
	c.begin(t)
	a.t, a.reason = t, t.reason
	if isTrue(tr.at("profile", "createProfile")) && t.responseCode == approved {
		a.profile = c.profileOf(t)
	}
	return a, nil
}

func (c *call) testMode(tr *node) bool {
	test, _ := setting(tr, "testRequest")
	return c.s.o.TestMode || isTrue(test)
}

// decide returns the reason code with which a charge ends.
func (c *call) decide(t *transaction, zip string) int {
	if f, ok := c.plan.Find(sim.Outcome); ok {
		reason, err := strconv.Atoi(f.Code)
		if err != nil || reason < 0 {
			reason = 0 // the vendor's "unknown failure"
		}
		return reason
	}
	badAVS := t.avs != "" && strings.Contains(c.s.o.RejectAVS, t.avs)
	badCVV := t.cvv != "" && strings.Contains(c.s.o.RejectCVV, t.cvv)
	_, partial := prepaidCards[zip]
	allowed, _ := setting(t.request, "allowPartialAuth")
	switch {
	case zip == "46282",
		t.instrument.bank() && t.requested > 100_00,
		partial && !isTrue(allowed) && zip == "46225" && t.requested > prepaidLimit:
		return 2
	case badAVS && badCVV:
		return 45
	case badAVS:
		return 27
	case badCVV:
		return 65
	case holds[zip] != 0:
		return holds[zip]
	}
	return 1
}

// prepaidCards are the zips that make the card a prepaid one, and what is left
// on it.
var prepaidCards = map[string]string{"46225": "", "46226": "1.23", "46227": "-1.23", "46228": "0.00"}

// prepaidLimit is what a prepaid card grants that has not enough.
const prepaidLimit cents = 1_23

// prepaid grants what a prepaid card has, if the request allows less than all.
func (c *call) prepaid(t *transaction, tr *node, zip string) {
	balance, ok := prepaidCards[zip]
	allowed, _ := setting(tr, "allowPartialAuth")
	if !ok || !isTrue(allowed) {
		return
	}
	t.prepaidBalance = balance
	if zip != "46225" || t.requested <= prepaidLimit {
		return
	}
	t.authorized = prepaidLimit
	if c.s.o.PartialHeld {
		t.reason = 295
	}
	if t.group == nil {
		t.group = &splitGroup{id: c.s.nextID(), status: "held"}
		c.s.groups[t.group.id] = t.group
	}
}

// group returns the open group that a request names.
func (c *call) group(tr *node) (*splitGroup, int) {
	id := tr.at("splitTenderId")
	if id == "" {
		return nil, 0
	}
	g := c.s.groups[id]
	switch {
	case g == nil:
		return nil, 296
	case g.status != "held":
		return nil, 298
	}
	return g, 0
}

// store gives a transaction its id.
func (s *Simulator) store(t *transaction) {
	t.id = s.nextID()
	t.responseCode = responseCodeOf(t.reason)
	s.transactions = append(s.transactions, t)
	s.byID[t.id] = t
}

// begin sets the first state of a charge, books it and tells of it.
func (c *call) begin(t *transaction) {
	if t.responseCode == declined {
		t.status, t.authorized = statusDeclined, 0
		event := "authorization.created"
		if t.kind == authCapture {
			event = "authcapture.created"
		}
		c.notify(event, t, 0)
		return
	}
	c.s.Ledger.Open(sim.Account{ID: t.id, Reference: t.invoice, Currency: strings.ToLower(c.s.o.Currency)})
	if t.reason != 1 && t.reason != 295 { // held
		t.status = fdsPending
		if t.reason == 253 {
			c.authorize(t)
			t.status = fdsAuthorized
		}
		c.notify("fraud.held", t, t.requested)
		return
	}
	c.authorize(t)
	if t.group != nil {
		t.group.transactions = append(t.group.transactions, t)
		if t.kind != authOnly {
			t.status = pendingRelease
			c.notify("authcapture.created", t, t.authorized)
			return
		}
	}
	c.proceed(t)
	c.notify(map[string]string{authOnly: "authorization.created", authCapture: "authcapture.created", captureOnly: "capture.created"}[t.kind], t, t.authorized)
}

// authorize books what the issuer grants.
func (c *call) authorize(t *transaction) {
	t.authCode = c.s.word(6)
	if !t.instrument.bank() {
		t.networkID = c.s.word(15)
	}
	c.book(t.id, sim.Authorized, t.authorized, t.id)
}

// proceed puts an authorized charge into the state of its type.
func (c *call) proceed(t *transaction) {
	t.status = pendingCapture
	if t.kind != authOnly {
		t.status, t.settle = pendingSettlement, t.authorized
		c.book(t.id, sim.Captured, t.settle, t.id)
	}
}

func (c *call) book(account string, p sim.Posting, amount cents, id string) {
	c.s.Ledger.Book(account, sim.Entry{At: c.now, Posting: p, Cents: int64(amount), ID: id})
}

// duplicateKey is what two requests must have in common to be duplicates.
func (c *call) duplicateKey(tr *node, kind string, value cents, how instrument, billTo *node) string {
	window, _ := setting(tr, "duplicateWindow")
	key := []string{
		how.number, how.expiry, how.routing, kind, value.String(), tr.at("order", "invoiceNumber"), tr.at("poNumber"), tr.at("customer", "id"), window,
	}
	for _, name := range []string{"firstName", "lastName", "company", "address", "city", "state", "zip", "country"} {
		key = append(key, billTo.at(name))
	}
	return fmt.Sprintf("%q", key)
}

// defaultWindow and maxWindow are the seconds within which a request is a
// duplicate of another.
const (
	defaultWindow = 120
	maxWindow     = 28800
)

// duplicateOf returns the transaction that a request repeats.
func (c *call) duplicateOf(tr *node, key string) *transaction {
	window := defaultWindow
	if v, ok := setting(tr, "duplicateWindow"); ok {
		if n, err := strconv.Atoi(v); err == nil && n >= 0 {
			window = min(n, maxWindow)
		}
	}
	first := c.s.recent[key]
	if first == nil || c.now.Sub(first.submitted) >= time.Duration(window)*time.Second {
		return nil
	}
	return first
}

// original returns the transaction that a request refers to, or the reason why
// it cannot be had.
func (c *call) original(tr *node) (*transaction, int) {
	id := tr.at("refTransId")
	if !digitsRE.MatchString(id) {
		return nil, 15
	}
	t := c.s.byID[id]
	if t == nil {
		return nil, 16
	}
	return t, 0
}

// capture claims what an authorization holds, or less: then the rest is
// released. There is one capture for an authorization.
func (c *call) capture(tr *node) answer {
	t, reason := c.original(tr)
	if reason != 0 {
		return answer{reason: reason}
	}
	a := answer{t: t, refTransID: t.id, reason: 1}
	value, wrong, sent := amount(tr)
	switch {
	case !sent:
		value = t.authorized
	case wrong != 0:
		return answer{reason: wrong, refTransID: t.id}
	}
	switch {
	case t.status == statusDeclined || t.status == fdsPending || t.status == fdsAuthorized:
		a.reason = 64
	case t.kind == refund || t.status == voided || t.status == expired:
		a.reason = 16
	case t.status != pendingCapture:
		a.reason = 311
		return a
	case value == 0:
		a.reason = 5
	case value > t.authorized:
		a.reason = 47
	}
	if a.reason != 1 {
		a.t = nil
		return a
	}
	t.status, t.settle = pendingSettlement, value
	c.book(t.id, sim.Captured, value, t.id)
	if rest := t.authorized - value; rest > 0 {
		c.book(t.id, sim.Voided, rest, t.id)
	}
	c.notify("priorAuthCapture.created", t, value)
	return a
}

// void cancels, before its settlement, an authorization, a capture or a refund.
func (c *call) void(tr *node) answer {
	t, reason := c.original(tr)
	if reason != 0 {
		return answer{reason: reason}
	}
	a := answer{t: t, refTransID: t.id, reason: 1}
	switch t.status {
	case pendingCapture, pendingRelease, fdsAuthorized, pendingSettlement, refundPending:
		c.cancel(t)
		c.notify("void.created", t, t.authorized)
		return a
	case voided:
		a.reason = 310
		return a
	case fdsPending:
		a.reason = 327
	default:
		a.reason = 16
	}
	a.t = nil
	return a
}

// cancel books the void of a transaction that can be voided.
func (c *call) cancel(t *transaction) {
	switch t.status {
	case pendingSettlement:
		c.book(t.id, sim.CaptureVoided, t.settle, t.id)
	case refundPending:
		account := t.id
		if t.refTransID != "" {
			account = t.refTransID
			c.s.byID[account].refunded -= t.settle
		}
		c.book(account, sim.RefundReversed, t.settle, t.id)
	default:
		c.book(t.id, sim.Voided, t.authorized, t.id)
	}
	t.status, t.settle = voided, 0
}

// refund gives back a settled charge, or a part of it.
func (c *call) refund(tr *node) (answer, error) {
	how, billTo, err := c.instrument(tr)
	if err != nil {
		return answer{}, err
	}
	a := answer{instrument: how, refTransID: tr.at("refTransId")}
	value, reason, _ := amount(tr)
	var of *transaction
	switch {
	case reason != 0:
		a.reason = reason
	case value == 0:
		a.reason = 5
	case tr.child("refTransId") != nil:
		of, a.reason = c.original(tr)
	case !c.s.o.ExpandedCredits:
		a.reason = 54
	default:
		a.reason = how.check(c.now)
	}
	if a.reason != 0 {
		return a, nil
	}
	key := c.duplicateKey(tr, refund, value, how, billTo)
	if first := c.duplicateOf(tr, key); first != nil {
		a.reason = 11
		if _, sent := setting(tr, "duplicateWindow"); sent {
			a.t = first
		}
		return a, nil
	}
	if of != nil {
		switch {
		case how.number == "":
			a.reason = 6
		case of.status != settled,
			c.now.After(of.batch.at.AddDate(0, 0, c.s.o.RefundDays)),
			how.last4() != of.instrument.last4(),
			how.expiry != "XXXX" && !how.bank() && !sameExpiry(how.expiry, of.instrument.expiry):
			a.reason = 54
		case of.refunded+value > of.settle:
			a.reason = 55
		}
		how = of.instrument
	}
	if a.reason != 0 {
		return a, nil
	}
	t := &transaction{
		kind: refund, status: refundPending, reason: 1, submitted: c.now, requested: value, authorized: value, settle: value,
		instrument: how, invoice: tr.at("order", "invoiceNumber"), refTransID: a.refTransID, avs: "P", request: tr,
	}
	if f, ok := c.plan.Find(sim.Outcome); ok {
		t.reason, _ = strconv.Atoi(f.Code) // 0 is the vendor's "unknown failure"
		if responseCodeOf(t.reason) != approved {
			a.reason = t.reason
			return a, nil
		}
	}
	c.s.store(t)
	c.s.recent[key] = t
	account := t.id
	if of != nil {
		of.refunded += value
		account = of.id
	} else {
		c.s.Ledger.Open(sim.Account{ID: t.id, Reference: t.invoice, Currency: strings.ToLower(c.s.o.Currency)})
	}
	c.book(account, sim.Refunded, value, t.id)
	c.notify("refund.created", t, value)
	a.t, a.reason = t, 1
	return a, nil
}

func sameExpiry(a, b string) bool {
	endA, okA := expiryEnd(a)
	endB, okB := expiryEnd(b)
	return okA && okB && endA.Equal(endB)
}

// updateHeld approves or declines a transaction that is held.
func (c *call) updateHeld() (map[string]any, error) {
	h := c.req.child("heldTransactionRequest")
	t, reason := c.original(h)
	if reason == 0 && t.status != fdsPending && t.status != fdsAuthorized {
		reason = 16
	}
	if reason != 0 {
		return c.render(answer{reason: reason, refTransID: h.at("refTransId")})
	}
	a := answer{t: t, refTransID: t.id, reason: 1}
	if h.at("action") == "decline" {
		a.reason = 254
	} else if f, ok := c.plan.Find(sim.Outcome); ok && t.status == fdsPending {
		a.reason, _ = strconv.Atoi(f.Code) // 0 is the vendor's "unknown failure"
	}
	t.reason, t.responseCode = a.reason, responseCodeOf(a.reason)
	if t.responseCode != approved {
		if t.status == fdsAuthorized {
			c.book(t.id, sim.Voided, t.authorized, t.id)
			t.status = voided
		} else {
			t.status = statusDeclined
		}
		c.notify("fraud.declined", t, t.requested)
		return c.render(a)
	}
	if t.status == fdsPending {
		c.authorize(t)
	}
	c.proceed(t)
	c.notify("fraud.approved", t, t.authorized)
	return c.render(a)
}

// updateSplitGroup releases or voids partial approvals.
func (c *call) updateSplitGroup() (map[string]any, error) {
	g := c.s.groups[c.req.at("splitTenderId")]
	if g == nil {
		return nil, errNotFound
	}
	status := c.req.at("splitTenderStatus")
	if g.status != "held" && g.status != status {
		return nil, refuse("E00128", "The action is not allowed.")
	}
	if g.status == status {
		return nil, nil
	}
	g.status = status
	for _, t := range g.transactions {
		switch {
		case status == "voided" && (t.status == pendingRelease || t.status == pendingCapture):
			c.cancel(t)
			c.notify("void.created", t, t.authorized)
		case status == "completed" && t.status == pendingRelease:
			c.proceed(t)
		}
	}
	return nil, nil
}
