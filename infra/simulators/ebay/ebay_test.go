package ebay_test

import (
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

// site is a simulated seller, called by hand.
type site struct {
	*ebay.Simulator
	url, token string
	clock      *clock.Manual
}

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
	form := url.Values{"grant_type": {"authorization_code"}, "code": {s.Grant()}, "redirect_uri": {"ru"}}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/identity/v1/oauth2/token", strings.NewReader(form.Encode()))
	r.SetBasicAuth("id", "secret")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var tokens struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&tokens); err != nil || tokens.Access == "" {
		t.Fatalf("no token: %s, %v", res.Status, err)
	}
	s.token = tokens.Access
	return s
}

// call sends a request and returns the status and the id of the first error.
func (s *site) call(t *testing.T, method, path, body string) (status, id int, reply string) {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Language", "en-US")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	var e struct {
		Errors []struct {
			ID int `json:"errorId"`
		}
	}
	_ = json.Unmarshal(data, &e)
	if len(e.Errors) > 0 {
		id = e.Errors[0].ID
	}
	return res.StatusCode, id, string(data)
}

const inventory = "/sell/inventory/v1"

// list puts one SKU up with so many pieces and returns its offer.
func (s *site) list(t *testing.T, sku string, n int) (offerID string) {
	t.Helper()
	item := fmt.Sprintf(`{"availability":{"shipToLocationAvailability":{"quantity":%d}},"condition":"NEW","product":{"title":"T","description":"d","imageUrls":["https://x/i.jpg"]}}`, n)
	offer := fmt.Sprintf(`{"sku":%q,"marketplaceId":"EBAY_US","format":"FIXED_PRICE","availableQuantity":%d,"categoryId":"15687","merchantLocationKey":"main","listingDuration":"GTC",
		"pricingSummary":{"price":{"value":"10.00","currency":"USD"}},"listingPolicies":{"fulfillmentPolicyId":"1000fulfillment","paymentPolicyId":"1000payment","returnPolicyId":"1000return"}}`, sku, n)
	s.call(t, "POST", inventory+"/location/main", `{"location":{"address":{"country":"US","postalCode":"92024"}}}`)
	if status, id, reply := s.call(t, "PUT", inventory+"/inventory_item/"+sku, item); status != 201 {
		t.Fatalf("item: %d %d %s", status, id, reply)
	}
	_, _, reply := s.call(t, "POST", inventory+"/offer", offer)
	var made struct{ OfferID string }
	_ = json.Unmarshal([]byte(reply), &made)
	if status, id, reply := s.call(t, "POST", inventory+"/offer/"+made.OfferID+"/publish", ""); status != 200 {
		t.Fatalf("publish: %d %d %s", status, id, reply)
	}
	return made.OfferID
}

func TestWhatIsNotDocumentedIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	offer := s.list(t, "A", 5)
	for _, c := range []struct {
		name, method, path, body string
		status, id               int
	}{
		{"unknown field", "PUT", inventory + "/inventory_item/B", `{"colour":"red"}`, 400, 2004},
		{"bare aspect", "PUT", inventory + "/inventory_item/B", `{"product":{"aspects":{"Size":"L"}}}`, 400, 2004},
		{"long title", "PUT", inventory + "/inventory_item/B", `{"product":{"title":"` + strings.Repeat("x", 81) + `"}}`, 400, 25709},
		{"number as money", "POST", inventory + "/bulk_update_price_quantity", `{"requests":[{"offers":[{"offerId":"` + offer + `","price":{"value":10,"currency":"USD"}}]}]}`, 400, 2004},
		{"26 rows", "POST", inventory + "/bulk_update_price_quantity", `{"requests":[` + strings.TrimSuffix(strings.Repeat(`{"offers":[{"offerId":"1","availableQuantity":1}]},`, 26), ",") + `]}`, 400, 25727},
		{"second offer", "POST", inventory + "/offer", `{"sku":"A","marketplaceId":"EBAY_US","format":"FIXED_PRICE"}`, 400, 25002},
		{"unknown SKU", "POST", inventory + "/offer", `{"sku":"Z","marketplaceId":"EBAY_US","format":"FIXED_PRICE"}`, 400, 25702},
		{"page too long", "GET", "/sell/fulfillment/v1/order?limit=201", "", 400, 31100},
		{"no such order", "GET", "/sell/fulfillment/v1/order/1", "", 404, 32100},
	} {
		if status, id, reply := s.call(t, c.method, c.path, c.body); status != c.status || id != c.id {
			t.Errorf("%s: %d %d, want %d %d: %s", c.name, status, id, c.status, c.id, reply)
		}
	}
}

