package ebay

import (
	"net/http"
	"slices"
	"sort"
	"strings"
)

// offer is for how much, where and how a SKU is sold.
type offer struct {
	id, sku, marketplace string
	data                 map[string]any
	available            int64 // what is left to sell
	group                string
	listing              *listing // nil: not published
	sold                 int64
}

// listing is what buyers see.
type listing struct {
	id        string
	status    string // ACTIVE, ENDED, EBAY_ENDED
	revisions int    // today
}

// revise counts a revision of a listing; over the limit of the day it is refused.
func (s *Simulator) revise(l *listing) *problem {
	if l.revisions >= s.o.Revisions {
		s.refused++
		return bad(25002, "The item has been revised as often as it can be today.")
	}
	l.revisions++
	return nil
}

// offerOf returns the fixed-price offer of a SKU.
func (s *Simulator) offerOf(sku string) *offer {
	for _, o := range s.offers {
		if o.sku == sku {
			return o
		}
	}
	return nil
}

func (s *Simulator) offerRoutes() {
	s.handle("inventory", "createOffer", "POST "+inventory+"/offer", true, s.createOffer)
	s.handle("inventory", "updateOffer", "PUT "+inventory+"/offer/{id}", true, s.updateOffer)
	s.handle("inventory", "getOffer", "GET "+inventory+"/offer/{id}", false, func(c call) (answer, *problem) {
		o := s.offers[c.r.PathValue("id")]
		if o == nil {
			return answer{}, &problem{status: http.StatusNotFound, id: 25713, message: "This Offer is not available."}
		}
		return ok(o.view()), nil
	})
	s.handle("inventory", "getOffers", "GET "+inventory+"/offer", false, func(c call) (answer, *problem) {
		q := c.r.URL.Query()
		o := s.offerOf(q.Get("sku"))
		if o == nil || q.Get("marketplace_id") != "" && q.Get("marketplace_id") != o.marketplace {
			return answer{}, &problem{status: http.StatusNotFound, id: 25713, message: "This Offer is not available."}
		}
		return ok(map[string]any{"total": 1, "size": 1, "limit": 100, "offers": []any{o.view()}}), nil
	})
	s.handle("inventory", "deleteOffer", "DELETE "+inventory+"/offer/{id}", false, func(c call) (answer, *problem) {
		o := s.offers[c.r.PathValue("id")]
		if o == nil {
			return answer{}, &problem{status: http.StatusNotFound, id: 25713, message: "This Offer is not available."}
		}
		s.end(o, "ENDED")
		delete(s.offers, o.id)
		return answer{status: http.StatusNoContent}, nil
	})
	s.handle("inventory", "publish", "POST "+inventory+"/offer/{id}/publish", false, func(c call) (answer, *problem) {
		o := s.offers[c.r.PathValue("id")]
		if o == nil {
			return answer{}, bad(25713, "This Offer is not available.")
		}
		for _, g := range s.groups {
			if slices.Contains(g.skus, o.sku) {
				return answer{}, bad(25732, "the SKU belongs to a group")
			}
		}
		if o.listing == nil {
			if p := s.ready(o, nil); p != nil {
				return answer{}, p
			}
			o.listing = s.newListing()
		}
		return ok(map[string]any{"listingId": o.listing.id}), nil
	})
	s.handle("inventory", "publishGroup", "POST "+inventory+"/offer/publish_by_inventory_item_group", true, s.publishGroup)
	s.handle("inventory", "withdraw", "POST "+inventory+"/offer/{id}/withdraw", false, func(c call) (answer, *problem) {
		o := s.offers[c.r.PathValue("id")]
		if o == nil || o.listing == nil || o.group != "" {
			return answer{}, bad(25713, "This Offer is not available.")
		}
		id := o.listing.id
		s.end(o, "ENDED")
		return ok(map[string]any{"listingId": id}), nil
	})
	s.handle("inventory", "withdrawGroup", "POST "+inventory+"/offer/withdraw_by_inventory_item_group", true, func(c call) (answer, *problem) {
		key := str(c.body["inventoryItemGroupKey"])
		live := false
		for _, o := range s.offers {
			if o.group == key && o.listing != nil {
				live = true
				s.end(o, "ENDED")
			}
		}
		if !live {
			return answer{}, bad(25725, "the group has no live offer")
		}
		return answer{status: http.StatusNoContent}, nil
	})
}

func (s *Simulator) newListing() *listing {
	l := &listing{id: s.next(), status: "ACTIVE"}
	s.listings[l.id] = l
	return l
}

// end takes an offer down.
func (s *Simulator) end(o *offer, status string) {
	if o.listing == nil {
		return
	}
	last := o.listing
	o.listing, o.group = nil, ""
	for _, other := range s.offers {
		if other.listing == last {
			return
		}
	}
	last.status = status
}

// view is an offer as the vendor shows it.
func (o *offer) view() map[string]any {
	out := map[string]any{"offerId": o.id, "sku": o.sku, "marketplaceId": o.marketplace, "format": "FIXED_PRICE", "status": "UNPUBLISHED"}
	for name, value := range o.data {
		out[name] = value
	}
	out["availableQuantity"] = o.available
	if o.listing != nil {
		status := o.listing.status
		if o.available == 0 && o.group == "" {
			status = "OUT_OF_STOCK"
		}
		out["status"] = "PUBLISHED"
		out["listing"] = map[string]any{"listingId": o.listing.id, "listingStatus": status, "soldQuantity": o.sold}
	}
	return out
}

