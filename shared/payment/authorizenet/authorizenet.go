// Package authorizenet takes and gives back money through Authorize.Net's JSON
// interface (vendor's schema "AnetApiSchema.xsd", v1). The payment functions call
// it through payment.Gateway; nobody else should.
//
// The gateway has no idempotency keys. An operation is told from others by its
// invoice number, which is made of its id: whatever reply is lost, the
// transaction is found under it in the lists, and inside the duplicate window a
// repetition is recognized by the gateway itself.
//
// Tokens are either one-time data of the vendor's page script,
// "descriptor|value", or a stored instrument, "customerProfileId|paymentProfileId".
// A card number is refused before anything is sent.
//
// The vendor allows one capture per authorization, and refunds only after
// settlement, once a day: until then all of the money can be given back (the
// capture is voided), a part of it cannot, and is declined as retryable.
package authorizenet

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/card"
)

// The addresses of the live interface and of the vendor's sandbox, whose
// accounts are separate.
const (
	Live    = "https://api.authorize.net/xml/v1/request.api"
	Sandbox = "https://apitest.authorize.net/xml/v1/request.api"
)

// Config says how the gateway is reached.
type Config struct {
	URL        string        `envconfig:"AUTHORIZENET_URL" default:"https://api.authorize.net/xml/v1/request.api"`
	SandboxURL string        `envconfig:"AUTHORIZENET_SANDBOX_URL" default:"https://apitest.authorize.net/xml/v1/request.api"` // of accounts of its test system
	Timeout    time.Duration `envconfig:"AUTHORIZENET_TIMEOUT" default:"60s"`                                                  // of one request; the processor's own is shorter
}

// Credentials are those of a merchant account.
type Credentials struct {
	Login          string `json:"-"`
	TransactionKey string `json:"-"`
}

// String, GoString and LogValue keep the credentials out of texts and logs.
func (Credentials) String() string       { return "credentials" }
func (Credentials) GoString() string     { return "credentials" }
func (Credentials) LogValue() slog.Value { return slog.StringValue("credentials") }

// Gateway is a merchant account. It is safe for concurrent use.
type Gateway struct {
	url    string
	client *http.Client
	auth   authentication
	clock  clock.Clock
}

var _ payment.Gateway = (*Gateway)(nil)

