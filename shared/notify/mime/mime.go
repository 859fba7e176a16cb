// Package mime writes a notification as an Internet message, the same bytes
// whoever sends it and however often.
package mime

import (
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/notify"
)

// Compose returns m with a plain text and an HTML part. Addresses that are none
// are refused with kind Unprocessable.
func Compose(m notify.Message) (*mail.Msg, error) {
	boundary, _, _ := strings.Cut(m.ID, "@")
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary(boundary))
	if msg.FromFormat(m.FromName, m.From) != nil {
		return nil, fault.New(fault.Unprocessable, "the sender's address is none; see EMAIL_FROM")
	}
	if msg.To(m.To) != nil {
		return nil, fault.New(fault.Unprocessable, "the recipient's address is none")
	}
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDateWithValue(m.Date.UTC())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no automatic replies
	msg.Subject(m.Subject)
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	return msg, nil
}
