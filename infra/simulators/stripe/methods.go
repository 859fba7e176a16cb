package stripe

import (
	"time"
)

// A method is a payment method: a card, by its trigger.
type method struct {
	id          string
	trigger     trigger
	month, year int64
	cvcSent     bool
	billing     *form
	customer    string
	metadata    map[string]string
	setUp       bool // for use off session
	created     time.Time
}

// A customer is somebody whose payment methods are kept.
type customer struct {
	id       string
	created  time.Time
	deleted  bool
	metadata map[string]string
	fields   map[string]string
	nested   map[string]*form
}

func (t trigger) countryOrUS() string {
	if t.country == "" {
		return "US"
	}
	return t.country
}

func (t trigger) fundingOrCredit() string {
	if t.funding == "" {
		return "credit"
	}
	return t.funding
}

// checks are the results of the address and CVC checks: null for what was not
// sent. The vendor's own payment methods have sent everything.
func (m *method) checks() object {
	result := func(sent bool, check string) any {
		switch {
		case !sent:
			return nil
		case check == "":
			return checkPass
		}
		return check
	}
	own := m.billing == nil
	return object{
		"cvc_check":                 result(m.cvcSent, m.trigger.cvc),
		"address_line1_check":       result(own || m.billing.get("address", "line1") != "", m.trigger.line1),
		"address_postal_code_check": result(own || m.billing.get("address", "postal_code") != "", m.trigger.zip),
	}
}

