package stripe_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/infra/simulators/stripe"
	"github.com/rackless/rackless/shared/clock"
)

var start = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

// account is a simulator behind real HTTP and what a merchant needs to talk to
// it.
type account struct {
	*stripe.Simulator
	url    string
	client *http.Client
}

const secret, publishable = "sk_test_0123456789", "pk_test_0123456789"

func newAccount(t *testing.T, o stripe.Options) *account {
	t.Helper()
	o.SecretKey, o.PublishableKey = secret, publishable
	if o.Clock == nil {
		o.Clock = clock.NewManual(start)
	}
	s := stripe.New(o)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &account{s, server.URL, server.Client()}
}

// answer is a reply of the API.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

// at returns what is at a path of names, "" if nothing is.
func (a answer) at(path ...string) string {
	var v any = a.body
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[name]
	}
	if v == nil {
		return ""
	}
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprint(v)
}

func (a answer) id() string { return a.at("id") }

// failure is the status, the error's code and its decline code, with / between.
func (a answer) failure() string {
	return fmt.Sprintf("%d/%s/%s", a.status, a.at("error", "code"), a.at("error", "decline_code"))
}

// list returns the ids of a list.
func (a answer) list() []string {
	ids := []string{}
	data, _ := a.body["data"].([]any)
	for _, o := range data {
		ids = append(ids, o.(map[string]any)["id"].(string))
	}
	return ids
}

// send sends a request; headers are names and values.
func (a *account) send(ctx context.Context, method, path, form string, headers ...string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, a.url+path, strings.NewReader(form))
	if err != nil {
		return answer{}, err
	}
	r.GetBody = nil // so that the transport repeats nothing
	r.Header.Set("Authorization", "Bearer "+secret)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	reply, err := a.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer reply.Body.Close()
	out := answer{status: reply.StatusCode, header: reply.Header}
	raw, err := io.ReadAll(reply.Body)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(raw, &out.body)
}

