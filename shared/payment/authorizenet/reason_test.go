package authorizenet

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/payment"
)

// TestReasons maps every reason code that the vendor lists, with the response
// code and the class that it belongs to (testdata/reasons.txt).
func TestReasons(t *testing.T) {
	t.Parallel()
	want := map[string]payment.State{"approve": payment.Succeeded, "held": payment.Held, "decline": payment.Declined, "error": payment.Declined,
		"config": payment.Declined, "duplicate": payment.Declined, "retryable": payment.Declined}
	var golden strings.Builder
	n := 0
	for line := range lines(t, "testdata/reasons.txt") {
		var code, rc, class string
		fmt.Sscan(line, &code, &rc, &class)
		r := reply{TransactionResponse: &transactionResponse{ResponseCode: text(rc), TransID: "60123456789"}}
		r.TransactionResponse.Errors = append(r.TransactionResponse.Errors, struct {
			ErrorCode text   `json:"errorCode"`
			ErrorText string `json:"errorText"`
		}{text(code), "words"})
		o, err := judge(payment.Operation{Kind: payment.Authorize, Currency: "USD"}, r)
		open := err != nil
		if open != unsettled[code] {
			t.Errorf("reason %s: error %v", code, err)
		}
		if !open && o.State != want[class] {
			t.Errorf("reason %s of class %s: %+v", code, class, o)
		}
		if !open && o.State == payment.Declined {
			if len(o.Status) != 3 || o.Status[0] != '2' {
				t.Errorf("reason %s: status %q", code, o.Status)
			}
			if statuses[number(code)] == "" && code != "0" && code != "40" { // which say nothing
				t.Errorf("reason %s is not in the table", code)
			}
			if o.Retryable != (class == "retryable" || code == "46" || code == "50") { // the specification has 46 and 50 among those
				t.Errorf("reason %s of class %s: retryable %t", code, class, o.Retryable)
			}
		}
		fmt.Fprintf(&golden, "%s %s\n", code, strings.TrimSpace(string(o.State)+" "+cmp.Or(o.Status, "open")))
		n++
	}
	if n != 306 {
		t.Errorf("%d codes, want 306", n)
	}
	compare(t, "testdata/reasons.golden", golden.String())
}

// TestOuterCodes does the same for replies without a transaction.
func TestOuterCodes(t *testing.T) {
	t.Parallel()
	var golden strings.Builder
	n := 0
	for line := range lines(t, "testdata/outer.txt") {
		code, class, _ := strings.Cut(line, " ")
		var r reply
		r.Messages.ResultCode = "Error"
		r.Messages.Message = []message{{code, "words"}}
		o, err := judge(payment.Operation{Kind: payment.Authorize}, r)
		if open := class == "ok" || class == "retryable" || class == "unknown outcome"; open != (err != nil) {
			t.Errorf("code %s of class %s: %+v, %v", code, class, o, err)
		}
		if err == nil && (o.State != payment.Declined || o.Status[0] != '2') {
			t.Errorf("code %s: %+v", code, o)
		}
		fmt.Fprintf(&golden, "%s %s\n", code, strings.TrimSpace(string(o.State)+" "+cmp.Or(o.Status, "open")))
		n++
	}
	if n != 157 {
		t.Errorf("%d codes, want 157", n)
	}
	compare(t, "testdata/outer.golden", golden.String())
}

func TestUnlistedReasonsGoByResponseCode(t *testing.T) {
	t.Parallel()
	for rc, want := range map[string]string{"2": "200", "3": "257"} {
		if got := status(rc, "9999"); got != want {
			t.Errorf("response code %s: %s, want %s", rc, got, want)
		}
	}
}

// The phases cover every state of the vendor's list.
func TestPhases(t *testing.T) {
	t.Parallel()
	for status := range strings.FieldsSeq(`authorizedPendingCapture capturedPendingSettlement settledSuccessfully refundPendingSettlement refundSettledSuccessfully
		voided expired declined FDSPendingReview FDSAuthorizedPendingReview authorizedPendingRelease underReview approvedReview failedReview pendingSettlement
		pendingFinalSettlement updatingSettlement settlementError communicationError generalError couldNotVoid returnedItem chargeback chargebackReversal`) {
		if phaseOf(status) == unknown {
			t.Errorf("%s is in no phase", status)
		}
	}
}

// Whatever comes, only an approval by the gateway is a success, and nothing is
// said twice.
func FuzzReply(f *testing.F) {
	f.Add([]byte("\xef\xbb\xbf" + `{"transactionResponse":{"responseCode":"1","transId":"60123456789","messages":[{"code":"1","description":"ok"}]},"messages":{"resultCode":"Ok","message":[{"code":"I00001"}]}}`))
	f.Add([]byte(`{"transactionResponse":{"responseCode":3,"errors":[{"errorCode":11}],"prePaidCard":null},"messages":{"resultCode":"Error"}}`))
	f.Add([]byte(`{"transactionResponse":{"responseCode":"1","transId":1e9,"prePaidCard":{"approvedAmount":"1e999999"}},"messages":{"resultCode":"Ok"}}`))
	f.Add([]byte(`{"messages":{"resultCode":"Error","message":[{"code":"E00007","text":"4111111111111111"}]}}`))
	f.Add([]byte(`{"transaction":{"transId":"1","transactionStatus":"voided","authAmount":{}},"messages":{"resultCode":"Ok"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			return
		}
		for _, kind := range []payment.Kind{payment.Authorize, payment.Refund} {
			op := payment.Operation{Kind: kind, AmountCents: 1, Currency: "USD", Reference: "7"}
			o, err := judge(op, r)
			if err == nil && o.State == payment.Succeeded && r.TransactionResponse.ResponseCode != "1" {
				t.Errorf("%q is no success: %+v", data, o)
			}
			if err == nil && (o.State == "" || len(o.Status) != 3) {
				t.Errorf("%q: %+v", data, o)
			}
			if r.Transaction != nil {
				_, _ = booked(op, r.Transaction)
				_, _, _ = followedUp(op, r.Transaction)
			}
		}
	})
}

func lines(t *testing.T, name string) func(func(string) bool) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return func(yield func(string) bool) {
		for s := bufio.NewScanner(f); s.Scan() && yield(s.Text()); {
		}
	}
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs", path)
	}
}
