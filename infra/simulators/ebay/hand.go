package ebay

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// Offered is a SKU that is up, as buyers see it.
type Offered struct {
	SKU       string `json:"sku"`
	OfferID   string `json:"offerId"`
	ListingID string `json:"listingId"`
	Quantity  int64  `json:"quantity"`
	Price     string `json:"price"`
	Sold      int64  `json:"sold"`
}

// Offered returns what is up, in order of SKUs; listings of the older API have no
// offer.
func (s *Simulator) Offered() []Offered {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	out := []Offered{}
	for _, o := range s.offers {
		if o.live() {
			out = append(out, Offered{o.sku, o.id, o.listing.id, s.left(o), str(at(o.data, "pricingSummary", "price", "value")), o.sold})
		}
	}
	for _, l := range s.foreigners() {
		if l.ended == "" {
			out = append(out, Offered{l.foreign.SKU, "", l.id, l.foreign.Quantity, l.foreign.Price, 0})
		}
	}
	slices.SortFunc(out, func(a, b Offered) int {
		return cmp.Or(strings.Compare(a.SKU, b.SKU), strings.Compare(a.ListingID, b.ListingID))
	})
	return out
}

// Foreign is a listing that the seller has made without the shop: with the older
// API, or with another program that uses the same APIs.
type Foreign struct {
	SKU      string `json:"sku"` // "" is none, as old listings have
	Title    string `json:"title"`
	Quantity int64  `json:"quantity"`
	Price    string `json:"price"`
	Site     string `json:"marketplaceId"` // "" is EBAY_US
	// Known makes an item and an offer of it, as another program does; otherwise
	// the APIs do not know the listing until it is migrated.
	Known bool `json:"known"`
}

func (f Foreign) site() string { return cmp.Or(f.Site, "EBAY_US") }

// foreigners are the listings of the older API, in order of ids.
func (s *Simulator) foreigners() (all []*listing) {
	for _, l := range s.listings {
		if l.foreign != nil {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b *listing) int { return strings.Compare(a.id, b.id) })
	return all
}

// List puts up a listing that the shop did not make, and returns its id.
func (s *Simulator) List(f Foreign) (listingID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f.Quantity < 1 || parseCents(f.Price) == 0 || f.Title == "" || !slices.Contains(marketplaces, f.site()):
		return "", fmt.Errorf("a listing needs title, quantity, price and a marketplace")
	case f.Known && (s.badSKU(f.SKU) != nil || s.items[f.SKU] != nil):
		return "", fmt.Errorf("SKU %q is none, or is there", f.SKU)
	}
	l := &listing{id: s.next(), foreign: &f}
	s.listings[l.id] = l
	if f.Known {
		s.adopt(l, f)
	}
	return l.id, nil
}

// adopt makes an item and an offer of a listing.
func (s *Simulator) adopt(l *listing, f Foreign) *offer {
	l.foreign = nil
	quantity := float64(f.Quantity)
	s.items[f.SKU] = &item{sku: f.SKU, locale: "en_US", data: map[string]any{
		"condition": "NEW", "availability": map[string]any{"shipToLocationAvailability": map[string]any{"quantity": quantity}},
		"product": map[string]any{"title": f.Title, "description": f.Title, "imageUrls": []any{"https://i.ebayimg.example/" + l.id + ".jpg"}},
	}}
	const key = "migrated"
	if s.places[key] == nil {
		s.places[key] = &place{key, map[string]any{"location": map[string]any{"address": map[string]any{"country": "US", "postalCode": "92024"}}, "merchantLocationStatus": "ENABLED"}}
	}
	o := &offer{id: s.next(), sku: f.SKU, marketplace: f.site(), format: "FIXED_PRICE", listing: l, data: map[string]any{
		"availableQuantity": quantity, "categoryId": "15687", "merchantLocationKey": key, "listingDuration": "GTC",
		"pricingSummary":  map[string]any{"price": map[string]any{"value": f.Price, "currency": currencyOf(f.site())}},
		"listingPolicies": map[string]any{"fulfillmentPolicyId": "1000fulfillment", "paymentPolicyId": "1000payment", "returnPolicyId": "1000return"},
	}}
	s.offers[o.id] = o
	s.bySKU[f.SKU] = append(s.bySKU[f.SKU], o)
	return o
}

// EndListing has eBay end the listings of a SKU; EndOwnListing has the seller do
// it at the site, without the APIs. Offers stay, with the status of the listing.
func (s *Simulator) EndListing(sku string) { s.end(sku, ebayEnded) }

