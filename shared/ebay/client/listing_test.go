package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/ebay/client"
)

// shelf is an eBay with one offer. lose makes it answer writes with 502 after
// they have taken effect.
type shelf struct {
	offer, published, lose bool
	creates, publishes     int // with effect
	asked                  int // to publish
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	answer := func(status int, text string) {
		if s.lose && r.Method == http.MethodPost && status < 300 {
			status, text = http.StatusBadGateway, ""
		}
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/sell/inventory/v1"); {
	case r.Method == http.MethodPost && path == "/offer":
		if s.offer {
			answer(400, `{"errors":[{"errorId":25002,"message":"offer entity already exists","parameters":[{"name":"offerId","value":"77"}]}]}`)
			return
		}
		s.offer = true
		s.creates++
		answer(201, `{"offerId":"77"}`)
	case r.Method == http.MethodGet && path == "/offer":
		if !s.offer {
			answer(404, `{"errors":[{"errorId":25713,"message":"none"}]}`)
			return
		}
		answer(200, `{"offers":[{"offerId":"77"}]}`)
	case r.Method == http.MethodPut && path == "/offer/77":
		if strings.Contains(string(body), `"sku"`) || strings.Contains(string(body), `"format"`) {
			answer(400, `{"errors":[{"errorId":25735,"message":"cannot change"}]}`)
			return
		}
		answer(204, "")
	case r.Method == http.MethodPost && (path == "/offer/77/publish" || path == "/offer/publish_by_inventory_item_group"):
		s.asked++
		if s.published {
			answer(400, `{"errors":[{"errorId":25002,"message":"already published"}]}`)
			return
		}
		s.published = true
		s.publishes++
		answer(200, `{"listingId":"1100"}`)
	case r.Method == http.MethodPost && path == "/offer/77/withdraw":
		if !s.published {
			answer(400, `{"errors":[{"errorId":25713,"message":"not available"}]}`)
			return
		}
		s.published = false
		answer(200, `{"listingId":"1100"}`)
	case r.Method == http.MethodGet && path == "/offer/77":
		if s.published {
			answer(200, `{"offerId":"77","status":"PUBLISHED","listing":{"listingId":"1100","listingStatus":"ACTIVE"}}`)
			return
		}
		answer(200, `{"offerId":"77","status":"UNPUBLISHED"}`)
	default:
		answer(404, "")
	}
}

// Offers are made, published and withdrawn once, whatever is repeated and
// whichever reply is lost.
func TestListingIsMadeOnce(t *testing.T) {
	t.Parallel()
	for _, lose := range []bool{false, true} {
		s := &shelf{lose: lose}
		seller := serve(t, s.ServeHTTP)
		for range 2 {
			made, err := seller.EnsureOffer(t.Context(), client.Offer{SKU: "A/1", Marketplace: "EBAY_US", Format: "FIXED_PRICE"})
			id := made.ID
			if err != nil || id != "77" {
				t.Fatalf("lose %v: offer %q, %v", lose, id, err)
			}
		}
		for range 2 {
			if listing, err := seller.Publish(t.Context(), "77"); err != nil || listing != "1100" {
				t.Fatalf("lose %v: published as %q, %v", lose, listing, err)
			}
		}
		if listing, err := seller.PublishGroup(t.Context(), "G", "77"); err != nil || listing != "1100" {
			t.Fatalf("lose %v: group published as %q, %v", lose, listing, err)
		}
		for range 2 {
			if err := seller.Withdraw(t.Context(), "77"); err != nil {
				t.Fatalf("lose %v: withdraw: %v", lose, err)
			}
		}
		if s.creates != 1 || s.publishes != 1 || s.asked != 1 || s.published {
			t.Errorf("lose %v: %d creations, %d publications of %d asked for, up %v", lose, s.creates, s.publishes, s.asked, s.published)
		}
	}
}

func TestPublishReturnsARefusal(t *testing.T) {
	t.Parallel()
	seller := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			io.WriteString(w, `{"offerId":"77","status":"UNPUBLISHED"}`)
			return
		}
		w.WriteHeader(400)
		io.WriteString(w, `{"errors":[{"errorId":25005,"message":"not a leaf"}]}`)
	})
	_, err := seller.Publish(t.Context(), "77")
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Class != client.Fix || !strings.Contains(e.Hint(), "category wrong or not leaf") {
		t.Errorf("%v", err)
	}
}

func TestPutItemsTellsWhichFailed(t *testing.T) {
	t.Parallel()
	calls := 0
	seller := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		var in struct{ Requests []client.Item }
		json.NewDecoder(r.Body).Decode(&in)
		var rows []string
		for _, item := range in.Requests {
			status, more := 201, ""
			if item.SKU == "SKU-30" {
				status, more = 400, `,"errors":[{"errorId":25014,"message":"picture"}]`
			}
			rows = append(rows, fmt.Sprintf(`{"sku":%q,"statusCode":%d%s}`, item.SKU, status, more))
		}
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprintf(w, `{"responses":[%s]}`, strings.Join(rows, ","))
	})
	items := make([]client.Item, 60)
	for i := range items {
		items[i] = client.Item{SKU: fmt.Sprintf("SKU-%d", i), Locale: "en_US", Availability: client.Pieces(3), Condition: "NEW"}
	}
	failed := seller.PutItems(t.Context(), items)
	if e, ok := errors.AsType[*client.Error](failed["SKU-30"]); len(failed) != 1 || calls != 3 || !ok || e.Class != client.Fix {
		t.Errorf("%d calls, failed %v", calls, failed)
	}
}
