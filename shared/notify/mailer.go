package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/txn"
)

// The bounds of sending.
const (
	sendTimeout = 20 * time.Second // below the time that the broker waits for the function
	lease       = 2 * time.Minute  // outlasts every attempt, so an older claim was left by a process that died
	maxAttempts = 5                // that may have sent it
)

// Message is one e-mail.
type Message struct {
	ID       string // Message-ID without its brackets, the same however often it is sent
	FromName string
	From     string // address
	To       string // address
	Date     time.Time
	Subject  string
	Text     string // plain text, lines end in \n
	HTML     string
}

// Sender hands a message to a mail service. Of its errors, a fault of kind
// Unprocessable says that the service refuses the message for good, Unavailable
// that it surely has not taken it; any other that it may have. The details of its
// faults are logged: they must not hold an address.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Mailer acts on events by e-mail.
type Mailer struct {
	From   string // the address that messages come from, under the name of their shop
	Sender Sender // nil: messages are only recorded
}

// CustomerCreated welcomes a customer.
func (m Mailer) CustomerCreated(ctx context.Context, run *txn.Runner, name string, e events.CustomerCreated) (func(*txn.Tx) error, error) {
	return m.tell(ctx, run, name, customerWelcome, e.Email, content{})
}

// OrderConfirmed tells the buyer that the order is accepted.
func (m Mailer) OrderConfirmed(ctx context.Context, run *txn.Runner, name string, e events.OrderConfirmed) (func(*txn.Tx) error, error) {
	return m.tell(ctx, run, name, orderConfirmed, e.Email, content{Number: e.Number, Total: money.FromMinor(e.TotalCents, e.Currency).String()})
}

// OrderCancelled tells the buyer that the order was called off, and why.
func (m Mailer) OrderCancelled(ctx context.Context, run *txn.Runner, name string, e events.OrderCancelled) (func(*txn.Tx) error, error) {
	reason := map[string]string{
		"buyer": "you asked for it.",
		"staff": "the shop called it off.",
		"stock": "not everything in it is in stock any more.",
	}[e.Reason]
	if reason == "" {
		reason = "it could not be fulfilled."
	}
	return m.tell(ctx, run, name, orderCancelled, e.Email, content{Number: e.Number, Reason: reason})
}

// OrderExpired tells the buyer that the order was not completed in time.
func (m Mailer) OrderExpired(ctx context.Context, run *txn.Runner, name string, e events.OrderExpired) (func(*txn.Tx) error, error) {
	return m.tell(ctx, run, name, orderExpired, e.Email, content{Number: e.Number})
}

// OrderShipped tells the buyer that goods have left, once for each shipment.
func (m Mailer) OrderShipped(ctx context.Context, run *txn.Runner, name string, e events.OrderShipped) (func(*txn.Tx) error, error) {
	return m.tell(ctx, run, name, orderShipped, e.Email, content{Number: e.Number, Carrier: e.Carrier, Tracking: e.Tracking, Rest: !e.Complete})
}

// Forget erases what was told to a customer who was erased; that something was
// told remains.
func Forget(ctx context.Context, tx *txn.Tx, e events.CustomerErased) error {
	_, err := tx.Exec(ctx, `
		UPDATE notifications
		SET recipient = '', subject = '', text_body = '', html_body = ''
		WHERE shop_id = $1 AND recipient_key = lower($2)`, tx.Shop, e.Email)
	if err != nil {
		return fmt.Errorf("forget notifications: %w", err)
	}
	return nil
}

