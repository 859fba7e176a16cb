package ebay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/infra/simulators/ebay"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/clock"
)

// site is a simulated seller, called by hand over HTTP.
type site struct {
	*ebay.Simulator
	url        string
	token, app string // of the seller, of the application
	clock      *clock.Manual
}

const (
	inventory    = "/sell/inventory/v1"
	fulfillment  = "/sell/fulfillment/v1"
	account      = "/sell/account/v1"
	taxonomy     = "/commerce/taxonomy/v1"
	notification = "/commerce/notification/v1"
	analytics    = "/developer/analytics/v1_beta"
	scope        = "https://api.ebay.com/oauth/api_scope"
)

func open(t *testing.T, change ...func(*ebay.Options)) *site {
	t.Helper()
	now := clock.NewManual(time.Date(2026, time.November, 27, 20, 0, 0, 0, time.UTC))
	o := ebay.Options{Options: sim.Options{Clock: now}, ClientID: "id", ClientSecret: "secret", RuName: "ru"}
	for _, c := range change {
		c(&o)
	}
	s := &site{Simulator: ebay.New(o), clock: now}
	server := httptest.NewServer(s.Simulator)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.signIn(t)
	return s
}

// signIn gets new tokens of the seller and of the application.
func (s *site) signIn(t *testing.T, scopes ...string) {
	t.Helper()
	s.token = s.exchange(t, 200, "grant_type", "authorization_code", "code", s.Grant(scopes...), "redirect_uri", "ru")["access_token"].(string)
	s.app = s.exchange(t, 200, "grant_type", "client_credentials", "scope", scope)["access_token"].(string)
}

// exchange asks the token endpoint, and wants a status.
func (s *site) exchange(t *testing.T, want int, pairs ...string) map[string]any {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/identity/v1/oauth2/token", strings.NewReader(form.Encode()))
	r.SetBasicAuth("id", "secret")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != want {
		t.Fatalf("token endpoint with %v: %s %v, %v; want %d", pairs, res.Status, out, err, want)
	}
	return out
}

// reply is what a request was answered.
type reply struct {
	status, id int // id of the first error
	text       string
	body       map[string]any
	header     http.Header
}

func (r reply) String() string { return fmt.Sprintf("%d %d %s", r.status, r.id, r.text) }

