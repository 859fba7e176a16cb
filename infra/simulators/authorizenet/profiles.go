package authorizenet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The limits of a customer profile.
const (
	maxWallets   = 10
	maxAddresses = 100
)

// A customer is a customer profile.
type customer struct {
	id, merchantID, description, email, kind string

	wallets   []*wallet
	addresses []*address
}

// A wallet is a payment profile.
type wallet struct {
	id         string
	instrument instrument
	billTo     *node
}

type address struct {
	id string
	to *node
}

// acceptDescriptor is the descriptor of the tokens of Accept.js.
const acceptDescriptor = "COMMON.ACCEPT.INAPP.PAYMENT"

// nonceLife is how long a token can be used.
const nonceLife = 15 * time.Minute

// A nonce is a one-time token for a card.
type nonce struct {
	card instrument
	made time.Time
}

// Card is what a buyer types in.
type Card struct {
	Number string `json:"cardNumber"`
	Expiry string `json:"expirationDate"`
	Code   string `json:"cardCode"`
}

// Nonce returns a token for a card, as Accept.js gets it from the vendor for
// the buyer's browser.
func (s *Simulator) Nonce(c Card) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	value := s.word(40)
	s.nonces[value] = nonce{instrument{number: c.Number, expiry: c.Expiry, code: c.Code}, s.Clock.Now()}
	return value
}

// instrument returns what a transaction is to be paid with, and the billing
// address. A token is used up by that.
func (c *call) instrument(tr *node) (instrument, *node, error) {
	if p := tr.child("profile"); p != nil && !isTrue(p.at("createProfile")) {
		owner := c.s.customers[p.at("customerProfileId")]
		if owner == nil {
			return instrument{}, nil, errNotFound
		}
		w := owner.wallet(p.at("paymentProfile", "paymentProfileId"))
		if w == nil {
			return instrument{}, nil, errNotFound
		}
		how := w.instrument
		how.code, how.profile, how.paymentProfile = p.at("paymentProfile", "cardCode"), owner, w
		return how, w.billTo, nil
	}
	how, err := c.payment(tr.child("payment"))
	return how, tr.child("billTo"), err
}

// payment reads payment data.
func (c *call) payment(p *node) (instrument, error) {
	if card := p.child("creditCard"); card != nil {
		return instrument{number: card.at("cardNumber"), expiry: card.at("expirationDate"), code: card.at("cardCode")}, nil
	}
	if bank := p.child("bankAccount"); bank != nil {
		return instrument{number: bank.at("accountNumber"), routing: bank.at("routingNumber")}, nil
	}
	opaque := p.child("opaqueData")
	switch {
	case opaque == nil:
		return instrument{}, nil
	case opaque.at("dataDescriptor") != acceptDescriptor:
		return instrument{}, refuse("E00113", "The token data is malformed.")
	}
	value := opaque.at("dataValue")
	n, ok := c.s.nonces[value]
	if !ok {
		return instrument{}, refuse("E00114", "Invalid OTS Token.")
	}
	delete(c.s.nonces, value)
	if c.now.Sub(n.made) > nonceLife {
		return instrument{}, refuse("E00115", "Expired OTS Token.")
	}
	return n.card, nil
}

func (p *customer) wallet(id string) *wallet {
	i := slices.IndexFunc(p.wallets, func(w *wallet) bool { return w.id == id })
	if i < 0 {
		return nil
	}
	return p.wallets[i]
}

// profile answers the methods about customer profiles.
func (c *call) profile() (map[string]any, error) {
	if c.req.name == "createCustomerProfileRequest" {
		return c.createProfile()
	}
	if c.req.name == "createCustomerProfileFromTransactionRequest" {
		t := c.s.byID[c.req.at("transId")]
		switch {
		case t == nil:
			return nil, errNotFound
		case t.kind == refund || t.responseCode != approved:
			return nil, refuse("E00100", "The transaction type cannot become a profile.")
		}
		return c.fromTransaction(t, c.req.child("customer"), c.req.at("customerProfileId"))
	}
	p := c.s.customers[c.req.at("customerProfileId")]
	if c.req.name == "getCustomerProfileRequest" && p == nil {
		p = c.findProfile()
	}
	if p == nil {
		return nil, errNotFound
	}
	switch c.req.name {
	case "getCustomerProfileRequest":
		return map[string]any{"profile": p.json()}, nil
	case "createCustomerPaymentProfileRequest":
		w, direct, err := c.addWallet(p, c.req.child("paymentProfile"), c.req.at("validationMode"))
		if w == nil {
			return direct.out(), err
		}
		out := direct.out()
		out["customerProfileId"], out["customerPaymentProfileId"] = p.id, w.id
		return out, err
	case "createCustomerShippingAddressRequest":
		a, err := c.addAddress(p, c.req.child("address"))
		if a == nil {
			return nil, err
		}
		return map[string]any{"customerAddressId": a.id}, err
	}
	w := p.wallet(c.req.at("customerPaymentProfileId"))
	if w == nil {
		return nil, errNotFound
	}
	if c.req.name == "deleteCustomerPaymentProfileRequest" {
		p.wallets = slices.DeleteFunc(p.wallets, func(o *wallet) bool { return o == w })
		return nil, nil
	}
	how := w.instrument
	how.code = c.req.at("cardCode")
	direct, err := c.verify(how, w.billTo, c.req.at("validationMode"))
	return map[string]any{"directResponse": string(direct)}, err
}

