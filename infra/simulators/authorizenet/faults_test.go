package authorizenet_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/clock"
)

const authBody = `{"createTransactionRequest":{` + head + `,"transactionRequest":{"transactionType":"authOnlyTransaction","amount":"5.00",` + visa + `,"order":{"invoiceNumber":"I1"}}}}`

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  string
		booked int
		status int // 0 is no reply
		reason string
	}{
		"drop_before":  {`{"kind":"drop_before"}`, 0, 0, ""},
		"drop_after":   {`{"kind":"drop_after"}`, 1, 0, ""},
		"break_after":  {`{"kind":"break_after"}`, 1, 200, ""},
		"error_before": {`{"kind":"error_before"}`, 0, 503, ""},
		"error_status": {`{"kind":"error_before","status":502}`, 0, 502, ""},
		"error_after":  {`{"kind":"error_after","status":500}`, 1, 500, ""},
		"rate_limit":   {`{"kind":"rate_limit"}`, 0, 429, ""},
		"retryable":    {`{"kind":"outcome","code":"19"}`, 0, 200, "3/19"},
		"decline":      {`{"kind":"outcome","code":"4"}`, 0, 200, "2/4"},
		"review":       {`{"kind":"outcome","code":"193"}`, 1, 200, "4/193"},
		"no_match":     {`{"kind":"drop_before","match":"I2"}`, 1, 200, "1/1"},
		"match":        {`{"kind":"drop_before","match":"I1"}`, 0, 0, ""},
		"operation":    {`{"kind":"drop_before","operation":"createTransactionRequest/authOnly"}`, 0, 0, ""},
		"other":        {`{"kind":"drop_before","operation":"createTransactionRequest/void"}`, 1, 200, "1/1"},
		"skipped":      {`{"kind":"drop_before","skip":1}`, 1, 200, "1/1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, authorizenet.Options{})
			s.faults(t, tc.fault)
			out, status, err := s.send(t.Context(), authBody)
			if status != tc.status || (err == nil) != (tc.status != 0 && name != "break_after") {
				t.Errorf("status %d, error %v, want status %d", status, err, tc.status)
			}
			if tc.reason != "" && out.reason() != tc.reason {
				t.Errorf("reason %s, want %s", out.reason(), tc.reason)
			}
			if got := len(s.Ledger.Accounts()); got != tc.booked {
				t.Errorf("%d accounts, want %d", got, tc.booked)
			}
		})
	}
}

func TestForcedRefusalOfCaptureAndVoid(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	id := s.run(t, auth, `"amount":"5.00",`+visa).Transaction.TransID
	s.faults(t, `{"kind":"outcome","code":"120"}`)
	for _, kind := range []string{capture, void} {
		if r := s.run(t, kind, `"refTransId":"`+id+`"`); r.reason() != "3/120" {
			t.Errorf("%s: %s", kind, r.reason())
		}
	}
	if a, _ := s.Ledger.Account(id); len(a.Entries) != 1 {
		t.Errorf("account %+v", a)
	}
}

// TestTimeOutAfterTheEffect is the case that a client must be able to clear up:
// the payment exists, although there was no answer.
func TestTimeOutAfterTheEffect(t *testing.T) {
	t.Parallel()
	booked := make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(booked) }))
	defer hook.Close()
	s := newShop(t, authorizenet.Options{Webhooks: []string{hook.URL}})
	s.faults(t, `{"kind":"hang_after","times":1}`, `{"kind":"early_webhook","times":1}`)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, _, err := s.send(ctx, authBody)
		done <- err
	}()
	<-booked
	cancel()
	if err := <-done; err == nil {
		t.Fatal("a reply came")
	}
	list := s.call(t, "getUnsettledTransactionListRequest", "").Transactions
	if len(list) != 1 || list[0]["invoiceNumber"] != "I1" {
		t.Errorf("list %v", list)
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	var slept []time.Duration
	s := newShop(t, authorizenet.Options{Options: sim.Options{Sleep: func(_ context.Context, d time.Duration) { slept = append(slept, d) }}})
	s.faults(t, `{"kind":"slow","delay":"90s","times":1}`)
	s.run(t, auth, `"amount":"5.00",`+visa)
	s.run(t, auth, `"amount":"6.00",`+visa)
	if diff := cmp.Diff([]time.Duration{90 * time.Second}, slept); diff != "" {
		t.Error(diff)
	}
}

