package mime_test

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/notify"
	"github.com/rackless/rackless/shared/notify/mime"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func message() notify.Message {
	return notify.Message{
		ID: "ntc_01@example.com", FromName: "Müllers \"Laden\"", From: "shop@example.com", To: "ada@example.com",
		Date:    time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC),
		Subject: "Grüße", Text: "Hello,\nGrüße\n.\n", HTML: "<p>Grüße</p>\n",
	}
}

func TestComposeIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	var written [2]bytes.Buffer
	for i := range written {
		msg, err := mime.Compose(message())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := msg.WriteTo(&written[i]); err != nil {
			t.Fatal(err)
		}
	}
	const path = "testdata/message.golden"
	if *update {
		if err := os.WriteFile(path, written[0].Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range written {
		if diff := cmp.Diff(string(want), written[i].String()); diff != "" {
			t.Errorf("message %d (-golden +got):\n%s", i, diff)
		}
	}
}

func TestComposeRefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*notify.Message)
		want   fault.Kind
	}{
		"recipient":               {func(m *notify.Message) { m.To = "nobody" }, fault.Unprocessable},
		"recipient_with_a_header": {func(m *notify.Message) { m.To = "a@example.com\r\nBcc: b@example.com" }, fault.Unprocessable},
		"two_recipients":          {func(m *notify.Message) { m.To = "a@example.com, b@example.com" }, fault.Unprocessable},
		"sender":                  {func(m *notify.Message) { m.From = "shop" }, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := message()
			test.change(&m)
			if _, err := mime.Compose(m); !fault.Is(err, test.want) {
				t.Errorf("error %v, want one of kind %v", err, test.want)
			}
		})
	}
}

func TestSubjectCannotAddAHeader(t *testing.T) {
	t.Parallel()
	m := message()
	m.Subject, m.FromName = "a\r\nBcc: b@example.com", "x\r\nBcc: c@example.com"
	msg, err := mime.Compose(m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b.Bytes(), []byte("\nBcc:")) {
		t.Errorf("the message has another header:\n%s", b.String())
	}
}
