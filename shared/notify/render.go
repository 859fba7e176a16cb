package notify

import (
	"embed"
	"fmt"
	html "html/template"
	"strings"
	text "text/template"
)

//go:embed templates
var templates embed.FS

// The kinds of message; each has a template for plain text, which also defines
// the subject, and one for HTML.
const (
	customerWelcome = "customer_welcome"
	orderConfirmed  = "order_confirmed"
	orderCancelled  = "order_cancelled"
	orderExpired    = "order_expired"
	orderShipped    = "order_shipped"
)

type template struct {
	text *text.Template
	html *html.Template
}

var kinds = map[string]template{
	customerWelcome: parse(customerWelcome),
	orderConfirmed:  parse(orderConfirmed),
	orderCancelled:  parse(orderCancelled),
	orderExpired:    parse(orderExpired),
	orderShipped:    parse(orderShipped),
}

func parse(kind string) template {
	return template{
		text: text.Must(text.ParseFS(templates, "templates/"+kind+".txt")),
		html: html.Must(html.ParseFS(templates, "templates/layout.html", "templates/"+kind+".html")),
	}
}

// content is what the templates may show.
type content struct {
	Shop    string
	Subject string
	Number  string // of the order
	Total   string // with its currency
	Reason  string

	Carrier, Tracking string
	Rest              bool // more of the order follows
}

// render returns the message of a kind, without sender and recipient.
func render(kind string, c content) (Message, error) {
	t, ok := kinds[kind]
	if !ok {
		return Message{}, fmt.Errorf("render: there is no kind %q", kind)
	}
	var subject, plain, rich strings.Builder
	if err := t.text.ExecuteTemplate(&subject, "subject", c); err != nil {
		return Message{}, fmt.Errorf("render the subject of %s: %w", kind, err)
	}
	c.Subject = subject.String()
	if err := t.text.Execute(&plain, c); err != nil {
		return Message{}, fmt.Errorf("render the text of %s: %w", kind, err)
	}
	if err := t.html.Execute(&rich, c); err != nil {
		return Message{}, fmt.Errorf("render the HTML of %s: %w", kind, err)
	}
	return Message{Subject: c.Subject, Text: plain.String(), HTML: rich.String()}, nil
}