// at walks into the body, by names and indexes.
func (r reply) at(path ...any) any {
	var v any = r.body
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// send sends a request with headers, given in pairs.
func (s *site) send(t *testing.T, token, method, path, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{status: res.StatusCode, text: string(data), header: res.Header}
	_ = json.Unmarshal(data, &out.body) // some bodies are none
	if id, ok := out.at("errors", 0, "errorId").(float64); ok {
		out.id = int(id)
	}
	return out
}

// call sends a request of the seller with the language of the USA.
func (s *site) call(t *testing.T, method, path, body string) reply {
	t.Helper()
	return s.send(t, s.token, method, path, body, "Content-Language", "en-US")
}

// do sends a request of the seller and wants a status.
func (s *site) do(t *testing.T, want int, method, path, body string) reply {
	t.Helper()
	r := s.call(t, method, path, body)
	if r.status != want {
		t.Fatalf("%s %s: %v, want %d", method, path, r, want)
	}
	return r
}

// refused is a request that must be refused with a status and an id.
type refused struct {
	name, method, path, body string
	status, id               int
}

func (s *site) refuse(t *testing.T, all ...refused) {
	t.Helper()
	for _, c := range all {
		if r := s.call(t, c.method, c.path, c.body); r.status != c.status || r.id != c.id {
			t.Errorf("%s: %v, want %d %d", c.name, r, c.status, c.id)
		}
	}
}

// JSON is written with single quotes below, for the eye.
func js(text string) string { return strings.ReplaceAll(text, "'", `"`) }

func jsf(format string, args ...any) string { return js(fmt.Sprintf(format, args...)) }

// The bodies of an ordinary item and of its offer.
func itemBody(n int, more string) string {
	return jsf(`{'availability':{'shipToLocationAvailability':{'quantity':%d}},'condition':'NEW',
		'product':{'title':'T','description':'d','imageUrls':['https://x/i.jpg']%s}}`, n, more)
}

const rest = `'categoryId':'15687','merchantLocationKey':'main','listingDuration':'GTC','pricingSummary':{'price':{'value':'10.00','currency':'USD'}},
	'listingPolicies':{'fulfillmentPolicyId':'1000fulfillment','paymentPolicyId':'1000payment','returnPolicyId':'1000return'}`

func offerBody(sku string, n int) string {
	return jsf(`{'sku':'%s','marketplaceId':'EBAY_US','format':'FIXED_PRICE','availableQuantity':%d,`+rest+`}`, sku, n)
}

func (s *site) place(t *testing.T) {
	t.Helper()
	s.call(t, "POST", inventory+"/location/main", js(`{'location':{'address':{'country':'US','postalCode':'92024'}}}`)) // it may be there
}

// draft makes an item with an offer that is not published.
func (s *site) draft(t *testing.T, sku string, n int) (offerID string) {
	t.Helper()
	s.place(t)
	s.do(t, 201, "PUT", inventory+"/inventory_item/"+sku, itemBody(n, ""))
	return s.do(t, 201, "POST", inventory+"/offer", offerBody(sku, n)).at("offerId").(string)
}

// list puts one SKU up with so many pieces.
func (s *site) list(t *testing.T, sku string, n int) (offerID, listingID string) {
	t.Helper()
	offerID = s.draft(t, sku, n)
	return offerID, s.do(t, 200, "POST", inventory+"/offer/"+offerID+"/publish", "").at("listingId").(string)
}

// offered is what buyers see of a SKU.
func (s *site) offered(sku string) ebay.Offered {
	for _, o := range s.Offered() {
		if o.SKU == sku {
			return o
		}
	}
	return ebay.Offered{}
}

func TestWhoCallsIsKnown(t *testing.T) {
	t.Parallel()
	s := open(t)
	narrow := s.exchange(t, 200, "grant_type", "authorization_code", "code", s.Grant(scope+"/sell.inventory.readonly"), "redirect_uri", "ru")["access_token"].(string)
	for _, c := range []struct {
		name, token, method, path string
		status, id                int
	}{
		{"no token", "", "GET", inventory + "/inventory_item", 401, 1002},
		{"wrong token", "x", "GET", inventory + "/inventory_item", 401, 1001},
		{"read with a scope to read", narrow, "GET", inventory + "/inventory_item", 200, 0},
		{"delete with a scope to read", narrow, "DELETE", inventory + "/inventory_item/A", 403, 1100},
		{"orders without the scope", narrow, "GET", fulfillment + "/order", 403, 1100},
		{"policies without the scope", narrow, "GET", account + "/privilege", 403, 1100},
		{"categories without the public scope", narrow, "GET", taxonomy + "/category_tree/0", 403, 1100},
		{"sell as an application", s.app, "GET", inventory + "/inventory_item", 403, 1100},
		{"categories as an application", s.app, "GET", taxonomy + "/category_tree/0", 200, 0},
		{"the key of notices as a seller", s.token, "GET", notification + "/public_key/x", 403, 1100},
		{"limits of the application as a seller", s.token, "GET", analytics + "/rate_limit/", 403, 1100},
		{"limits of a user as an application", s.app, "GET", analytics + "/user_rate_limit/", 403, 1100},
		{"no such path", s.token, "GET", "/sell/nothing/v1/x", 404, 2002},
	} {
		if r := s.send(t, c.token, c.method, c.path, ""); r.status != c.status || r.id != c.id {
			t.Errorf("%s: %v, want %d %d", c.name, r, c.status, c.id)
		}
	}
	s.clock.Advance(2*time.Hour - time.Second)
	s.do(t, 200, "GET", inventory+"/inventory_item", "")
	s.clock.Advance(time.Second)
	if r := s.call(t, "GET", inventory+"/inventory_item", ""); r.status != 401 || r.id != 1001 {
		t.Errorf("after two hours: %v", r)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := open(t)
	deny := func(want string, pairs ...string) {
		t.Helper()
		if got := s.exchange(t, 400, pairs...)["error"]; got != want {
			t.Errorf("%v: %v, want %s", pairs, got, want)
		}
	}
	code := s.Grant(scope+"/sell.inventory", scope+"/sell.account")
	first := s.exchange(t, 200, "grant_type", "authorization_code", "code", code, "redirect_uri", "ru")
	if first["refresh_token_expires_in"] != 47_304_000.0 || first["expires_in"] != 7200.0 || first["token_type"] != "User Access Token" {
		t.Errorf("tokens %v", first)
	}
	deny("invalid_grant", "grant_type", "authorization_code", "code", code, "redirect_uri", "ru") // used
	late := s.Grant()
	s.clock.Advance(299 * time.Second)
	deny("invalid_grant", "grant_type", "authorization_code", "code", late, "redirect_uri", "ru") // expired
	deny("invalid_grant", "grant_type", "authorization_code", "code", s.Grant(), "redirect_uri", "https://shop.example")
	deny("invalid_request", "grant_type", "authorization_code", "redirect_uri", "ru")
	deny("unsupported_grant_type", "grant_type", "password")
	deny("invalid_scope", "grant_type", "client_credentials", "scope", scope+"/sell.everything")

	refresh := first["refresh_token"].(string)
	again := s.exchange(t, 200, "grant_type", "refresh_token", "refresh_token", refresh)
	if again["refresh_token"] != nil {
		t.Errorf("a renewal brings a refresh token: %v", again)
	}
	deny("invalid_scope", "grant_type", "refresh_token", "refresh_token", refresh, "scope", scope+"/sell.fulfillment")
	fewer := s.exchange(t, 200, "grant_type", "refresh_token", "refresh_token", refresh, "scope", scope+"/sell.account")["access_token"].(string)
	if r := s.send(t, fewer, "GET", inventory+"/inventory_item", ""); r.id != 1100 {
		t.Errorf("with fewer scopes: %v", r)
	}
	s.clock.Advance(47_304_000*time.Second - 300*time.Second) // 299 are past
	s.exchange(t, 200, "grant_type", "refresh_token", "refresh_token", refresh)
	s.clock.Advance(time.Second)
	deny("invalid_grant", "grant_type", "refresh_token", "refresh_token", refresh)

	s.signIn(t)
	s.Revoke()
	if r := s.call(t, "GET", inventory+"/inventory_item", ""); r.status != 401 {
		t.Errorf("after the revocation: %v", r)
	}
}

func TestTokensHaveAQuota(t *testing.T) {
	t.Parallel()
	s := open(t)
	for range 999 { // one is spent
		s.exchange(t, 200, "grant_type", "client_credentials", "scope", scope)
	}
	s.exchange(t, 429, "grant_type", "client_credentials", "scope", scope)
	s.clock.Advance(24 * time.Hour)
	s.exchange(t, 200, "grant_type", "client_credentials", "scope", scope)
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *ebay.Options) { o.Accept = "https://shop.example/back" })
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit := func(more string) (int, url.Values) {
		t.Helper()
		res, err := browser.Get(s.url + "/oauth2/authorize?client_id=id&response_type=code&redirect_uri=ru&state=xyz" + more)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		back, _ := res.Location()
		if back == nil {
			return res.StatusCode, nil
		}
		return res.StatusCode, back.Query()
	}
	status, q := visit("&scope=" + url.QueryEscape(scope+" "+scope+"/sell.account"))
	if status != 302 || q.Get("state") != "xyz" || q.Get("expires_in") != "299" {
		t.Errorf("%d %v", status, q)
	}
	token := s.exchange(t, 200, "grant_type", "authorization_code", "code", q.Get("code"), "redirect_uri", "ru")["access_token"].(string)
	if r := s.send(t, token, "GET", inventory+"/inventory_item", ""); r.id != 1100 {
		t.Errorf("with what was consented to: %v", r)
	}
	if status, q := visit("&refuse&scope=" + scope); status != 302 || q.Get("error") != "access_denied" || q.Get("code") != "" {
		t.Errorf("refused: %d %v", status, q)
	}
	if status, _ := visit("&scope=nonsense"); status != 400 {
		t.Errorf("an unknown scope: %d", status)
	}
}