func (a *account) post(t *testing.T, path, form string, headers ...string) answer {
	t.Helper()
	out, err := a.send(t.Context(), http.MethodPost, path, form, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (a *account) get(t *testing.T, path string) answer {
	t.Helper()
	out, err := a.send(t.Context(), http.MethodGet, path, "")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	intents = "/v1/payment_intents"
	base    = "amount=5000&currency=usd&capture_method=manual&payment_method_types[]=card"
)

// pay creates and confirms a PaymentIntent of 50.00 with manual capture.
func (a *account) pay(t *testing.T, method string, more ...string) answer {
	t.Helper()
	return a.post(t, intents, strings.Join(append([]string{base, "confirm=true&payment_method=" + method}, more...), "&"))
}

func (a *account) faults(t *testing.T, faults ...string) {
	t.Helper()
	reply, err := a.client.Post(a.url+"/_sim/faults", "application/json", strings.NewReader(`{"seed":7,"faults":[`+strings.Join(faults, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(reply.Body)
		t.Fatalf("faults: %s", body)
	}
}

// ledger is authorized, captured, voided, refunded and net of a payment.
func (a *account) ledger(t *testing.T, id string) []int64 {
	t.Helper()
	l, ok := a.Ledger.Account(id)
	if !ok {
		t.Fatalf("there is no account %s", id)
	}
	return []int64{l.Authorized, l.Captured, l.Voided, l.Refunded, l.Net}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	basic := func(key string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(key, "")
		return r.Header.Get("Authorization")
	}
	for name, tc := range map[string]struct {
		headers []string
		want    string
	}{
		"bearer":       {nil, "200//"},
		"basic":        {[]string{"Authorization", basic(secret)}, "200//"},
		"none":         {[]string{"Authorization", ""}, "401//"},
		"wrong":        {[]string{"Authorization", "Bearer sk_test_other"}, "401//"},
		"publishable":  {[]string{"Authorization", "Bearer " + publishable}, "403/secret_key_required/"},
		"account":      {[]string{"Stripe-Account", "acct_1"}, "403/account_invalid/"},
		"version":      {[]string{"Stripe-Version", "2026-07-29.dahlia"}, "200//"},
		"old_version":  {[]string{"Stripe-Version", "2020-08-27"}, "200//"},
		"bad_version":  {[]string{"Stripe-Version", "latest"}, "400//"},
		"next_version": {[]string{"Stripe-Version", "2026-12-01.dahlia"}, "400//"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.post(t, "/v1/customers", "", tc.headers...)
			if got.failure() != tc.want || !strings.HasPrefix(got.header.Get("Request-Id"), "req_") {
				t.Errorf("%s, request %s: %v", got.failure(), got.header.Get("Request-Id"), got.body)
			}
		})
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	for name, tc := range map[string]struct{ form, want, param string }{
		"minimal":             {"amount=5000&currency=usd", "200//", ""},
		"everything":          {base + "&description=d&metadata[order_id]=42&receipt_email=a@example.com&shipping[name]=A&shipping[address][line1]=1&statement_descriptor_suffix=S&setup_future_usage=off_session&payment_method_options[card][request_three_d_secure]=any&payment_method_options[card][request_multicapture]=if_available&expand[]=latest_charge&expand[1]=customer", "200//", ""},
		"automatic":           {"amount=5000&currency=usd&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never", "200//", ""},
		"unknown":             {base + "&colour=red", "400/parameter_unknown/", "colour"},
		"unknown_nested":      {base + "&shipping[name]=A&shipping[address][planet]=Mars", "400/parameter_unknown/", "shipping[address][planet]"},
		"unknown_option":      {base + "&payment_method_options[card][speed]=fast", "400/parameter_unknown/", "payment_method_options[card][speed]"},
		"no_amount":           {"currency=usd", "400/parameter_missing/", "amount"},
		"no_currency":         {"amount=1", "400/parameter_missing/", "currency"},
		"nested_missing":      {base + "&shipping[name]=A", "400/parameter_missing/", "shipping[address]"},
		"no_integer":          {"amount=50.00&currency=usd", "400/parameter_invalid_integer/", "amount"},
		"empty_integer":       {"amount=&currency=usd", "400/parameter_invalid_empty/", "amount"},
		"enum":                {base + "&capture_method=later", "400//", "capture_method"},
		"boolean":             {base + "&confirm=yes", "400//", "confirm"},
		"email":               {base + "&receipt_email=nobody", "400/email_invalid/", "receipt_email"},
		"url":                 {base + "&confirm=true&return_url=here", "400/url_invalid/", "return_url"},
		"only_when_confirmed": {base + "&off_session=true", "400//", "off_session"},
		"text_for_object":     {base + "&shipping=here", "400//", "shipping"},
		"object_for_text":     {base + "&description[a]=b", "400//", "description"},
		"text_for_list":       {"amount=5000&currency=usd&payment_method_types=card", "400//", "payment_method_types"},
		"two_ways":            {base + "&automatic_payment_methods[enabled]=true", "400/parameters_exclusive/", "payment_method_types"},
		"malformed":           {base + "&a[b=c", "400//", ""},
		"long_suffix":         {base + "&statement_descriptor_suffix=" + strings.Repeat("x", 23), "400//", "statement_descriptor_suffix"},
		"long_metadata_key":   {base + "&metadata[" + strings.Repeat("k", 41) + "]=v", "400//", "metadata[" + strings.Repeat("k", 41) + "]"},
		"long_metadata":       {base + "&metadata[k]=" + strings.Repeat("v", 501), "400//", "metadata[k]"},
		"too_small":           {"amount=49&currency=usd", "400/amount_too_small/", "amount"},
		"too_large":           {"amount=100000000&currency=usd", "400/amount_too_large/", "amount"},
		"zero_decimal":        {"amount=50&currency=jpy", "200//", ""},
		"three_decimal":       {"amount=5124&currency=bhd", "400//", "amount"},
		"three_decimal_ok":    {"amount=5120&currency=bhd", "200//", ""},
		"isk":                 {"amount=550&currency=isk", "400//", "amount"},
		"currency":            {"amount=5000&currency=xyz", "400//", "currency"},
		"upper_case":          {"amount=5000&currency=USD", "400//", "currency"},
		"no_customer":         {base + "&customer=cus_1", "400/resource_missing/", "customer"},
		"no_payment_method":   {base + "&payment_method=pm_1", "400/resource_missing/", "payment_method"},
		"other_type":          {"amount=5000&currency=usd&payment_method_types[]=sepa_debit", "400//", "payment_method_types"},
		"no_method":           {base + "&confirm=true", "400/payment_intent_unexpected_state/", ""},
		"no_return_url":       {"amount=5000&currency=usd&confirm=true&payment_method=pm_card_visa", "400//", "return_url"},
		"expand_wrong":        {base + "&expand[]=colour", "400//", "expand"},
		"expand_deep":         {base + "&expand[]=a.b.c.d.e", "400//", "expand"},
		"card_number":         {base + "&payment_method_data[type]=card&payment_method_data[card][number]=4242424242424242&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2030", "402//", ""},
		"token":               {base + "&payment_method_data[type]=card&payment_method_data[card][token]=tok_visa", "200//", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.post(t, intents, tc.form)
			if got.failure() != tc.want || got.at("error", "param") != tc.param {
				t.Errorf("%s, param %s: %v", got.failure(), got.at("error", "param"), got.body)
			}
		})
	}
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		if got := a.post(t, intents, `{"amount":5000}`, "Content-Type", "application/json"); got.status != http.StatusBadRequest {
			t.Errorf("status %d", got.status)
		}
	})
	t.Run("unknown_url", func(t *testing.T) {
		t.Parallel()
		if got := a.get(t, "/v1/unicorns"); got.status != http.StatusNotFound || !strings.Contains(got.at("error", "message"), "Unrecognized request URL (GET: /v1/unicorns)") {
			t.Errorf("%v", got.body)
		}
	})
	t.Run("unknown_id", func(t *testing.T) {
		t.Parallel()
		if got := a.get(t, intents+"/pi_1"); got.failure() != "404/resource_missing/" || got.at("error", "param") != "intent" {
			t.Errorf("%v", got.body)
		}
	})
	t.Run("query_of_get", func(t *testing.T) {
		t.Parallel()
		if got := a.get(t, intents+"?colour=red"); got.failure() != "400/parameter_unknown/" {
			t.Errorf("%v", got.body)
		}
	})
}

func TestCards(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	ok := "200//"
	for name, want := range map[string]string{
		"visa": ok, "visa_debit": ok, "mastercard": ok, "mastercard_2series": ok, "mastercard_debit": ok, "mastercard_prepaid": ok, "amex": ok, "discover": ok,
		"diners": ok, "jcb": ok, "unionpay": ok, "ca": ok, "gb": ok, "de": ok, "fr": ok, "au": ok, "jp": ok, "bypassPending": ok, "riskLevelHighest": ok,
		"chargeDeclined":                           "402/card_declined/generic_decline",
		"visa_chargeDeclined":                      "402/card_declined/generic_decline",
		"visa_chargeDeclinedInsufficientFunds":     "402/card_declined/insufficient_funds",
		"visa_chargeDeclinedLostCard":              "402/card_declined/lost_card",
		"visa_chargeDeclinedStolenCard":            "402/card_declined/stolen_card",
		"chargeDeclinedExpiredCard":                "402/expired_card/expired_card",
		"chargeDeclinedIncorrectCvc":               "402/incorrect_cvc/incorrect_cvc",
		"chargeDeclinedProcessingError":            "402/processing_error/processing_error",
		"visa_chargeDeclinedVelocityLimitExceeded": "402/card_declined/card_velocity_exceeded",
		"chargeCustomerFail":                       "402/card_declined/generic_decline",
		"radarBlock":                               "402/card_declined/fraudulent",
		"threeDSecureRequiredProcessingError":      "402/card_declined/processing_error",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.pay(t, "pm_card_"+name)
			if got.failure() != want {
				t.Fatalf("%s, want %s: %v", got.failure(), want, got.body)
			}
			if want == ok {
				if got.at("status") != "requires_capture" || got.at("amount_capturable") != "5000" || !strings.HasPrefix(got.at("latest_charge"), "ch_") {
					t.Errorf("%v", got.body)
				}
				return
			}
			if got.at("error", "type") != "card_error" || got.at("error", "payment_intent", "status") != "requires_payment_method" ||
				got.at("error", "payment_intent", "last_payment_error", "code") != got.at("error", "code") || got.at("error", "charge") == "" {
				t.Errorf("%v", got.body)
			}
			if diff := cmp.Diff([]int64{0, 0, 0, 0, 0}, a.ledger(t, got.at("error", "payment_intent", "id"))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	for name, want := range map[string]string{
		"visa": "pass pass pass", "cvcCheckFail": "fail pass pass", "avsZipFail": "pass fail pass", "avsLine1Fail": "pass pass fail",
		"avsFail": "pass fail fail", "avsUnchecked": "pass unavailable unavailable",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.pay(t, "pm_card_"+name, "expand[]=latest_charge")
			checks := []string{"latest_charge", "payment_method_details", "card", "checks"}
			var found []string
			for _, check := range []string{"cvc_check", "address_postal_code_check", "address_line1_check"} {
				found = append(found, got.at(append(slices.Clone(checks), check)...))
			}
			if got := strings.Join(found, " "); got != want {
				t.Errorf("checks %s, want %s", got, want)
			}
		})
	}
}

func TestTypedInCards(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	card := func(number, month, year, cvc string) string {
		return "type=card&card[number]=" + number + "&card[exp_month]=" + month + "&card[exp_year]=" + year + cvc
	}
	for name, tc := range map[string]struct{ form, key, want string }{
		"visa":            {card("4242424242424242", "12", "2030", "&card[cvc]=123"), publishable, "200//"},
		"two_digits":      {card("4242424242424242", "12", "30", ""), publishable, "200//"},
		"amex":            {card("378282246310005", "12", "2030", "&card[cvc]=1234"), publishable, "200//"},
		"luhn":            {card("4242424242424241", "12", "2030", ""), publishable, "402/incorrect_number/"},
		"month":           {card("4242424242424242", "13", "2030", ""), publishable, "402/invalid_expiry_month/"},
		"year":            {card("4242424242424242", "12", "95", ""), publishable, "402/invalid_expiry_year/"},
		"past":            {card("4242424242424242", "2", "2026", ""), publishable, "402/invalid_expiry_year/"},
		"cvc":             {card("4242424242424242", "12", "2030", "&card[cvc]=99"), publishable, "402/invalid_cvc/"},
		"no_test_card":    {card("4111111111111111", "12", "2030", ""), publishable, "402/card_declined/"},
		"with_the_key":    {card("4242424242424242", "12", "2030", ""), secret, "402//"},
		"no_number":       {"type=card&card[exp_month]=12&card[exp_year]=2030", publishable, "400/parameter_missing/"},
		"no_card":         {"type=card", publishable, "400/parameter_missing/"},
		"token":           {"type=card&card[token]=tok_visa", secret, "200//"},
		"unknown_token":   {"type=card&card[token]=tok_gold", secret, "400/resource_missing/"},
		"method_as_token": {"type=card&card[token]=pm_card_visa", secret, "400/resource_missing/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.post(t, "/v1/payment_methods", tc.form, "Authorization", "Bearer "+tc.key)
			if got.failure() != tc.want {
				t.Errorf("%s, want %s: %v", got.failure(), tc.want, got.body)
			}
		})
	}
	t.Run("wrong_cvc_matters_only_if_sent", func(t *testing.T) {
		t.Parallel()
		for cvc, want := range map[string]string{"": "200//", "&card[cvc]=123": "402/incorrect_cvc/incorrect_cvc"} {
			m := a.post(t, "/v1/payment_methods", card("4000000000000127", "12", "2030", cvc), "Authorization", "Bearer "+publishable)
			if got := a.pay(t, m.id()); got.failure() != want {
				t.Errorf("with %q: %s, want %s", cvc, got.failure(), want)
			}
		}
	})
	t.Run("address_checks", func(t *testing.T) {
		t.Parallel()
		m := a.post(t, "/v1/payment_methods", card("4000000000000036", "12", "2030", "")+"&billing_details[address][postal_code]=12345", "Authorization", "Bearer "+publishable)
		if got := m.at("card", "checks", "address_postal_code_check") + "," + m.at("card", "checks", "address_line1_check") + "," + m.at("card", "checks", "cvc_check"); got != "fail,," {
			t.Errorf("checks %s", got)
		}
	})
}

