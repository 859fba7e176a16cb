package stripe

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/clock"
)

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"a=1&b[c]=2&d[]=3&d[]=4", "a[b][c][]=%20", "a=1&a[b]=2", "[a]=1", "a[=1", "a]b=1", "a[[b]]=1", "&&=&a", "%zz=1", "metadata[]=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := decode(s)
		if err != nil {
			return
		}
		again, err := decode(s)
		if err != nil || got.canonical() != again.canonical() {
			t.Errorf("%q is not always the same: %v", s, err)
		}
		check(got, whenCreated)
	})
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{`metadata['order_id']:'42' AND status:'requires_capture'`, `amount>100 OR -currency:"usd"`, `created<=5`, `a`, `amount:1 and amount:2`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := parseQuery(s)
		if err == nil && (len(q.clauses) == 0 || len(q.clauses) > maxClauses) {
			t.Errorf("%q has %d clauses", s, len(q.clauses))
		}
		q.holds(&intent{})
	})
}

// FuzzRequest sends any parameters to operations that have something to work on.
func FuzzRequest(f *testing.F) {
	f.Add(uint8(0), "amount=5000&currency=usd&confirm=true&payment_method=pm_card_visa&payment_method_types[]=card")
	f.Add(uint8(1), "amount_to_capture=10&final_capture=false")
	f.Add(uint8(2), "payment_method=pm_card_authenticationRequired&return_url=https://x.example")
	f.Add(uint8(3), "payment_intent=pi_1&amount=5&expand[]=charge.payment_intent")
	f.Add(uint8(4), "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=30&billing_details[email]=x")
	f.Add(uint8(5), "query=amount>5&page=page_1&limit=3")
	f.Fuzz(func(t *testing.T, op uint8, form string) {
		s := New(Options{SecretKey: "sk", RawCards: true, Multicapture: true, Options: sim.Options{Clock: clock.NewManual(time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC))}})
		send := func(method, path, form string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, strings.NewReader(form))
			if method == http.MethodGet {
				r = httptest.NewRequest(method, path, nil)
				r.URL.RawQuery = form
			}
			r.Header.Set("Authorization", "Bearer sk")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w
		}
		send(http.MethodPost, "/v1/payment_intents", "amount=5000&currency=usd&capture_method=manual&payment_method_types[]=card&confirm=true&payment_method=pm_card_visa&payment_method_options[card][request_multicapture]=if_available")
		send(http.MethodPost, "/v1/payment_intents", "amount=5000&currency=usd&payment_method_types[]=card")
		held, fresh := "/v1/payment_intents/"+s.intents.ids[0], "/v1/payment_intents/"+s.intents.ids[1]
		targets := [][2]string{
			{http.MethodPost, "/v1/payment_intents"}, {http.MethodPost, held + "/capture"}, {http.MethodPost, fresh + "/confirm"},
			{http.MethodPost, "/v1/refunds"}, {http.MethodPost, "/v1/payment_methods"}, {http.MethodGet, "/v1/payment_intents/search"},
			{http.MethodPost, fresh}, {http.MethodGet, "/v1/payment_intents"}, {http.MethodGet, "/v1/events"}, {http.MethodPost, "/v1/customers"},
		}
		target := targets[int(op)%len(targets)]
		if w := send(target[0], target[1], form); w.Code >= 500 || !strings.HasPrefix(w.Body.String(), "{") {
			t.Errorf("%s %s: status %d, %s", target[0], target[1], w.Code, w.Body)
		}
		for _, a := range s.Ledger.Accounts() {
			if a.Captured+a.Voided > a.Authorized || a.Refunded > a.Captured {
				t.Errorf("account %+v", a)
			}
		}
	})
}