func (m *method) billingObject() object {
	o := object{"address": object{"city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil}, "email": nil, "name": nil, "phone": nil}
	if m.billing == nil {
		return o
	}
	for _, name := range []string{"email", "name", "phone"} {
		o[name] = orNull(m.billing.get(name))
	}
	address := o["address"].(object)
	for name := range address {
		address[name] = orNull(m.billing.get("address", name))
	}
	return o
}

func (m *method) object() object {
	return object{
		"id": m.id, "object": "payment_method", "type": "card", "billing_details": m.billingObject(), "created": m.created.Unix(),
		"customer": orNull(m.customer), "livemode": false, "metadata": m.metadata,
		"card": object{
			"brand": brand(m.trigger.number), "last4": m.trigger.number[len(m.trigger.number)-4:], "exp_month": m.month, "exp_year": m.year,
			"country": m.trigger.countryOrUS(), "funding": m.trigger.fundingOrCredit(), "checks": m.checks(),
			"three_d_secure_usage": object{"supported": true},
		},
	}
}

// useMethod returns the payment method that a parameter names. One of the
// vendor's test methods becomes a new one.
func (c *call) useMethod(id, customer string) (*method, *apiError) {
	if t, ok := byName(id); ok && id[:3] == "pm_" {
		m := &method{trigger: t, month: int64(c.now.Month()), year: int64(c.now.Year()) + 1, cvcSent: true, metadata: map[string]string{}, created: c.now}
		return c.keep(m), nil
	}
	m := c.s.methods.byID[id]
	if m == nil {
		return nil, missing("PaymentMethod", id, "payment_method")
	}
	if m.customer != "" && m.customer != customer {
		return nil, invalid("payment_method_unexpected_state", "payment_method", "The payment method supplied (%s) belongs to another customer.", id)
	}
	return m, nil
}

func (c *call) keep(m *method) *method {
	m.id = c.s.id("pm")
	c.s.methods.add(m.id, m)
	return m
}

// newMethod makes a payment method of what a buyer typed in, or of a token.
func (c *call) newMethod(f *form) (*method, *apiError) {
	card := f.at("card")
	m := &method{billing: f.at("billing_details"), created: c.now, metadata: map[string]string{}, cvcSent: true}
	if m.billing == nil {
		m.billing = &form{}
	}
	var err *apiError
	if m.metadata, err = merge(nil, f.at("metadata")); err != nil {
		return nil, err
	}
	if m.metadata == nil {
		m.metadata = map[string]string{}
	}
	switch {
	case card == nil:
		return nil, invalid("parameter_missing", "card", "Missing required param: card.")
	case card.has("token") && len(card.names) > 1:
		return nil, invalid("parameters_exclusive", "card", "You may only specify one of these parameters: token, number.")
	case card.has("token"):
		t, ok := byName(card.get("token"))
		if !ok || card.get("token")[:4] != "tok_" {
			return nil, missing("token", card.get("token"), "card[token]")
		}
		m.trigger, m.month, m.year = t, int64(c.now.Month()), int64(c.now.Year())+1
		return c.keep(m), nil
	}
	for _, name := range []string{"number", "exp_month", "exp_year"} {
		if !card.has(name) {
			return nil, invalid("parameter_missing", "card["+name+"]", "Missing required param: card[%s].", name)
		}
	}
	if !c.public && !c.s.o.RawCards {
		err := cardError("", "", "Sending credit card numbers directly to the Stripe API is generally unsafe. Use test tokens, or create the payment method with the publishable key.")
		err.kind, err.executed = "invalid_request_error", false
		return nil, err
	}
	if m.trigger, err = checkCard(card, c.now); err != nil {
		return nil, err
	}
	m.month, m.year = card.integer("exp_month"), card.integer("exp_year")
	if m.year < 100 {
		m.year += 2000
	}
	m.cvcSent = card.has("cvc")
	return c.keep(m), nil
}

func (c *call) createMethod() (object, *apiError) {
	m, err := c.newMethod(c.form)
	if err != nil {
		return nil, err
	}
	return m.object(), nil
}

// findMethod returns the payment method of the path.
func (c *call) findMethod() (*method, *apiError) {
	id := c.r.PathValue("id")
	if m := c.s.methods.byID[id]; m != nil {
		return m, nil
	}
	if _, ok := byName(id); ok {
		return c.useMethod(id, "")
	}
	return nil, missing("PaymentMethod", id, "")
}

func (c *call) retrieveMethod() (object, *apiError) {
	m, err := c.findMethod()
	if err != nil {
		return nil, err
	}
	return m.object(), nil
}

func (c *call) listMethods() (object, *apiError) {
	return page(c, &c.s.methods, "/v1/payment_methods", func(m *method) bool {
		return m.customer != "" && (!c.form.has("customer") || m.customer == c.form.get("customer"))
	}, (*method).object)
}

// attachMethod keeps a payment method for a customer, if the card can be kept.
func (c *call) attachMethod() (object, *apiError) {
	id := c.form.get("customer")
	if cu := c.s.customers.byID[id]; cu == nil || cu.deleted {
		return nil, missing("customer", id, "customer")
	}
	m, err := c.findMethod()
	if err != nil {
		return nil, err
	}
	if m.customer != "" && m.customer != id {
		return nil, unexpected("payment_method_unexpected_state", "The payment method you provided has already been attached to a customer.")
	}
	if t := m.trigger; t.code != "" && !t.attaches && !t.blocked && !(t.needsCVC && !m.cvcSent) {
		err := cardError(t.code, t.decline, "Your card was declined.")
		err.method = m.object()
		return nil, err
	}
	m.customer = id
	c.emit("payment_method.attached", m.object())
	return m.object(), nil
}

func (c *call) detachMethod() (object, *apiError) {
	m, err := c.findMethod()
	if err != nil {
		return nil, err
	}
	if m.customer == "" {
		return nil, unexpected("payment_method_unexpected_state", "The payment method you provided is not attached to a customer so detachment is impossible.")
	}
	m.customer = ""
	c.emit("payment_method.detached", m.object())
	return m.object(), nil
}

func (cu *customer) object() object {
	if cu.deleted {
		return object{"id": cu.id, "object": "customer", "deleted": true}
	}
	o := object{"id": cu.id, "object": "customer", "created": cu.created.Unix(), "livemode": false, "metadata": cu.metadata}
	for _, name := range []string{"email", "name", "description", "phone"} {
		o[name] = orNull(cu.fields[name])
	}
	for _, name := range []string{"address", "shipping"} {
		o[name] = cu.nested[name].object()
	}
	return o
}

// apply sets the fields that a request has.
func (cu *customer) apply(f *form) *apiError {
	merged, err := merge(cu.metadata, f.at("metadata"))
	if err != nil {
		return err
	}
	cu.metadata = merged
	for _, name := range []string{"email", "name", "description", "phone"} {
		if f.has(name) {
			cu.fields[name] = f.get(name)
		}
	}
	for _, name := range []string{"address", "shipping"} {
		if f.has(name) {
			cu.nested[name] = f.at(name)
		}
	}
	return nil
}

func (c *call) createCustomer() (object, *apiError) {
	cu := &customer{created: c.now, metadata: map[string]string{}, fields: map[string]string{}, nested: map[string]*form{}}
	if err := cu.apply(c.form); err != nil {
		return nil, err
	}
	cu.id = c.s.id("cus")
	c.s.customers.add(cu.id, cu)
	c.emit("customer.created", cu.object())
	return cu.object(), nil
}

func (c *call) findCustomer() (*customer, *apiError) {
	cu := c.s.customers.byID[c.r.PathValue("id")]
	if cu == nil {
		return nil, missing("customer", c.r.PathValue("id"), "")
	}
	return cu, nil
}

func (c *call) retrieveCustomer() (object, *apiError) {
	cu, err := c.findCustomer()
	if err != nil {
		return nil, err
	}
	return cu.object(), nil
}

func (c *call) updateCustomer() (object, *apiError) {
	cu, err := c.findCustomer()
	if err == nil && cu.deleted {
		err = missing("customer", cu.id, "")
	}
	if err == nil {
		err = cu.apply(c.form)
	}
	if err != nil {
		return nil, err
	}
	c.emit("customer.updated", cu.object())
	return cu.object(), nil
}

// deleteCustomer deletes a customer, whose payment methods are detached.
func (c *call) deleteCustomer() (object, *apiError) {
	cu, err := c.findCustomer()
	if err == nil && cu.deleted {
		err = missing("customer", cu.id, "")
	}
	if err != nil {
		return nil, err
	}
	c.emit("customer.deleted", cu.object())
	cu.deleted = true
	for _, m := range c.s.methods.byID {
		if m.customer == cu.id {
			m.customer = ""
		}
	}
	return cu.object(), nil
}