func TestCapture(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		multicapture bool
		create       string
		captures     []string
		want         []string // of each capture, with the status or the failure
		ledger       []int64
	}{
		"all":           {false, "", []string{""}, []string{"succeeded"}, []int64{5000, 5000, 0, 0, 5000}},
		"part":          {false, "", []string{"amount_to_capture=2000"}, []string{"succeeded"}, []int64{5000, 2000, 3000, 0, 2000}},
		"twice":         {false, "", []string{"amount_to_capture=2000", "amount_to_capture=1000"}, []string{"succeeded", "400/payment_intent_unexpected_state/"}, []int64{5000, 2000, 3000, 0, 2000}},
		"too_much":      {false, "", []string{"amount_to_capture=5001"}, []string{"400/amount_too_large/"}, []int64{5000, 0, 0, 0, 0}},
		"nothing":       {false, "", []string{"amount_to_capture=0"}, []string{"400/parameter_invalid_integer/"}, []int64{5000, 0, 0, 0, 0}},
		"not_available": {false, "payment_method_options[card][request_multicapture]=if_available", []string{"amount_to_capture=1000&final_capture=false"}, []string{"400//"}, []int64{5000, 0, 0, 0, 0}},
		"not_asked":     {true, "", []string{"amount_to_capture=1000&final_capture=false"}, []string{"400//"}, []int64{5000, 0, 0, 0, 0}},
		"several": {
			true, "payment_method_options[card][request_multicapture]=if_available",
			[]string{"amount_to_capture=1000&final_capture=false", "amount_to_capture=500&final_capture=false", "amount_to_capture=700"},
			[]string{"requires_capture", "requires_capture", "succeeded"},
			[]int64{5000, 2200, 2800, 0, 2200},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, stripe.Options{Multicapture: tc.multicapture})
			id := a.pay(t, "pm_card_visa", tc.create).id()
			var got []string
			for _, form := range tc.captures {
				r := a.post(t, intents+"/"+id+"/capture", form)
				if r.status == http.StatusOK {
					got = append(got, r.at("status"))
				} else {
					got = append(got, r.failure())
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.ledger, a.ledger(t, id)); diff != "" {
				t.Error(diff)
			}
			p := a.get(t, intents+"/"+id)
			if p.at("amount") != "5000" || p.at("amount_received") != fmt.Sprint(tc.ledger[1]) {
				t.Errorf("%v", p.body)
			}
		})
	}
	t.Run("automatic", func(t *testing.T) {
		t.Parallel()
		a := newAccount(t, stripe.Options{})
		got := a.post(t, intents, "amount=5000&currency=usd&payment_method_types[]=card&confirm=true&payment_method=pm_card_visa")
		if got.at("status") != "succeeded" || got.at("amount_received") != "5000" || got.at("capture_method") != "automatic_async" {
			t.Errorf("%v", got.body)
		}
	})
}

