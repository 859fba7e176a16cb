package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/payment/status"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// The three-digit statuses that this package sets itself (payment
// specification, "0xx…9xx"); gateways bring the others. The first digit is the
// class: 0 paid, 1 pending or authorized, 2 denied, 3 refunded, 4 review,
// 5 new, 6 voided.
const (
	statusNew       = "500"
	statusZero      = "009" // nothing to pay
	statusDeposited = "370" // given back to the gift card
	statusVoided    = "602" // by the system
	statusByHand    = "003" // received by a person
	statusGivenBack = "302" // given back by a person
	statusReturned  = "319" // given back by a marketplace
	statusCaptured  = "002" // captured at the gateway
	statusRefunded  = "303" // refunded there
	statusLetGo     = "603" // voided there
	statusReview    = "499" // authorized, to be looked at before it is captured
	statusReviewed  = "199" // authorized, to be captured later
	statusSuspect   = "299" // authorized, but refused by the shop's own rules
	statusFraud     = "206" // refused without asking the gateway
)

// pendingByTender is the status of a payment that a person will receive later.
var pendingByTender = map[string]string{
	"MO": "165", "WIRE": "166", "PO": "167", "CASH": "169", "PICKUP": "194", "LAYAWAY": "195",
	"CHECK": "168", "CHKOD": "168", "COD": "168", "CALL": "168", "CUSTOM": "168",
}

// paidByTender is the status of a payment that needs no gateway and is paid; of any
// other tender it is statusByHand (payments specification, §4.1).
var paidByTender = map[string]string{
	"MO": "065", "WIRE": "066", "PO": "067", "CHECK": "068", "CASH": "069", "GIFTCARD": "070", "PICKUP": "094",
}

// byHand is the outcome of what a person has done with a payment that no gateway
// is behind: it is as they say.
func byHand(tender string, kind Kind) Outcome {
	switch {
	case kind == Refund && (tender == "GIFTCARD" || tender == shop.Points || tender == shop.ReturnCredit):
		return Outcome{State: Succeeded, Status: statusDeposited, Detail: "given back to where it came from"}
	case kind == Capture:
		return Outcome{State: Succeeded, Status: cmp.Or(paidByTender[tender], statusByHand), Detail: "received"}
	case kind == Void:
		return Outcome{State: Succeeded, Status: statusVoided, Detail: "not awaited any more"}
	}
	return Outcome{State: Succeeded, Status: statusGivenBack, Detail: "given back"}
}

// isLedger reports whether a payment spends a gift card or what the customer has with
// the shop. A purchase order does not: it is paid by a person later, and only holds
// a part of the customer's credit line until then.
func (p Payment) isLedger() bool { return p.GiftCard != "" && p.Tender != shop.CreditLine }

// book gives back, in the ledger behind a payment, what an operation on it has given
// back: to a gift card or an account the money, to a credit line what an order that
// is paid, or that nobody waits for any more, has held of it.
func (a *attempt) book(ctx context.Context, tx *txn.Tx, p *Payment) error {
	switch {
	case p.isLedger() && a.Kind == Refund:
		return shop.RefundGiftCard(ctx, tx, p.GiftCard, a.AmountCents, p.OrderID, a.ID)
	case p.GiftCard != "" && p.class() != '1':
		return shop.ReleaseGiftCard(ctx, tx, p.GiftCard, p.OrderID)
	}
	return nil
}

// IsOffline reports whether a tender is paid to a person, not through a gateway.
func IsOffline(tender string) bool { return pendingByTender[tender] != "" }

