package ebay

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// offer is for how much, where and how a SKU is sold.
type offer struct {
	id, sku, marketplace, format string
	data                         map[string]any
	group                        string   // key of the group as which it is up
	listing                      *listing // nil: not published; a listing that ended by itself stays
	sold                         int64
	places                       []any // the fulfillment centers that send it
}

func (o *offer) live() bool { return o.listing != nil && o.listing.ended == "" }

// The ways in which a listing has ended: by the seller or its time, and by eBay.
const (
	ended     = "ENDED"
	ebayEnded = "EBAY_ENDED"
)

// listing is what buyers see.
type listing struct {
	id           string
	ended        string // "", ended or ebayEnded
	revisions    int    // today
	starts, ends time.Time
	foreign      *Foreign // made with the older API: there is no offer
}

func (l *listing) close(how string) {
	if l.ended == "" {
		l.ended = how
	}
}

// left is what of an offer can still be bought: its own figure wins over the
// item's.
func (s *Simulator) left(o *offer) int64 {
	if o.format == "AUCTION" {
		return 1
	}
	if q := o.data["availableQuantity"]; q != nil {
		return num(q)
	}
	if i := s.items[o.sku]; i != nil {
		return i.quantity()
	}
	return 0
}

// members are the offers of a listing, in order of SKUs.
func (s *Simulator) members(l *listing) []*offer {
	var out []*offer
	for _, o := range s.offers {
		if o.listing == l {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *offer) int { return cmp.Or(strings.Compare(a.sku, b.sku), strings.Compare(a.id, b.id)) })
	return out
}

func (s *Simulator) empty(l *listing) bool {
	return !slices.ContainsFunc(s.members(l), func(o *offer) bool { return s.left(o) > 0 })
}

// emptied ends a listing that has nothing left, if the seller is without
// out-of-stock control.
func (s *Simulator) emptied(l *listing) {
	if l != nil && s.o.EndsEmpty && l.ended == "" && s.empty(l) {
		l.close(ended)
	}
}

func (s *Simulator) status(l *listing) string {
	switch {
	case l.ended != "":
		return l.ended
	case s.Clock.Now().Before(l.starts):
		return "INACTIVE"
	case s.empty(l):
		return "OUT_OF_STOCK"
	}
	return "ACTIVE"
}

// mayRevise tells whether a listing can be revised once more today.
func (s *Simulator) mayRevise(l *listing) *problem {
	if l.revisions < s.o.Revisions {
		return nil
	}
	s.refused++
	return bad(25019, "Cannot revise listing: it has been revised as often as it can be in a day.").with("listingId", l.id)
}

