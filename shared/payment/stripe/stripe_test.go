package stripe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/stripe"
)

var update = flag.Bool("update", false, "write the golden files")

var now = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// vendor answers requests by a script and keeps what it was sent.
type vendor struct {
	*httptest.Server
	mu      sync.Mutex
	replies []string
	sent    bytes.Buffer
	n       int
}

func newVendor(t *testing.T, replies ...string) *vendor {
	v := &vendor{replies: replies}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

// ServeHTTP gives the next reply: "N body" has status N, "cut" drops the
// connection, anything else is a body with status 200.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Method == http.MethodGet {
		body = []byte(r.URL.RawQuery)
	}
	v.mu.Lock()
	v.n++
	fmt.Fprintf(&v.sent, "%s %s\n", r.Method, r.URL.Path)
	for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key", "User-Agent", "X-Stripe-Client-User-Agent", "X-Stripe-Client-Telemetry"} {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(&v.sent, "%s: %s\n", name, value)
		}
	}
	for pair := range strings.SplitSeq(string(body), "&") {
		pair, _ = url.QueryUnescape(pair)
		fmt.Fprintf(&v.sent, "  %s\n", pair)
	}
	reply := `500 {"error":{"type":"api_error","message":"the script has ended"}}`
	if len(v.replies) > 0 {
		reply, v.replies = v.replies[0], v.replies[1:]
	}
	v.mu.Unlock()
	if reply == "cut" {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Request-Id", "req_1")
	w.Header().Set("Content-Type", "application/json")
	var status int
	if n, _ := fmt.Sscanf(reply, "%3d ", &status); n == 1 {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		reply = reply[4:]
	}
	fmt.Fprint(w, reply)
}

const key = "sk_test_ofthistest"

func (v *vendor) gateway() *stripe.Gateway {
	return stripe.New(stripe.Config{URL: v.URL, Timeout: time.Minute}, stripe.Credentials{Key: key}, nil)
}

// left returns how many replies were not asked for, and how many requests came.
func (v *vendor) left() (replies, requests int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.replies), v.n
}

// golden compares all requests that were sent, in order, with a file.
func (v *vendor) golden(t *testing.T, name string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, v.sent.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), v.sent.String()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

const (
	id      = "pi_3MtwBwLkdIwHu7ix28a3tqPa"
	opID    = "pop_01hzabcdefghjkmnpqrstvwxyz"
	secret  = id + "_secret_YrKJUKribcBjcG8HVhfZluoGH"
	charged = `{"id":"ch_1","object":"charge","authorization_code":"839116","outcome":{"seller_message":"Payment complete.","type":"authorized"},
		"payment_method_details":{"type":"card","card":{"checks":{"address_line1_check":"pass","address_postal_code_check":"pass","cvc_check":"pass"}}}}`
)

// intent is a payment in a state.
func intent(status, more string) string {
	return `{"id":"` + id + `","object":"payment_intent","amount":1999,"currency":"usd","status":"` + status + `","client_secret":"` + secret + `",
		"metadata":{"operation_id":"` + opID + `","capture_operation_id":"` + opID + `"},"latest_charge":` + charged + more + `}`
}

func list(of ...string) string {
	return `{"object":"list","has_more":false,"url":"/v1/x","data":[` + strings.Join(of, ",") + `]}`
}

func refund(status string) string {
	return `{"id":"re_1","object":"refund","amount":500,"status":"` + status + `","payment_intent":"` + id + `","metadata":{"operation_id":"` + opID + `"}}`
}

// refusal is an error reply.
func refusal(status int, kind, code, declineCode string) string {
	return fmt.Sprintf(`%d {"error":{"type":"%s","code":"%s","decline_code":"%s","message":"words","payment_intent":%s}}`,
		status, kind, code, declineCode, intent("requires_payment_method", ""))
}

func operation(kind payment.Kind, change ...func(*payment.Operation)) payment.Operation {
	op := payment.Operation{ID: opID, Kind: kind, PaymentID: "pay_1", OrderID: "ord_1", AmountCents: 1999, Currency: "USD", Since: now}
	switch kind {
	case payment.Authorize, payment.Charge:
		op.Token = "pm_1MqLiJLkdIwHu7ixUEgbFdYF"
	default:
		op.Reference = id
	}
	for _, c := range change {
		c(&op)
	}
	return op
}

