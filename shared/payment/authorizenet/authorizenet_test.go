package authorizenet_test

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
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/authorizenet"
)

var update = flag.Bool("update", false, "write the golden files")

var now = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// vendor answers requests by a script and keeps what it was sent.
type vendor struct {
	*httptest.Server
	mu      sync.Mutex
	replies []string
	sent    [][]byte
}

func newVendor(t *testing.T, replies ...string) *vendor {
	v := &vendor{replies: replies}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

// ServeHTTP gives the next reply: "status N" is an empty one with that status,
// "cut" drops the connection, "hang" never answers, anything else is a body, to
// which the byte order mark is added.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	v.sent = append(v.sent, body)
	reply := `{"messages":{"resultCode":"Error","message":[{"code":"TEST","text":"the script has ended"}]}}`
	if len(v.replies) > 0 {
		reply, v.replies = v.replies[0], v.replies[1:]
	}
	v.mu.Unlock()
	var status int
	switch n, _ := fmt.Sscanf(reply, "status %d", &status); {
	case n == 1:
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	case reply == "cut":
		panic(http.ErrAbortHandler)
	case reply == "hang":
		<-r.Context().Done()
	default:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, "\xef\xbb\xbf", reply)
	}
}

func (v *vendor) gateway() *authorizenet.Gateway {
	return authorizenet.New(authorizenet.Config{URL: v.URL, Timeout: time.Minute},
		authorizenet.Credentials{Login: "5KP3u95bQpv", TransactionKey: "346HZ32z3fP4hTG2"}, nil, clock.NewManual(now))
}

// left returns how many replies were not asked for, and how many requests came.
func (v *vendor) left() (replies, requests int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.replies), len(v.sent)
}