// Content-Language is demanded where it is documented, and nowhere else.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, _ := s.list(t, "A", 5)
	for _, c := range []struct {
		method, path, body string
		demanded           bool
	}{
		{"PUT", "/inventory_item/B", itemBody(1, ""), true},
		{"POST", "/bulk_create_or_replace_inventory_item", js(`{'requests':[{'sku':'C','locale':'en_US'}]}`), true},
		{"PUT", "/inventory_item_group/g", js(`{'variantSKUs':['C']}`), true},
		{"PUT", "/inventory_item/A/product_compatibility", js(`{'compatibleProducts':[]}`), true},
		{"POST", "/offer", js(`{'sku':'C','marketplaceId':'EBAY_US','format':'FIXED_PRICE'}`), true},
		{"PUT", "/offer/" + id, js(`{` + rest + `}`), true},
		{"POST", "/bulk_create_offer", js(`{'requests':[{'sku':'C','marketplaceId':'EBAY_GB','format':'FIXED_PRICE'}]}`), true},
		{"POST", "/location/second", js(`{'location':{'address':{'country':'US','postalCode':'92024'}}}`), false},
		{"POST", "/bulk_get_inventory_item", js(`{'requests':[{'sku':'A'}]}`), false},
		{"POST", "/bulk_update_price_quantity", jsf(`{'requests':[{'offers':[{'offerId':'%s','availableQuantity':3}]}]}`, id), false},
		{"POST", "/offer/get_listing_fees", js(`{'offers':[{'offerId':'1'}]}`), false},
	} {
		without := s.send(t, s.token, c.method, inventory+c.path, c.body)
		unknown := s.send(t, s.token, c.method, inventory+c.path, c.body, "Content-Language", "en_US")
		if refused := without.id == 25709 && unknown.id == 25709; refused != c.demanded {
			t.Errorf("%s %s: without %v, unknown %v", c.method, c.path, without, unknown)
		}
	}
	if r := s.send(t, s.token, "GET", inventory+"/inventory_item", "", "Accept-Language", "en-US,en;q=0.9"); r.id != 25709 {
		t.Errorf("several languages: %v", r)
	}
	if r := s.send(t, s.token, "PUT", inventory+"/inventory_item/B", "{}", "Content-Language", "en-US", "Content-Type", "text/plain"); r.status != 415 {
		t.Errorf("another type: %v", r)
	}
	if r := s.send(t, s.token, "GET", account+"/privilege", "", "X-EBAY-C-MARKETPLACE-ID", "EBAY_XX"); r.id != 50117 {
		t.Errorf("an unknown marketplace: %v", r)
	}
}