// tell records a message and sends it. What it returns records the outcome.
func (m Mailer) tell(ctx context.Context, run *txn.Runner, name, kind, to string, c content) (func(*txn.Tx) error, error) {
	if to == "" {
		return func(*txn.Tx) error { return nil }, nil // nobody to tell
	}
	id := ident.Derive(ident.Notice, name+" "+kind)
	var message Message
	var claimed bool
	err := run.Do(ctx, func(tx *txn.Tx) (err error) {
		if err = m.record(ctx, tx, id, kind, to, c); err == nil {
			message, claimed, err = claim(ctx, tx, id)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if !claimed {
		return func(*txn.Tx) error { return nil }, nil
	}
	message.From = m.From
	err = m.send(ctx, message)
	switch {
	case err == nil:
		return func(tx *txn.Tx) error { return finish(ctx, tx, id, "sent", "") }, nil
	case fault.Is(err, fault.Unprocessable):
		return func(tx *txn.Tx) error { return finish(ctx, tx, id, "failed", detail(err)) }, nil
	case fault.Is(err, fault.Unavailable):
		release := run.Do(context.WithoutCancel(ctx), func(tx *txn.Tx) error { return finish(ctx, tx, id, "pending", "") })
		return nil, errors.Join(fault.New(fault.Unavailable, "message %s was not taken: %s", id, detail(err)), release)
	default: // the cause may quote the address
		return nil, fault.New(fault.Unavailable, "message %s may or may not have been sent", id)
	}
}

func (m Mailer) send(ctx context.Context, message Message) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return m.Sender.Send(ctx, message)
}

func detail(err error) string {
	f, _ := errors.AsType[*fault.Error](err)
	text := []rune(f.Detail)
	return string(text[:min(len(text), 500)])
}

// record writes the row of a message, unless there is one.
func (m Mailer) record(ctx context.Context, tx *txn.Tx, id, kind, to string, c content) error {
	if err := tx.QueryRow(ctx, `SELECT name FROM shops WHERE shop_id = $1`, tx.Shop).Scan(&c.Shop); err != nil {
		return fmt.Errorf("read the shop's name: %w", err)
	}
	message, err := render(kind, c)
	if err != nil {
		return err
	}
	state := "pending"
	if m.Sender == nil {
		state = "recorded"
	}
	_, domain, _ := strings.Cut(m.From, "@")
	tx.Later(`
		INSERT INTO notifications (notification_id, shop_id, event_id, kind, recipient, subject, text_body, html_body, message_id, state, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT DO NOTHING`,
		id, tx.Shop, tx.Cause().Causation, kind, to, message.Subject, message.Text, message.HTML, id+"@"+domain, state, tx.Now)
	return nil
}

// claim makes the caller the one who sends a message; false if nobody is to send
// it any more. While another does, it refuses with kind Conflict.
func claim(ctx context.Context, tx *txn.Tx, id string) (m Message, claimed bool, err error) {
	var state string
	var attempts int
	var until *time.Time
	err = tx.QueryRow(ctx, `
		SELECT n.state, n.attempts, n.lease_until, n.message_id, s.name, n.recipient, n.created_at, n.subject, n.text_body, n.html_body
		FROM notifications n JOIN shops s USING (shop_id)
		WHERE notification_id = $1
		FOR UPDATE OF n`, id).
		Scan(&state, &attempts, &until, &m.ID, &m.FromName, &m.To, &m.Date, &m.Subject, &m.Text, &m.HTML)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return m, false, fmt.Errorf("claim notification %s: it is not there", id)
	case err != nil:
		return m, false, fmt.Errorf("claim notification: %w", err)
	case state == "sending" && until.After(tx.Now):
		return m, false, fault.New(fault.Conflict, "message %s is being sent", id)
	case state != "pending" && state != "sending":
		return m, false, nil
	case m.To == "": // forgotten meanwhile
		return m, false, finish(ctx, tx, id, "failed", "the recipient was erased")
	case attempts == maxAttempts:
		return m, false, finish(ctx, tx, id, "failed", fmt.Sprintf("given up after %d attempts", attempts))
	}
	tx.Later(`
		UPDATE notifications
		SET state = 'sending', attempts = attempts + 1, lease_until = $2
		WHERE notification_id = $1`, id, tx.Now.Add(lease))
	return m, true, nil
}

// finish notes what became of a message. An attempt after which it is pending
// again did not send it, and does not count.
func finish(ctx context.Context, tx *txn.Tx, id, state, detail string) error {
	_, err := tx.Exec(ctx, `
		UPDATE notifications
		SET state = $2, detail = $3, lease_until = NULL, sent_at = CASE WHEN $2 = 'sent' THEN $4::timestamptz END,
		    attempts = attempts - CASE WHEN $2 = 'pending' THEN 1 ELSE 0 END
		WHERE notification_id = $1`, id, state, detail, tx.Now)
	if err != nil {
		return fmt.Errorf("finish notification: %w", err)
	}
	return nil
}