func TestExecute(t *testing.T) {
	t.Parallel()
	success := payment.Outcome{State: payment.Succeeded, Reference: id, Detail: "Payment complete.", AuthCode: "839116", AVS: "Y", CVV: "M"}
	with := func(o payment.Outcome, status string, change ...func(*payment.Outcome)) payment.Outcome {
		o.Status = status
		for _, c := range change {
			c(&o)
		}
		return o
	}
	tests := []struct {
		name    string
		op      payment.Operation
		replies []string
		want    payment.Outcome
	}{
		{"authorize", operation(payment.Authorize), []string{intent("requires_capture", "")}, with(success, "199")},
		{"authorize_stored", operation(payment.Authorize, func(op *payment.Operation) { op.Token = "cus_9s6XKzkNRiz8i3|" + op.Token }), []string{intent("requires_capture", "")}, with(success, "199")},
		{"charge", operation(payment.Charge), []string{intent("succeeded", "")}, with(success, "001")},
		{"capture", operation(payment.Capture, func(op *payment.Operation) { op.AmountCents = 500 }), []string{intent("succeeded", "")}, with(success, "002")},
		{"void", operation(payment.Void), []string{intent("canceled", "")}, with(success, "603")},
		{"decline", operation(payment.Decline), []string{intent("canceled", "")}, with(success, "603")},
		{"refund", operation(payment.Refund, func(op *payment.Operation) { op.AmountCents = 500 }), []string{refund("succeeded")},
			payment.Outcome{State: payment.Succeeded, Status: "303", Reference: id, Record: "re_1", Detail: "refund succeeded"}},
		{"action", operation(payment.Authorize), []string{intent("requires_action", "")}, with(success, "499", func(o *payment.Outcome) {
			o.State, o.ClientSecret, o.Detail = payment.Held, secret, "the buyer's bank asks the buyer to confirm the payment"
		})},
		{"approve", operation(payment.Approve), []string{intent("requires_capture", "")}, with(success, "199")},
		{"approve_charge", operation(payment.Approve), []string{intent("succeeded", "")}, with(success, "001")},
		{"authentication_failed", operation(payment.Approve), []string{intent("requires_payment_method", `,"last_payment_error":{"type":"card_error","code":"payment_intent_authentication_failure","message":"not authenticated"}`), intent("canceled", "")},
			payment.Outcome{State: payment.Declined, Status: "200", Reference: id, Code: "payment_intent_authentication_failure", Detail: "not authenticated"}},
		{"declined", operation(payment.Authorize), []string{refusal(402, "card_error", "card_declined", "insufficient_funds")},
			payment.Outcome{State: payment.Declined, Status: "204", Reference: id, Code: "insufficient_funds", Detail: "words", AuthCode: "839116", AVS: "Y", CVV: "M"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, tc.replies...)
			got, err := v.gateway().Execute(t.Context(), tc.op)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if n, _ := v.left(); n > 0 {
				t.Errorf("%d replies were not asked for", n)
			}
			v.golden(t, tc.name)
		})
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	other := strings.ReplaceAll(strings.ReplaceAll(intent("requires_capture", ""), opID, "pop_other"), id, "pi_other")
	mine := intent("requires_capture", "")
	missing := refusal(404, "invalid_request_error", "resource_missing", "")
	tests := []struct {
		name    string
		op      payment.Operation
		replies []string
		found   bool
		state   payment.State
		status  string
	}{
		{"authorize_done", operation(payment.Authorize), []string{list(other, mine), mine}, true, payment.Succeeded, "199"},
		{"authorize_never_arrived", operation(payment.Authorize), []string{list(other)}, false, "", ""},
		{"authorize_waits_for_buyer", operation(payment.Authorize), []string{list(mine), intent("requires_action", "")}, true, payment.Held, "499"},
		{"authorize_declined", operation(payment.Authorize), []string{list(mine), intent("requires_payment_method", `,"last_payment_error":{"code":"expired_card"}`), intent("canceled", "")}, true, payment.Declined, "203"},
		{"authorize_was_declined", operation(payment.Authorize), []string{list(mine), intent("canceled", `,"last_payment_error":{"code":"card_declined","decline_code":"lost_card"}`)}, true, payment.Declined, "206"},
		{"authorize_expired", operation(payment.Authorize), []string{list(mine), intent("canceled", `,"cancellation_reason":"automatic"`)}, true, payment.Declined, "262"},
		{"authorize_cancelled", operation(payment.Authorize), []string{list(mine), intent("canceled", `,"cancellation_reason":"abandoned"`)}, true, payment.Declined, "256"},
		{"authorize_captured_since", operation(payment.Authorize), []string{list(mine), intent("succeeded", "")}, true, payment.Succeeded, "199"},
		{"charge_done", operation(payment.Charge), []string{list(mine), intent("succeeded", "")}, true, payment.Succeeded, "001"},
		{"capture_done", operation(payment.Capture), []string{intent("succeeded", "")}, true, payment.Succeeded, "002"},
		{"capture_not_done", operation(payment.Capture), []string{mine}, false, "", ""},
		{"capture_by_another", operation(payment.Capture), []string{strings.ReplaceAll(intent("succeeded", ""), opID, "pop_other")}, false, "", ""},
		{"capture_of_nothing", operation(payment.Capture), []string{missing}, false, "", ""},
		{"void_done", operation(payment.Void), []string{intent("canceled", "")}, true, payment.Succeeded, "603"},
		{"void_not_done", operation(payment.Void), []string{mine}, false, "", ""},
		{"refund_done", operation(payment.Refund), []string{list(strings.ReplaceAll(refund("succeeded"), opID, "pop_other"), refund("pending"))}, true, payment.Succeeded, "303"},
		{"refund_failed", operation(payment.Refund), []string{list(refund("failed"))}, true, payment.Declined, "256"},
		{"refund_waits", operation(payment.Refund), []string{list(refund("requires_action"))}, true, payment.Held, "499"},
		{"refund_not_done", operation(payment.Refund), []string{list()}, false, "", ""},
		{"refund_of_nothing", operation(payment.Refund), []string{missing}, false, "", ""},
		{"reference_of_another_gateway", operation(payment.Refund, func(op *payment.Operation) { op.Reference = "60123456789" }), nil, false, "", ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, tc.replies...)
			got, found, err := v.gateway().Lookup(t.Context(), tc.op)
			if err != nil || found != tc.found || got.State != tc.state || got.Status != tc.status {
				t.Errorf("got %+v, found %t, error %v; want %s %s, found %t", got, found, err, tc.state, tc.status, tc.found)
			}
			if found && got.Reference != id {
				t.Errorf("reference %s, want %s", got.Reference, id)
			}
			if n, _ := v.left(); n > 0 {
				t.Errorf("%d replies were not asked for", n)
			}
			switch tc.name {
			case "authorize_declined", "refund_done":
				v.golden(t, "lookup_"+tc.name)
			}
		})
	}
}

