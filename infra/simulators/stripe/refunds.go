package stripe

import (
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// A refund gives back a part of a captured charge.
type refund struct {
	id            string
	charge        *charge
	amount        int64
	status        string
	reason        string
	failureReason string
	metadata      map[string]string
	created       time.Time
	// ripe is when a status that is not final changes, zero if it does not.
	ripe time.Time
}

func (r *refund) object() object {
	return object{
		"id": r.id, "object": "refund", "amount": r.amount, "charge": r.charge.id, "created": r.created.Unix(), "currency": r.charge.intent.currency,
		"failure_reason": orNull(r.failureReason), "metadata": r.metadata, "payment_intent": r.charge.intent.id, "reason": orNull(r.reason), "status": r.status,
	}
}

// refundable returns the charge that a request wants to refund.
func (c *call) refundable() (*charge, *apiError) {
	id, of := c.form.get("payment_intent"), c.form.get("charge")
	switch {
	case id != "" && of != "":
		return nil, invalid("parameters_exclusive", "charge", "You may only specify one of these parameters: charge, payment_intent.")
	case id == "" && of == "":
		return nil, invalid("parameter_missing", "payment_intent", "One of the following params should be provided for this request: payment_intent or charge.")
	}
	if id != "" {
		p := c.s.intents.byID[id]
		if p == nil {
			return nil, missing("payment_intent", id, "payment_intent")
		}
		of = p.charge
		if of == "" {
			return nil, unexpected("payment_intent_unexpected_state", "This PaymentIntent (%s) does not have a successful charge to refund.", id)
		}
	}
	ch := c.s.charges.byID[of]
	switch {
	case ch == nil:
		return nil, missing("charge", of, "charge")
	case ch.failure != nil || !ch.isCaptured:
		return nil, unexpected("charge_not_refundable", "Charge %s has not been captured: cancel its PaymentIntent instead.", ch.id)
	case ch.disputed:
		return nil, unexpected("charge_disputed", "Charge %s has been charged back; cannot issue a refund.", ch.id)
	case ch.refunded == ch.captured:
		return nil, unexpected("charge_already_refunded", "Charge %s has already been refunded.", ch.id)
	}
	return ch, nil
}

func (c *call) createRefund() (object, *apiError) {
	ch, err := c.refundable()
	if err != nil {
		return nil, err
	}
	rest := ch.captured - ch.refunded
	amount := rest
	if c.form.has("amount") {
		amount = c.form.integer("amount")
	}
	metadata, err := merge(map[string]string{}, c.form.at("metadata"))
	switch {
	case err != nil:
		return nil, err
	case amount < 1:
		return nil, invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case amount > rest:
		err := unexpected("", "Refund amount (%s) is greater than unrefunded amount on charge (%s).", dollars(amount, ch.intent.currency), dollars(rest, ch.intent.currency))
		err.param = "amount"
		return nil, err
	}
	r := &refund{id: c.s.id("re"), charge: ch, amount: amount, status: succeeded, reason: c.form.get("reason"), metadata: metadata, created: c.now}
	c.s.refunds.add(r.id, r)
	ch.refunded += amount
	c.book(ch.intent, sim.Refunded, amount, r.id)
	if f, ok := c.plan.Find(sim.Outcome); ok {
		c.emit("refund.created", r.object())
		c.fail(r, f.Code)
		return r.object(), nil
	}
	switch ch.method.trigger.refund {
	case "pending":
		r.status = "pending"
		fallthrough
	case "failed":
		r.ripe = c.now.Add(c.s.o.RefundDelay)
		c.s.due(r.ripe)
	}
	c.emit("refund.created", r.object())
	c.emit("charge.refunded", ch.object())
	return r.object(), nil
}

// ripen gives a refund the status that it has in the end.
func (c *call) ripen(r *refund) {
	switch {
	case r.ripe.IsZero():
		return
	case r.ripe.After(c.now):
		c.s.due(r.ripe)
		return
	}
	r.ripe = time.Time{}
	if r.status == "pending" {
		r.status = succeeded
		c.emit("refund.updated", r.object())
		c.emit("charge.refund.updated", r.object())
		return
	}
	c.fail(r, "expired_or_canceled_card")
}

// fail ends a refund: the money stays with the merchant.
func (c *call) fail(r *refund, reason string) {
	r.status, r.failureReason = "failed", reason
	r.charge.refunded -= r.amount
	c.book(r.charge.intent, sim.RefundReversed, r.amount, r.id)
	c.emit("refund.updated", r.object())
	c.emit("refund.failed", r.object())
	c.emit("charge.refund.updated", r.object())
}

func (c *call) findRefund() (*refund, *apiError) {
	r := c.s.refunds.byID[c.r.PathValue("id")]
	if r == nil {
		return nil, missing("refund", c.r.PathValue("id"), "")
	}
	return r, nil
}

func (c *call) retrieveRefund() (object, *apiError) {
	r, err := c.findRefund()
	if err != nil {
		return nil, err
	}
	return r.object(), nil
}

// cancelRefund cancels a refund that waits for the buyer, which a card's never
// does.
func (c *call) cancelRefund() (object, *apiError) {
	r, err := c.findRefund()
	if err != nil {
		return nil, err
	}
	return nil, unexpected("", "Refund %s cannot be canceled because it has a status of %s.", r.id, r.status)
}

func (c *call) listRefunds() (object, *apiError) {
	return page(c, &c.s.refunds, "/v1/refunds", func(r *refund) bool {
		return (!c.form.has("payment_intent") || r.charge.intent.id == c.form.get("payment_intent")) &&
			(!c.form.has("charge") || r.charge.id == c.form.get("charge")) && c.within(r.created)
	}, (*refund).object)
}
