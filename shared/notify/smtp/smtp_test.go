package smtp_test

import (
	"bufio"
	"errors"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/notify"
	"github.com/rackless/rackless/shared/notify/smtp"
)

// hangUp, as a reply, ends the connection instead.
const hangUp = ""

// server speaks just enough SMTP. It gives the replies of a script, by verb, and
// "250 ok" for the others; "." is the end of a message.
func server(t *testing.T, script map[string]string) (port int, received chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	received = make(chan string, 1)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(textproto.NewConn(conn), script, received)
		}
	}()
	_, text, _ := net.SplitHostPort(listener.Addr().String())
	port, _ = strconv.Atoi(text)
	return port, received
}

func serve(c *textproto.Conn, script map[string]string, received chan string) {
	defer c.Close()
	reply := func(verb, otherwise string) bool {
		text, ok := script[verb]
		if !ok {
			text = otherwise
		}
		return text != hangUp && c.PrintfLine("%s", text) == nil
	}
	if !reply("greeting", "220 test") {
		return
	}
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "EHLO":
			if !reply(verb, "250 test") {
				return
			}
		case "DATA":
			if !reply(verb, "354 go on") {
				return
			}
			if _, refused := script[verb]; refused {
				continue
			}
			body, err := bufio.NewReader(c.DotReader()).ReadString(0)
			if err != nil && body == "" {
				return
			}
			if !reply(".", "250 taken") {
				return
			}
			if _, changed := script["."]; !changed {
				received <- body
			}
		default:
			if !reply(verb, "250 ok") || verb == "QUIT" {
				return
			}
		}
	}
}

func message() notify.Message {
	return notify.Message{ID: "ntc_01@example.com", FromName: "Shop", From: "shop@example.com", To: "ada@example.com",
		Date: time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC), Subject: "Hello", Text: "Hello\n.\n", HTML: "<p>Hello</p>"}
}

func send(t *testing.T, port int, m notify.Message) error {
	t.Helper()
	s, err := smtp.New(smtp.Options{Host: "127.0.0.1", Port: port, TLS: "none"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Send(t.Context(), m)
}

func TestSendHandsOverTheMessage(t *testing.T) {
	t.Parallel()
	port, received := server(t, nil)
	if err := send(t, port, message()); err != nil {
		t.Fatal(err)
	}
	body := <-received
	for _, line := range []string{"Message-ID: <ntc_01@example.com>\n", "To: <ada@example.com>\n", "Subject: Hello\n", "\n.\n", "<p>Hello</p>"} {
		if !strings.Contains(body, line) {
			t.Errorf("%q is missing in:\n%s", line, body)
		}
	}
}

func TestSendTellsWhatIsKnown(t *testing.T) {
	t.Parallel()
	const unknown = fault.Internal // no fault at all
	for name, test := range map[string]struct {
		script map[string]string
		want   fault.Kind
	}{
		"greeting_refused":              {map[string]string{"greeting": "554 no"}, fault.Unavailable},
		"hang_up_at_once":               {map[string]string{"greeting": hangUp}, fault.Unavailable},
		"sender_deferred":               {map[string]string{"MAIL": "451 later"}, fault.Unavailable},
		"recipient_unknown":             {map[string]string{"RCPT": "550 <ada@example.com> is unknown"}, fault.Unprocessable},
		"recipient_deferred":            {map[string]string{"RCPT": "450 later"}, fault.Unavailable},
		"hang_up_at_recipient":          {map[string]string{"RCPT": hangUp}, fault.Unavailable},
		"data_refused":                  {map[string]string{"DATA": "503 no"}, fault.Unprocessable},
		"content_refused":               {map[string]string{".": "554 spam"}, fault.Unprocessable},
		"content_deferred":              {map[string]string{".": "452 full"}, fault.Unavailable},
		"hang_up_when_handed_over":      {map[string]string{".": hangUp}, unknown},
		"taken_but_the_farewell_failed": {map[string]string{"RSET": hangUp, "QUIT": hangUp}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, _ := server(t, test.script)
			err := send(t, port, message())
			if test.want == -1 {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			if err == nil || fault.KindOf(err) != test.want {
				t.Errorf("error %v, want one of kind %v", err, test.want)
			}
			if f, ok := errors.AsType[*fault.Error](err); ok && strings.Contains(f.Detail, "@") {
				t.Errorf("the detail %q quotes an address", f.Detail)
			}
		})
	}
}

func TestNoServerIsUnavailable(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	if err := send(t, port, message()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("error %v, want one of kind unavailable", err)
	}
}

func TestTLSIsNotGivenUp(t *testing.T) {
	t.Parallel()
	port, _ := server(t, nil)
	s, err := smtp.New(smtp.Options{Host: "127.0.0.1", Port: port, TLS: "mandatory"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), message()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a server without STARTTLS: error %v, want one of kind unavailable", err)
	}
	if _, err := smtp.New(smtp.Options{Host: "x", Port: 25, TLS: "maybe"}); err == nil {
		t.Error("an unknown TLS policy is accepted")
	}
}
