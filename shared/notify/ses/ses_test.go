package ses_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/notify"
	"github.com/rackless/rackless/shared/notify/ses"
)

func message() notify.Message {
	return notify.Message{ID: "ntc_01@example.com", FromName: "Shop", From: "shop@example.com", To: "ada@example.com",
		Date: time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC), Subject: "Hello", Text: "Hello\n", HTML: "<p>Hello</p>"}
}

// send sends a message to an SES that is played by handler.
func send(t *testing.T, handler http.HandlerFunc) error {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	s, err := ses.New(ses.Options{Client: server.Client(), Region: "eu-central-1", Endpoint: server.URL, AccessKeyID: "AKIDEXAMPLE", SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Send(t.Context(), message())
}

func TestSendHandsOverTheRawMessage(t *testing.T) {
	t.Parallel()
	type request struct {
		FromEmailAddress string
		Destination      struct{ ToAddresses []string }
		Content          struct{ Raw struct{ Data []byte } }
	}
	var got request
	err := send(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
			t.Errorf("called %s %s", r.Method, r.URL.Path)
		}
		if a := r.Header.Get("Authorization"); !strings.HasPrefix(a, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") || !strings.Contains(a, "/eu-central-1/ses/") {
			t.Errorf("authorization %q", a)
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"MessageId":"1"}`))
	})
	if err != nil {
		t.Fatal(err)
	}
	raw := string(got.Content.Raw.Data)
	if got.FromEmailAddress != "shop@example.com" || len(got.Destination.ToAddresses) != 1 || got.Destination.ToAddresses[0] != "ada@example.com" ||
		!strings.Contains(raw, "X-Rackless-Message-Id: ntc_01@example.com\r\n") || !strings.Contains(raw, "Subject: Hello\r\n") {
		t.Errorf("request is %+v with the message\n%s", got, raw)
	}
}

func TestSendTellsWhatIsKnown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		code   string
		want   fault.Kind // Internal: no fault, it may have been taken
	}{
		"rejected":          {400, "MessageRejected", fault.Unprocessable},
		"bad_request":       {400, "BadRequestException", fault.Unprocessable},
		"too_many":          {429, "TooManyRequestsException", fault.Unavailable},
		"paused":            {400, "SendingPausedException", fault.Unavailable},
		"suspended":         {403, "AccountSuspendedException", fault.Unavailable},
		"wrong_key":         {403, "SignatureDoesNotMatch", fault.Unavailable},
		"their_own_failure": {500, "InternalFailure", fault.Internal},
		"hang_up":           {0, "", fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := send(t, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				if test.status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("X-Amzn-Errortype", test.code)
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(`{"message":"about ada@example.com"}`))
			})
			if err == nil || fault.KindOf(err) != test.want {
				t.Errorf("error %v, want one of kind %v", err, test.want)
			}
			if calls != 1 {
				t.Errorf("called %d times: a repetition could send twice", calls)
			}
		})
	}
}

func TestKeysAndRegionAreNeeded(t *testing.T) {
	t.Parallel()
	if _, err := ses.New(ses.Options{Region: "eu-central-1"}); err == nil {
		t.Error("SES without keys is accepted")
	}
}