func (s *Simulator) createOffer(c call) (answer, *problem) {
	fields := offerFields.plus(shape{"sku!": text(50), "marketplaceId!": one(marketplaces...), "format!": one("FIXED_PRICE")})
	if p := refused(fields.check(c.body)); p != nil {
		return answer{}, p
	}
	sku := str(c.body["sku"])
	if s.items[sku] == nil {
		return answer{}, bad(25702, "SKU %s does not exist", sku)
	}
	if o := s.offerOf(sku); o != nil {
		return answer{}, bad(25002, "Offer entity already exists.").with("offerId", o.id)
	}
	o := &offer{id: s.next(), sku: sku, marketplace: str(c.body["marketplaceId"])}
	for _, name := range []string{"sku", "marketplaceId", "format"} {
		delete(c.body, name)
	}
	s.set(o, c.body)
	s.offers[o.id] = o
	return answer{status: http.StatusCreated, body: map[string]any{"offerId": o.id}}, nil
}

func (s *Simulator) set(o *offer, data map[string]any) {
	o.data = data
	if q := data["availableQuantity"]; q != nil {
		o.available = num(q)
	} else if i := s.items[o.sku]; i != nil {
		o.available = i.quantity()
	}
}

func (s *Simulator) updateOffer(c call) (answer, *problem) {
	o := s.offers[c.r.PathValue("id")]
	if o == nil {
		return answer{}, &problem{status: http.StatusNotFound, id: 25713, message: "This Offer is not available."}
	}
	for _, name := range []string{"sku", "marketplaceId", "format"} {
		if c.body[name] != nil {
			return answer{}, bad(25735, "%s cannot be changed", name)
		}
	}
	if p := refused(offerFields.check(c.body)); p != nil {
		return answer{}, p
	}
	if o.listing != nil {
		if p := s.revise(o.listing); p != nil {
			return answer{}, p
		}
	}
	s.set(o, c.body)
	return ok(map[string]any{"offerId": o.id}), nil
}

// ready is the vendor's list of what a publication needs.
func (s *Simulator) ready(o *offer, g *group) *problem {
	i := s.items[o.sku]
	title, description := at(i.data, "product", "title"), o.data["listingDescription"]
	if description == nil {
		description = at(i.data, "product", "description")
	}
	if g != nil {
		title, description = g.data["title"], g.data["description"]
	}
	images, _ := at(i.data, "product", "imageUrls").([]any)
	price, _ := at(o.data, "pricingSummary", "price").(map[string]any)
	switch {
	case s.places[str(o.data["merchantLocationKey"])] == nil:
		return bad(25012, "the location does not exist")
	case str(title) == "" || str(description) == "":
		return bad(25016, "title or description is missing")
	case len(images) == 0:
		return bad(25014, "an image is missing")
	case i.data["condition"] == nil:
		return bad(25021, "the condition is missing")
	case i.data["availability"] == nil:
		return bad(25004, "the quantity is missing")
	case price == nil || strings.Trim(str(price["value"]), "0.") == "":
		return bad(25003, "the price is missing")
	case str(o.data["categoryId"]) == "" || strings.HasSuffix(str(o.data["categoryId"]), "000"):
		return bad(25005, "the category is not a leaf")
	case str(o.data["listingDuration"]) == "":
		return bad(25017, "the duration is missing")
	}
	for kind, field := range map[string]string{"fulfillment": "fulfillmentPolicyId", "payment": "paymentPolicyId", "return": "returnPolicyId"} {
		if id := str(at(o.data, "listingPolicies", field)); id != policyID(kind) {
			return bad(25035, "the policy %q is not known", id)
		}
	}
	if g == nil && o.available == 0 {
		return bad(25004, "there is nothing to sell")
	}
	return nil
}

// publishGroup puts the offers of a group up as one listing, or adds to it those
// that are new. SKUs without an offer are left out.
func (s *Simulator) publishGroup(c call) (answer, *problem) {
	g := s.groups[str(c.body["inventoryItemGroupKey"])]
	if g == nil {
		return answer{}, bad(25705, "the group does not exist")
	}
	var offers []*offer
	var live *listing
	total := int64(0)
	for _, sku := range g.skus {
		o := s.offerOf(sku)
		if o == nil || o.marketplace != str(c.body["marketplaceId"]) {
			continue
		}
		if p := s.ready(o, g); p != nil {
			return answer{}, p
		}
		offers = append(offers, o)
		total += o.available
		if o.listing != nil {
			live = o.listing
		}
	}
	if len(offers) == 0 || total == 0 {
		return answer{}, bad(25004, "there is nothing to sell")
	}
	if live == nil {
		live = s.newListing()
	} else if p := s.revise(live); p != nil {
		return answer{}, p
	}
	for _, o := range offers {
		o.listing, o.group = live, g.key
	}
	return ok(map[string]any{"listingId": live.id}), nil
}

// Offered is a SKU that is up, as buyers see it.
type Offered struct {
	SKU       string `json:"sku"`
	OfferID   string `json:"offerId"`
	ListingID string `json:"listingId"`
	Quantity  int64  `json:"quantity"`
	Price     string `json:"price"`
	Sold      int64  `json:"sold"`
}

// Offered returns what is up, in order of SKUs.
func (s *Simulator) Offered() []Offered {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Offered{}
	for _, o := range s.offers {
		if o.listing != nil {
			out = append(out, Offered{o.sku, o.id, o.listing.id, o.available, str(at(o.data, "pricingSummary", "price", "value")), o.sold})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].SKU < out[j].SKU })
	return out
}

// EndListing ends a listing at the site, without the API.
func (s *Simulator) EndListing(sku string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.offerOf(sku); o != nil {
		s.end(o, "EBAY_ENDED")
	}
}