// golden compares all requests that were sent, in order and byte by byte but for
// the indentation, with a file.
func (v *vendor) golden(t *testing.T, name string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	var got bytes.Buffer
	for _, body := range v.sent {
		if err := json.Indent(&got, body, "", "  "); err != nil {
			t.Fatalf("request %s: %v", body, err)
		}
		got.WriteByte('\n')
	}
	path := filepath.Join("testdata/requests", name+".golden")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

const (
	ok       = `"messages":{"resultCode":"Ok","message":[{"code":"I00001","text":"Successful."}]}`
	none     = `{"messages":{"resultCode":"Ok","message":[{"code":"I00004","text":"No records found."}]}}`
	failed   = `"messages":{"resultCode":"Error","message":[{"code":"E00027","text":"The transaction was unsuccessful."}]}`
	approved = `{"transactionResponse":{"responseCode":"1","authCode":"TUAN7K","avsResultCode":"Y","cvvResultCode":"M","cavvResultCode":"2",
		"transId":"60123456789","refTransID":"","transHash":"","testRequest":"0","accountNumber":"XXXX1111","accountType":"Visa",
		"messages":[{"code":"1","description":"This transaction has been approved."}],"transHashSha2":"","SupplementalDataQualificationIndicator":0,
		"networkTransId":"TUAN7KTUAN7KTUA"},"refId":"x",` + ok + `}`
)

// answer is the reply to a transaction with a response and a reason code.
func answer(rc, code, transID string) string {
	reasons, messages := `"errors":[{"errorCode":"`+code+`","errorText":"words"}]`, failed
	if rc == "1" || rc == "4" {
		reasons, messages = `"messages":[{"code":"`+code+`","description":"words"}]`, ok
	}
	return `{"transactionResponse":{"responseCode":"` + rc + `","authCode":"","avsResultCode":"P","cvvResultCode":"","transId":"` + transID + `",` + reasons + `},` + messages + `}`
}

// refusal is a reply without a transaction.
func refusal(code string) string {
	return `{"messages":{"resultCode":"Error","message":[{"code":"` + code + `","text":"words"}]}}`
}

// details is what the books say of a transaction.
func details(id, status, invoice string, more string) string {
	return `{"transaction":{"transId":"` + id + `","submitTimeUTC":"2026-11-23T11:59:00.123Z","transactionStatus":"` + status + `","responseCode":1,"responseReasonCode":1,
		"responseReasonDescription":"Approval","authCode":"TUAN7K","AVSResponse":"Y","cardCodeResponse":"M","order":{"invoiceNumber":"` + invoice + `"},` + more + `
		"payment":{"creditCard":{"cardNumber":"XXXX1111","expirationDate":"XXXX","cardType":"Visa"}}},` + ok + `}`
}

// list is a list with one row.
func list(id, invoice string) string {
	return `{"transactions":[{"transId":"60000000001","submitTimeUTC":"2026-11-23T11:59:30Z","transactionStatus":"voided","invoiceNumber":"other","settleAmount":1.5},
		{"transId":"` + id + `","submitTimeUTC":"2026-11-23T11:59:00Z","transactionStatus":"authorizedPendingCapture","invoiceNumber":"` + invoice + `","settleAmount":19.99}],
		"totalNumInResultSet":2,` + ok + `}`
}

const (
	id      = "60123456789"
	opID    = "pop_01hzabcdefghjkmnpqrstvwxyz"
	invoice = "cdefghjkmnpqrstvwxyz" // the last 20 characters
)

func operation(kind payment.Kind, change ...func(*payment.Operation)) payment.Operation {
	op := payment.Operation{
		ID: opID, Kind: kind, PaymentID: "pay_1", OrderID: "ord_1", AmountCents: 1999, Currency: "USD", Since: now.Add(-time.Minute),
	}
	switch kind {
	case payment.Authorize, payment.Charge:
		op.Token = "COMMON.ACCEPT.INAPP.PAYMENT|eyJjb2RlIjoiNTBfMl8wNjAwIn0="
		op.BuyerIP = "203.0.113.7"
		op.Billing = payment.Billing{FirstName: "Zoë", LastName: "O'Neil & Co", Address: "14 Main Street", City: "Pecan Springs", Region: "TX", Postal: "44628", Country: "US"}
	default:
		op.Reference = id
	}
	if kind == payment.Refund {
		op.CapturedCents = 1999
	}
	for _, c := range change {
		c(&op)
	}
	return op
}

func TestExecute(t *testing.T) {
	t.Parallel()
	captured := details(id, "capturedPendingSettlement", "x", `"authAmount":19.99,"settleAmount":19.99,`)
	settled := details(id, "settledSuccessfully", "x", `"authAmount":19.99,"settleAmount":19.99,`)
	success := payment.Outcome{State: payment.Succeeded, Reference: id, Detail: "This transaction has been approved.", Code: "1", AuthCode: "TUAN7K", AVS: "Y", CVV: "M"}
	with := func(o payment.Outcome, status string, change ...func(*payment.Outcome)) payment.Outcome {
		o.Status = status
		for _, c := range change {
			c(&o)
		}
		return o
	}
	books := func(o *payment.Outcome) { o.Detail = "" }
	tests := []struct {
		name    string
		op      payment.Operation
		replies []string
		want    payment.Outcome
	}{
		{"authorize", operation(payment.Authorize), []string{approved}, with(success, "199")},
		{"authorize_stored", operation(payment.Authorize, func(op *payment.Operation) { op.Token = "1929153842|1843139450" }), []string{approved}, with(success, "199")},
		{"authorize_yen", operation(payment.Authorize, func(op *payment.Operation) { op.Currency, op.Billing, op.BuyerIP = "JPY", payment.Billing{}, "" }), []string{approved}, with(success, "199")},
		{"charge", operation(payment.Charge), []string{approved}, with(success, "001")},
		{"capture", operation(payment.Capture), []string{approved}, with(success, "002")},
		{"void", operation(payment.Void), []string{approved}, with(success, "603")},
		{"refund", operation(payment.Refund, func(op *payment.Operation) { op.AmountCents = 500 }),
			[]string{settled, strings.ReplaceAll(approved, id, "60123456790")}, with(success, "303", func(o *payment.Outcome) { o.Record = "60123456790" })},
		{"refund_before_settlement", operation(payment.Refund), []string{captured, approved}, with(success, "303")},
		{"approve", operation(payment.Approve), []string{approved, details(id, "authorizedPendingCapture", "x", "")}, with(success, "199", books)},
		{"approve_charge", operation(payment.Approve), []string{approved, captured}, with(success, "001", books)},
		{"decline", operation(payment.Decline), []string{approved, details(id, "voided", "x", "")}, with(success, "603", books)},
		{"void_of_held", operation(payment.Void), []string{
			answer("3", "16", "0"), details(id, "FDSPendingReview", "x", ""), details(id, "FDSPendingReview", "x", ""), approved, details(id, "declined", "x", ""),
		}, with(success, "603", books)},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, tc.replies...)
			got, err := v.gateway().Execute(t.Context(), tc.op)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want.Detail == "" {
				got.Detail = ""
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

// The vendor's schema is a sequence: names must come in this order wherever they
// stand together (vendor's schema, transactionRequestType and its children).
func TestRequestsFollowTheSchema(t *testing.T) {
	t.Parallel()
	sequences := []string{
		"merchantAuthentication clientId refId transactionRequest heldTransactionRequest transId batchId includeStatistics firstSettlementDate lastSettlementDate status sorting paging",
		"name transactionKey",
		"transactionType amount currencyCode payment profile solution callId terminalNumber authCode refTransId splitTenderId order lineItems tax duty shipping " +
			"taxExempt poNumber customer billTo shipTo customerIP cardholderAuthentication retail employeeId transactionSettings userFields",
		"cardNumber expirationDate cardCode", "dataDescriptor dataValue dataKey", "customerProfileId paymentProfile shippingProfileId", "paymentProfileId cardCode",
		"invoiceNumber description", "firstName lastName company address city state zip country", "settingName settingValue",
		"orderBy orderDescending", "limit offset", "action refTransId", "creditCard bankAccount opaqueData dataSource", "setting",
	}
	files, err := filepath.Glob("testdata/requests/*.golden")
	if err != nil || len(files) < 10 {
		t.Fatalf("golden files: %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(data))
		for d.More() {
			checkOrder(t, file, d, sequences, 0)
		}
	}
}

// checkOrder reads one value and fails the test unless the names of each object
// are a subsequence of one of the sequences.
func checkOrder(t *testing.T, file string, d *json.Decoder, sequences []string, depth int) {
	t.Helper()
	token, err := d.Token()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	switch token {
	case json.Delim('['):
		for d.More() {
			checkOrder(t, file, d, sequences, depth+1)
		}
		d.Token()
	case json.Delim('{'):
		var names []string
		for d.More() {
			name, _ := d.Token()
			names = append(names, name.(string))
			checkOrder(t, file, d, sequences, depth+1)
		}
		d.Token()
		if depth == 0 {
			return
		}
		for _, s := range sequences {
			rest := names
			for name := range strings.FieldsSeq(s) {
				if len(rest) > 0 && rest[0] == name {
					rest = rest[1:]
				}
			}
			if len(rest) == 0 {
				return
			}
		}
		t.Errorf("%s: the names %v are in no order of the schema", file, names)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	mine := details(id, "authorizedPendingCapture", invoice, `"authAmount":19.99,"settleAmount":0,`)
	batches := `{"batchList":[{"batchId":"7","settlementState":"settledSuccessfully"},{"batchId":8}],` + ok + `}`
	at := func(status, more string) string { return details(id, status, invoice, more) }
	tests := []struct {
		name    string
		op      payment.Operation
		replies []string
		found   bool
		state   payment.State
		status  string
	}{
		{"authorize_unsettled", operation(payment.Authorize), []string{list(id, invoice), mine}, true, payment.Succeeded, "199"},
		{"authorize_settled", operation(payment.Authorize), []string{none, batches, none, list(id, invoice), at("settledSuccessfully", `"authAmount":"19.99",`)}, true, payment.Succeeded, "199"},
		{"authorize_nowhere", operation(payment.Authorize), []string{none, none}, false, "", ""},
		{"authorize_of_another", operation(payment.Authorize), []string{list(id, invoice), details(id, "authorizedPendingCapture", "other", "")}, false, "", ""},
		{"authorize_held", operation(payment.Authorize), []string{list(id, invoice), at("FDSAuthorizedPendingReview", "")}, true, payment.Held, "478"},
		{"authorize_part", operation(payment.Authorize), []string{list(id, invoice), at("authorizedPendingCapture", `"authAmount":1.23,`)}, true, payment.Held, "499"},
		{"authorize_declined", operation(payment.Authorize), []string{list(id, invoice), strings.Replace(at("declined", ""), `"responseReasonCode":1`, `"responseReasonCode":27`, 1)}, true, payment.Declined, "205"},
		{"authorize_expired", operation(payment.Authorize), []string{list(id, invoice), at("expired", "")}, true, payment.Declined, "262"},
		{"authorize_voided", operation(payment.Authorize), []string{list(id, invoice), at("voided", "")}, true, payment.Declined, "256"},
		{"authorize_failed", operation(payment.Authorize), []string{list(id, invoice), at("communicationError", "")}, true, payment.Declined, "250"},
		{"charge_captured", operation(payment.Charge), []string{list(id, invoice), at("capturedPendingSettlement", "")}, true, payment.Succeeded, "001"},
		{"charge_only_authorized", operation(payment.Charge), []string{list(id, invoice), mine}, true, payment.Held, "499"},
		{"capture_done", operation(payment.Capture), []string{at("capturedPendingSettlement", `"settleAmount":19.99,`)}, true, payment.Succeeded, "002"},
		{"capture_of_other_amount", operation(payment.Capture), []string{at("capturedPendingSettlement", `"settleAmount":20.00,`)}, false, "", ""},
		{"capture_again", operation(payment.Capture, func(op *payment.Operation) { op.CapturedCents = 1999 }), []string{at("capturedPendingSettlement", `"settleAmount":19.99,`)}, false, "", ""},
		{"capture_not_done", operation(payment.Capture), []string{mine}, false, "", ""},
		{"void_done", operation(payment.Void), []string{at("voided", "")}, true, payment.Succeeded, "603"},
		{"void_not_done", operation(payment.Void), []string{mine}, false, "", ""},
		{"void_of_nothing", operation(payment.Void), []string{refusal("E00040")}, false, "", ""},
		{"refund_pending", operation(payment.Refund), []string{list("60123456790", invoice), strings.ReplaceAll(at("refundPendingSettlement", ""), id, "60123456790")}, true, payment.Succeeded, "303"},
		{"refund_by_void", operation(payment.Refund), []string{none, none, at("voided", "")}, true, payment.Succeeded, "303"},
		{"refund_not_done", operation(payment.Refund), []string{none, none, at("settledSuccessfully", "")}, false, "", ""},
		{"refund_of_part_not_by_void", operation(payment.Refund, func(op *payment.Operation) { op.AmountCents = 5 }), []string{none, none, at("voided", "")}, false, "", ""},
		{"approve_done", operation(payment.Approve), []string{mine}, true, payment.Succeeded, "199"},
		{"approve_not_done", operation(payment.Approve), []string{at("FDSPendingReview", "")}, false, "", ""},
		{"approve_declined", operation(payment.Approve), []string{at("declined", "")}, true, payment.Declined, "200"},
		{"decline_done", operation(payment.Decline), []string{at("declined", "")}, true, payment.Succeeded, "603"},
		{"decline_too_late", operation(payment.Decline), []string{mine}, true, payment.Declined, "256"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, tc.replies...)
			got, found, err := v.gateway().Lookup(t.Context(), tc.op)
			if err != nil || found != tc.found || got.State != tc.state || got.Status != tc.status {
				t.Errorf("got %+v, found %t, error %v; want %s %s, found %t", got, found, err, tc.state, tc.status, tc.found)
			}
			if found && followsUp(tc.op.Kind) && got.Reference != id {
				t.Errorf("reference %s, want the transaction that is followed up", got.Reference)
			}
			if n, _ := v.left(); n > 0 {
				t.Errorf("%d replies were not asked for", n)
			}
			if tc.name == "authorize_settled" {
				v.golden(t, "lookup")
			}
		})
	}
}

func followsUp(kind payment.Kind) bool { return kind != payment.Authorize && kind != payment.Charge }

// What the gateway refuses because it was so before is judged by its books.
func TestRepetition(t *testing.T) {
	t.Parallel()
	mine := details(id, "authorizedPendingCapture", invoice, `"authAmount":19.99,`)
	resumed := func(op *payment.Operation) { op.Resumed = true }
	long := func(op *payment.Operation) { op.Resumed, op.Since = true, now.Add(-time.Hour) }
	tests := []struct {
		name    string
		op      payment.Operation
		replies []string
		state   payment.State // none: the outcome is open
		status  string
	}{
		{"duplicate_names_the_first", operation(payment.Authorize), []string{answer("3", "11", id), mine}, payment.Succeeded, "199"},
		{"duplicate_names_another's", operation(payment.Authorize), []string{answer("3", "11", id), details(id, "authorizedPendingCapture", "other", ""), none, none}, "", ""},
		{"duplicate_is_listed", operation(payment.Authorize), []string{answer("3", "11", "0"), list(id, invoice), mine}, payment.Succeeded, "199"},
		{"duplicate_is_not_listed_yet", operation(payment.Authorize), []string{answer("3", "11", "0"), none, none}, "", ""},
		{"duplicate_refund", operation(payment.Refund), []string{details(id, "settledSuccessfully", "x", ""), answer("3", "11", "0"), list("60123456790", invoice),
			strings.ReplaceAll(details(id, "refundPendingSettlement", invoice, ""), id, "60123456790")}, payment.Succeeded, "303"},
		{"token_spent_on_nothing", operation(payment.Authorize), []string{refusal("E00114"), none, none}, payment.Declined, "253"},
		{"token_spent_by_us", operation(payment.Authorize, resumed), []string{refusal("E00114"), list(id, invoice), mine}, payment.Succeeded, "199"},
		{"token_perhaps_spent_by_us", operation(payment.Authorize, resumed), []string{refusal("E00114"), none, none}, "", ""},
		{"token_spent_long_ago", operation(payment.Authorize, long), []string{refusal("E00114"), none, none}, payment.Declined, "253"},
		{"captured_by_us", operation(payment.Capture), []string{answer("1", "311", id), details(id, "capturedPendingSettlement", "x", `"settleAmount":19.99,`)}, payment.Succeeded, "002"},
		{"captured_for_another_amount", operation(payment.Capture), []string{answer("1", "311", id), details(id, "capturedPendingSettlement", "x", `"settleAmount":5,`)}, payment.Declined, "256"},
		{"captured_before", operation(payment.Capture, func(op *payment.Operation) { op.CapturedCents = 1 }), nil, payment.Declined, "256"},
		{"voided_by_us", operation(payment.Void), []string{answer("1", "310", id), details(id, "voided", "x", "")}, payment.Succeeded, "603"},
		{"void_too_late", operation(payment.Void), []string{answer("3", "327", "0"), details(id, "settledSuccessfully", "x", ""), details(id, "settledSuccessfully", "x", "")}, payment.Declined, "256"},
		{"part_not_settled", operation(payment.Refund, func(op *payment.Operation) { op.AmountCents = 5 }), []string{details(id, "capturedPendingSettlement", "x", `"settleAmount":19.99,`)}, payment.Declined, "258"},
		{"settled_while_voiding", operation(payment.Refund), []string{details(id, "capturedPendingSettlement", "x", `"settleAmount":19.99,`), answer("3", "327", "0"), none, none,
			details(id, "settledSuccessfully", "x", "")}, payment.Declined, "258"},
		{"refund_of_refunded", operation(payment.Refund), []string{details(id, "voided", "x", "")}, payment.Succeeded, "303"},
		{"refund_of_unknown", operation(payment.Refund), []string{refusal("E00040")}, payment.Declined, "256"},
		{"decided_by_others", operation(payment.Approve), []string{answer("3", "16", "0"), details(id, "declined", "x", "")}, payment.Declined, "200"},
		{"decision_without_effect", operation(payment.Approve), []string{approved, details(id, "FDSPendingReview", "x", "")}, "", ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, tc.replies...)
			got, err := v.gateway().Execute(t.Context(), tc.op)
			if (err != nil) != (tc.state == "") || got.State != tc.state || got.Status != tc.status {
				t.Errorf("got %+v, error %v; want %s %s", got, err, tc.state, tc.status)
			}
			if got.Retryable != (got.Status == "258" || got.Status == "250") {
				t.Errorf("retryable %t with status %s", got.Retryable, got.Status)
			}
			if n, _ := v.left(); n > 0 {
				t.Errorf("%d replies were not asked for", n)
			}
		})
	}
}

// A reply that was lost, or says nothing, leaves the outcome open.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]string{
		"cut": "cut", "status_500": "status 500", "status_429": "status 429", "status_503": "status 503", "redirect": "status 307", "empty": "", "no_json": "<html>",
		"half": approved[:200], "no_messages": `{}`, "wrong_shape": `{"transactionResponse":[],"messages":{"resultCode":"Ok"}}`,
		"ok_without_transaction": `{` + ok + `}`, "unknown_response_code": answer("9", "1", id), "unknown_code": refusal("E99999"), "no_number": refusal("E99999999999999999999999"),
		"server_error": refusal("E00001"), "too_long": approved + strings.Repeat(" ", 4<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, reply)
			op := operation(payment.Authorize)
			got, err := v.gateway().Execute(t.Context(), op)
			if err == nil || got != (payment.Outcome{}) {
				t.Fatalf("got %+v, error %v; want an error", got, err)
			}
			for _, secret := range []string{op.Token, "eyJ", "346HZ32z3fP4hTG2", "5KP3u95bQpv", "Main Street"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error %q tells %q", err, secret)
				}
			}
		})
	}
	t.Run("hang", func(t *testing.T) {
		t.Parallel()
		v := newVendor(t, "hang")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := v.gateway().Execute(ctx, operation(payment.Authorize)); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that the call was cancelled", err)
		}
		if _, _, err := v.gateway().Lookup(ctx, operation(payment.Authorize)); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that the call was cancelled", err)
		}
	})
}