func TestCancelAndExpiry(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{Multicapture: true})
	id := a.pay(t, "pm_card_visa").id()
	if got := a.post(t, intents+"/"+id+"/cancel", "cancellation_reason=abandoned"); got.at("status") != "canceled" || got.at("cancellation_reason") != "abandoned" || got.at("amount_capturable") != "0" {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, intents+"/"+id+"/cancel", ""); got.failure() != "400/payment_intent_unexpected_state/" || got.at("error", "payment_intent", "status") != "canceled" {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, intents+"/"+id+"/cancel", "cancellation_reason=bored"); got.at("error", "param") != "cancellation_reason" {
		t.Errorf("%v", got.body)
	}

	old := a.pay(t, "pm_card_visa", "expand[]=latest_charge")
	if got, want := old.at("latest_charge", "payment_method_details", "card", "capture_before"), fmt.Sprint(start.Add(7*24*time.Hour).Unix()); got != want {
		t.Errorf("capture_before %s, want %s", got, want)
	}
	partly := a.pay(t, "pm_card_visa", "payment_method_options[card][request_multicapture]=if_available").id()
	a.post(t, intents+"/"+partly+"/capture", "amount_to_capture=1000&final_capture=false")
	a.Advance(7*24*time.Hour - time.Second)
	if got := a.get(t, intents+"/"+old.id()); got.at("status") != "requires_capture" {
		t.Errorf("a second before: %s", got.at("status"))
	}
	a.Advance(time.Second)
	if got := a.get(t, intents+"/"+old.id()); got.at("status") != "canceled" || got.at("cancellation_reason") != "automatic" {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, intents+"/"+old.id()+"/capture", ""); got.failure() != "400/charge_expired_for_capture/" {
		t.Errorf("%v", got.body)
	}
	if got := a.get(t, intents+"/"+partly); got.at("status") != "succeeded" {
		t.Errorf("%v", got.body)
	}
	if diff := cmp.Diff([][]int64{{5000, 0, 5000, 0, 0}, {5000, 1000, 4000, 0, 1000}}, [][]int64{a.ledger(t, old.id()), a.ledger(t, partly)}); diff != "" {
		t.Error(diff)
	}
	var kinds []string
	for _, e := range a.get(t, "/v1/events?limit=100&types[]=charge.expired&types[]=payment_intent.canceled").body["data"].([]any) {
		kinds = append(kinds, e.(map[string]any)["type"].(string))
	}
	slices.Sort(kinds)
	if diff := cmp.Diff([]string{"charge.expired", "charge.expired", "payment_intent.canceled", "payment_intent.canceled"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateAndConfirm(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	p := a.post(t, intents, base+"&metadata[a]=1&metadata[b]=2")
	if p.at("status") != "requires_payment_method" || !strings.HasPrefix(p.at("client_secret"), p.id()+"_secret_") {
		t.Errorf("%v", p.body)
	}
	path := intents + "/" + p.id()
	p = a.post(t, path, "amount=6000&metadata[a]=&metadata[c]=3&payment_method=pm_card_visa_chargeDeclined")
	if diff := cmp.Diff(map[string]any{"b": "2", "c": "3"}, p.body["metadata"]); diff != "" || p.at("status") != "requires_confirmation" || p.at("amount") != "6000" {
		t.Errorf("%v\n%s", p.body, diff)
	}
	if got := a.post(t, path+"/confirm", ""); got.failure() != "402/card_declined/generic_decline" {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, path+"/confirm", ""); got.failure() != "400/payment_intent_unexpected_state/" {
		t.Errorf("without a method: %v", got.body)
	}
	if got := a.post(t, path+"/confirm", "payment_method=pm_card_visa"); got.at("status") != "requires_capture" || got.at("amount_capturable") != "6000" || got.at("last_payment_error") != "" {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, path, "amount=7000"); got.failure() != "400/payment_intent_unexpected_state/" {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, path, "metadata="); got.status != http.StatusOK || len(got.body["metadata"].(map[string]any)) != 0 {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, path+"/confirm", ""); got.failure() != "400/payment_intent_unexpected_state/" {
		t.Errorf("again: %v", got.body)
	}
	if diff := cmp.Diff([]int64{6000, 0, 0, 0, 0}, a.ledger(t, p.id())); diff != "" {
		t.Error(diff)
	}
}

func TestThreeDSecure(t *testing.T) {
	t.Parallel()
	const asked = "payment_method_options[card][request_three_d_secure]=any"
	for name, tc := range map[string]struct {
		card, more string
		want       string // the status, or the failure
		ok, failed string // the status after the buyer's answer
	}{
		"always":            {"authenticationRequired", "", "requires_action", "requires_capture", "requires_payment_method"},
		"required":          {"threeDSecure2Required", "", "requires_action", "requires_capture", "requires_payment_method"},
		"then_no_funds":     {"authenticationRequiredChargeDeclinedInsufficientFunds", "", "requires_action", "requires_payment_method", "requires_payment_method"},
		"then_declined":     {"threeDSecureRequiredChargeDeclined", "", "requires_action", "requires_payment_method", "requires_payment_method"},
		"not_set_up":        {"authenticationRequiredOnSetup", "", "requires_action", "requires_capture", "requires_payment_method"},
		"set_up_on_session": {"authenticationRequiredSetupForOffSession", "", "requires_action", "requires_capture", "requires_payment_method"},
		"set_up":            {"authenticationRequiredSetupForOffSession", "off_session=true", "requires_capture", "", ""},
		"off_session":       {"authenticationRequired", "off_session=true", "402/authentication_required/authentication_required", "", ""},
		"as_an_error":       {"authenticationRequired", "error_on_requires_action=true", "402/authentication_required/authentication_required", "", ""},
		"optional":          {"threeDSecureOptional", "", "requires_capture", "", ""},
		"optional_asked":    {"threeDSecureOptional", asked, "requires_action", "requires_capture", "requires_payment_method"},
		"optional_broken":   {"threeDSecureOptionalProcessingError", asked, "requires_capture", "", ""},
		"visa_asked":        {"visa", asked, "requires_capture", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, stripe.Options{})
			for answer, after := range map[string]string{"succeed": tc.ok, "fail": tc.failed} {
				p := a.pay(t, "pm_card_"+tc.card, tc.more, "return_url=https://shop.example/back?a=b")
				got := p.at("status")
				if p.status != http.StatusOK {
					got = p.failure()
				}
				if got != tc.want {
					t.Fatalf("%s, want %s: %v", got, tc.want, p.body)
				}
				if tc.want != "requires_action" {
					return
				}
				if p.at("next_action", "type") != "redirect_to_url" || p.at("next_action", "redirect_to_url", "return_url") != "https://shop.example/back?a=b" {
					t.Errorf("next action %v", p.body["next_action"])
				}
				back := a.challenge(t, p.at("next_action", "redirect_to_url", "url"), answer)
				q := back.Query()
				wantStatus := map[bool]string{true: "failed", false: "succeeded"}[after == "requires_payment_method"]
				if q.Get("payment_intent") != p.id() || q.Get("redirect_status") != wantStatus || q.Get("a") != "b" || q.Get("payment_intent_client_secret") != p.at("client_secret") {
					t.Errorf("back to %s", back)
				}
				p = a.get(t, intents+"/"+p.id())
				if p.at("status") != after || p.at("next_action") != "" {
					t.Errorf("after %s: %v", answer, p.body)
				}
				if code := p.at("last_payment_error", "code"); answer == "fail" && code != "payment_intent_authentication_failure" {
					t.Errorf("error %s", code)
				}
			}
		})
	}
	t.Run("without_return_url", func(t *testing.T) {
		t.Parallel()
		a := newAccount(t, stripe.Options{})
		p := a.pay(t, "pm_card_authenticationRequired")
		if p.at("next_action", "type") != "use_stripe_sdk" {
			t.Errorf("%v", p.body)
		}
		if err := a.Authenticate(p.id(), true); err != nil {
			t.Fatal(err)
		}
		if err := a.Authenticate(p.id(), true); err == nil {
			t.Error("there is a second answer to one challenge")
		}
		got := a.get(t, intents+"/"+p.id()+"?expand[]=latest_charge")
		if got.at("latest_charge", "payment_method_details", "card", "three_d_secure", "result") != "authenticated" {
			t.Errorf("%v", got.body)
		}
	})
	t.Run("set_up_by_a_payment", func(t *testing.T) {
		t.Parallel()
		a := newAccount(t, stripe.Options{})
		cu := a.post(t, "/v1/customers", "email=a@example.com").id()
		p := a.pay(t, "pm_card_authenticationRequiredOnSetup", "customer="+cu, "setup_future_usage=off_session")
		if err := a.Authenticate(p.id(), true); err != nil {
			t.Fatal(err)
		}
		again := a.pay(t, p.at("payment_method"), "customer="+cu, "off_session=true")
		if again.at("status") != "requires_capture" {
			t.Errorf("%v", again.body)
		}
	})
}

