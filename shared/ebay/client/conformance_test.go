package client_test

import (
	"cmp"
	"errors"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	simulator "github.com/rackless/rackless/infra/simulators/ebay"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/ebay/client"
)

// stall is a seller at eBay with what their listings need, and a word that no
// other run has used for its SKUs.
type stall struct {
	clock    clock.Clock // the vendor's
	seller   *client.Seller
	category string
	word     string
	policies client.Policies
}

// TestConformance follows listings through their life: against the simulator, or
// with EBAY_SANDBOX=true against eBay's sandbox, as the application of
// EBAY_CLIENT_ID and EBAY_CLIENT_SECRET and the seller of EBAY_REFRESH_TOKEN, who has
// business policies; EBAY_CATEGORY is a leaf category (default 15687, men's
// T-shirts).
func TestConformance(t *testing.T) {
	t.Parallel()
	open := simulated
	if os.Getenv("EBAY_SANDBOX") == "true" {
		open = sandbox
	}
	for name, test := range map[string]func(*testing.T, stall){
		"single": single, "group": group, "mixed results": mixed, "reads": reads,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func simulated(t *testing.T) stall {
	now := clock.NewManual(time.Date(2026, time.November, 27, 9, 0, 0, 0, time.UTC))
	s := simulator.New(simulator.Options{Options: sim.Options{Clock: now}, ClientID: "app", ClientSecret: "secret", RuName: "shop-ru"})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	app := client.New(client.Config{URL: server.URL, ClientID: "app", ClientSecret: "secret", RuName: "shop-ru", Timeout: time.Minute, Pause: time.Millisecond}, now, nil)
	grant, err := app.Exchange(t.Context(), s.Grant())
	if err != nil {
		t.Fatal(err)
	}
	return furnish(t, now, app.Seller(grant.RefreshToken, "EBAY_US"))
}

func sandbox(t *testing.T) stall {
	app := client.New(client.Config{
		URL: "https://api.sandbox.ebay.com", ConsentURL: "https://auth.sandbox.ebay.com/oauth2/authorize",
		ClientID: os.Getenv("EBAY_CLIENT_ID"), ClientSecret: os.Getenv("EBAY_CLIENT_SECRET"), Timeout: time.Minute, Pause: time.Second,
	}, clock.System{}, nil)
	return furnish(t, clock.System{}, app.Seller(os.Getenv("EBAY_REFRESH_TOKEN"), "EBAY_US"))
}

func furnish(t *testing.T, vendors clock.Clock, seller *client.Seller) stall {
	t.Helper()
	have, err := seller.Policies(t.Context())
	if err != nil || len(have.Fulfillment) == 0 || len(have.Payment) == 0 || len(have.Return) == 0 {
		t.Fatalf("the account has the policies %+v, %v; want one of each kind", have, err)
	}
	for range 2 { // the second time it is there
		err := seller.PutLocation(t.Context(), "conformance", client.Place{City: "San Jose", State: "CA", Postal: "95125", Country: "US"})
		if err != nil {
			t.Fatal(err)
		}
	}
	word := strings.ToUpper(strconv.FormatInt(time.Now().UnixNano(), 36))
	return stall{vendors, seller, cmp.Or(os.Getenv("EBAY_CATEGORY"), "15687"), word,
		client.Policies{Fulfillment: have.Fulfillment[0].ID, Payment: have.Payment[0].ID, Return: have.Return[0].ID}}
}

func (s stall) item(sku, size string, pieces int64) client.Item {
	return client.Item{
		SKU: sku, Locale: "en_US", Availability: client.Pieces(pieces), Condition: "NEW",
		Product: client.Product{
			Title: "Conformance shirt " + size, Description: "A shirt that nobody should buy.", Images: []string{"https://example.com/shirt.jpg"},
			Aspects: map[string][]string{"Brand": {"Rackless"}, "Size": {size}, "Color": {"Blue"}},
		},
	}
}

func (s stall) offer(sku string, pieces int64) client.Offer {
	return client.Offer{
		SKU: sku, Marketplace: "EBAY_US", Format: "FIXED_PRICE", Quantity: pieces, Category: s.category, Location: "conformance",
		Pricing: client.Pricing{Price: client.Money{Value: "19.99", Currency: "USD"}}, Policies: s.policies, Duration: "GTC",
	}
}

// put makes an item and its offer known.
func (s stall) put(t *testing.T, sku, size string, pieces int64) client.OfferState {
	t.Helper()
	if failed := s.seller.PutItems(t.Context(), []client.Item{s.item(sku, size, pieces)}); len(failed) > 0 {
		t.Fatal(failed)
	}
	first, err := s.seller.EnsureOffer(t.Context(), s.offer(sku, pieces))
	if err != nil || first.ID == "" {
		t.Fatalf("offer %+v, %v", first, err)
	}
	again, err := s.seller.EnsureOffer(t.Context(), s.offer(sku, pieces))
	if err != nil || again.ID != first.ID || again.Published() {
		t.Fatalf("the same offer again is %+v, %v; want %s, unpublished", again, err, first.ID)
	}
	return first
}

// A single listing goes up once, takes another quantity and price, and ends once.
func single(t *testing.T, s stall) {
	sku := s.word + "-1"
	o := s.put(t, sku, "M", 5)
	listing, err := s.seller.Publish(t.Context(), o.ID)
	if err != nil || listing == "" {
		t.Fatalf("published as %q, %v", listing, err)
	}
	t.Cleanup(func() { _ = s.seller.Withdraw(t.Context(), o.ID) })
	if again, err := s.seller.Publish(t.Context(), o.ID); err != nil || again != listing {
		t.Errorf("published again as %q, %v; want %s", again, err, listing)
	}
	three := int64(3)
	for _, r := range s.seller.SetStock(t.Context(), []client.Change{{SKU: sku, OfferID: o.ID, Quantity: &three, Price: &client.Money{Value: "24.50", Currency: "USD"}}}) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	now, err := s.seller.Offer(t.Context(), o.ID)
	if err != nil || !now.Published() || now.Quantity != 3 || now.Pricing.Price.Value != "24.5" && now.Pricing.Price.Value != "24.50" || now.Listing.ID != listing {
		t.Errorf("the offer is %+v, %v; want 3 pieces at 24.50 in listing %s", now, err, listing)
	}
	for range 2 {
		if err := s.seller.Withdraw(t.Context(), o.ID); err != nil {
			t.Error(err)
		}
	}
	if now, err := s.seller.OfferOf(t.Context(), sku); err != nil || now.ID != o.ID || now.Published() {
		t.Errorf("after its end the offer is %+v, %v", now, err)
	}
}

// The variations of a product are one listing.
func group(t *testing.T, s stall) {
	skus := []string{s.word + "-S", s.word + "-L"}
	var offers []client.OfferState
	for i, size := range []string{"S", "L"} {
		offers = append(offers, s.put(t, skus[i], size, int64(2+i)))
	}
	key := s.word + "-group"
	err := s.seller.PutGroup(t.Context(), key, client.Group{
		Title: "Conformance shirt", Description: "A shirt that nobody should buy.", Images: []string{"https://example.com/shirt.jpg"}, SKUs: skus,
		Aspects:  map[string][]string{"Brand": {"Rackless"}, "Color": {"Blue"}},
		VariesBy: client.VariesBy{Specifications: []client.Specification{{Name: "Size", Values: []string{"S", "L"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	listing, err := s.seller.PublishGroup(t.Context(), key, offers[0].ID)
	if err != nil || listing == "" {
		t.Fatalf("published as %q, %v", listing, err)
	}
	t.Cleanup(func() { _ = s.seller.WithdrawGroup(t.Context(), key, offers[0].ID) })
	for _, o := range offers {
		if now, err := s.seller.Offer(t.Context(), o.ID); err != nil || now.Listing.ID != listing {
			t.Errorf("offer %s is in listing %q, %v; want %s", o.SKU, now.Listing.ID, err, listing)
		}
	}
	for range 2 {
		if err := s.seller.WithdrawGroup(t.Context(), key, offers[0].ID); err != nil {
			t.Error(err)
		}
	}
}

// In a call with good and bad entries, each has its own result.
func mixed(t *testing.T, s stall) {
	sku := s.word + "-X"
	o := s.put(t, sku, "M", 1)
	if _, err := s.seller.Publish(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.seller.Withdraw(t.Context(), o.ID) })
	two := int64(2)
	results := s.seller.SetStock(t.Context(), []client.Change{
		{SKU: sku, OfferID: o.ID, Quantity: &two}, {SKU: s.word + "-NONE", OfferID: "1", Quantity: &two},
	})
	if len(results) != 2 || results[0].Err != nil || results[1].Err == nil {
		t.Fatalf("results %+v; want one success and one failure", results)
	}
	if failed, ok := errors.AsType[*client.Error](results[1].Err); !ok || failed.Class == client.Account || failed.Class == client.Retry {
		t.Errorf("an offer that does not exist fails as %v; want it to be for a person", results[1].Err)
	}
	if _, err := s.seller.Publish(t.Context(), "1"); err == nil {
		t.Error("an offer that does not exist is published")
	}
}

// What is there can be read: items page by page, orders since a time, quotas.
func reads(t *testing.T, s stall) {
	sku := s.word + "-R"
	s.put(t, sku, "M", 1)
	found := false
	for page, more := 0, true; more && !found && page < 100; page++ {
		var items []client.ItemState
		var err error
		if items, more, err = s.seller.Items(t.Context(), page); err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			found = found || i.SKU == sku
		}
	}
	if !found {
		t.Errorf("item %s is on no page", sku)
	}
	for _, err := range s.seller.Orders(t.Context(), s.clock.Now().Add(-24*time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.seller.Quotas(t.Context(), "inventory"); err != nil {
		t.Error(err)
	}
}