// revise does a change that touches offers. What is up of them is a revision of
// its listing, which must pass the list of a publication afterwards, but for those
// that leave; otherwise nothing is changed.
func (s *Simulator) revise(offers []*offer, do, undo func(), leave ...*offer) *problem {
	var touched []*listing
	for _, o := range offers {
		if o.live() && !slices.Contains(touched, o.listing) {
			if p := s.mayRevise(o.listing); p != nil {
				return p
			}
			touched = append(touched, o.listing)
		}
	}
	do()
	stay := map[string][]*offer{}
	for _, o := range offers {
		if !o.live() || slices.Contains(leave, o) {
			continue
		}
		g := s.groups[o.group]
		if p, _ := s.ready(o, g); p != nil {
			undo()
			return p
		}
		if g != nil {
			stay[g.key] = append(stay[g.key], o)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(stay)) {
		if p := s.consistent(s.groups[key], stay[key]); p != nil {
			undo()
			return p
		}
	}
	for _, l := range touched {
		l.revisions++
		s.emptied(l)
	}
	return nil
}

var (
	prices = as(25003, object(shape{
		"price": amount, "auctionStartPrice": amount, "auctionReservePrice": amount, "originalRetailPrice": amount, "minimumAdvertisedPrice": amount,
		"originallySoldForRetailPriceOn": one("ON_EBAY", "OFF_EBAY", "ON_AND_OFF_EBAY"), "pricingVisibility": one("NONE", "PRE_CHECKOUT", "DURING_CHECKOUT"),
	}))
	offerShape = shape{
		"availableQuantity": quantity, "categoryId": text(20), "secondaryCategoryId": text(20), "merchantLocationKey": text(36), "pricingSummary": prices,
		"listingDescription": text(500_000), "listingDuration": one("GTC", "DAYS_1", "DAYS_3", "DAYS_5", "DAYS_7", "DAYS_10", "DAYS_21", "DAYS_30"),
		"listingStartDate": as(25752, moment),
		"listingPolicies": object(shape{
			"fulfillmentPolicyId": text(50), "paymentPolicyId": text(50), "returnPolicyId": text(50), "eBayPlusIfEligible": boolean,
			"bestOfferTerms": object(shape{"bestOfferEnabled": boolean, "autoAcceptPrice": amount, "autoDeclinePrice": amount}),
			"shippingCostOverrides": as(25007, list(9, object(shape{
				"priority": whole, "shippingServiceType": one("DOMESTIC", "INTERNATIONAL"), "shippingCost": amount, "additionalShippingCost": amount, "surcharge": amount,
			}))),
			"productCompliancePolicyIds": as(25091, list(6, as(25767, pattern(`^\d+$`, "must be a number")))),
			"takeBackPolicyId":           as(25766, pattern(`^\d+$`, "must be a number")),
			// The facts name no more of these than that there are some by region.
			"regionalProductCompliancePolicies": anything, "regionalTakeBackPolicies": anything,
		}),
		"quantityLimitPerBuyer": whole, "lotSize": whole, "storeCategoryNames": list(2, pattern(`^(/[^/]+)+$`, "must be a path such as /A/B")),
		"tax":                          as(25011, object(shape{"applyTax": boolean, "thirdPartyTaxCategory": text(50), "vatPercentage": number})),
		"includeCatalogProductDetails": boolean, "hideBuyerDetails": boolean, "charity": anything, "extendedProducerResponsibility": anything,
		"regulatory": object(shape{
			"documents": list(1000, anything), "hazmat": anything, "manufacturer": anything, "responsiblePersons": as(25112, list(5, anything)), "productSafety": anything,
			"energyEfficiencyLabel": anything,
			"repairScore": as(25079, func(v any) *flaw {
				if n, ok := v.(float64); ok && n > 10 {
					return wrong(invalid, "must be 0.0 to 10.0")
				}
				return number(v)
			}),
		}),
	}
	newOfferShape = offerShape.with(shape{"sku!": full(50), "marketplaceId!": one(marketplaces...), "format!": one("FIXED_PRICE", "AUCTION")})
)

func (s *Simulator) offerOperations() []operation {
	return []operation{
		{api: inventoryAPI, name: "createOffer", method: "POST", path: "/offer", scopes: itemWrite, localized: true, body: newOfferShape, missing: 25735, do: func(c call) (answer, *problem) {
			id, warnings, p := s.createOffer(c.body)
			if p != nil {
				return answer{}, p
			}
			return warned(http.StatusCreated, map[string]any{"offerId": id}, warnings), nil
		}},
		{api: inventoryAPI, name: "updateOffer", method: "PUT", path: "/offer/{id}", scopes: itemWrite, localized: true, body: newOfferShape.optional(), do: s.updateOffer},
		{api: inventoryAPI, name: "getOffer", method: "GET", path: "/offer/{id}", scopes: itemReads, do: func(c call) (answer, *problem) {
			o := s.offers[c.path("id")]
			if o == nil {
				return answer{}, noOffer(http.StatusNotFound, c.path("id"))
			}
			return ok(s.offerView(o)), nil
		}},
		{api: inventoryAPI, name: "getOffers", method: "GET", path: "/offer", scopes: itemReads, do: s.listOffers},
		{api: inventoryAPI, name: "deleteOffer", method: "DELETE", path: "/offer/{id}", scopes: itemWrite, do: func(c call) (answer, *problem) {
			o := s.offers[c.path("id")]
			switch {
			case o == nil:
				return answer{}, noOffer(http.StatusNotFound, c.path("id"))
			case o.live() && o.group != "" && o.sold > 0:
				return answer{}, bad(25002, "A user error has occurred. The variation has sales and cannot be removed.").with("offerId", o.id)
			}
			if o.live() && o.group != "" {
				if g := s.groups[o.group]; g != nil {
					g.drop(o.sku)
					s.items[o.sku].group = ""
				}
			}
			s.remove(o)
			return done, nil
		}},
		{api: inventoryAPI, name: "publish", method: "POST", path: "/offer/{id}/publish", scopes: itemWrite, do: func(c call) (answer, *problem) {
			id, warnings, p := s.publishOffer(c.path("id"))
			if p != nil {
				return answer{}, p
			}
			return warned(http.StatusOK, map[string]any{"listingId": id}, warnings), nil
		}},
		{api: inventoryAPI, name: "withdraw", method: "POST", path: "/offer/{id}/withdraw", scopes: itemWrite, do: func(c call) (answer, *problem) {
			o := s.offers[c.path("id")]
			if o == nil || !o.live() || o.group != "" {
				return answer{}, noOffer(http.StatusBadRequest, c.path("id"))
			}
			id := o.listing.id
			s.withdraw(o)
			return ok(map[string]any{"listingId": id}), nil
		}},
		{api: inventoryAPI, name: "bulkCreateOffer", method: "POST", path: "/bulk_create_offer", scopes: itemWrite, localized: true, body: newOfferShape, missing: 25735, rows: 25, many: 25730, do: s.bulkCreateOffer},
		{api: inventoryAPI, name: "bulkPublish", method: "POST", path: "/bulk_publish_offer", scopes: itemWrite, body: shape{"offerId!": full(50)}, rows: 25, many: 25730, do: s.bulkPublish},
		{api: inventoryAPI, name: "getListingFees", method: "POST", path: "/offer/get_listing_fees", scopes: itemWrite, body: shape{"offers!": as(25754, some(250, object(shape{"offerId!": full(50)})))}, do: s.listingFees},
	}
}

// optional returns the shape with nothing required.
func (fields shape) optional() shape {
	out := shape{}
	for name, test := range fields {
		out[strings.TrimSuffix(name, "!")] = test
	}
	return out
}

func noOffer(status int, id string) *problem {
	return (&problem{status: status, id: 25713, message: "This Offer is not available."}).with("offerId", id)
}

func (s *Simulator) newListing(o *offer) *listing {
	l := &listing{id: s.next()}
	now := s.Clock.Now()
	if at, err := time.Parse(time.RFC3339Nano, str(o.data["listingStartDate"])); err == nil && at.After(now) {
		l.starts = at
	}
	var days int
	if _, err := fmt.Sscanf(str(o.data["listingDuration"]), "DAYS_%d", &days); err == nil {
		begin := now
		if !l.starts.IsZero() {
			begin = l.starts
		}
		l.ends = begin.AddDate(0, 0, days)
	}
	s.listings[l.id] = l
	return l
}

// withdraw takes an offer down; its listing ends with the last.
func (s *Simulator) withdraw(o *offer) {
	l := o.listing
	o.listing, o.group = nil, ""
	if l != nil && len(s.members(l)) == 0 {
		l.close(ended)
	}
}

// remove takes an offer down and forgets it.
func (s *Simulator) remove(o *offer) {
	s.withdraw(o)
	delete(s.offers, o.id)
	s.bySKU[o.sku] = slices.DeleteFunc(s.bySKU[o.sku], func(x *offer) bool { return x == o })
	if len(s.bySKU[o.sku]) == 0 {
		delete(s.bySKU, o.sku)
	}
}

// view is an offer as the vendor shows it.
func (s *Simulator) offerView(o *offer) map[string]any {
	out := maps.Clone(o.data)
	out["offerId"], out["sku"], out["marketplaceId"], out["format"], out["status"] = o.id, o.sku, o.marketplace, o.format, "UNPUBLISHED"
	out["availableQuantity"] = s.left(o)
	if out["includeCatalogProductDetails"] == nil {
		out["includeCatalogProductDetails"] = true
	}
	if o.listing != nil {
		out["status"] = "PUBLISHED"
		out["listing"] = map[string]any{"listingId": o.listing.id, "listingStatus": s.status(o.listing), "listingOnHold": false, "soldQuantity": o.sold}
	}
	return out
}

func (s *Simulator) listOffers(c call) (answer, *problem) {
	q := c.r.URL.Query()
	sku, site, format := q.Get("sku"), q.Get("marketplace_id"), q.Get("format")
	switch {
	case sku == "":
		return answer{}, bad(25709, "Invalid value for sku.").with("field", "sku")
	case site != "" && !slices.Contains(marketplaces, site):
		return answer{}, bad(25709, "Invalid value for marketplace_id.").with("field", "marketplace_id")
	case format != "" && format != "FIXED_PRICE" && format != "AUCTION":
		return answer{}, bad(25709, "Invalid value for format.").with("field", "format")
	}
	found := slices.DeleteFunc(slices.Clone(s.bySKU[sku]), func(o *offer) bool {
		return site != "" && o.marketplace != site || format != "" && o.format != format
	})
	out, from, to, p := page(c, 100, 200, len(found), false, 25706)
	if p != nil {
		return answer{}, p
	}
	if len(found) == 0 {
		return answer{}, noOffer(http.StatusNotFound, "").with("sku", sku)
	}
	all := []any{}
	for _, o := range found[from:to] {
		all = append(all, s.offerView(o))
	}
	out["offers"], out["size"] = all, len(all)
	return ok(out), nil
}

// sound tells what of an offer is wrong whether or not it is published.
func (s *Simulator) sound(format string, data map[string]any) *problem {
	pricing := func(name string) int64 { return parseCents(str(at(data, "pricingSummary", name, "value"))) }
	has := func(name string) bool { return at(data, "pricingSummary", name) != nil }
	duration := str(data["listingDuration"])
	if format == "AUCTION" {
		switch {
		case duration == "" || duration == "GTC":
			return bad(25755, "An auction needs a duration.")
		case !has("auctionStartPrice"):
			return bad(25757, "An auction needs a start price.")
		case has("originalRetailPrice"):
			return bad(25761, "An auction has no strike-through price.")
		case data["availableQuantity"] != nil && num(data["availableQuantity"]) != 1:
			return bad(25762, "An auction is of one piece.")
		case data["quantityLimitPerBuyer"] != nil:
			return bad(25763, "An auction has no limit per buyer.")
		case at(data, "listingPolicies", "eBayPlusIfEligible") == true:
			return bad(25764, "An auction has no eBay Plus.")
		}
	} else {
		switch {
		case has("auctionStartPrice") || has("auctionReservePrice"):
			return bad(25758, "A fixed price has no prices of auctions.")
		case duration != "" && duration != "GTC":
			return bad(25032, "Invalid value for listingDuration: a fixed price is good till cancelled.").with("field", "listingDuration")
		case has("price") && pricing("price") == 0:
			return bad(25003, "Invalid price.")
		}
	}
	if terms, ok := at(data, "listingPolicies", "bestOfferTerms").(map[string]any); ok {
		decline, accept, price := at(terms, "autoDeclinePrice", "value"), at(terms, "autoAcceptPrice", "value"), pricing("price")
		if !has("price") {
			price = math.MaxInt64
		}
		if accept != nil && parseCents(str(accept)) >= price || decline != nil && parseCents(str(decline)) >= price ||
			accept != nil && decline != nil && parseCents(str(decline)) >= parseCents(str(accept)) {
			return bad(25016, "Invalid value for bestOfferTerms: decline must be below accept, accept below the price.").with("field", "bestOfferTerms")
		}
	}
	return nil
}

// compact takes the body of an offer: a policy that is given twice counts once.
func compact(data map[string]any) (map[string]any, []*problem) {
	data = maps.Clone(data)
	for _, name := range []string{"sku", "marketplaceId", "format"} {
		delete(data, name)
	}
	ids := texts(at(data, "listingPolicies", "productCompliancePolicyIds"))
	if _, twice := repeated(ids); !twice {
		return data, nil
	}
	var once []any
	for _, id := range ids {
		if !slices.Contains(once, any(id)) {
			once = append(once, id)
		}
	}
	policies := maps.Clone(data["listingPolicies"].(map[string]any))
	policies["productCompliancePolicyIds"] = once
	data["listingPolicies"] = policies
	return data, []*problem{bad(25033, "Duplicate policy ids were ignored.")}
}

func (s *Simulator) createOffer(body map[string]any) (id string, warnings []*problem, p *problem) {
	sku, site, format := str(body["sku"]), str(body["marketplaceId"]), str(body["format"])
	i := s.items[sku]
	if i == nil {
		return "", nil, noSKU(sku)
	}
	for _, o := range s.bySKU[sku] {
		if o.marketplace == site && o.format == format {
			return "", nil, bad(25002, "A user error has occurred. Offer entity already exists.").with("offerId", o.id)
		}
	}
	if format == "AUCTION" && i.group != "" {
		return "", nil, bad(25756, "SKU %s is a member of a group and cannot be auctioned.", sku)
	}
	data, warnings := compact(body)
	if p := s.sound(format, data); p != nil {
		return "", nil, p
	}
	o := &offer{id: s.next(), sku: sku, marketplace: site, format: format, data: data}
	s.offers[o.id] = o
	s.bySKU[sku] = append(s.bySKU[sku], o)
	return o.id, warnings, nil
}

// updateOffer replaces an offer; what it says of SKU, marketplace and format
// cannot change.
func (s *Simulator) updateOffer(c call) (answer, *problem) {
	o := s.offers[c.path("id")]
	if o == nil {
		return answer{}, noOffer(http.StatusNotFound, c.path("id"))
	}
	for _, name := range []string{"sku", "marketplaceId", "format"} {
		if c.body[name] != nil {
			return answer{}, bad(25735, "%s cannot be changed.", name).with("field", name)
		}
	}
	data, warnings := compact(c.body)
	if p := s.sound(o.format, data); p != nil {
		return answer{}, p
	}
	if o.live() && data["listingStartDate"] != nil {
		warnings = append(warnings, bad(25753, "listingStartDate is ignored: the listing is live."))
	}
	old := o.data
	if p := s.revise([]*offer{o}, func() { o.data = data }, func() { o.data = old }); p != nil {
		return answer{}, p
	}
	return warned(http.StatusOK, map[string]any{"offerId": o.id}, warnings), nil
}

// publishOffer puts an offer of a single SKU up. One whose listing has ended gets a
// new one.
func (s *Simulator) publishOffer(id string) (listingID string, warnings []*problem, p *problem) {
	o := s.offers[id]
	if o == nil {
		return "", nil, noOffer(http.StatusBadRequest, id)
	}
	if s.items[o.sku].group != "" || o.live() && o.group != "" {
		return "", nil, bad(25732, "The offer belongs to a group and must be published with it.").with("offerId", id)
	}
	if o.live() {
		switch s.o.Republish {
		case "same":
			return o.listing.id, nil, nil
		case "fault":
			return "", nil, &problem{status: http.StatusInternalServerError, id: 25001, message: "A system error has occurred."}
		}
		return "", nil, bad(25002, "A user error has occurred. The offer is already published.").with("offerId", id)
	}
	if p, _ := s.ready(o, nil); p != nil {
		return "", nil, p
	}
	if s.o.EndsEmpty && s.left(o) == 0 {
		return "", nil, bad(25004, "Invalid quantity.")
	}
	if p := s.mayOffer([]*offer{o}); p != nil {
		return "", nil, p
	}
	o.listing, o.group, o.sold = s.newListing(o), "", 0
	return o.listing.id, s.publishWarnings(o), nil
}

func (s *Simulator) publishWarnings(o *offer) (all []*problem) {
	i := s.items[o.sku]
	if i.data["condition"] == "NEW" && i.data["conditionDescription"] != nil {
		all = append(all, bad(25030, "conditionDescription is ignored for this condition."))
	}
	if at, err := time.Parse(time.RFC3339Nano, str(o.data["listingStartDate"])); err == nil && !at.After(s.Clock.Now()) {
		all = append(all, bad(25753, "listingStartDate is ignored: it is past."))
	}
	return all
}

// mayOffer tells whether the seller is set up and may offer so many pieces more.
func (s *Simulator) mayOffer(more []*offer) *problem {
	if !s.isOptedIn() {
		return bad(25018, "The seller account is not opted in to business policies.")
	}
	total := int64(0)
	for _, o := range s.offers {
		if o.live() {
			total += s.left(o)
		}
	}
	for _, o := range more {
		total += s.left(o)
	}
	if len(more) > 0 && total > s.o.SellingLimit {
		return bad(25026, "You have reached the limit of what you can sell in a month.")
	}
	return nil
}

// ready is the vendor's list of what a publication needs; lacking is whether
// something is missing rather than wrong.
func (s *Simulator) ready(o *offer, g *group) (p *problem, lacking bool) {
	i := s.items[o.sku]
	lack := func(id int, field string) (*problem, bool) {
		return bad(id, "%s is missing.", field).with("field", field).with("sku", o.sku), true
	}
	title, description := at(i.data, "product", "title"), o.data["listingDescription"]
	if description == nil {
		description = at(i.data, "product", "description")
	}
	pictures := texts(at(i.data, "product", "imageUrls"))
	if g != nil {
		title = g.data["title"]
		if g.data["description"] != nil {
			description = g.data["description"]
		}
		pictures = append(pictures, texts(g.data["imageUrls"])...)
	}
	price := "price"
	if o.format == "AUCTION" {
		price = "auctionStartPrice"
	}
	condition := str(i.data["condition"])
	place := s.places[str(o.data["merchantLocationKey"])]
	switch {
	case o.data["merchantLocationKey"] == nil:
		return lack(25012, "merchantLocationKey")
	case place == nil || !place.enabled() || place.badAddress() != nil:
		return bad(25012, "The location does not exist, is disabled or has no address.").with("merchantLocationKey", str(o.data["merchantLocationKey"])), false
	case str(title) == "":
		return lack(25017, "title")
	case str(description) == "":
		return lack(25017, "description")
	case len(pictures) == 0:
		return lack(25014, "imageUrls")
	case condition == "":
		return lack(25021, "condition")
	case strings.HasSuffix(condition, "_REFURBISHED") && !s.o.Refurbisher:
		return bad(25047, "The seller is not approved for refurbished goods."), false
	case at(i.data, "availability", "shipToLocationAvailability", "quantity") == nil && o.data["availableQuantity"] == nil:
		return lack(25004, "quantity")
	case at(o.data, "pricingSummary", price) == nil:
		return lack(25003, price)
	case parseCents(str(at(o.data, "pricingSummary", price, "value"))) == 0:
		return bad(25003, "Invalid price."), false
	case at(o.data, "pricingSummary", price, "currency") != currencyOf(o.marketplace):
		return bad(25003, "Invalid price: the currency is not that of the marketplace."), false
	case str(o.data["categoryId"]) == "":
		return lack(25005, "categoryId")
	case str(o.data["listingDuration"]) == "":
		return lack(25017, "listingDuration")
	case o.format == "AUCTION" && i.quantity() < 1:
		return bad(25760, "The stock is too low for an auction."), false
	}
	for _, x := range []struct {
		kind string
		id   int
	}{{"fulfillment", 25007}, {"payment", 25008}, {"return", 25009}} {
		field := x.kind + "PolicyId"
		id := str(at(o.data, "listingPolicies", field))
		chosen := s.policies[id]
		switch {
		case id == "":
			return lack(x.id, field)
		case chosen == nil || chosen.marketplace() != o.marketplace:
			return bad(25035, "The policy is not known on this marketplace.").with(field, id), false
		case chosen.kind != x.kind:
			return bad(25036, "The policy is of another kind.").with(field, id), false
		}
	}
	if p := s.classified(o, i, g); p != nil {
		return p, false
	}
	return nil, false
}

func currencyOf(marketplace string) string {
	switch marketplace {
	case "EBAY_US", "EBAY_MOTORS":
		return "USD"
	case "EBAY_GB":
		return "GBP"
	case "EBAY_CA":
		return "CAD"
	case "EBAY_AU":
		return "AUD"
	case "EBAY_CH":
		return "CHF"
	case "EBAY_PL":
		return "PLN"
	case "EBAY_HK":
		return "HKD"
	case "EBAY_MY":
		return "MYR"
	case "EBAY_PH":
		return "PHP"
	case "EBAY_SG":
		return "SGD"
	case "EBAY_TW":
		return "TWD"
	}
	return "EUR"
}

func (s *Simulator) bulkCreateOffer(c call) (answer, *problem) {
	var keys []string
	for _, r := range c.rows {
		if sku := str(r.body["sku"]); sku != "" {
			keys = append(keys, sku+" "+str(r.body["marketplaceId"])+" "+str(r.body["format"]))
		}
	}
	if key, twice := repeated(keys); twice {
		return answer{}, bad(25729, "%s is in the request twice.", key)
	}
	var rows []row
	for _, r := range c.rows {
		out := row{"sku": r.body["sku"], "marketplaceId": r.body["marketplaceId"], "format": r.body["format"]}
		rows = append(rows, out)
		if r.flaw != nil {
			out.fail(r.flaw)
			continue
		}
		id, warnings, p := s.createOffer(r.body)
		if p != nil {
			out.fail(p)
			continue
		}
		out.done(http.StatusCreated, warnings)["offerId"] = id
	}
	return mixed(rows), nil
}

func (s *Simulator) bulkPublish(c call) (answer, *problem) {
	var ids []string
	for _, r := range c.rows {
		ids = append(ids, str(r.body["offerId"]))
	}
	if id, twice := repeated(ids); twice {
		return answer{}, bad(25731, "The offer %s is in the request twice.", id)
	}
	var rows []row
	for _, r := range c.rows {
		out := row{"offerId": r.body["offerId"]}
		rows = append(rows, out)
		if r.flaw != nil {
			out.fail(r.flaw)
			continue
		}
		id, warnings, p := s.publishOffer(str(r.body["offerId"]))
		if p != nil {
			out.fail(p)
			continue
		}
		out.done(http.StatusOK, warnings)["listingId"] = id
	}
	return mixed(rows), nil
}

// subtitleFee is what a subtitle costs.
const subtitleFee = 150

// listingFees sums what offers would cost that are not up, by marketplace.
func (s *Simulator) listingFees(c call) (answer, *problem) {
	fees := map[string]int64{}
	for _, x := range objects(c.body["offers"]) {
		o := s.offers[str(x["offerId"])]
		if o == nil || o.live() {
			return answer{}, bad(25754, "The offer %s is unknown or published.", str(x["offerId"])).with("offerId", str(x["offerId"]))
		}
		fees[o.marketplace] += 0
		if str(at(s.items[o.sku].data, "product", "subtitle")) != "" {
			fees[o.marketplace] += subtitleFee
		}
	}
	summaries := []any{}
	for _, site := range slices.Sorted(maps.Keys(fees)) {
		currency := currencyOf(site)
		summaries = append(summaries, map[string]any{"marketplaceId": site, "warnings": []any{}, "fees": []any{
			map[string]any{"feeType": "InsertionFee", "amount": money(0, currency), "promotionalDiscount": money(0, currency)},
			map[string]any{"feeType": "SubtitleFee", "amount": money(fees[site], currency), "promotionalDiscount": money(0, currency)},
		}})
	}
	return ok(map[string]any{"feeSummaries": summaries}), nil
}

// bulkMigrate turns listings of the older API into items and offers. They need a
// SKU and policies.
func (s *Simulator) bulkMigrate(c call) (answer, *problem) {
	var ids []string
	for _, r := range c.rows {
		ids = append(ids, str(r.body["listingId"]))
	}
	if id, twice := repeated(ids); twice {
		return answer{}, bad(25728, "The listing %s is in the request twice.", id)
	}
	var rows []row
	for _, r := range c.rows {
		id := str(r.body["listingId"])
		out := row{"listingId": id}
		rows = append(rows, out)
		l := s.listings[id]
		if r.flaw != nil {
			out.fail(r.flaw)
			continue
		}
		if l == nil || l.foreign == nil || l.ended != "" || l.foreign.SKU == "" || s.items[l.foreign.SKU] != nil || s.badSKU(l.foreign.SKU) != nil || !s.isOptedIn() {
			out.fail(bad(25718, "The listing is not suitable for migration.").with("listingId", id))
			continue
		}
		o := s.adopt(l, *l.foreign)
		out.done(http.StatusOK, nil)
		out["marketplaceId"], out["inventoryItems"] = o.marketplace, []any{map[string]any{"sku": o.sku, "offerId": o.id}}
	}
	return mixed(rows), nil
}