// What can be refused here is never sent.
func TestRefusesWithoutRequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*payment.Operation)
		status string
	}{
		"card_number":        {func(op *payment.Operation) { op.Token = "4111 1111 1111 1111" }, "209"},
		"card_as_data":       {func(op *payment.Operation) { op.Token = "COMMON.ACCEPT.INAPP.PAYMENT|4111111111111111" }, "209"},
		"foreign_token":      {func(op *payment.Operation) { op.Token = "pm_card_visa" }, "208"},
		"no_token":           {func(op *payment.Operation) { op.Token = "" }, "208"},
		"no_currency":        {func(op *payment.Operation) { op.Currency = "XXQ" }, "253"},
		"negative":           {func(op *payment.Operation) { op.AmountCents = -1 }, "253"},
		"kind":               {func(op *payment.Operation) { op.Kind = "give" }, "252"},
		"descriptor_alone":   {func(op *payment.Operation) { op.Token = "COMMON.ACCEPT.INAPP.PAYMENT" }, "208"},
		"half_a_profile":     {func(op *payment.Operation) { op.Token = "1929153842|" }, "208"},
		"unknown_descriptor": {func(op *payment.Operation) { op.Token = "X|Y" }, "208"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			op := operation(payment.Authorize, tc.change)
			got, err := v.gateway().Execute(t.Context(), op)
			if err != nil || got.State != payment.Declined || got.Status != tc.status {
				t.Errorf("got %+v, %v; want declined %s", got, err, tc.status)
			}
			if _, n := v.left(); op.Token != "" && strings.Contains(got.Detail, op.Token) || n > 0 {
				t.Errorf("detail %q, %d requests", got.Detail, n)
			}
		})
	}
}