func TestAdministration(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	s.faults(t, `{"kind":"error_before","skip":1,"times":2}`)
	var statuses []int
	for range 5 {
		_, status, _ := s.send(t.Context(), authBody)
		statuses = append(statuses, status)
	}
	if diff := cmp.Diff([]int{200, 503, 503, 200, 200}, statuses); diff != "" {
		t.Error(diff)
	}
	var list struct{ Faults []sim.Fault }
	s.admin(t, http.MethodGet, "/_sim/faults", "", &list)
	if len(list.Faults) != 1 || list.Faults[0].Seen != 5 || list.Faults[0].Hit != 2 {
		t.Errorf("faults %+v", list.Faults)
	}
	s.admin(t, http.MethodDelete, "/_sim/faults", "", nil)
	if len(s.Faults.List()) != 0 {
		t.Error("there are faults after the deletion")
	}

	var at struct{ Now time.Time }
	s.admin(t, http.MethodPost, "/_sim/clock", `{"advance":"36h"}`, &at)
	if !at.Now.Equal(start.Add(36 * time.Hour)) {
		t.Errorf("clock %v", at.Now)
	}
	id := s.run(t, sale, `"amount":"9.00",`+visa).Transaction.TransID
	var settled struct{ Transactions int }
	s.admin(t, http.MethodPost, "/_sim/settle", "", &settled)
	if settled.Transactions != 1 {
		t.Errorf("settled %d", settled.Transactions)
	}
	var ledger struct{ Accounts []sim.Account }
	s.admin(t, http.MethodGet, "/_sim/ledger", "", &ledger)
	if n := len(ledger.Accounts); n != 2 || ledger.Accounts[1].ID != id || ledger.Accounts[1].Captured != 900 {
		t.Errorf("ledger %+v", ledger.Accounts)
	}
	for path, body := range map[string]string{
		"/_sim/faults": `{"faults":[{"kind":"unknown"}]}`,
		"/_sim/clock":  `{"advance":"-1s"}`,
		"/_sim/nonces": `{"number":"1"}`,
	} {
		reply, err := s.client.Post(s.url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", path, reply.StatusCode)
		}
	}
}

// receiver is a merchant's endpoint for webhooks.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []string // the types of the events
	wrong  []string
}

const signatureKey = "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		mac := hmac.New(sha512.New, []byte(signatureKey))
		mac.Write(body)
		want := "sha512=" + strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
		if got := q.Header.Get("X-ANET-Signature"); got != want {
			r.wrong = append(r.wrong, got)
		}
		var event struct {
			NotificationID, EventType string
			Payload                   struct {
				ID            string
				InvoiceNumber string
				AuthAmount    json.Number
			}
		}
		if err := json.Unmarshal(body, &event); err != nil || event.NotificationID == "" || event.Payload.ID == "" {
			r.wrong = append(r.wrong, string(body))
		}
		r.got = append(r.got, strings.TrimPrefix(event.EventType, "net.authorize.payment."))
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) types() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	r := newReceiver(t)
	s := newShop(t, authorizenet.Options{Options: sim.Options{Clock: c}, SignatureKey: signatureKey, Webhooks: []string{r.URL}})
	id := s.run(t, auth, `"amount":"5.00",`+visa).Transaction.TransID
	s.run(t, capture, `"refTransId":"`+id+`"`)
	s.Settle()
	refunded := s.run(t, refund, `"amount":"1.00",`+visa+`,"refTransId":"`+id+`"`).Transaction.TransID
	s.run(t, void, `"refTransId":"`+refunded+`"`)
	s.run(t, sale, `"amount":"2.00",`+visa)
	s.run(t, "captureOnlyTransaction", `"amount":"2.00",`+visa+`,"authCode":"1"`)
	held := s.run(t, auth, `"amount":"5.00",`+visa+","+zip("46253")).Transaction.TransID
	s.call(t, "updateHeldTransactionRequest", `"heldTransactionRequest":{"action":"approve","refTransId":"`+held+`"}`)
	held = s.run(t, auth, `"amount":"6.00",`+visa+","+zip("46252")).Transaction.TransID
	s.call(t, "updateHeldTransactionRequest", `"heldTransactionRequest":{"action":"decline","refTransId":"`+held+`"}`)
	if len(r.types()) != 0 {
		t.Errorf("events without a delivery: %v", r.types())
	}
	s.Deliver(t.Context())
	want := []string{
		"authorization.created", "priorAuthCapture.created", "refund.created", "void.created", "authcapture.created", "capture.created",
		"fraud.held", "fraud.approved", "fraud.held", "fraud.declined",
	}
	if diff := cmp.Diff(want, r.types()); diff != "" || r.wrong != nil {
		t.Errorf("events:\n%s\nwrong: %v", diff, r.wrong)
	}
}

