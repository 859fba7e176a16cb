package demo

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/order/state"
)

func TestChooseTakesAllCategoriesInTurn(t *testing.T) {
	t.Parallel()
	cases, err := read(strings.NewReader(`
{"case": "basic-1", "input": {}, "expected": {"cents": {"order_total": 100}}}
{"case": "basic-2", "input": {}, "expected": {"cents": {"order_total": 100}}}
{"case": "basic-3", "input": {}, "expected": {"cents": {"order_total": 100}}}
{"case": "free-1", "input": {}, "expected": {"cents": {"order_total": 0}}}
{"case": "paid-1", "input": {"payments": [{}]}, "expected": {"cents": {"order_total": 100}}}
{"case": "paid-2", "input": {"orderid": "7"}, "expected": {"cents": {"order_total": 100}}}
{"case": "tax-1", "input": {}, "expected": {"cents": {"order_total": 100}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"", "basic-1", "basic-1 tax-1", "basic-1 basic-2 tax-1", "basic-1 basic-2 basic-3 tax-1", "basic-1 basic-2 basic-3 tax-1"} {
		chosen := append([]Case(nil), cases...)
		choose(chosen, n)
		var names []string
		for _, c := range chosen {
			if c.order {
				names = append(names, c.Name)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%d orders: %q, want %q", n, got, want)
		}
	}
}

func TestReadRefusesWhatIsNoRecordedCart(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"case": "x-1", "input": {}, "expected": {}}`,
		`{"case": "x-1", "input": {}, "expected": {"cents": {}}}`,
		`{"case": "x-1", "input": {}, "expected": {"cents": {"order_total": "1"}}}`,
		`{"case": "x-1"}`,
		`nonsense`,
	} {
		if _, err := read(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i+1) * time.Millisecond
	}
	for _, test := range []struct {
		times []time.Duration
		p     int
		want  string
	}{
		{nil, 50, "-"},
		{hundred[:1], 50, "1.0"},
		{hundred[:1], 99, "1.0"},
		{hundred[:3], 50, "2.0"},
		{hundred, 50, "50.0"},
		{hundred, 99, "99.0"},
	} {
		if got := percentile(test.times, test.p); got != test.want {
			t.Errorf("p%d of %d times: %s, want %s", test.p, len(test.times), got, test.want)
		}
	}
}

// TestClientRepeats: the same request, key included, until the answer is final.
func TestClientRepeats(t *testing.T) {
	t.Parallel()
	const problem = `{"title": "Conflict", "detail": %q}`
	for _, test := range []struct {
		name    string
		replies []int // statuses; 0 breaks the connection off
		detail  string
		calls   int
		status  int // of the refusal, 0 for none
	}{
		{"at_once", []int{200}, "", 1, 0},
		{"unavailable", []int{503, 502, 504, 201}, "", 4, 0},
		{"broken_off", []int{0, 200}, "", 2, 0},
		{"throttled", []int{429, 200}, "", 2, 0},
		{"in_flight", []int{409, 200}, "a request with this Idempotency-Key is still being handled", 2, 0},
		{"conflict", []int{409, 200}, "the cart has been ordered already", 1, 409},
		{"refused", []int{422, 200}, "no", 1, 422},
		{"a_defect", []int{500, 200}, "no", 1, 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Idempotency-Key") + " " + r.Header.Get("Authorization"); got != "k Bearer t" {
					t.Errorf("call with %q", got)
				}
				status := test.replies[calls.Add(1)-1]
				if status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(status)
				fmt.Fprintf(w, problem, test.detail)
			}))
			t.Cleanup(server.Close)
			c := client{http: server.Client(), url: server.URL}
			_, err := c.do(t.Context(), request{token: "t", method: "POST", path: "/", key: "k", body: 1}, nil)
			status := 0
			if r, ok := err.(*refusal); ok {
				status = r.status
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int{test.calls, test.status}, []int{int(calls.Load()), status}); diff != "" {
				t.Errorf("calls and status: want - got +:\n%s", diff)
			}
		})
	}
}

// TestReport: each thing that must not be makes the run fail and is told.
func TestReport(t *testing.T) {
	t.Parallel()
	placed := func(s state.State) *order {
		o := &order{Case: "basic-1"}
		o.Order.ID = "ord_1"
		o.Order.State = s
		return o
	}
	for _, test := range []struct {
		name   string
		report Report
		want   string // in the error, empty for none
	}{
		{"well", Report{categories: map[string]*category{"basic": {cases: 2, equal: 2}}, orders: []*order{placed("confirmed")}}, ""},
		{"different", Report{categories: map[string]*category{"basic": {cases: 2, equal: 1}}}, "1 of 2 carts of category basic are different"},
		{"different_in_files_of_others", Report{categories: map[string]*category{"mine": {cases: 2, equal: 1}}}, ""},
		{"stuck", Report{orders: []*order{placed("pending")}}, "ord_1 of basic-1 is stuck"},
		{"cancelled", Report{orders: []*order{placed("cancelled")}}, "is cancelled"},
		{"refused", Report{refused: []string{"basic-1: no"}}, "not ordered: basic-1"},
		{"lost", Report{lost: []string{"basic-1"}}, "order lost: basic-1"},
		{"doubled", Report{doubled: []string{"basic-1"}}, "ordered twice: basic-1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			switch err := test.report.Err(); {
			case test.want == "" && err != nil:
				t.Errorf("error %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want %q", err, test.want)
			}
			var out strings.Builder
			if err := test.report.Write(&out, false); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, "demo: ") {
				t.Errorf("the last line is %q", last)
			}
		})
	}
}

// TestTally: what the shops list is compared with what was ordered.
func TestTally(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			fmt.Fprint(w, `{"items": [{"id": "ord_1", "cart_id": "crt_1"}, {"id": "ord_2", "cart_id": "crt_2"}], "next": "2"}`)
			return
		}
		fmt.Fprint(w, `{"items": [{"id": "ord_3", "cart_id": "crt_2"}, {"id": "ord_4", "cart_id": "crt_4"}]}`)
	}))
	t.Cleanup(server.Close)
	r := run{client: &client{http: server.Client(), url: server.URL}}
	for _, cart := range []string{"crt_1", "crt_2", "crt_3"} {
		r.report.orders = append(r.report.orders, &order{Case: cart, CartID: cart})
	}
	if err := r.tally(t.Context(), make([]tenant, 1)); err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"crt_3 "}, {"crt_2 crt_2", "cart crt_4"}}
	if diff := cmp.Diff(want, [][]string{r.report.lost, r.report.doubled}); diff != "" {
		t.Errorf("lost and doubled: want - got +:\n%s", diff)
	}
}