// A bulk call judges row by row, and revises a listing no more often than allowed.
func TestBulkUpdateIsJudgedByRow(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *ebay.Options) { o.Revisions = 2 })
	offer := s.list(t, "A", 5)
	body := fmt.Sprintf(`{"requests":[{"offers":[{"offerId":%q,"availableQuantity":3}]},{"offers":[{"offerId":"404","availableQuantity":1}]}]}`, offer)
	for i, want := range []int{3, 3, 3} {
		status, _, reply := s.call(t, "POST", inventory+"/bulk_update_price_quantity", body)
		if status != http.StatusMultiStatus || i < 2 && !strings.Contains(reply, `"statusCode":200`) || i == 2 && strings.Contains(reply, `"statusCode":200`) {
			t.Errorf("call %d: %d %s", i, status, reply)
		}
		if got := s.Offered()[0].Quantity; got != int64(want) {
			t.Errorf("%d are left, want %d", got, want)
		}
	}
}

// More than there is cannot be bought, and a quota is one of a day.
func TestStockAndQuota(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *ebay.Options) { o.Quotas = map[string]int64{"fulfillment": 2} })
	s.list(t, "A", 2)
	if _, err := s.Buy("b", true, ebay.Wanted{SKU: "A", Qty: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Buy("b", true, ebay.Wanted{SKU: "A", Qty: 1}); err == nil {
		t.Error("a piece was sold that was not there")
	}
	for want := range 3 {
		status, id, _ := s.call(t, "GET", "/sell/fulfillment/v1/order", "")
		if over := want == 2; over != (status == http.StatusTooManyRequests && id == 2001) {
			t.Errorf("call %d: %d %d", want, status, id)
		}
	}
	s.clock.Advance(time.Hour) // past no midnight
	if status, _, _ := s.call(t, "GET", "/sell/fulfillment/v1/order", ""); status != http.StatusTooManyRequests && status != http.StatusUnauthorized {
		t.Errorf("an hour later: %d", status)
	}
}

func TestShipmentIsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.list(t, "A", 5)
	id, err := s.Buy("b", true, ebay.Wanted{SKU: "A", Qty: 2})
	if err != nil {
		t.Fatal(err)
	}
	_, _, reply := s.call(t, "GET", "/sell/fulfillment/v1/order/"+id, "")
	var o struct{ LineItems []struct{ LineItemID string } }
	if err := json.Unmarshal([]byte(reply), &o); err != nil {
		t.Fatal(err)
	}
	line := o.LineItems[0].LineItemID
	path := "/sell/fulfillment/v1/order/" + id + "/shipping_fulfillment"
	for body, want := range map[string]int{
		`{"lineItems":[{"lineItemId":"` + line + `","quantity":1},{"lineItemId":"9"}]}`:                         32200,
		`{"lineItems":[{"lineItemId":"` + line + `","quantity":3}]}`:                                            32300,
		`{"lineItems":[{"lineItemId":"` + line + `"}],"shippedDate":"2027-01-01T00:00:00Z"}`:                    32500,
		`{"lineItems":[{"lineItemId":"` + line + `","quantity":1},{"lineItemId":"` + line + `","quantity":1}]}`: 32210,
	} {
		if _, got, reply := s.call(t, "POST", path, body); got != want {
			t.Errorf("%s: %d, want %d: %s", body, got, want, reply)
		}
	}
	if status, _, reply := s.call(t, "POST", path, `{"lineItems":[{"lineItemId":"`+line+`","quantity":2}],"shippingCarrierCode":"UPS","trackingNumber":"1Z"}`); status != 201 {
		t.Errorf("the whole order: %d %s", status, reply)
	}
}
