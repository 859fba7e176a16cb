// Package notifyemail tells buyers by e-mail what has happened. A mail server or
// Amazon SES sends, as EMAIL_SENDER says; by default messages are only recorded.
package notifyemail

import (
	"errors"
	"fmt"
	"net/mail"

	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/notify"
	"github.com/rackless/rackless/shared/notify/ses"
	"github.com/rackless/rackless/shared/notify/smtp"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.Wired("notify-email", func(*runtime.Env) ([]runtime.Operation, error) {
		cfg, err := config.Load[config.Email]()
		if err != nil {
			return nil, err
		}
		if _, err := mail.ParseAddress(cfg.From); err != nil {
			return nil, errors.New("EMAIL_FROM must be an e-mail address")
		}
		sender, err := sender(cfg)
		if err != nil {
			return nil, err
		}
		m := notify.Mailer{From: cfg.From, Sender: sender}
		return []runtime.Operation{
			runtime.OnStaged(m.CustomerCreated),
			runtime.OnStaged(m.OrderConfirmed),
			runtime.OnStaged(m.OrderCancelled),
			runtime.OnStaged(m.OrderExpired),
			runtime.OnStaged(m.OrderShipped),
			runtime.On(notify.Forget),
		}, nil
	})
}

func sender(c config.Email) (notify.Sender, error) {
	switch c.Sender {
	case "record":
		return nil, nil
	case "smtp":
		return smtp.New(smtp.Options{Host: c.SMTPHost, Port: c.SMTPPort, TLS: c.SMTPTLS, Username: c.SMTPUsername, Password: c.SMTPPassword})
	case "ses":
		return ses.New(ses.Options{Region: c.AWSRegion, Endpoint: c.SESEndpoint,
			AccessKeyID: c.AWSAccessKeyID, SecretKey: c.AWSSecretKey, SessionToken: c.AWSSessionToken})
	}
	return nil, fmt.Errorf("EMAIL_SENDER must be record, smtp or ses, not %q", c.Sender)
}