// EndOwnListing has the seller end the listings of a SKU at the site.
func (s *Simulator) EndOwnListing(sku string) { s.end(sku, ended) }

func (s *Simulator) end(sku, how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.bySKU[sku] {
		if o.live() {
			o.listing.close(how)
		}
	}
	for _, l := range s.foreigners() {
		if l.foreign.SKU == sku {
			l.close(how)
		}
	}
}

// Usage is what the application has called.
type Usage struct {
	Calls   int64            `json:"calls"`   // of the APIs, in all
	By      map[string]int64 `json:"by"`      // by operation
	Today   map[string]int64 `json:"today"`   // by API
	Limit   int64            `json:"limit"`   // of all APIs, a day
	Refused int64            `json:"refused"` // for a quota or the limit of revisions
}

// Usage returns what the application has called.
func (s *Simulator) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := Usage{By: maps.Clone(s.calls), Today: maps.Clone(s.used), Refused: s.refused}
	for _, n := range s.calls {
		u.Calls += n
	}
	for _, a := range apis {
		u.Limit += s.quota(a)
	}
	return u
}

// Sold returns how many pieces of each SKU are in orders that were not called off.
func (s *Simulator) Sold() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int64{}
	for _, o := range s.orders {
		if o.cancelled.IsZero() {
			for _, l := range o.lines {
				out[l.sku] += l.qty
			}
		}
	}
	return out
}

// Orders returns the ids of all orders that were paid, and how many shipments each
// has.
func (s *Simulator) Orders() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for _, o := range s.orders {
		if !o.paid.IsZero() {
			out[o.id] = len(o.shipments)
		}
	}
	return out
}

// admin adds what tests and operators handle below /_sim/.
func (s *Simulator) admin() {
	gone := func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }
	s.all.HandleFunc("GET /_sim/listings", func(w http.ResponseWriter, _ *http.Request) { sim.JSON(w, map[string]any{"listings": s.Offered()}) })
	s.all.HandleFunc("POST /_sim/listings", func(w http.ResponseWriter, r *http.Request) {
		var in Foreign
		if !sim.Decode(w, r, &in) {
			return
		}
		id, err := s.List(in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		sim.JSON(w, map[string]any{"listingId": id})
	})
	s.all.HandleFunc("DELETE /_sim/listings/{sku}", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("by") {
		case "", "ebay":
			s.EndListing(r.PathValue("sku"))
		case "seller":
			s.EndOwnListing(r.PathValue("sku"))
		default:
			http.Error(w, "a listing is ended by ebay or by the seller", http.StatusBadRequest)
			return
		}
		gone(w)
	})
	s.all.HandleFunc("GET /_sim/usage", func(w http.ResponseWriter, _ *http.Request) { sim.JSON(w, s.Usage()) })
	s.all.HandleFunc("GET /_sim/orders", func(w http.ResponseWriter, _ *http.Request) { sim.JSON(w, map[string]any{"orders": s.Orders()}) })
	s.all.HandleFunc("POST /_sim/consent", func(w http.ResponseWriter, r *http.Request) {
		sim.JSON(w, map[string]any{"code": s.Grant(strings.Fields(r.URL.Query().Get("scope"))...)})
	})
	s.all.HandleFunc("DELETE /_sim/consent", func(w http.ResponseWriter, _ *http.Request) {
		s.Revoke()
		gone(w)
	})
	s.all.HandleFunc("POST /_sim/orders", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Buyer  string   `json:"buyer"`
			Unpaid bool     `json:"unpaid"`
			Lines  []Wanted `json:"lines"`
		}
		if !sim.Decode(w, r, &in) {
			return
		}
		id, err := s.Buy(in.Buyer, !in.Unpaid, in.Lines...)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		sim.JSON(w, map[string]any{"orderId": id})
	})
	for action, fn := range map[string]func(string){"pay": s.Pay, "fail": s.FailPayment, "cancel": s.Cancel} {
		s.all.HandleFunc(fmt.Sprintf("POST /_sim/orders/{id}/%s", action), func(w http.ResponseWriter, r *http.Request) {
			fn(r.PathValue("id"))
			gone(w)
		})
	}
	s.all.HandleFunc("POST /_sim/notices", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Topic string         `json:"topic"`
			Data  map[string]any `json:"data"`
		}
		if !sim.Decode(w, r, &in) {
			return
		}
		ids, err := s.Publish(in.Topic, in.Data)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		sim.JSON(w, map[string]any{"notificationIds": ids})
	})
}