// Each API has a domain of its own, and its own id of a fault.
func TestErrorsAreOfTheirAPI(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, c := range []struct {
		token, path, domain string
		id                  int
	}{
		{s.token, inventory + "/inventory_item/none", "API_INVENTORY", 25710},
		{s.token, fulfillment + "/order/none", "API_FULFILLMENT", 32100},
		{s.token, account + "/payment_policy/none", "API_ACCOUNT", 20404},
		{s.app, taxonomy + "/category_tree/9", "API_TAXONOMY", 62003},
		{s.app, notification + "/topic/none", "API_NOTIFICATION", 195001},
		{"x", inventory + "/inventory_item", "OAuth", 1001},
	} {
		r := s.send(t, c.token, "GET", c.path, "")
		if r.id != c.id || r.at("errors", 0, "domain") != c.domain || r.at("errors", 0, "message") == "" {
			t.Errorf("%s: %v, want %s %d", c.path, r, c.domain, c.id)
		}
	}
	if err := s.Faults.Set(1, sim.Fault{Kind: sim.ErrorBefore, Status: 500}); err != nil {
		t.Fatal(err)
	}
	for path, id := range map[string]int{inventory + "/inventory_item": 25001, fulfillment + "/order": 30500, account + "/privilege": 20500, taxonomy + "/category_tree/0": 62000} {
		if r := s.call(t, "GET", path, ""); r.status != 500 || r.id != id || r.at("errors", 0, "category") != "APPLICATION" {
			t.Errorf("fault of %s: %v, want %d", path, r, id)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := open(t)
	set := func(f sim.Fault) {
		t.Helper()
		if err := s.Faults.Set(1, f); err != nil {
			t.Fatal(err)
		}
	}
	set(sim.Fault{Kind: sim.RateLimit, Operation: "getItems"})
	if r := s.call(t, "GET", inventory+"/inventory_item", ""); r.status != 429 || r.id != 2001 || r.header.Get("Retry-After") != "" || r.at("errors", 0, "domain") != "ACCESS" {
		t.Errorf("limited: %v", r)
	}
	set(sim.Fault{Kind: sim.RateLimit, Delay: sim.Duration(7 * time.Second)})
	if r := s.call(t, "GET", inventory+"/inventory_item", ""); r.status != 429 || r.header.Get("Retry-After") != "7" {
		t.Errorf("limited for a while: %v %v", r, r.header)
	}
	set(sim.Fault{Kind: sim.ErrorAfter, Operation: "putItem", Status: 502, Times: 1})
	if r := s.call(t, "PUT", inventory+"/inventory_item/A", itemBody(1, "")); r.status != 502 || !strings.Contains(r.text, "<html>") {
		t.Errorf("a gateway: %v", r)
	}
	s.do(t, 204, "PUT", inventory+"/inventory_item/A", itemBody(1, "")) // it was done
	for code, status := range map[string]int{"25025": 500, "1001": 401, "25019": 400, "1100": 403} {
		set(sim.Fault{Kind: sim.Outcome, Operation: "putItem", Code: code})
		if r := s.call(t, "PUT", inventory+"/inventory_item/Z", itemBody(1, "")); r.status != status || fmt.Sprint(r.id) != code {
			t.Errorf("outcome %s: %v", code, r)
		}
	}
	set(sim.Fault{Kind: sim.Outcome, Operation: "bulkPutItem", Code: "25501"})
	r := s.call(t, "POST", inventory+"/bulk_create_or_replace_inventory_item", js(`{'requests':[{'sku':'X','locale':'en_US'},{'sku':'Y','locale':'en_US'}]}`))
	if r.status != 207 || r.at("responses", 0, "statusCode") != 400.0 || r.at("responses", 1, "statusCode") != 201.0 {
		t.Errorf("a bulk call: %v", r)
	}
	set(sim.Fault{Kind: sim.Outcome, Code: "25001"})
	if r := s.call(t, "GET", inventory+"/inventory_item/Z", ""); r.status != 500 {
		t.Errorf("outcome: %v", r)
	}
	set(sim.Fault{Kind: sim.ErrorBefore, Percent: 1, Operation: "none"})
	if r := s.call(t, "GET", inventory+"/inventory_item/Z", ""); r.status != 404 {
		t.Errorf("what was refused is there: %v", r)
	}
}

// A quota is one of a day at the vendor's, and tells how much of it is left.
func TestQuotas(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *ebay.Options) { o.Quotas = map[string]int64{"fulfillment": 2} })
	for want := range 3 {
		r := s.call(t, "GET", fulfillment+"/order", "")
		if over := want == 2; over != (r.status == 429 && r.id == 2001) {
			t.Errorf("call %d: %v", want, r)
		}
	}
	limit := s.call(t, "GET", analytics+"/user_rate_limit/?api_context=sell&api_name=fulfillment", "")
	rate := []any{"rateLimits", 0, "resources", 0, "rates", 0}
	if limit.at(append(rate, "remaining")...) != 0.0 || limit.at(append(rate, "limit")...) != 2.0 || limit.at(append(rate, "reset")...) != "2026-11-28T08:00:00.000Z" {
		t.Errorf("the limit is %v", limit)
	}
	if r := s.send(t, s.app, "GET", analytics+"/rate_limit?api_name=inventory", ""); r.at("rateLimits", 0, "resources", 0, "rates", 0, "limit") != 2_000_000.0 {
		t.Errorf("the limits of the application are %v", r)
	}
	if r := s.send(t, s.app, "GET", analytics+"/rate_limit/?api_name=none", ""); r.status != 204 {
		t.Errorf("of no API: %v", r)
	}
	if r := s.send(t, s.app, "GET", analytics+"/rate_limit", ""); strings.Count(r.text, "apiName") != 6 {
		t.Errorf("of all APIs: %v", r)
	}
	s.clock.Advance(12*time.Hour - time.Second)
	s.signIn(t)
	if r := s.call(t, "GET", fulfillment+"/order", ""); r.status != 429 {
		t.Errorf("before midnight in California: %v", r)
	}
	s.clock.Advance(time.Second)
	if r := s.call(t, "GET", fulfillment+"/order", ""); r.status != 200 {
		t.Errorf("after midnight in California: %v", r)
	}
}