// Pages are read to the end.
func TestLookupPages(t *testing.T) {
	t.Parallel()
	mine := intent("requires_capture", "")
	other := strings.ReplaceAll(strings.ReplaceAll(mine, opID, "pop_other"), id, "pi_other")
	v := newVendor(t, strings.Replace(list(other), `"has_more":false`, `"has_more":true`, 1), list(mine), mine)
	if _, found, err := v.gateway().Lookup(t.Context(), operation(payment.Authorize)); err != nil || !found {
		t.Errorf("found %t, %v", found, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !strings.Contains(v.sent.String(), "starting_after=pi_other") {
		t.Errorf("sent %s", &v.sent)
	}
}

// A refusal for the state that a payment is in may be the answer to a
// repetition: the payment tells.
func TestRepetition(t *testing.T) {
	t.Parallel()
	state := refusal(400, "invalid_request_error", "payment_intent_unexpected_state", "")
	tests := []struct {
		name    string
		op      payment.Operation
		replies []string
		state   payment.State
		status  string
	}{
		{"captured_by_us", operation(payment.Capture), []string{state, intent("succeeded", "")}, payment.Succeeded, "002"},
		{"captured_before", operation(payment.Capture), []string{state, strings.ReplaceAll(intent("succeeded", ""), opID, "pop_other")}, payment.Declined, "256"},
		{"voided_before", operation(payment.Void), []string{state, intent("canceled", "")}, payment.Succeeded, "603"},
		{"void_too_late", operation(payment.Void), []string{state, intent("succeeded", "")}, payment.Declined, "256"},
		{"refunded_by_us", operation(payment.Refund), []string{refusal(400, "invalid_request_error", "charge_already_refunded", ""), list(refund("succeeded"))}, payment.Succeeded, "303"},
		{"refunded_by_others", operation(payment.Refund), []string{refusal(400, "invalid_request_error", "charge_already_refunded", ""), list()}, payment.Declined, "256"},
		{"of_nothing", operation(payment.Capture), []string{refusal(404, "invalid_request_error", "resource_missing", ""), refusal(404, "invalid_request_error", "resource_missing", "")}, payment.Declined, "256"},
		{"approve_nothing", operation(payment.Approve), []string{refusal(404, "invalid_request_error", "resource_missing", "")}, payment.Declined, "256"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, tc.replies...)
			got, err := v.gateway().Execute(t.Context(), tc.op)
			if err != nil || got.State != tc.state || got.Status != tc.status {
				t.Errorf("got %+v, error %v; want %s %s", got, err, tc.state, tc.status)
			}
			if n, _ := v.left(); n > 0 {
				t.Errorf("%d replies were not asked for", n)
			}
		})
	}
}