// challenge answers a 3-D Secure challenge and returns where the buyer is sent.
func (a *account) challenge(t *testing.T, page, answer string) *url.URL {
	t.Helper()
	reply, err := a.client.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(reply.Body)
	reply.Body.Close()
	if !strings.Contains(string(body), `value="`+answer+`"`) {
		t.Errorf("page %s", body)
	}
	client := *a.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	reply, err = client.PostForm(page, url.Values{"result": {answer}})
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	back, err := reply.Location()
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestRefunds(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	captured := func(card string) string {
		id := a.pay(t, "pm_card_"+card).id()
		a.post(t, intents+"/"+id+"/capture", "")
		return id
	}
	id := captured("visa")
	for _, tc := range []struct{ name, form, want string }{
		{"neither", "amount=1", "400/parameter_missing/"},
		{"unknown", "payment_intent=pi_1", "400/resource_missing/"},
		{"reason", "payment_intent=" + id + "&reason=bored", "400//"},
		{"nothing", "payment_intent=" + id + "&amount=0", "400/parameter_invalid_integer/"},
		{"too_much", "payment_intent=" + id + "&amount=5001", "400//"},
		{"part", "payment_intent=" + id + "&amount=2000&reason=requested_by_customer&metadata[a]=b", "200//"},
		{"too_much_of_the_rest", "payment_intent=" + id + "&amount=3001", "400//"},
		{"rest", "payment_intent=" + id, "200//"},
		{"again", "payment_intent=" + id, "400/charge_already_refunded/"},
		{"uncaptured", "payment_intent=" + a.pay(t, "pm_card_visa").id(), "400/charge_not_refundable/"},
		{"never_confirmed", "payment_intent=" + a.post(t, intents, base).id(), "400/payment_intent_unexpected_state/"},
		{"disputed", "payment_intent=" + captured("createDispute"), "400/charge_disputed/"},
		{"inquired", "payment_intent=" + captured("createDisputeInquiry"), "200//"},
	} {
		if got := a.post(t, "/v1/refunds", tc.form); got.failure() != tc.want {
			t.Errorf("%s: %s, want %s: %v", tc.name, got.failure(), tc.want, got.body)
		}
	}
	if diff := cmp.Diff([]int64{5000, 5000, 0, 5000, 0}, a.ledger(t, id)); diff != "" {
		t.Error(diff)
	}
	list := a.get(t, "/v1/refunds?payment_intent="+id).list()
	if len(list) != 2 {
		t.Errorf("refunds %v", list)
	}
	if got := a.post(t, "/v1/refunds/"+list[0]+"/cancel", ""); got.status != http.StatusBadRequest {
		t.Errorf("cancel: %v", got.body)
	}

	pending, fails := captured("pendingRefund"), captured("refundFail")
	first := a.post(t, "/v1/refunds", "payment_intent="+pending)
	second := a.post(t, "/v1/refunds", "payment_intent="+fails)
	if first.at("status") != "pending" || second.at("status") != "succeeded" {
		t.Errorf("refunds %v and %v", first.body, second.body)
	}
	a.Advance(24 * time.Hour)
	first, second = a.get(t, "/v1/refunds/"+first.id()), a.get(t, "/v1/refunds/"+second.id())
	if first.at("status") != "succeeded" || second.at("status") != "failed" || second.at("failure_reason") == "" {
		t.Errorf("refunds %v and %v", first.body, second.body)
	}
	if diff := cmp.Diff([]int64{5000, 5000, 0, 0, 5000}, a.ledger(t, fails)); diff != "" {
		t.Error(diff)
	}
	if r := a.post(t, "/v1/refunds", "payment_intent="+fails); r.status != http.StatusOK {
		t.Errorf("after a refund that failed: %v", r.body)
	}
}

func TestDisputesAndReviews(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	for card, want := range map[string]string{
		"createDispute": "charge.dispute.created fraudulent", "createDisputeProductNotReceived": "charge.dispute.created product_not_received",
		"createDisputeInquiry": "charge.dispute.created general", "createIssuerFraudRecord": "radar.early_fraud_warning.created ", "riskLevelElevated": "review.opened rule",
	} {
		id := a.pay(t, "pm_card_"+card).id()
		a.post(t, intents+"/"+id+"/capture", "")
		var found []string
		for _, e := range a.get(t, "/v1/events?limit=100").body["data"].([]any) {
			o := answer{body: e.(map[string]any)}
			if o.at("data", "object", "payment_intent") == id {
				found = append(found, o.at("type")+" "+o.at("data", "object", "reason"))
			}
		}
		if !slices.Contains(found, want) {
			t.Errorf("%s: events %v, want %s", card, found, want)
		}
	}
}

func TestPaymentMethodsAndCustomers(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	cu := a.post(t, "/v1/customers", "email=a@example.com&name=A&metadata[k]=v&address[city]=B")
	if cu.at("email") != "a@example.com" || cu.at("address", "city") != "B" {
		t.Errorf("%v", cu.body)
	}
	other := a.post(t, "/v1/customers", "").id()
	m := a.post(t, "/v1/payment_methods/pm_card_visa/attach", "customer="+cu.id())
	if m.at("customer") != cu.id() || m.id() == "pm_card_visa" {
		t.Errorf("%v", m.body)
	}
	for name, tc := range map[string]struct{ path, form, want string }{
		"declined":        {"/v1/payment_methods/pm_card_visa_chargeDeclined/attach", "customer=" + cu.id(), "402/card_declined/generic_decline"},
		"declined_later":  {"/v1/payment_methods/pm_card_chargeCustomerFail/attach", "customer=" + cu.id(), "200//"},
		"no_customer":     {"/v1/payment_methods/" + m.id() + "/attach", "", "400/parameter_missing/"},
		"wrong_customer":  {"/v1/payment_methods/" + m.id() + "/attach", "customer=cus_1", "400/resource_missing/"},
		"other_customer":  {"/v1/payment_methods/" + m.id() + "/attach", "customer=" + other, "400/payment_method_unexpected_state/"},
		"unknown":         {"/v1/payment_methods/pm_1/attach", "customer=" + other, "404/resource_missing/"},
		"used_by_another": {intents, base + "&payment_method=" + m.id() + "&customer=" + other, "400/payment_method_unexpected_state/"},
		"used":            {intents, base + "&payment_method=" + m.id() + "&confirm=true&customer=" + cu.id(), "200//"},
	} {
		if got := a.post(t, tc.path, tc.form); got.failure() != tc.want {
			t.Errorf("%s: %s, want %s: %v", name, got.failure(), tc.want, got.body)
		}
	}
	if got := a.get(t, "/v1/payment_methods?customer="+cu.id()).list(); len(got) != 2 {
		t.Errorf("payment methods %v", got)
	}
	if got := a.get(t, "/v1/payment_methods/"+m.id()+"?expand[]=customer"); got.at("customer", "name") != "A" {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, "/v1/payment_methods/"+m.id()+"/detach", ""); got.at("customer") != "" || got.status != http.StatusOK {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, "/v1/payment_methods/"+m.id()+"/detach", ""); got.status != http.StatusBadRequest {
		t.Errorf("detached twice: %v", got.body)
	}
	if got := a.post(t, "/v1/customers/"+cu.id(), "name=&metadata[k]="); got.at("name") != "" || len(got.body["metadata"].(map[string]any)) != 0 {
		t.Errorf("%v", got.body)
	}
	deleted, err := a.send(t.Context(), http.MethodDelete, "/v1/customers/"+cu.id(), "")
	if err != nil || deleted.at("deleted") != "true" {
		t.Errorf("%v, %v", deleted.body, err)
	}
	if got := a.get(t, "/v1/customers/"+cu.id()); got.at("deleted") != "true" {
		t.Errorf("%v", got.body)
	}
	if got := a.post(t, intents, base+"&customer="+cu.id()); got.failure() != "400/resource_missing/" {
		t.Errorf("%v", got.body)
	}
}

func TestListsAndSearch(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	a := newAccount(t, stripe.Options{Options: sim.Options{Clock: c}})
	var ids []string
	for i := range 5 {
		ids = append(ids, a.post(t, intents, fmt.Sprintf("amount=%d&currency=usd&metadata[order_id]=%d", 1000*(i+1), i)).id())
		c.Advance(20 * time.Second)
	}
	pick := func(indices ...int) []string {
		found := []string{}
		for _, i := range indices {
			found = append(found, ids[i])
		}
		return found
	}
	unix := start.Unix()
	for path, want := range map[string][]string{
		intents:              pick(4, 3, 2, 1, 0),
		intents + "?limit=2": pick(4, 3),
		intents + "?limit=2&starting_after=" + ids[3]:                                                                        pick(2, 1),
		intents + "?limit=2&ending_before=" + ids[1]:                                                                         pick(3, 2),
		intents + fmt.Sprintf("?created[gte]=%d", unix+60):                                                                   pick(4, 3),
		intents + fmt.Sprintf("?created[gt]=%d&created[lt]=%d", unix, unix+60):                                               pick(2, 1),
		intents + fmt.Sprintf("?created=%d", unix):                                                                           pick(0),
		intents + "?customer=cus_1":                                                                                          pick(),
		intents + "/search?query=" + url.QueryEscape(`amount>1500`):                                                          pick(2, 1), // the others are not in the index
		intents + "/search?query=" + url.QueryEscape(`metadata['order_id']:'2'`):                                             pick(2),
		intents + "/search?query=" + url.QueryEscape(`metadata["order_id"]:"4"`):                                             pick(),
		intents + "/search?query=" + url.QueryEscape(`-metadata['order_id']:'2'`):                                            pick(1, 0),
		intents + "/search?query=" + url.QueryEscape(`amount:1000 OR amount>=3000`):                                          pick(2, 0),
		intents + "/search?query=" + url.QueryEscape(`status:'requires_payment_method' AND currency:'usd' AND amount<=2000`): pick(1, 0),
	} {
		if diff := cmp.Diff(want, a.get(t, path).list()); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
	}
	for _, path := range []string{
		"?limit=0", "?limit=101", "?limit=x", "?starting_after=pi_1", "?starting_after=" + ids[0] + "&ending_before=" + ids[1], "?created[near]=1",
		"/search", "/search?query=amount", "/search?query=" + url.QueryEscape("colour:'red'"), "/search?query=" + url.QueryEscape("amount>1 AND amount<5 OR amount:9"),
		"/search?query=" + url.QueryEscape("status>'a'"), "/search?query=" + url.QueryEscape("amount:'x'"), "/search?query=amount%3A1&page=x",
		"/search?query=" + url.QueryEscape(strings.Repeat("amount>1 AND ", 10)+"amount>1"),
	} {
		if got := a.get(t, intents+path); got.status != http.StatusBadRequest {
			t.Errorf("%s: status %d", path, got.status)
		}
	}
	first := a.get(t, intents+"/search?limit=2&query="+url.QueryEscape("amount>0"))
	second := a.get(t, intents+"/search?limit=2&query="+url.QueryEscape("amount>0")+"&page="+first.at("next_page"))
	if diff := cmp.Diff([][]string{pick(2, 1), pick(0)}, [][]string{first.list(), second.list()}); diff != "" || second.at("has_more") != "false" {
		t.Errorf("pages of a search:\n%s", diff)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	cu := a.post(t, "/v1/customers", "name=A").id()
	p := a.pay(t, "pm_card_visa", "customer="+cu, "expand[]=latest_charge.payment_intent.customer", "expand[]=payment_method", "expand[]=customer")
	if p.at("latest_charge", "payment_intent", "customer", "name") != "A" || p.at("payment_method", "card", "last4") != "4242" || p.at("customer", "name") != "A" {
		t.Errorf("%v", p.body)
	}
	list := a.get(t, intents+"?expand[]=data.latest_charge")
	if o := (answer{body: list.body["data"].([]any)[0].(map[string]any)}); o.at("latest_charge", "object") != "charge" {
		t.Errorf("%v", list.body)
	}
	a.post(t, intents+"/"+p.id()+"/capture", "")
	if r := a.post(t, "/v1/refunds", "payment_intent="+p.id()+"&expand[]=charge&expand[]=payment_intent"); r.at("charge", "amount_refunded") != "5000" || r.at("payment_intent", "status") != "succeeded" {
		t.Errorf("%v", r.body)
	}
	if got := a.get(t, "/v1/charges/"+p.at("latest_charge", "id")); got.at("refunded") != "true" {
		t.Errorf("%v", got.body)
	}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	a := newAccount(t, stripe.Options{Options: sim.Options{Clock: c}})
	const key = "Idempotency-Key"
	form := base + "&confirm=true&payment_method=pm_card_visa"
	first := a.post(t, intents, form, key, "k1")
	again := a.post(t, intents, "confirm=true&payment_method=pm_card_visa&"+base, key, "k1") // the order does not matter
	if again.id() != first.id() || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("first %v, again %v", first.body, again.body)
	}
	if got := a.post(t, intents, form+"&description=x", key, "k1"); got.status != http.StatusBadRequest || got.at("error", "type") != "idempotency_error" {
		t.Errorf("other parameters: %v", got.body)
	}
	if got := a.post(t, intents+"/"+first.id()+"/capture", "", key, "k1"); got.at("error", "type") != "idempotency_error" {
		t.Errorf("other endpoint: %v", got.body)
	}
	if got := a.post(t, intents, form, key, strings.Repeat("k", 256)); got.status != http.StatusBadRequest {
		t.Errorf("long key: %v", got.body)
	}

	declined := a.post(t, intents, base+"&confirm=true&payment_method=pm_card_chargeDeclined", key, "k2")
	again = a.post(t, intents, base+"&confirm=true&payment_method=pm_card_chargeDeclined", key, "k2")
	if again.status != http.StatusPaymentRequired || again.at("error", "payment_intent", "id") != declined.at("error", "payment_intent", "id") || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a decline is kept: %v", again.body)
	}

	if got := a.post(t, intents, "amount=1&currency=usd", key, "k3"); got.status != http.StatusBadRequest {
		t.Fatal("a payment of a cent")
	}
	if got := a.post(t, intents, base, key, "k3"); got.status != http.StatusOK {
		t.Errorf("a refusal of parameters is not kept: %v", got.body)
	}

	c.Advance(24*time.Hour - time.Second)
	if got := a.post(t, intents, form, key, "k1"); got.id() != first.id() {
		t.Error("the key is forgotten within a day")
	}
	c.Advance(time.Second)
	if got := a.post(t, intents, form, key, "k1"); got.id() == first.id() {
		t.Error("the key is not forgotten after a day")
	}
	if n := len(a.Ledger.Accounts()); n != 4 {
		t.Errorf("%d payments", n)
	}
}