// Payment is one tender of an order. Amounts are in the currency's smallest unit.
type Payment struct {
	ID              string        `json:"id" db:"payment_id"`
	OrderID         string        `json:"order_id" db:"order_id"`
	Tender          string        `json:"tender" db:"tender"`
	Gateway         string        `json:"gateway,omitempty" db:"gateway"`
	CaptureOn       string        `json:"-" db:"capture_on"`
	Token           string        `json:"-" db:"token"`
	GiftCard        string        `json:"-" db:"gift_card"` // code, or the customer's account
	Currency        string        `json:"currency" db:"currency"`
	Status          string        `json:"status" db:"status"`
	AmountCents     int64         `json:"amount_cents" db:"amount_cents"`
	AuthorizedCents int64         `json:"authorized_cents" db:"authorized_cents"`
	CapturedCents   int64         `json:"captured_cents" db:"captured_cents"`
	RefundedCents   int64         `json:"refunded_cents" db:"refunded_cents"`
	ReturningCents  int64         `json:"returning_cents,omitempty" db:"returning_cents"` // is not to be taken, or is to go back, since the order was revised
	Billing         Billing       `json:"-" db:"billing"`
	BuyerIP         string        `json:"-" db:"buyer_ip"`
	Reference       string        `json:"reference,omitempty" db:"reference"`
	Detail          string        `json:"detail,omitempty" db:"detail"`
	Policy          status.Policy `json:"-" db:"policy"`
	AVS             string        `json:"avs,omitempty" db:"avs"`                   // what the bank says of the address, see Outcome
	CVV             string        `json:"cvv,omitempty" db:"cvv"`                   // and of the card code
	Review          string        `json:"review,omitempty" db:"review"`             // what the shop's policy makes of them, see status.Policy
	AwaitsBuyer     bool          `json:"awaits_buyer,omitempty" db:"awaits_buyer"` // held until the buyer has identified themselves at their bank
	InParts         bool          `json:"-" db:"in_parts"`                          // can be captured in parts, see Outcome
	ClosedAt        *time.Time    `json:"-" db:"closed_at"`
}

const columns = `payment_id, order_id, tender, gateway, capture_on, token, gift_card, currency, status,
	amount_cents, authorized_cents, captured_cents, refunded_cents, returning_cents, billing, buyer_ip, awaits_buyer, reference, detail, policy, avs, cvv, review,
	in_parts, closed_at`

// class returns the first digit of the status.
func (p Payment) class() byte { return p.Status[0] }

// InReview reports whether the payment waits for a decision of the merchant's
// staff. One that waits for the buyer has no more time than the checkout.
func (p Payment) InReview() bool { return p.class() == '4' && !p.AwaitsBuyer }

// heldByPolicy reports whether it is the shop, not the gateway, that holds the
// payment.
func (p Payment) heldByPolicy() bool {
	return p.class() == '4' && p.Review != "" && strings.ContainsRune("RE", rune(p.Review[0]))
}

// Intent is a payment as an order is placed with it.
type Intent struct {
	Tender      string
	Gateway     string // empty for tenders that no gateway is behind
	CaptureOn   string // at_once, on_confirm, on_ship, on_each_shipment or manual
	Token       string // the gateway's for the buyer's instrument
	GiftCard    string // code, or the customer's account
	AmountCents int64
	Policy      status.Policy // the shop's rules for what the bank says of it
	Billing     Billing       // of the buyer's instrument
	BuyerIP     string        // from where the buyer orders; empty if the merchant does it for them
}

// QueueOpen adds to a batch the statements that write payments of an order, none of
// which has happened yet, after those that it has and append them to into.
func QueueOpen(batch *pgx.Batch, tx *txn.Tx, orderID, currency string, intents []Intent, into *[]Payment) {
	first := len(*into)
	for i, in := range intents {
		status := statusNew
		if in.Tender == "ZERO" {
			status = statusZero
		}
		batch.Queue(`
			INSERT INTO payments (payment_id, shop_id, order_id, position, tender, gateway, capture_on, token, gift_card,
			                      currency, status, amount_cents, policy, billing, buyer_ip, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)
			RETURNING `+columns,
			ident.New(ident.Payment), tx.Shop, orderID, first+i, in.Tender, in.Gateway, in.CaptureOn, in.Token, in.GiftCard,
			currency, status, in.AmountCents, in.Policy, in.Billing, in.BuyerIP, tx.Now).
			Query(func(rows pgx.Rows) error {
				opened, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Payment])
				*into = append(*into, opened)
				return err
			})
	}
}