// Every decline code and error code that Stripe lists, with the class that it
// belongs to (testdata/codes.txt).
func TestCodes(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{"lock_timeout": true, "rate_limit": true, "idempotency_key_in_use": true}
	var golden strings.Builder
	for line := range strings.Lines(string(data)) {
		var field, code string
		fmt.Sscan(line, &field, &code)
		reply := refusal(400, "invalid_request_error", code, "")
		switch field {
		case "decline_code":
			reply = refusal(402, "card_error", "card_declined", code)
		case "card_code":
			reply = refusal(402, "card_error", code, "")
		}
		v := newVendor(t, reply)
		got, err := v.gateway().Execute(t.Context(), operation(payment.Authorize))
		if (err != nil) != open[code] {
			t.Errorf("%s: error %v", code, err)
		}
		if err == nil && (got.State != payment.Declined || len(got.Status) != 3 || got.Status[0] != '2' || got.Code != code) {
			t.Errorf("%s: %+v", code, got)
		}
		if err != nil {
			got.Status = "open"
		}
		fmt.Fprintf(&golden, "%s %s\n", code, got.Status)
	}
	path := "testdata/codes.golden"
	if *update {
		if err := os.WriteFile(path, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), golden.String()); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestDefiniteRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ reply, status string }{
		"no_key":            {`401 {"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}`, "251"},
		"forbidden":         {`403 {"error":{"type":"invalid_request_error"}}`, "251"},
		"unknown_token":     {refusal(404, "invalid_request_error", "resource_missing", ""), "208"},
		"unknown_token_400": {refusal(400, "invalid_request_error", "resource_missing", ""), "208"},
		"bad_request":       {`400 {"error":{"type":"invalid_request_error"}}`, "253"},
		"new_decline":       {refusal(402, "card_error", "card_declined", "brand_new"), "200"},
		"new_card_error":    {refusal(402, "card_error", "brand_new", ""), "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newVendor(t, tc.reply).gateway().Execute(t.Context(), operation(payment.Authorize))
			if err != nil || got.State != payment.Declined || got.Status != tc.status || got.Detail == "" {
				t.Errorf("got %+v, %v; want declined %s", got, err, tc.status)
			}
		})
	}
}

// A reply that was lost, or says nothing, leaves the outcome open. There is one
// request, and the error tells nothing that was sent or received.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	body := `{"error":{"type":"api_error","message":"m","payment_intent":` + intent("requires_action", "") + `}}`
	for name, reply := range map[string]string{
		"cut": "cut", "500": "500 " + body, "502": "502 <html>", "503": "503 ", "504": "504 " + body, "409": "409 " + body, "429": "429 " + body,
		"lock_timeout": refusal(400, "invalid_request_error", "lock_timeout", ""), "other_use_of_key": refusal(400, "idempotency_error", "", ""),
		"redirect": "307 ", "empty": "", "no_json": "<html>", "half": intent("requires_capture", "")[:150], "unknown_state": intent("new_state", ""),
		"processing": intent("processing", ""), "no_state": "{}", "too_long": strings.TrimSuffix(intent("requires_capture", ""), "}") + strings.Repeat(" ", 4<<20) + "}",
		"no_error_object": "400 {}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, reply)
			got, err := v.gateway().Execute(t.Context(), operation(payment.Authorize))
			if _, n := v.left(); err == nil || got != (payment.Outcome{}) || n != 1 {
				t.Fatalf("got %+v, error %v, %d requests; want an error after one", got, err, n)
			}
			for _, secret := range []string{key, secret, "pm_1Mq", "secret_"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error %q tells %q", err, secret)
				}
			}
		})
	}
	for name, replies := range map[string][]string{
		"list": {"500 " + body}, "object": {list(intent("requires_capture", "")), "500 " + body},
		"cancel": {list(intent("requires_capture", "")), intent("requires_payment_method", ""), "cut"},
	} {
		t.Run("lookup_"+name, func(t *testing.T) {
			t.Parallel()
			if got, found, err := newVendor(t, replies...).gateway().Lookup(t.Context(), operation(payment.Authorize)); err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %+v, found %t, error %v", got, found, err)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := newVendor(t).gateway().Execute(ctx, operation(payment.Refund)); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that the call was cancelled", err)
		}
	})
}