// The same seed and the same calls give the same answers.
func TestAnswersCanBeRepeated(t *testing.T) {
	t.Parallel()
	run := func() string {
		s := open(t, func(o *ebay.Options) { o.Seed = 7 })
		var all bytes.Buffer
		for _, sku := range []string{"C", "A", "B", "D"} {
			s.list(t, sku, 5)
		}
		id, err := s.Buy("b", true, ebay.Wanted{SKU: "A", Qty: 1}, ebay.Wanted{SKU: "C", Qty: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{
			inventory + "/inventory_item", inventory + "/offer?sku=A", inventory + "/location", fulfillment + "/order", fulfillment + "/order/" + id,
			account + "/payment_policy?marketplace_id=EBAY_US", analytics + "/user_rate_limit/",
		} {
			all.WriteString(s.call(t, "GET", path, "").text)
		}
		all.WriteString(s.call(t, "PUT", inventory+"/inventory_item/Q", js(`{'product':{'title':1,'brand':2,'aspects':{'a':'b','c':'d'}},'condition':'x'}`)).text)
		all.WriteString(s.send(t, s.app, "GET", notification+"/public_key/9936261a-7d7b-4621-a0f1-964e5a5ddd5a", "").text)
		return all.String()
	}
	if a, b := run(), run(); a != b {
		t.Errorf("two runs differ:\n%s\n%s", a, b)
	}
}