func TestKeyInUse(t *testing.T) {
	t.Parallel()
	sleeping, wake := make(chan struct{}), make(chan struct{})
	a := newAccount(t, stripe.Options{Options: sim.Options{Sleep: func(context.Context, time.Duration) {
		close(sleeping)
		<-wake
	}}})
	a.faults(t, `{"kind":"slow","delay":"1h","times":1}`)
	first := make(chan answer)
	go func() {
		got, err := a.send(context.Background(), http.MethodPost, intents, base, "Idempotency-Key", "k")
		if err != nil {
			t.Error(err)
		}
		first <- got
	}()
	<-sleeping
	if got := a.post(t, intents, base, "Idempotency-Key", "k"); got.failure() != "409/idempotency_key_in_use/" {
		t.Errorf("%v", got.body)
	}
	close(wake)
	created := <-first
	if got := a.post(t, intents, base, "Idempotency-Key", "k"); got.id() != created.id() {
		t.Errorf("%v", got.body)
	}
}

// TestOneKeyOnce sends one request many times at once.
func TestOneKeyOnce(t *testing.T) {
	t.Parallel()
	a := newAccount(t, stripe.Options{})
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			if _, err := a.send(context.Background(), http.MethodPost, intents, base+"&confirm=true&payment_method=pm_card_visa", "Idempotency-Key", "k"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if l := a.Ledger.Accounts(); len(l) != 1 || l[0].Authorized != 5000 || l[0].Reference != "k" {
		t.Errorf("ledger %+v", l)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  string
		booked int
		status int // 0 is no reply
		again  int // the status of the same request afterwards
		replay bool
	}{
		"drop_before":     {`{"kind":"drop_before","times":1}`, 0, 0, 200, false},
		"drop_after":      {`{"kind":"drop_after","times":1}`, 1, 0, 200, true},
		"break_after":     {`{"kind":"break_after","times":1}`, 1, 0, 200, true},
		"error_before":    {`{"kind":"error_before","times":1,"status":500}`, 0, 500, 200, false},
		"error_after":     {`{"kind":"error_after","times":1}`, 1, 503, 200, true},
		"error_after_500": {`{"kind":"error_after","times":1,"status":500}`, 1, 500, 500, true},
		"rate_limit":      {`{"kind":"rate_limit","times":1,"should_retry":"true"}`, 0, 429, 200, false},
		"decline":         {`{"kind":"outcome","code":"do_not_honor","times":1}`, 1, 402, 402, true},
		"other_operation": {`{"kind":"drop_before","operation":"payment_intents.capture"}`, 1, 200, 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, stripe.Options{})
			a.faults(t, tc.fault)
			send := func() (answer, error) {
				return a.send(t.Context(), http.MethodPost, intents, base+"&confirm=true&payment_method=pm_card_visa", "Idempotency-Key", "k")
			}
			got, err := send()
			if (err == nil) != (tc.status != 0) || tc.status != 0 && got.status != tc.status {
				t.Errorf("status %d, error %v, want status %d", got.status, err, tc.status)
			}
			if n := len(a.Ledger.Accounts()); n != tc.booked {
				t.Errorf("%d payments, want %d", n, tc.booked)
			}
			switch name {
			case "rate_limit":
				if got.at("error", "code") != "rate_limit" || got.header.Get("Stripe-Should-Retry") != "true" {
					t.Errorf("%v, %v", got.body, got.header)
				}
			case "decline":
				if got.failure() != "402/card_declined/do_not_honor" {
					t.Errorf("%v", got.body)
				}
			case "error_after_500":
				if got.at("error", "type") != "api_error" {
					t.Errorf("%v", got.body)
				}
			}
			again, err := send()
			if err != nil || again.status != tc.again || (again.header.Get("Idempotent-Replayed") == "true") != tc.replay {
				t.Errorf("again: status %d, header %v, error %v", again.status, again.header, err)
			}
			if n := len(a.Ledger.Accounts()); n != 1 {
				t.Errorf("%d payments after the repetition", n)
			}
		})
	}
	t.Run("hang_after", func(t *testing.T) {
		t.Parallel()
		booked := make(chan struct{}, 9)
		hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { booked <- struct{}{} }))
		defer hook.Close()
		a := newAccount(t, stripe.Options{Webhooks: []stripe.Webhook{{URL: hook.URL, Events: []string{"payment_intent.created"}}}})
		a.faults(t, `{"kind":"hang_after","times":1}`, `{"kind":"early_webhook","times":1}`)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := a.send(ctx, http.MethodPost, intents, base, "Idempotency-Key", "k")
			done <- err
		}()
		<-booked
		cancel()
		if err := <-done; err == nil {
			t.Error("a reply came")
		}
		if got := a.post(t, intents, base, "Idempotency-Key", "k"); got.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%v", got.body)
		}
	})
	t.Run("failed_refund", func(t *testing.T) {
		t.Parallel()
		a := newAccount(t, stripe.Options{})
		id := a.pay(t, "pm_card_visa").id()
		a.post(t, intents+"/"+id+"/capture", "")
		a.faults(t, `{"kind":"outcome","operation":"refunds","code":"lost_or_stolen_card"}`)
		if r := a.post(t, "/v1/refunds", "payment_intent="+id); r.at("status") != "failed" || r.at("failure_reason") != "lost_or_stolen_card" {
			t.Errorf("%v", r.body)
		}
		if diff := cmp.Diff([]int64{5000, 5000, 0, 0, 5000}, a.ledger(t, id)); diff != "" {
			t.Error(diff)
		}
	})
}

