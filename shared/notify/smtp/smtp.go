// Package smtp sends notifications through a mail server.
package smtp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/notify"
	"github.com/rackless/rackless/shared/notify/mime"
)

// timeout bounds the conversation with the server.
const timeout = 15 * time.Second

// Options say how the server is reached.
type Options struct {
	Host               string
	Port               int
	TLS                string // STARTTLS: mandatory, opportunistic or none
	Username, Password string // no authentication if Username is empty
}

// Sender sends one message per connection.
type Sender struct {
	host    string
	options []mail.Option
}

// New returns a sender. It does not connect.
func New(o Options) (*Sender, error) {
	policy, ok := map[string]mail.TLSPolicy{"mandatory": mail.TLSMandatory, "opportunistic": mail.TLSOpportunistic, "none": mail.NoTLS}[o.TLS]
	if !ok {
		return nil, fmt.Errorf("SMTP_TLS must be mandatory, opportunistic or none, not %q", o.TLS)
	}
	options := []mail.Option{mail.WithPort(o.Port), mail.WithTLSPolicy(policy), mail.WithTimeout(timeout), mail.WithoutNoop()}
	if o.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(o.Username), mail.WithPassword(o.Password))
	}
	if _, err := mail.NewClient(o.Host, options...); err != nil {
		return nil, fmt.Errorf("configure SMTP: %w", err)
	}
	return &Sender{o.Host, options}, nil
}

// Send implements notify.Sender.
func (s *Sender) Send(ctx context.Context, m notify.Message) error {
	msg, err := mime.Compose(m)
	if err != nil {
		return err
	}
	client, err := mail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("configure SMTP: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() { // what fails after that is the farewell
		return nil
	}
	sending, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return fault.From(fault.Unavailable, err, "the mail server cannot be reached or does not let us in")
	}
	switch code := sending.ErrorCode(); {
	case code >= 500:
		return fault.From(fault.Unprocessable, err, "the mail server refuses the message with code %d", code)
	case code >= 400:
		return fault.From(fault.Unavailable, err, "the mail server does not take the message now: code %d", code)
	case sending.Reason == mail.ErrWriteContent || sending.Reason == mail.ErrSMTPDataClose:
		return fmt.Errorf("the connection broke while the message was handed over: %w", err)
	default:
		return fault.From(fault.Unavailable, err, "the connection broke before the message was handed over")
	}
}
