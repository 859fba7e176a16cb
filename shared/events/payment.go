package events

// Payment says what one payment of an order came to.
type Payment struct {
	PaymentID string `json:"payment_id"`
	Tender    string `json:"tender"`
	Status    string `json:"status"` // three digits, see payment.Status
}

// PaymentAuthorized says that all payments of an order are authorized, pending
// by agreement (a cheque in the mail) or settled.
type PaymentAuthorized struct {
	OrderID  string    `json:"order_id"`
	Payments []Payment `json:"payments"`
}

// Type names the fact.
func (PaymentAuthorized) Type() string { return Prefix + "payment.authorized.v1" }

// Subject is the order, to which payments belong.
func (e PaymentAuthorized) Subject() string { return e.OrderID }

// PaymentDeclined says that at least one payment of an order was refused. The
// order stays until it is due, so that the buyer can pay in another way.
type PaymentDeclined struct {
	OrderID  string    `json:"order_id"`
	Payments []Payment `json:"payments"`
}

// Type names the fact.
func (PaymentDeclined) Type() string { return Prefix + "payment.declined.v1" }

// Subject is the order.
func (e PaymentDeclined) Subject() string { return e.OrderID }

// PaymentRetried says that the buyer gave another instrument for the payments of
// an order that were declined.
type PaymentRetried struct {
	OrderID string `json:"order_id"`
}

// Type names the fact.
func (PaymentRetried) Type() string { return Prefix + "payment.retried.v1" }

// Subject is the order.
func (e PaymentRetried) Subject() string { return e.OrderID }

// PaymentNoticed says that a gateway has told something of a payment by webhook.
// What it told is not repeated here: whoever acts on it asks the gateway.
type PaymentNoticed struct {
	OrderID   string `json:"order_id"`
	PaymentID string `json:"payment_id"`
	Gateway   string `json:"gateway"`
	NoticeID  string `json:"notice_id"` // the gateway's
}

// Type names the fact.
func (PaymentNoticed) Type() string { return Prefix + "payment.noticed.v1" }

// Subject is the order.
func (e PaymentNoticed) Subject() string { return e.OrderID }

// PaymentHeld says that the gateway, or the shop's policy, wants a person to look
// at a payment.
type PaymentHeld struct {
	OrderID  string    `json:"order_id"`
	Payments []Payment `json:"payments"`
}

// Type names the fact.
func (PaymentHeld) Type() string { return Prefix + "payment.held.v1" }

// Subject is the order.
func (e PaymentHeld) Subject() string { return e.OrderID }

// PaymentSuspected says that a gateway has set money aside which the shop's policy
// does not want: it is to be let go of.
type PaymentSuspected struct {
	OrderID   string `json:"order_id"`
	PaymentID string `json:"payment_id"`
}

// Type names the fact.
func (PaymentSuspected) Type() string { return Prefix + "payment.suspected.v1" }

// Subject is the order.
func (e PaymentSuspected) Subject() string { return e.OrderID }

// PaymentCaptured says that money was taken.
type PaymentCaptured struct {
	OrderID     string `json:"order_id"`
	PaymentID   string `json:"payment_id"`
	AmountCents int64  `json:"amount_cents"`
}

// Type names the fact.
func (PaymentCaptured) Type() string { return Prefix + "payment.captured.v1" }

// Subject is the order.
func (e PaymentCaptured) Subject() string { return e.OrderID }

// PaymentVoided says that an authorization was given back.
type PaymentVoided struct {
	OrderID   string `json:"order_id"`
	PaymentID string `json:"payment_id"`
}

// Type names the fact.
func (PaymentVoided) Type() string { return Prefix + "payment.voided.v1" }

// Subject is the order.
func (e PaymentVoided) Subject() string { return e.OrderID }

// PaymentRefunded says that captured money was given back.
type PaymentRefunded struct {
	OrderID     string `json:"order_id"`
	PaymentID   string `json:"payment_id"`
	AmountCents int64  `json:"amount_cents"`
}

// Type names the fact.
func (PaymentRefunded) Type() string { return Prefix + "payment.refunded.v1" }

// Subject is the order.
func (e PaymentRefunded) Subject() string { return e.OrderID }

// PaymentReturnDue says that it is time to try again to give back the money of an
// order that has ended, which a gateway has refused for now.
type PaymentReturnDue struct {
	OrderID  string `json:"order_id"`
	Attempts int    `json:"attempts"` // made so far
}

// Type names the fact.
func (PaymentReturnDue) Type() string { return Prefix + "payment.return_due.v1" }

// Subject is the order.
func (e PaymentReturnDue) Subject() string { return e.OrderID }

// PaymentOverpaid says that a part of a payment, or all of it, has to go back to the
// buyer, because its order was revised and comes to less. Attempts counts how often
// it was tried already.
type PaymentOverpaid struct {
	OrderID   string `json:"order_id"`
	PaymentID string `json:"payment_id"`
	Attempts  int    `json:"attempts"`
}

// Type names the fact.
func (PaymentOverpaid) Type() string { return Prefix + "payment.overpaid.v1" }

// Subject is the order.
func (e PaymentOverpaid) Subject() string { return e.OrderID }