// receiver is a merchant's endpoint for webhooks.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []string // the types of the events
	stamps []string // the times that were signed
	wrong  []string
}

func newReceiver(t *testing.T, secrets ...string) *receiver {
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodGet {
			return // who followed a redirect is content
		}
		w.Header().Set("Location", "/elsewhere")
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		parts := strings.Split(q.Header.Get("Stripe-Signature"), ",")
		stamp, _ := strings.CutPrefix(parts[0], "t=")
		for i, secret := range secrets {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(stamp + "." + string(body)))
			if len(parts) != len(secrets)+1 || parts[i+1] != "v1="+hex.EncodeToString(mac.Sum(nil)) {
				r.wrong = append(r.wrong, q.Header.Get("Stripe-Signature"))
			}
		}
		var event struct {
			ID, Object, Type string
			APIVersion       string `json:"api_version"`
			Data             struct{ Object map[string]any }
			Request          struct {
				ID             *string
				IdempotencyKey *string `json:"idempotency_key"`
			}
			Pending int `json:"pending_webhooks"`
		}
		if err := json.Unmarshal(body, &event); err != nil || event.Object != "event" || !strings.HasPrefix(event.ID, "evt_") || event.Data.Object["id"] == nil || event.Pending == 0 {
			r.wrong = append(r.wrong, string(body))
		}
		r.got = append(r.got, event.Type)
		r.stamps = append(r.stamps, stamp)
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
	all, some := newReceiver(t, "whsec_new", "whsec_old"), newReceiver(t, "whsec_some")
	a := newAccount(t, stripe.Options{Webhooks: []stripe.Webhook{
		{URL: all.URL, Secrets: []string{"whsec_new", "whsec_old"}},
		{URL: some.URL, Secrets: []string{"whsec_some"}, Events: []string{"payment_intent.succeeded"}},
	}})
	id := a.pay(t, "pm_card_visa").id()
	a.post(t, intents+"/"+id+"/capture", "amount_to_capture=4000")
	a.post(t, "/v1/refunds", "payment_intent="+id)
	a.pay(t, "pm_card_chargeDeclined")
	waiting := a.pay(t, "pm_card_authenticationRequired").id()
	if err := a.Authenticate(waiting, true); err != nil {
		t.Fatal(err)
	}
	a.post(t, intents+"/"+waiting+"/cancel", "")
	a.Deliver(t.Context())
	want := []string{
		"payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated",
		"charge.captured", "payment_intent.succeeded",
		"refund.created", "charge.refunded",
		"payment_intent.created", "charge.failed", "payment_intent.payment_failed",
		"payment_intent.created", "payment_intent.requires_action",
		"charge.succeeded", "payment_intent.amount_capturable_updated",
		"payment_intent.canceled",
	}
	if diff := cmp.Diff(want, all.types()); diff != "" || all.wrong != nil {
		t.Errorf("events:\n%s\nwrong: %v", diff, all.wrong)
	}
	if diff := cmp.Diff([]string{"payment_intent.succeeded"}, some.types()); diff != "" || some.wrong != nil {
		t.Errorf("events:\n%s\nwrong: %v", diff, some.wrong)
	}
}