// Received writes a payment that a marketplace has taken for the shop: it is paid
// in full, and no gateway is behind it.
func Received(ctx context.Context, tx *txn.Tx, orderID, currency, tender, status, reference string, cents int64) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO payments (payment_id, shop_id, order_id, position, tender, capture_on, currency, status, amount_cents, authorized_cents,
		                      captured_cents, reference, created_at, updated_at)
		VALUES ($1, current_shop(), $2, 0, $3, 'manual', $4, $5, $6, $6, $6, $7, $8, $8)`,
		ident.New(ident.Payment), orderID, tender, currency, status, cents, reference, tx.Now)
	if err != nil {
		return fmt.Errorf("write a received payment: %w", err)
	}
	return nil
}

// GivenBack notes how much a marketplace has given back to the buyer in all of
// what it had received for an order.
func GivenBack(ctx context.Context, tx *txn.Tx, orderID string, cents int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE payments
		SET refunded_cents = LEAST($2, captured_cents), status = CASE WHEN $2 >= captured_cents THEN $3 ELSE status END, updated_at = $4
		WHERE order_id = $1 AND gateway = '' AND captured_cents > 0 AND refunded_cents < LEAST($2, captured_cents)`, orderID, cents, statusReturned, tx.Now)
	if err != nil {
		return fmt.Errorf("note what a marketplace gave back: %w", err)
	}
	return nil
}

// OfOrder returns the payments of an order, in the order of its queue.
func OfOrder(ctx context.Context, tx *txn.Tx, orderID string) ([]Payment, error) {
	return query(ctx, tx, `WHERE order_id = $1 ORDER BY position`, orderID)
}

// QueueOfOrder adds to a batch the statement that reads them.
func QueueOfOrder(batch *pgx.Batch, orderID string, into *[]Payment) {
	batch.Queue(`SELECT `+columns+` FROM payments WHERE order_id = $1 ORDER BY position`, orderID).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[Payment])
		return err
	})
}

func lockOrder(ctx context.Context, tx *txn.Tx, orderID string) ([]Payment, error) {
	return query(ctx, tx, `WHERE order_id = $1 ORDER BY position FOR UPDATE`, orderID)
}

func lockOne(ctx context.Context, tx *txn.Tx, id string) (Payment, error) {
	found, err := query(ctx, tx, `WHERE payment_id = $1 FOR UPDATE`, id)
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "there is no payment %s", id)
	}
	if err != nil {
		return Payment{}, err
	}
	return found[0], nil
}

func query(ctx context.Context, tx *txn.Tx, where, id string) ([]Payment, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM payments `+where, id)
	if err != nil {
		return nil, fmt.Errorf("load payments: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Payment])
	if err != nil {
		return nil, fmt.Errorf("load payments: %w", err)
	}
	return found, nil
}

// save writes what an operation changed.
func save(tx *txn.Tx, p Payment) {
	tx.Later(`
		UPDATE payments
		SET status = $2, authorized_cents = $3, captured_cents = $4, refunded_cents = $5, reference = $6, detail = $7, closed_at = $8, awaits_buyer = $9,
		    avs = $10, cvv = $11, review = $12, returning_cents = $13, in_parts = $14, updated_at = $15
		WHERE payment_id = $1`,
		p.ID, p.Status, p.AuthorizedCents, p.CapturedCents, p.RefundedCents, p.Reference, p.Detail, p.ClosedAt, p.AwaitsBuyer, p.AVS, p.CVV, p.Review, p.ReturningCents, p.InParts, tx.Now)
}

// EraseBuyer removes from the payments of orders where the buyer lives and was.
func EraseBuyer(ctx context.Context, tx *txn.Tx, orderIDs []string) error {
	_, err := tx.Exec(ctx, `
		UPDATE payments
		SET billing = '{}', buyer_ip = '', updated_at = $2
		WHERE order_id = ANY($1)`, orderIDs, tx.Now)
	if err != nil {
		return fmt.Errorf("erase the buyer from payments: %w", err)
	}
	return nil
}

// stated returns the payments as an event tells of them.
func stated(payments []Payment) []events.Payment {
	out := make([]events.Payment, len(payments))
	for i, p := range payments {
		out[i] = events.Payment{PaymentID: p.ID, Tender: p.Tender, Status: p.Status}
	}
	return out
}

// attempt is an operation on its way through a gateway.
type attempt struct {
	Operation
	gateway string
	tender  string
	byShop  bool // the shop holds the payment, so the shop decides
	outcome Outcome
}

// begin writes an operation before the gateway hears of it, or takes up the one
// that an earlier attempt of the same intent began. It refuses with kind
// Conflict while another one is pending on the payment.
func begin(ctx context.Context, tx *txn.Tx, name string, p Payment, kind Kind, cents int64) (*attempt, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO payment_operations (operation_id, shop_id, payment_id, kind, amount_cents, created_at)
		SELECT $1, $2, $3, $4, $5, $6
		WHERE NOT EXISTS (SELECT FROM payment_operations WHERE payment_id = $3 AND (state = 'pending' OR operation_id = $1))`,
		operationID(name, kind, p.ID), tx.Shop, p.ID, kind, cents, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("begin to %s payment %s: %w", kind, p.ID, err)
	}
	if tag.RowsAffected() == 0 {
		a, err := resumed(ctx, tx, name, p, kind)
		if err == nil && a == nil {
			err = fault.New(fault.Conflict, "payment %s is being worked on; try again shortly", p.ID)
		}
		return a, err
	}
	a := newAttempt(name, p, kind, cents)
	a.Since = tx.Now
	return a, nil
}

