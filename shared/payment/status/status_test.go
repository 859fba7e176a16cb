package status_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/rackless/rackless/shared/payment/status"
	"github.com/rackless/rackless/shared/perlnum"
)

func TestEvaluate(t *testing.T) {
	t.Parallel()
	type p = status.Payment
	for name, c := range map[string]struct {
		payments []p
		total    int64
		want     string
		due      int64
		method   string
	}{
		"none":           {nil, 1000, "902", 1000, "NONE"},
		"free":           {nil, 0, "009", 0, "ZERO"},
		"paid":           {[]p{{ID: "1", Tender: "CASH", Amount: 1000, Status: "069"}}, 1000, "069", 0, "CASH"},
		"in_review":      {[]p{{ID: "1", Tender: "CREDIT", Amount: 1000, Status: "401"}}, 1000, "401", 0, "CREDIT"},
		"two_ways":       {[]p{{ID: "1", Tender: "CASH", Amount: 400, Status: "069"}, {ID: "2", Tender: "CREDIT", Amount: 600, Status: "001"}}, 1000, "090", 0, "MIXED"},
		"partly":         {[]p{{ID: "1", Tender: "CASH", Amount: 400, Status: "069"}}, 1000, "904", 600, "CASH"},
		"authorised":     {[]p{{ID: "1", Tender: "CREDIT", Amount: 1000, Status: "199"}}, 1000, "199", 1000, "CREDIT"},
		"authorised_two": {[]p{{ID: "1", Tender: "CREDIT", Amount: 400, Status: "199"}, {ID: "2", Tender: "CREDIT", Amount: 600, Status: "189"}}, 1000, "190", 1000, "CREDIT"},
		"denied":         {[]p{{ID: "1", Tender: "CREDIT", Amount: 1000, Status: "200"}}, 1000, "200", 1000, "CREDIT"},
		"refunded":       {[]p{{ID: "1", Tender: "CREDIT", Amount: 1000, Status: "001"}, {ID: "2", Parent: "1", Tender: "CREDIT", Amount: 1000, Status: "303"}}, 1000, "390", 1000, "CREDIT"},
		"captured":       {[]p{{ID: "1", Tender: "CREDIT", Amount: 0, Status: "199"}, {ID: "2", Parent: "1", Tender: "CREDIT", Amount: 1000, Status: "002"}}, 1000, "199", 0, "CREDIT"},
		"voided":         {[]p{{ID: "1", Tender: "CREDIT", Amount: 1000, Status: "199", Voided: true}, {ID: "2", Parent: "1", Tender: "CREDIT", Amount: 1000, Status: "603"}}, 1000, "603", 1000, "CREDIT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := status.Evaluate(c.payments, c.total, 1)
			if b.Status != c.want || b.Due != c.due || b.Method != c.method {
				t.Errorf("%s, due %d by %s; want %s, %d by %s", b.Status, b.Due, b.Method, c.want, c.due, c.method)
			}
		})
	}
}

func TestWordsAndClasses(t *testing.T) {
	t.Parallel()
	for ps, want := range map[string]string{
		"001": "PAID", "199": "PENDING", "195": "PAYMENT REQUIRED", "200": "DENIED", "303": "CANCELLED", "401": "REVIEW",
		"500": "PROCESSING", "600": "VOIDED", "999": "ERROR", "700": "", "": "",
	} {
		if got := status.Word(ps); got != want {
			t.Errorf("%q is %q, want %q", ps, got, want)
		}
	}
	is := []func(string) bool{status.IsPaid, status.IsPending, status.IsDenied, status.IsReturned, status.IsReview, status.IsProcessing, status.IsVoided, nil, nil, status.IsError}
	for class, f := range is {
		for digit := range 10 {
			if ps := string(rune('0'+digit)) + "00"; f != nil && f(ps) != (digit == class) {
				t.Errorf("%s is taken for class %d", ps, class)
			}
		}
	}
	if !status.In("401", []string{"0", "4"}) || status.In("401", []string{"40"}) || status.In("", []string{"0"}) {
		t.Error("a status is in the wrong set")
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	const policy = "A=AAV|P=RAP|D=DAV|X=XXX|E=EIS"
	for text, want := range map[string][2]string{ // by severity, and as the original merges
		"|A": {"AAV", "AAV"}, "AOK|P": {"RAP", "RAP"}, "AOK|X": {"AOK", "AOK"}, "RAP|A": {"RAP", "AAV"}, "DAV|A": {"DAV", "AAV"},
		"EIS|D": {"DAV", "EIS"}, "EIS|P": {"EIS", "RAP"}, "XYY|D": {"DAV", "DAV"}, "AOK|?": {"AOK", "AOK"}, "XXX|E": {"EIS", "EIS"},
	} {
		current, grade := text[:len(text)-2], text[len(text)-1:]
		got := [2]string{status.Review(0, current, grade, policy), status.Review(perlnum.LatestReview, current, grade, policy)}
		if got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// What is charged and what is left make what was due.
func TestAllocateLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := perlnum.Exact(perlnum.HalfUp, 2)
		due := rapid.Int64Range(0, 100_000).Draw(t, "due")
		var queue []status.Tender
		for i := range rapid.IntRange(0, 5).Draw(t, "tenders") {
			x := status.Tender{At: i, Tender: rapid.SampledFrom([]string{"GIFTCARD", "POINTS", "RMC", "CREDIT", "PO"}).Draw(t, "tender"), Expires: rapid.Bool().Draw(t, "expires")}
			x.Amount = a.Minor(rapid.Int64Range(0, 50_000).Draw(t, "amount"))
			x.Charge = a.Minor(rapid.Int64Range(0, 50_000).Draw(t, "charge"))
			if balance := a.Minor(rapid.Int64Range(0, 50_000).Draw(t, "balance")); x.Tender == "GIFTCARD" && rapid.Bool().Draw(t, "known") {
				x.Balance = &balance
			}
			queue = append(queue, x)
		}
		out, left, _ := status.Allocate(a, queue, due)
		sum := left
		for _, x := range out {
			if x.Charge.Sign() < 0 {
				t.Fatalf("%s is charged %s", x.Tender, x.Charge)
			}
			sum += x.Charge.Cents()
		}
		if sum != due || left < 0 || len(out) != len(queue) {
			t.Fatalf("%d are due, %d charged or left, %d left", due, sum, left)
		}
	})
}