// New returns the gateway of a merchant account. It sends nothing. transport may
// be nil for the usual one.
func New(c Config, account Credentials, transport http.RoundTripper, now clock.Clock) *Gateway {
	return &Gateway{
		url: c.URL,
		client: &http.Client{
			Timeout:       c.Timeout,
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		auth:  authentication{account.Login, account.TransactionKey},
		clock: now,
	}
}

// Execute implements payment.Gateway.
func (g *Gateway) Execute(ctx context.Context, op payment.Operation) (payment.Outcome, error) {
	if _, ok := money.Exponent(op.Currency); !ok || op.AmountCents < 0 {
		return refused("253", "", "there is no such amount"), nil
	}
	if card.Contains(op.Token) {
		return refused("209", "", "card numbers are not accepted, only tokens"), nil
	}
	switch op.Kind {
	case payment.Authorize:
		return g.sale(ctx, op, "authOnlyTransaction")
	case payment.Charge:
		return g.sale(ctx, op, "authCaptureTransaction")
	case payment.Capture:
		if op.CapturedCents > 0 {
			return refused("256", "", "Authorize.Net captures an authorization once; the rest was released"), nil
		}
		return g.followUp(ctx, op, transactionRequest{TransactionType: "priorAuthCaptureTransaction", Amount: amount(op), RefTransID: op.Reference})
	case payment.Void:
		return g.void(ctx, op)
	case payment.Refund:
		return g.refund(ctx, op)
	case payment.Approve, payment.Decline:
		return g.decide(ctx, op)
	}
	return refused("252", "", "Authorize.Net has no "+string(op.Kind)), nil
}

// sale authorizes or charges.
func (g *Gateway) sale(ctx context.Context, op payment.Operation, transactionType string) (payment.Outcome, error) {
	request := transactionRequest{
		TransactionType: transactionType, Amount: amount(op), CurrencyCode: op.Currency,
		Order: orderOf(op), CustomerIP: op.BuyerIP, TransactionSettings: once(),
	}
	descriptor, value, _ := strings.Cut(op.Token, "|")
	switch {
	case value != "" && strings.HasPrefix(descriptor, "COMMON."):
		request.Payment = &source{OpaqueData: &opaqueData{descriptor, value}}
		request.BillTo = billing(op.Billing)
	case isNumeric(descriptor) && isNumeric(value):
		request.Profile = &profile{CustomerProfileID: descriptor} // which has an address of its own
		request.Profile.PaymentProfile.PaymentProfileID = value
	default:
		return refused("208", "", "this is not a token of Authorize.Net"), nil
	}
	o, err := g.send(ctx, op, request)
	if err != nil || !duplicates[o.Code] && !spent[o.Code] {
		return o, err
	}
	return g.adopt(ctx, op, o)
}

// adopt finds the transaction that made the gateway refuse a repetition.
func (g *Gateway) adopt(ctx context.Context, op payment.Operation, refusal payment.Outcome) (payment.Outcome, error) {
	id := refusal.Reference // the first transaction's, if the gateway says so
	if followsUp(op.Kind) {
		id = refusal.Record
	}
	t, err := g.details(ctx, id)
	if err != nil {
		return payment.Outcome{}, err
	}
	if t != nil && t.Order.InvoiceNumber == invoice(op) {
		return booked(op, t)
	}
	o, found, err := g.Lookup(ctx, op)
	switch {
	case err != nil || found:
		return o, err
	case duplicates[refusal.Code], op.Resumed && g.clock.Now().Sub(op.Since) < listLag:
		return payment.Outcome{}, fmt.Errorf("authorize.net knows the transaction of operation %s, but does not list it yet", op.ID)
	}
	return refusal, nil
}

// followUp captures, voids or decides. A refusal may be the answer to a
// repetition, so what counts is the state in which the transaction is.
func (g *Gateway) followUp(ctx context.Context, op payment.Operation, request transactionRequest) (payment.Outcome, error) {
	o, err := g.send(ctx, op, request)
	if err != nil || o.State != payment.Declined || strings.HasPrefix(o.Code, "E") { // then nothing was executed
		return o, err
	}
	if now, found, err := g.Lookup(ctx, op); err != nil || found {
		return now, err
	}
	return o, nil
}

func (g *Gateway) void(ctx context.Context, op payment.Operation) (payment.Outcome, error) {
	o, err := g.followUp(ctx, op, transactionRequest{TransactionType: "voidTransaction", RefTransID: op.Reference})
	if err != nil || o.State != payment.Declined {
		return o, err
	}
	t, err := g.details(ctx, op.Reference)
	if err != nil {
		return payment.Outcome{}, err
	}
	if t != nil && t.TransactionStatus == "FDSPendingReview" { // held before it was authorized
		return g.decide(ctx, op)
	}
	return o, nil
}

// refund gives money back: before the settlement by voiding the capture, which
// gives back all of it or nothing, afterwards by a refund.
func (g *Gateway) refund(ctx context.Context, op payment.Operation) (payment.Outcome, error) {
	t, err := g.details(ctx, op.Reference)
	if err != nil {
		return payment.Outcome{}, err
	}
	if t == nil {
		return refused("256", "", "Authorize.Net has no transaction "+op.Reference), nil
	}
	switch phaseOf(t.TransactionStatus) {
	case captured:
		if !t.SettleAmount.is(amount(op)) {
			return refused("258", "", "a part can be refunded only after the settlement"), nil
		}
		o, err := g.send(ctx, op, transactionRequest{TransactionType: "voidTransaction", RefTransID: op.Reference})
		if err != nil || o.State == payment.Succeeded {
			return o, err
		}
		if o, found, err := g.Lookup(ctx, op); err != nil || found {
			return o, err
		}
		return refused("258", o.Code, "the transaction is being settled; it can be refunded afterwards"), nil
	case settled:
		number := t.Payment.CreditCard.CardNumber
		if len(number) < 4 {
			return refused("252", "", "Authorize.Net refunds only to cards"), nil
		}
		o, err := g.send(ctx, op, transactionRequest{
			TransactionType: "refundTransaction", Amount: amount(op), CurrencyCode: op.Currency,
			Payment:    &source{CreditCard: &creditCard{number[len(number)-4:], "XXXX"}},
			RefTransID: op.Reference, Order: orderOf(op), TransactionSettings: once(),
		})
		if err == nil && duplicates[o.Code] {
			return g.adopt(ctx, op, o)
		}
		return o, err
	case gone:
		if op.AmountCents == op.CapturedCents {
			return t.outcome(op, payment.Succeeded, "303"), nil
		}
	}
	return refused("256", "", "the transaction is "+t.TransactionStatus), nil
}

// decide approves or declines a held transaction. How the transaction then
// stands is read, since an approval may authorize only now, and be declined.
func (g *Gateway) decide(ctx context.Context, op payment.Operation) (payment.Outcome, error) {
	request := updateHeldTransaction{head: g.head(op)}
	request.HeldTransactionRequest.Action = "decline"
	if op.Kind == payment.Approve {
		request.HeldTransactionRequest.Action = "approve"
	}
	request.HeldTransactionRequest.RefTransID = op.Reference
	r, err := g.call(ctx, "updateHeldTransaction", request)
	if err != nil {
		return payment.Outcome{}, err
	}
	o, err := judge(op, r)
	if err != nil || strings.HasPrefix(o.Code, "E") && o.Code != "E00040" {
		return o, err
	}
	now, found, err := g.Lookup(ctx, op)
	switch {
	case err != nil || found:
		return now, err
	case o.State == payment.Declined:
		return o, nil
	}
	return payment.Outcome{}, fmt.Errorf("authorize.net took the decision of operation %s, but the transaction is still held", op.ID)
}

// send asks for a transaction and reads what came of it.
func (g *Gateway) send(ctx context.Context, op payment.Operation, request transactionRequest) (payment.Outcome, error) {
	r, err := g.call(ctx, "createTransaction", createTransaction{g.head(op), request})
	if err != nil {
		return payment.Outcome{}, err
	}
	return judge(op, r)
}

// succeeded is the status of what went well (payments specification, §7).
var succeeded = map[payment.Kind]string{
	payment.Authorize: "199", payment.Charge: "001", payment.Capture: "002", payment.Void: "603", payment.Refund: "303", payment.Decline: "603",
}

// judge makes an outcome of a reply, or an error if it leaves the outcome open.
func judge(op payment.Operation, r reply) (payment.Outcome, error) {
	t := r.TransactionResponse
	if t == nil || t.ResponseCode == "" || t.ResponseCode == "0" {
		code := r.code()
		status := ""
		if digits, ok := strings.CutPrefix(code, "E"); ok && isNumeric(digits) {
			n, _ := strconv.Atoi(digits)
			status = outer[n]
		}
		if status == "" {
			return payment.Outcome{}, fmt.Errorf("authorize.net left the outcome open with code %.8s", code)
		}
		if followsUp(op.Kind) && status == "208" {
			status = "256"
		}
		return refused(status, code, r.Messages.Message[0].Text), nil
	}
	code, words := t.reason()
	o := payment.Outcome{
		Reference: string(t.TransID), Detail: detail(words), Code: code, AuthCode: t.AuthCode,
		AVS: letter(t.AVSResultCode), CVV: letter(t.CVVResultCode), Amex: t.AccountType == "AmericanExpress",
	}
	if o.Reference == "0" {
		o.Reference = ""
	}
	o = follow(op, o)
	switch t.ResponseCode {
	case "1":
		switch {
		case code == "310" || code == "311": // it was so before; whether that is ours is for the books to say
			o.State, o.Status = payment.Declined, "256"
		case t.TransID == "0" || t.TransID == "":
			return refused("257", code, "the merchant account is in test mode: nothing was booked"), nil
		case t.PrePaidCard != nil && !t.PrePaidCard.ApprovedAmount.is(amount(op)):
			o.State, o.Status, o.Detail = payment.Held, "499", "only a part was approved: "+cut(string(t.PrePaidCard.ApprovedAmount), 20)
		default:
			o.State, o.Status = payment.Succeeded, succeeded[op.Kind]
		}
	case "4":
		o.State, o.Status = payment.Held, "478"
	case "2", "3":
		if unsettled[code] {
			return payment.Outcome{}, fmt.Errorf("authorize.net left the outcome open with reason %s", code)
		}
		o.State, o.Status = payment.Declined, status(string(t.ResponseCode), code)
		o.Retryable = retryable(o.Status)
	default:
		return payment.Outcome{}, fmt.Errorf("authorize.net answered with response code %.8s", t.ResponseCode)
	}
	return o, nil
}

func refused(status, code, words string) payment.Outcome {
	return payment.Outcome{State: payment.Declined, Status: status, Code: code, Detail: detail(words), Retryable: retryable(status)}
}

// detail bounds the gateway's words for staff and takes out what may be a card
// number.
func detail(words string) string {
	if card.Contains(words) {
		return ""
	}
	return cut(words, 300)
}

// letter keeps a check's result: one character, or none.
func letter(s string) string { return cut(s, 1) }

func (g *Gateway) head(op payment.Operation) head { return head{g.auth, invoice(op)} }

// invoice returns the invoice number of an operation, at most 20 characters. It
// is the end of its id, in which there are 98 bits.
func invoice(op payment.Operation) string { return op.ID[max(0, len(op.ID)-20):] }

func orderOf(op payment.Operation) *order {
	return &order{InvoiceNumber: invoice(op), Description: cut("order "+op.OrderID+", payment "+op.PaymentID, 255)}
}

// once are the settings under which the gateway itself refuses a repetition, for
// as long as it can: 8 hours. It mails nothing, and approves all or nothing.
func once() *settings {
	return &settings{[]setting{{"allowPartialAuth", "false"}, {"duplicateWindow", "28800"}, {"emailCustomer", "false"}}}
}

func billing(b payment.Billing) *billTo {
	if b == (payment.Billing{}) {
		return nil
	}
	return &billTo{
		FirstName: cut(b.FirstName, 50), LastName: cut(b.LastName, 50), Company: cut(b.Company, 50), Address: cut(b.Address, 60),
		City: cut(b.City, 40), State: cut(b.Region, 40), Zip: cut(b.Postal, 20), Country: cut(b.Country, 60),
	}
}

func isNumeric(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// followsUp tells operations on a transaction from those that make one.
func followsUp(kind payment.Kind) bool { return kind != payment.Authorize && kind != payment.Charge }

// follow keeps the transaction that the payment is known by: what a follow-up
// has of its own is the record.
func follow(op payment.Operation, o payment.Outcome) payment.Outcome {
	if followsUp(op.Kind) {
		if o.Reference != op.Reference {
			o.Record = o.Reference
		}
		o.Reference = op.Reference
	}
	return o
}

// amount writes an operation's amount in units of the currency.
func amount(op payment.Operation) string {
	digits, _ := money.Exponent(op.Currency)
	return decimal.New(op.AmountCents, -int32(digits)).StringFixed(int32(digits))
}

// is reports whether t is the same amount, however it is written.
func (t text) is(amount string) bool {
	got, err := money.ParseDecimal(string(t))
	want, err2 := money.ParseDecimal(amount)
	return err == nil && err2 == nil && got.Equal(want)
}