// beginAll begins, in one transaction, what wants says of each payment of an
// order; an empty kind is nothing.
func beginAll(ctx context.Context, run *txn.Runner, name, orderID string, wants func(*txn.Tx, Payment) (Kind, int64, error)) ([]*attempt, error) {
	var attempts []*attempt
	err := run.Do(ctx, func(tx *txn.Tx) error {
		attempts = nil
		payments, err := lockOrder(ctx, tx, orderID)
		if err != nil {
			return err
		}
		for _, p := range payments {
			kind, cents, err := wants(tx, p)
			if err != nil {
				return err
			}
			if kind == "" {
				continue
			}
			a, err := begin(ctx, tx, name, p, kind, cents)
			if err != nil {
				return err
			}
			attempts = append(attempts, a)
		}
		return nil
	})
	return attempts, err
}

// executeAll brings operations to their outcomes, one after the other.
func executeAll(ctx context.Context, gateways Gateways, run *txn.Runner, attempts []*attempt) error {
	for _, a := range attempts {
		if err := a.execute(ctx, gateways, run); err != nil {
			return err
		}
	}
	return nil
}

// recordAll records the outcomes of operations.
func recordAll(ctx context.Context, tx *txn.Tx, attempts []*attempt) error {
	for _, a := range attempts {
		p, err := lockOne(ctx, tx, a.PaymentID)
		if err != nil {
			return err
		}
		if _, err := a.record(ctx, tx, &p); err != nil {
			return err
		}
	}
	return nil
}

func newAttempt(name string, p Payment, kind Kind, cents int64) *attempt {
	if kind == Capture { // a gateway need not keep what is not to be taken
		p.AuthorizedCents -= min(p.ReturningCents, p.AuthorizedCents-p.CapturedCents)
	}
	return &attempt{gateway: p.Gateway, tender: p.Tender, byShop: p.heldByPolicy(), Operation: Operation{
		ID: operationID(name, kind, p.ID), Kind: kind, PaymentID: p.ID, OrderID: p.OrderID,
		Token: p.Token, Reference: p.Reference, AmountCents: cents, AuthorizedCents: p.AuthorizedCents, CapturedCents: p.CapturedCents,
		Currency: p.Currency, Billing: p.Billing, BuyerIP: p.BuyerIP,
	}}
}

// resumed returns the operation that an earlier attempt of the same intent began
// or ended, nil if there was none.
func resumed(ctx context.Context, tx *txn.Tx, name string, p Payment, kind Kind) (*attempt, error) {
	a := newAttempt(name, p, kind, 0)
	a.Resumed = true
	var state State
	err := tx.QueryRow(ctx, `
		SELECT state, amount_cents, detail, created_at
		FROM payment_operations
		WHERE operation_id = $1`, a.ID).Scan(&state, &a.AmountCents, &a.outcome.Detail, &a.Since)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("resume to %s payment %s: %w", kind, p.ID, err)
	}
	if state != Pending {
		a.outcome.State = state
	}
	return a, nil
}