func TestTestModeIsNoSuccess(t *testing.T) {
	t.Parallel()
	v := newVendor(t, answer("1", "1", "0"))
	got, err := v.gateway().Execute(t.Context(), operation(payment.Charge))
	if err != nil || got.State != payment.Declined || got.Status != "257" {
		t.Errorf("got %+v, %v; want declined 257", got, err)
	}
}

func TestPartialApprovalIsHeld(t *testing.T) {
	t.Parallel()
	v := newVendor(t, strings.Replace(approved, `"accountType"`, `"splitTenderId":"1","prePaidCard":{"requestedAmount":"19.99","approvedAmount":"1.23","balanceOnCard":"0.00"},"accountType"`, 1))
	got, err := v.gateway().Execute(t.Context(), operation(payment.Charge))
	if err != nil || got.State != payment.Held || got.Status != "499" || got.Reference != id {
		t.Errorf("got %+v, %v; want held 499", got, err)
	}
}

// A list of more than one page is read until it ends or is older than the
// operation.
func TestPages(t *testing.T) {
	t.Parallel()
	page := func(at string) string {
		row := `{"transId":"1","submitTimeUTC":"` + at + `","invoiceNumber":"other"},`
		return `{"transactions":[` + strings.TrimSuffix(strings.Repeat(row, 1000), ",") + `],` + ok + `}`
	}
	mine := details(id, "authorizedPendingCapture", invoice, "")
	v := newVendor(t, page("2026-11-23T11:59:00Z"), list(id, invoice), mine)
	if _, found, err := v.gateway().Lookup(t.Context(), operation(payment.Authorize)); err != nil || !found {
		t.Errorf("second page: found %t, %v", found, err)
	}
	v = newVendor(t, page("2026-11-23T11:00:00Z"), none)
	_, found, err := v.gateway().Lookup(t.Context(), operation(payment.Authorize))
	if _, n := v.left(); err != nil || found || n != 2 {
		t.Errorf("old page: found %t, %v, %d requests", found, err, n)
	}
}

// A question that was not answered is no "not found".
func TestLookupDoesNotGuess(t *testing.T) {
	t.Parallel()
	for name, replies := range map[string][]string{
		"list_refused":    {refusal("E00053")},
		"details_refused": {list(id, invoice), refusal("E00001")},
		"details_off":     {list(id, invoice), refusal("E00011")},
		"batches_refused": {none, refusal("E00053")},
		"batch_refused":   {none, `{"batchList":[{"batchId":"7"}],` + ok + `}`, "status 502"},
		"unknown_status":  {list(id, invoice), details(id, "somethingNew", invoice, "")},
		"wrong_details":   {list(id, invoice), details("60123456700", "voided", invoice, "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t, replies...)
			if got, found, err := v.gateway().Lookup(t.Context(), operation(payment.Authorize)); err == nil {
				t.Errorf("got %+v, found %t; want an error", got, found)
			}
		})
	}
}

func TestCredentialsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c := authorizenet.Credentials{Login: "5KP3u95bQpv", TransactionKey: "346HZ32z3fP4hTG2"}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s", c, c, &c), string(j), c.LogValue().String()} {
		if strings.Contains(text, "346HZ") || strings.Contains(text, "5KP3") {
			t.Errorf("%q", text)
		}
	}
}