func (c *call) findProfile() *customer {
	merchantID, email := c.req.at("merchantCustomerId"), c.req.at("email")
	for _, p := range c.s.customers {
		if merchantID != "" && p.merchantID == merchantID || merchantID == "" && email != "" && p.email == email {
			return p
		}
	}
	return nil
}

// newProfile adds a customer profile with the fields of an element.
func (c *call) newProfile(e *node) (*customer, error) {
	p := &customer{merchantID: e.at("merchantCustomerId"), description: e.at("description"), email: e.at("email"), kind: cmp.Or(e.at("profileType"), "regular")}
	if p.merchantID == "" && p.description == "" && p.email == "" {
		return nil, refuse("E00041", "One or more fields must contain a value.")
	}
	for _, other := range c.s.customers {
		if other.merchantID == p.merchantID && other.description == p.description && other.email == p.email {
			return nil, refuse("E00039", "A duplicate record with ID "+other.id+" already exists.")
		}
	}
	p.id = c.s.nextID()
	return p, nil
}

func (c *call) createProfile() (map[string]any, error) {
	e := c.req.child("profile")
	p, err := c.newProfile(e)
	if err != nil {
		return nil, err
	}
	wallets, addresses, directs := []string{}, []string{}, []string{}
	for _, w := range e.all("paymentProfiles") {
		added, direct, err := c.addWallet(p, w, c.req.at("validationMode"))
		if direct != "" {
			directs = append(directs, string(direct))
		}
		if err != nil {
			return map[string]any{"validationDirectResponseList": directs}, err
		}
		wallets = append(wallets, added.id)
	}
	for _, a := range e.all("shipToList") {
		added, err := c.addAddress(p, a)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, added.id)
	}
	c.s.customers[p.id] = p
	return map[string]any{
		"customerProfileId": p.id, "customerPaymentProfileIdList": wallets, "customerShippingAddressIdList": addresses, "validationDirectResponseList": directs,
	}, nil
}

// addWallet adds a payment profile, after validation if it is wanted.
func (c *call) addWallet(p *customer, e *node, mode string) (*wallet, directResponse, error) {
	if len(p.wallets) >= maxWallets {
		return nil, "", refuse("E00042", "There are too many payment profiles.")
	}
	how, err := c.payment(e.child("payment"))
	if err != nil {
		return nil, "", err
	}
	if how.number == "" {
		return nil, "", refuse("E00029", "Payment information is required.")
	}
	for _, w := range p.wallets {
		if w.instrument.number == how.number && w.instrument.routing == how.routing && w.billTo.signature() == e.child("billTo").signature() {
			return w, "", refuse("E00039", "A duplicate record with ID "+w.id+" already exists.")
		}
	}
	direct, err := c.verify(how, e.child("billTo"), cmp.Or(mode, "none"))
	if err != nil {
		return nil, direct, err
	}
	w := &wallet{id: c.s.nextID(), instrument: how, billTo: e.child("billTo")}
	w.instrument.code = ""
	p.wallets = append(p.wallets, w)
	return w, direct, nil
}

// signature is what an address is compared by.
func (n *node) signature() string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(n.json())
}

func (c *call) addAddress(p *customer, e *node) (*address, error) {
	if len(p.addresses) >= maxAddresses {
		return nil, refuse("E00043", "There are too many addresses.")
	}
	for _, a := range p.addresses {
		if a.to.signature() == e.signature() {
			return a, refuse("E00039", "A duplicate record with ID "+a.id+" already exists.")
		}
	}
	a := &address{c.s.nextID(), e}
	p.addresses = append(p.addresses, a)
	return a, nil
}