// operationID derives the id of an operation from the name of the intent.
func operationID(name string, kind Kind, paymentID string) string {
	return ident.Derive(ident.Operation, name+" "+string(kind)+" "+paymentID)
}

// pending returns the operations of an order whose outcome is not known.
func pending(ctx context.Context, tx *txn.Tx, orderID string) ([]*attempt, error) {
	rows, err := tx.Query(ctx, `
		SELECT operation_id, kind, cents, since, `+columns+`
		FROM (SELECT operation_id, kind, amount_cents AS cents, created_at AS since, payment_id FROM payment_operations WHERE state = 'pending') AS operations
		JOIN payments USING (payment_id)
		WHERE order_id = $1
		ORDER BY position`, orderID)
	if err != nil {
		return nil, fmt.Errorf("load pending operations: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*attempt, error) {
		b, err := pgx.RowToStructByName[struct {
			Payment
			OperationID string    `db:"operation_id"`
			Kind        Kind      `db:"kind"`
			Cents       int64     `db:"cents"`
			Since       time.Time `db:"since"`
		}](row)
		a := newAttempt("", b.Payment, b.Kind, b.Cents)
		a.ID, a.Since, a.Resumed = b.OperationID, b.Since, true
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("load pending operations: %w", err)
	}
	return found, nil
}

// execute brings an operation to its outcome. What an earlier attempt may have
// done is asked for before it is asked again.
func (a *attempt) execute(ctx context.Context, gateways Gateways, run *txn.Runner) (err error) {
	if a.outcome.State != "" {
		return nil // it has ended already
	}
	op := a.Operation
	switch {
	case a.gateway == "":
		a.outcome = byHand(a.tender, op.Kind)
		return nil
	case a.byShop && op.Kind == Approve:
		a.outcome = Outcome{State: Succeeded, Status: statusReviewed, Detail: "approved by the shop"}
		return nil
	case a.byShop && op.Kind == Decline:
		op.Kind = Void
	}
	gateway, err := gateways(ctx, run, a.gateway)
	if fault.Is(err, fault.NotFound) && !op.Resumed && (op.Kind == Authorize || op.Kind == Charge) {
		a.outcome = Outcome{State: Declined, Status: "998", Detail: "the shop has no account at the gateway " + a.gateway}
		return nil // nothing can have moved; whatever follows up an effect waits for the account instead
	}
	if err != nil {
		return unknown(err)
	}
	if op.Resumed {
		found := false
		if a.outcome, found, err = gateway.Lookup(ctx, op); err != nil || found {
			return unknown(err)
		}
	}
	a.outcome, err = gateway.Execute(ctx, op)
	return unknown(err)
}

// unknown makes of a gateway's error the refusal that has a step tried again.
func unknown(err error) error {
	if err == nil || fault.Is(err, fault.Unavailable) {
		return err
	}
	return fault.From(fault.Unavailable, err, "the payment gateway did not answer")
}

// record writes the outcome of an operation into the payment. ended is false if
// a concurrent attempt has recorded it already.
func (a *attempt) record(ctx context.Context, tx *txn.Tx, p *Payment) (ended bool, err error) {
	tag, err := tx.Exec(ctx, `
		UPDATE payment_operations
		SET state = $2, reference = $3, detail = $4, ended_at = $5
		WHERE operation_id = $1 AND state = 'pending'`, a.ID, a.outcome.State, a.outcome.Reference, a.outcome.Detail, tx.Now)
	if err != nil {
		return false, fmt.Errorf("record operation %s: %w", a.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return false, nil
	}
	p.Detail = a.outcome.Detail
	if a.outcome.State == Declined && a.Kind != Authorize && a.Kind != Charge {
		save(tx, *p) // the payment is what it was
		return true, nil
	}
	if a.outcome.Reference != "" {
		p.Reference = a.outcome.Reference
	}
	p.AwaitsBuyer = a.outcome.State == Held && a.outcome.ClientSecret != ""
	a.apply(tx, p)
	if p.GiftCard != "" {
		if err := a.book(ctx, tx, p); err != nil {
			return true, err
		}
	}
	if a.outcome.State == Held && (a.Kind == Authorize || a.Kind == Charge) && p.ClosedAt == nil {
		if err := overtaken(ctx, tx, *p); err != nil {
			return true, err
		}
	}
	save(tx, *p)
	return true, nil
}

// apply makes of a payment what an operation that was not refused, or a sale, has
// made of it, and states what has happened to the money.
func (a *attempt) apply(tx *txn.Tx, p *Payment) {
	was := p.Status
	p.Status = a.outcome.Status
	switch {
	case a.outcome.State == Declined:
	case a.outcome.State == Held && (a.Kind == Authorize || a.Kind == Charge):
		p.AuthorizedCents = a.AmountCents
	case a.outcome.State == Held && a.Kind == Approve:
	case a.outcome.State == Held && a.Kind != Refund: // a refund that the buyer has to help with is on its way
		p.Status = was
	case a.Kind == Authorize, a.Kind == Charge, a.Kind == Approve:
		p.AuthorizedCents, p.InParts = a.AmountCents, a.outcome.InParts
		switch {
		case a.Kind != Approve:
			p.judge(tx, a.outcome)
		case a.byShop:
			p.Review = reviewApproved
		}
		if p.class() == '0' { // charged
			p.CapturedCents = a.AmountCents
			tx.Emit(events.PaymentCaptured{OrderID: p.OrderID, PaymentID: p.ID, AmountCents: a.AmountCents})
		}
	case a.Kind == Capture:
		p.CapturedCents += a.AmountCents
		if !a.outcome.Open {
			p.letGo()
		}
		if p.Gateway == "" && p.CapturedCents < p.AmountCents-p.ReturningCents {
			p.Status = was // the rest is still awaited
		}
		tx.Emit(events.PaymentCaptured{OrderID: p.OrderID, PaymentID: p.ID, AmountCents: a.AmountCents})
	case a.Kind == Void && p.CapturedCents > 0: // the rest of it
		p.letGo()
		p.Status = was
	case a.Kind == Void, a.Kind == Decline:
		if a.byShop {
			p.Review = reviewDenied
		}
		p.ReturningCents = 0
		if !p.isVerification() {
			tx.Emit(events.PaymentVoided{OrderID: p.OrderID, PaymentID: p.ID})
		}
	case a.Kind == Refund:
		p.RefundedCents += a.AmountCents
		p.ReturningCents -= min(p.ReturningCents, a.AmountCents)
		if p.RefundedCents < p.CapturedCents || a.outcome.State == Held {
			p.Status = was // a part given back leaves it paid (payments specification, §3)
		}
		tx.Emit(events.PaymentRefunded{OrderID: p.OrderID, PaymentID: p.ID, AmountCents: a.AmountCents})
	}
}

// letGo notes that the gateway keeps nothing aside any more but what was taken.
func (p *Payment) letGo() {
	p.ReturningCents -= min(p.ReturningCents, max(0, p.AuthorizedCents-p.CapturedCents))
	p.AuthorizedCents = p.CapturedCents
}

// The review codes that a person or a count gives (payments specification, §8).
const (
	reviewApproved = "AZZ" // by hand
	reviewDenied   = "DZZ" // by hand
	reviewScore    = "DSC"
)

// judge gives an approved payment the status that the gateway and the shop's policy
// want, with what the bank said, and states if it is refused.
func (p *Payment) judge(tx *txn.Tx, o Outcome) {
	p.Status, p.AVS, p.CVV = o.Status, o.AVS, o.CVV
	if p.Policy == (status.Policy{}) {
		return
	}
	policy := p.Policy
	if o.Amex { // payments specification, §7.1
		policy.CVV = ""
	}
	p.Review = policy.Judge(o.AVS, o.CVV, p.AmountCents)
	switch p.Review[0] {
	case 'R', 'E':
		p.Status, p.Detail = statusReview, "held by the shop's policy: "+p.Review
	case 'D':
		p.Status, p.Detail = statusSuspect, "refused by the shop's policy: "+p.Review
		if p.ClosedAt == nil { // else whoever closed it lets go of it
			tx.Emit(events.PaymentSuspected{OrderID: p.OrderID, PaymentID: p.ID})
		}
	}
}
