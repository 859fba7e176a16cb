// Package mime writes a notification as an Internet message, the same bytes
// whoever sends it and however often.
package mime

import (
	netmail "net/mail"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/notify"
)

// Compose returns m with a plain text and an HTML part. A recipient that is no
// address is refused with kind Unprocessable, a sender with Unavailable: that can
// be mended.
func Compose(m notify.Message) (*mail.Msg, error) {
	boundary, _, _ := strings.Cut(m.ID, "@")
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary(boundary))
	from := netmail.Address{Name: m.FromName, Address: m.From}
	if msg.From(from.String()) != nil {
		return nil, fault.New(fault.Unavailable, "the shop's own address is none; see EMAIL_FROM")
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