// A directResponse is the result of a validation: fields with commas between.
type directResponse string

func (d directResponse) out() map[string]any {
	out := map[string]any{}
	if d != "" {
		out["validationDirectResponse"] = string(d)
	}
	return out
}

// verify validates payment data: by its form, or as the issuer would.
func (c *call) verify(how instrument, billTo *node, mode string) (directResponse, error) {
	reason := how.check(c.now)
	if mode == "none" {
		if reason != 0 {
			return "", refuse("E00013", reasonText(reason))
		}
		return "", nil
	}
	if reason == 0 && mode != "testMode" && billTo.at("zip") == "46282" {
		reason = 2
	}
	if reason == 0 {
		reason = 1
	}
	fields := make([]string, 68)
	fields[0], fields[1], fields[2], fields[3] = fmt.Sprint(responseCodeOf(reason)), "1", fmt.Sprint(reason), reasonText(reason)
	fields[4], fields[5], fields[6], fields[38] = "", how.avs(billTo.at("zip")), "0", how.cvv()
	if reason == 1 {
		fields[4] = c.s.word(6)
	}
	direct := directResponse(strings.Join(fields, ","))
	if reason != 1 {
		return direct, refuse("E00027", "The transaction was unsuccessful.")
	}
	return direct, nil
}

// fromTransaction makes or extends a profile with the payment data of a
// transaction.
func (c *call) fromTransaction(t *transaction, e *node, into string) (map[string]any, error) {
	p := c.s.customers[into]
	if into != "" && p == nil {
		return nil, errNotFound
	}
	if p == nil {
		if e == nil {
			e = t.request.child("customer")
			e = &node{children: []*node{{name: "merchantCustomerId", text: e.at("id")}, {name: "email", text: e.at("email")}}}
		}
		var err error
		if p, err = c.newProfile(e); err != nil {
			return nil, err
		}
	}
	for _, w := range p.wallets {
		if w.instrument.number == t.instrument.number {
			return nil, refuse("E00039", "A duplicate record with ID "+w.id+" already exists.")
		}
	}
	if len(p.wallets) >= maxWallets {
		return nil, refuse("E00042", "There are too many payment profiles.")
	}
	c.s.customers[p.id] = p
	w := &wallet{id: c.s.nextID(), instrument: t.instrument, billTo: t.request.child("billTo")}
	w.instrument.code = ""
	p.wallets = append(p.wallets, w)
	return map[string]any{
		"customerProfileId": p.id, "customerPaymentProfileIdList": []string{w.id}, "customerShippingAddressIdList": []string{}, "validationDirectResponseList": []string{},
	}, nil
}

// profileOf makes the profile that a charge asked for. If that fails, the
// charge stands.
func (c *call) profileOf(t *transaction) map[string]any {
	out, err := c.fromTransaction(t, nil, "")
	result, m := "Ok", message{"I00001", "Successful."}
	if refused, ok := err.(*apiError); ok {
		out, result, m = map[string]any{}, "Error", message{refused.code, refused.text}
	}
	out["messages"] = map[string]any{"resultCode": result, "message": []message{m}}
	return out
}

func (p *customer) json() map[string]any {
	var wallets, addresses []map[string]any
	for _, w := range p.wallets {
		row := map[string]any{"customerPaymentProfileId": w.id}
		if w.instrument.bank() {
			row["payment"] = map[string]any{"bankAccount": map[string]string{"routingNumber": "XXXX" + w.instrument.routing[max(0, len(w.instrument.routing)-4):], "accountNumber": w.instrument.mask()}}
		} else {
			row["payment"] = map[string]any{"creditCard": map[string]string{"cardNumber": w.instrument.mask(), "expirationDate": "XXXX", "cardType": w.instrument.brand()}}
		}
		if w.billTo != nil {
			row["billTo"] = w.billTo.json()
		}
		wallets = append(wallets, row)
	}
	for _, a := range p.addresses {
		row := map[string]any{"customerAddressId": a.id}
		for _, e := range a.to.children {
			row[e.name] = e.json()
		}
		addresses = append(addresses, row)
	}
	out := map[string]any{
		"customerProfileId": p.id, "merchantCustomerId": p.merchantID, "description": p.description, "email": p.email, "profileType": p.kind,
	}
	if wallets != nil {
		out["paymentProfiles"] = wallets
	}
	if addresses != nil {
		out["shipToList"] = addresses
	}
	return out
}