func TestWebhookRetries(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.status = http.StatusInternalServerError
	s := newShop(t, authorizenet.Options{SignatureKey: signatureKey, Webhooks: []string{r.URL}})
	s.run(t, auth, `"amount":"5.00",`+visa)
	attempts := 0
	for range 300 {
		attempts += s.Deliver(t.Context())
		s.Clock.Advance(time.Hour)
	}
	d := s.Webhooks.Deliveries()
	if attempts != 10 || len(d) != 1 || d[0].State != sim.Failed || len(d[0].Attempts) != 10 || d[0].Attempts[0].Status != http.StatusInternalServerError {
		t.Errorf("%d attempts, %+v", attempts, d)
	}
}

func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault              string
		early, now, hourly int
	}{
		"none":      {`{"kind":"slow","delay":"1s","times":1}`, 0, 1, 0},
		"duplicate": {`{"kind":"duplicate_webhook"}`, 0, 2, 0},
		"early":     {`{"kind":"early_webhook"}`, 1, 0, 0},
		"both":      {`{"kind":"early_webhook"},{"kind":"duplicate_webhook"}`, 2, 0, 0},
		"late":      {`{"kind":"late_webhook","delay":"1h"}`, 0, 0, 1},
		"lost":      {`{"kind":"lost_webhook"}`, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			s := newShop(t, authorizenet.Options{
				Options:      sim.Options{Sleep: func(context.Context, time.Duration) {}},
				SignatureKey: signatureKey, Webhooks: []string{r.URL},
			})
			s.faults(t, tc.fault)
			s.run(t, auth, `"amount":"5.00",`+visa)
			early := len(r.types())
			now := s.Deliver(t.Context())
			s.Advance(time.Hour)
			hourly := s.Deliver(t.Context())
			if diff := cmp.Diff([]int{tc.early, tc.now, tc.hourly}, []int{early, now, hourly}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEarlyWebhookBeforeTheReply holds the webhook until it is certain that the
// reply has not come.
func TestEarlyWebhookBeforeTheReply(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	defer hook.Close()
	s := newShop(t, authorizenet.Options{Webhooks: []string{hook.URL}})
	s.faults(t, `{"kind":"early_webhook"}`)
	replied := make(chan struct{})
	go func() {
		defer close(replied)
		_, _, _ = s.send(context.Background(), authBody)
	}()
	<-arrived
	select {
	case <-replied:
		t.Error("the reply came before the webhook was taken")
	default:
	}
	close(release)
	<-replied
}

// TestRun lets the simulator send by itself.
func TestRun(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} }))
	defer hook.Close()
	s := newShop(t, authorizenet.Options{Webhooks: []string{hook.URL}})
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Run(ctx)
	}()
	s.faults(t, `{"kind":"late_webhook","delay":"1h","skip":1}`)
	s.run(t, auth, `"amount":"5.00",`+visa)
	<-arrived
	s.run(t, auth, `"amount":"6.00",`+visa)
	s.Advance(time.Hour)
	<-arrived
	cancel()
	<-stopped
}

func FuzzRequest(f *testing.F) {
	f.Add(authBody)
	f.Add(`{"createTransactionRequest":{` + head + `,"transactionRequest":{"transactionType":"refundTransaction","amount":"1.00",` + visa + `,"refTransId":"60000000001"}}}`)
	f.Add(`{"getUnsettledTransactionListRequest":{` + head + `,"paging":{"limit":"1000","offset":"100000"}}}`)
	f.Add(`{"getSettledBatchListRequest":{` + head + `,"firstSettlementDate":"2026-13-45T99:99:99Z"}}`)
	f.Add(`{"createCustomerShippingAddressRequest":{` + head + `,"customerProfileId":"1","address":null}}`)
	f.Add(`{"createCustomerProfileRequest":{` + head + `,"profile":{"email":"a","paymentProfiles":[{` + visa + `}],"shipToList":[""]}}}`)
	f.Add(`{"a":[[[[[[{}]]]]]]}`)
	f.Fuzz(func(t *testing.T, body string) {
		s := authorizenet.New(authorizenet.Options{LoginID: "login", TransactionKey: "key", Options: sim.Options{Clock: clock.NewManual(start)}})
		r := httptest.NewRequest(http.MethodPost, authorizenet.Path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		raw, ok := strings.CutPrefix(w.Body.String(), "\xef\xbb\xbf")
		var out apiReply
		if err := json.Unmarshal([]byte(raw), &out); !ok || err != nil || len(out.Messages.Message) != 1 || w.Code != http.StatusOK {
			t.Errorf("status %d, reply %q, error %v", w.Code, raw, err)
		}
		for _, a := range s.Ledger.Accounts() {
			if a.Captured > a.Authorized || a.Refunded > a.Captured || a.Voided > a.Authorized {
				t.Errorf("account %+v", a)
			}
		}
	})
}