// What can be refused here is never sent.
func TestRefusesWithoutRequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		op     payment.Operation
		status string
	}{
		"card_number":       {operation(payment.Authorize, func(op *payment.Operation) { op.Token = "4242424242424242" }), "209"},
		"card_with_hyphens": {operation(payment.Charge, func(op *payment.Operation) { op.Token = "pm_x|4242-4242-4242-4242" }), "209"},
		"foreign_token":     {operation(payment.Authorize, func(op *payment.Operation) { op.Token = "tok_visa" }), "208"},
		"no_token":          {operation(payment.Authorize, func(op *payment.Operation) { op.Token = "" }), "208"},
		"half_a_token":      {operation(payment.Authorize, func(op *payment.Operation) { op.Token = "|pm_1" }), "208"},
		"path_in_token":     {operation(payment.Authorize, func(op *payment.Operation) { op.Token = "pm_1/../x" }), "208"},
		"path_in_reference": {operation(payment.Void, func(op *payment.Operation) { op.Reference = "pi_1/capture" }), "256"},
		"no_reference":      {operation(payment.Refund, func(op *payment.Operation) { op.Reference = "" }), "256"},
		"negative":          {operation(payment.Authorize, func(op *payment.Operation) { op.AmountCents = -1 }), "253"},
		"no_currency":       {operation(payment.Authorize, func(op *payment.Operation) { op.Currency = "XXQ" }), "253"},
		"part_of_ten_fils":  {operation(payment.Authorize, func(op *payment.Operation) { op.Currency = "KWD" }), "253"},
		"kind":              {operation("give"), "252"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			got, err := v.gateway().Execute(t.Context(), tc.op)
			if err != nil || got.State != payment.Declined || got.Status != tc.status {
				t.Errorf("got %+v, %v; want declined %s", got, err, tc.status)
			}
			if _, n := v.left(); tc.op.Token != "" && strings.Contains(got.Detail, tc.op.Token) || n > 0 {
				t.Errorf("detail %q, %d requests", got.Detail, n)
			}
		})
	}
}

// Stripe counts some currencies in other units than ISO 4217.
func TestAmounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		currency string
		units    int64
		want     string
	}{
		{"USD", 1999, "amount=1999"}, {"JPY", 500, "amount=500"}, {"ISK", 5, "amount=500"}, {"UGX", 5, "amount=500"},
		{"MGA", 1200, "amount=12"}, {"KWD", 5120, "amount=5120"}, {"HUF", 17500, "amount=17500"},
	} {
		v := newVendor(t, intent("requires_capture", ""))
		op := operation(payment.Authorize, func(op *payment.Operation) { op.Currency, op.AmountCents = tc.currency, tc.units })
		if _, err := v.gateway().Execute(t.Context(), op); err != nil {
			t.Fatal(err)
		}
		v.mu.Lock()
		sent := v.sent.String()
		v.mu.Unlock()
		if !strings.Contains(sent, "  "+tc.want+"\n") || !strings.Contains(sent, "  currency="+strings.ToLower(tc.currency)+"\n") {
			t.Errorf("%d %s: sent %s", tc.units, tc.currency, sent)
		}
	}
}

func TestChecksAsLetters(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ line, postal, cvc, avs, cvv string }{
		{"pass", "pass", "pass", "Y", "M"}, {"pass", "fail", "fail", "A", "N"}, {"fail", "pass", "unavailable", "Z", "U"}, {"fail", "fail", "unchecked", "N", "P"},
		{"unavailable", "unavailable", "", "U", ""}, {"unchecked", "", "", "", ""}, {"", "fail", "", "N", ""},
	} {
		reply := intent("requires_capture", "")
		reply = strings.Replace(reply, `"address_line1_check":"pass","address_postal_code_check":"pass","cvc_check":"pass"`,
			fmt.Sprintf(`"address_line1_check":%q,"address_postal_code_check":%q,"cvc_check":%q`, tc.line, tc.postal, tc.cvc), 1)
		got, err := newVendor(t, reply).gateway().Execute(t.Context(), operation(payment.Authorize))
		if err != nil || got.AVS != tc.avs || got.CVV != tc.cvv {
			t.Errorf("%+v: got %q %q, %v", tc, got.AVS, got.CVV, err)
		}
	}
}

func TestCredentialsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c := stripe.Credentials{Key: key}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s", c, c, &c), string(j), c.LogValue().String()} {
		if strings.Contains(text, "sk_test") {
			t.Errorf("%q", text)
		}
	}
}