func TestWebhookRetriesAndEvents(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "whsec_x")
	r.status = http.StatusFound // a redirect is a failure
	a := newAccount(t, stripe.Options{Webhooks: []stripe.Webhook{{URL: r.URL, Secrets: []string{"whsec_x"}, Events: []string{"customer.created"}}}})
	a.post(t, "/v1/customers", "")
	a.Deliver(t.Context())
	a.Advance(5*time.Minute - time.Second)
	if n := a.Deliver(t.Context()); n != 0 {
		t.Errorf("%d attempts before their time", n)
	}
	missed := a.get(t, "/v1/events?delivery_success=false")
	if len(missed.list()) != 1 {
		t.Errorf("%v", missed.body)
	}
	r.mu.Lock()
	r.status = http.StatusOK
	r.mu.Unlock()
	a.Advance(time.Second)
	if n := a.Deliver(t.Context()); n != 1 {
		t.Errorf("%d attempts in time", n)
	}
	if want := []string{fmt.Sprint(start.Unix()), fmt.Sprint(start.Add(5 * time.Minute).Unix())}; !cmp.Equal(want, r.stamps) || r.wrong != nil {
		t.Errorf("stamps %v, wrong %v", r.stamps, r.wrong)
	}
	if got := a.get(t, "/v1/events?delivery_success=false").list(); len(got) != 0 {
		t.Errorf("missed %v", got)
	}
	id := missed.list()[0]
	if e := a.get(t, "/v1/events/"+id); e.at("pending_webhooks") != "0" || e.at("type") != "customer.created" {
		t.Errorf("%v", e.body)
	}
	if got := a.get(t, "/v1/events?type=customer.*").list(); len(got) != 1 {
		t.Errorf("by type %v", got)
	}
	a.Advance(30 * 24 * time.Hour)
	if got := a.get(t, "/v1/events/"+id); got.status != http.StatusNotFound {
		t.Errorf("after 30 days: %v", got.body)
	}
}

func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault              string
		early, now, hourly int
	}{
		"none":      {``, 0, 1, 0},
		"duplicate": {`{"kind":"duplicate_webhook"}`, 0, 2, 0},
		"early":     {`{"kind":"early_webhook"}`, 1, 0, 0},
		"late":      {`{"kind":"late_webhook","delay":"1h"}`, 0, 0, 1},
		"lost":      {`{"kind":"lost_webhook"}`, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "whsec_x")
			a := newAccount(t, stripe.Options{Webhooks: []stripe.Webhook{{URL: r.URL, Secrets: []string{"whsec_x"}}}})
			if tc.fault != "" {
				a.faults(t, tc.fault)
			}
			a.post(t, intents, base)
			early := len(r.types())
			now := a.Deliver(t.Context())
			a.Advance(time.Hour)
			hourly := a.Deliver(t.Context())
			if diff := cmp.Diff([]int{tc.early, tc.now, tc.hourly}, []int{early, now, hourly}); diff != "" || r.wrong != nil {
				t.Errorf("%s, wrong %v", diff, r.wrong)
			}
		})
	}
}

func TestWebhookEndpoints(t *testing.T) {
	t.Parallel()
	var secret string
	var wrong, got int
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", start.Unix(), body)
		if r.Header.Get("Stripe-Signature") != fmt.Sprintf("t=%d,v1=%x", start.Unix(), mac.Sum(nil)) {
			wrong++
		}
		got++
	}))
	defer hook.Close()
	a := newAccount(t, stripe.Options{})
	e := a.post(t, "/v1/webhook_endpoints", "url="+url.QueryEscape(hook.URL)+"&enabled_events[]=*&api_version=2025-03-31.basil")
	secret = e.at("secret")
	if !strings.HasPrefix(secret, "whsec_") {
		t.Fatalf("%v", e.body)
	}
	if list := a.get(t, "/v1/webhook_endpoints"); len(list.list()) != 1 || strings.Contains(fmt.Sprint(list.body), secret) {
		t.Errorf("%v", list.body)
	}
	a.post(t, "/v1/customers", "")
	a.Deliver(t.Context())
	if got != 1 || wrong != 0 {
		t.Errorf("%d webhooks, %d wrong", got, wrong)
	}
	if _, err := a.send(t.Context(), http.MethodDelete, "/v1/webhook_endpoints/"+e.id(), ""); err != nil {
		t.Fatal(err)
	}
	a.post(t, "/v1/customers", "")
	if n := a.Deliver(t.Context()); n != 0 {
		t.Errorf("%d webhooks to an endpoint that is gone", n)
	}
	if got := a.post(t, "/v1/webhook_endpoints", "url=https://x.example&enabled_events[]=*&api_version=new"); got.at("error", "param") != "api_version" {
		t.Errorf("%v", got.body)
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, seed := range []uint64{1, 1, 2} {
		a := newAccount(t, stripe.Options{Options: sim.Options{Seed: seed}})
		ids = append(ids, a.pay(t, "pm_card_visa").id())
	}
	if ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("ids %v", ids)
	}
}
