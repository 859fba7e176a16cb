package ebay

import (
	"maps"
	"net/http"
	"slices"
)

// group ties SKUs into one listing.
type group struct {
	key  string
	data map[string]any
}

func (g *group) skus() []string { return texts(g.data["variantSKUs"]) }

func (g *group) drop(sku string) {
	g.data = maps.Clone(g.data)
	all, _ := g.data["variantSKUs"].([]any)
	g.data["variantSKUs"] = slices.DeleteFunc(slices.Clone(all), func(x any) bool { return x == sku })
}

var groupShape = shape{
	"title": text(80), "subtitle": text(55), "description": text(500_000), "aspects": aspects(25013), "imageUrls": pictures(24),
	"variantSKUs!": as(25013, some(250, full(50))), "videoIds": list(1, text(65)),
	"variesBy": as(25013, object(shape{
		"specifications": list(5, object(shape{"name!": full(40), "values!": some(1<<20, full(50))})), "aspectsImageVariesBy": list(1, full(40)),
	})),
}

var groupKeyShape = shape{"inventoryItemGroupKey!": full(50), "marketplaceId!": one(marketplaces...)}

func (s *Simulator) groupOperations() []operation {
	const path = "/inventory_item_group/{key}"
	return []operation{
		{api: inventoryAPI, name: "putGroup", method: "PUT", path: path, scopes: itemWrite, localized: true, body: groupShape, do: s.putGroup},
		{api: inventoryAPI, name: "getGroup", method: "GET", path: path, scopes: itemReads, do: func(c call) (answer, *problem) {
			g := s.groups[c.path("key")]
			if g == nil {
				return answer{}, noGroup(http.StatusNotFound, c.path("key"))
			}
			out := maps.Clone(g.data)
			out["inventoryItemGroupKey"] = g.key
			return ok(out), nil
		}},
		{api: inventoryAPI, name: "deleteGroup", method: "DELETE", path: path, scopes: itemWrite, do: func(c call) (answer, *problem) {
			g := s.groups[c.path("key")]
			if g == nil {
				return answer{}, noGroup(http.StatusNotFound, c.path("key"))
			}
			for _, sku := range g.skus() {
				if i := s.items[sku]; i != nil {
					i.group = ""
				}
			}
			delete(s.groups, g.key)
			return done, nil
		}},
		{api: inventoryAPI, name: "publishGroup", method: "POST", path: "/offer/publish_by_inventory_item_group", scopes: itemWrite, body: groupKeyShape, do: s.publishGroup},
		{api: inventoryAPI, name: "withdrawGroup", method: "POST", path: "/offer/withdraw_by_inventory_item_group", scopes: itemWrite, body: groupKeyShape, do: func(c call) (answer, *problem) {
			live := s.liveOf(str(c.body["inventoryItemGroupKey"]), str(c.body["marketplaceId"]))
			if len(live) == 0 {
				return answer{}, bad(25725, "The group has no live offer.").with("inventoryItemGroupKey", str(c.body["inventoryItemGroupKey"]))
			}
			for _, o := range live {
				s.withdraw(o)
			}
			return done, nil
		}},
	}
}

func noGroup(status int, key string) *problem {
	id := 25705
	if status == http.StatusNotFound {
		id = 25710
	}
	return (&problem{status: status, id: id, message: "The inventory item group could not be found."}).with("inventoryItemGroupKey", key)
}

// liveOf returns the offers that are up as a group's listing, in order of SKUs; ""
// is any marketplace.
func (s *Simulator) liveOf(key, marketplace string) (live []*offer) {
	for _, sku := range slices.Sorted(maps.Keys(s.bySKU)) {
		for _, o := range s.bySKU[sku] {
			if o.group == key && o.live() && (marketplace == "" || o.marketplace == marketplace) {
				live = append(live, o)
			}
		}
	}
	return live
}

// putGroup makes or replaces a group and revises its listing: SKUs that are left
// out leave it, unless some were sold.
func (s *Simulator) putGroup(c call) (answer, *problem) {
	key := c.path("key")
	if len([]rune(key)) > 50 {
		return answer{}, bad(25709, "The length of inventoryItemGroupKey must not exceed 50.")
	}
	g := &group{key: key, data: c.body}
	skus := g.skus()
	if sku, twice := repeated(skus); twice {
		return answer{}, bad(25013, "SKU %s is in the group twice.", sku)
	}
	for _, sku := range skus {
		i := s.items[sku]
		switch {
		case i == nil:
			return answer{}, bad(25701, "%s could not be found.", sku).with("sku", sku)
		case i.group != "" && i.group != key:
			return answer{}, bad(25703, "SKU %s is a member of another group.", sku).with("inventoryItemGroupKey", i.group)
		}
		for _, o := range s.bySKU[sku] {
			switch {
			case o.format == "AUCTION":
				return answer{}, bad(25756, "SKU %s is offered as an auction.", sku)
			case o.live() && o.group == "":
				return answer{}, bad(25704, "SKU %s is listed on its own.", sku)
			}
		}
	}
	old := s.groups[key]
	live := s.liveOf(key, "")
	var leave []*offer
	for _, o := range live {
		switch {
		case slices.Contains(skus, o.sku):
		case o.sold > 0:
			return answer{}, bad(25013, "SKU %s has sales and cannot leave the listing.", o.sku)
		default:
			leave = append(leave, o)
		}
	}
	p := s.revise(live, func() { s.groups[key] = g }, func() {
		if s.groups[key] = old; old == nil {
			delete(s.groups, key)
		}
	}, leave...)
	if p != nil {
		return answer{}, p
	}
	for _, o := range leave {
		s.withdraw(o)
	}
	if old != nil {
		for _, sku := range old.skus() {
			if i := s.items[sku]; i != nil {
				i.group = ""
			}
		}
	}
	for _, sku := range skus {
		s.items[sku].group = key
	}
	if old == nil {
		return answer{status: http.StatusCreated}, nil
	}
	return done, nil
}

// consistent tells whether the offers of a group can be one listing.
func (s *Simulator) consistent(g *group, offers []*offer) *problem {
	specifications := objects(at(g.data, "variesBy", "specifications"))
	if len(specifications) == 0 {
		return bad(25013, "variesBy.specifications is missing.")
	}
	var names []string
	for _, axis := range specifications {
		names = append(names, str(axis["name"]))
		if len(texts(axis["values"])) < 2 {
			return bad(25013, "The aspect %s needs two values or more.", str(axis["name"]))
		}
	}
	for _, name := range texts(at(g.data, "variesBy", "aspectsImageVariesBy")) {
		if !slices.Contains(names, name) {
			return bad(25013, "The pictures vary by %s, which the group does not vary by.", name)
		}
	}
	chosen := map[string]string{}
	for _, o := range offers {
		mark := ""
		for _, axis := range specifications {
			values := texts(at(s.items[o.sku].data, "product", "aspects", str(axis["name"])))
			if len(values) != 1 || !slices.Contains(texts(axis["values"]), values[0]) {
				return bad(25013, "SKU %s has no value of %s that the group names.", o.sku, str(axis["name"])).with("sku", o.sku)
			}
			mark += values[0] + "\x00"
		}
		if other := chosen[mark]; other != "" {
			return bad(25013, "SKU %s and %s are the same variation.", other, o.sku)
		}
		chosen[mark] = o.sku
		if at(o.data, "listingPolicies", "bestOfferTerms", "bestOfferEnabled") == true {
			return bad(25024, "Variations take no best offers.")
		}
		if o.format == "AUCTION" {
			return bad(25756, "SKU %s is offered as an auction.", o.sku)
		}
		if pictures, _ := at(s.items[o.sku].data, "product", "imageUrls").([]any); len(pictures) > 12 {
			return bad(25014, "A variation has 12 pictures at most.")
		}
		first := offers[0]
		for _, field := range [][]string{{"categoryId"}, {"listingPolicies", "fulfillmentPolicyId"}, {"listingPolicies", "paymentPolicyId"}, {"listingPolicies", "returnPolicyId"}} {
			if at(o.data, field...) != at(first.data, field...) {
				return bad(25013, "All offers of a group need the same %s.", field[len(field)-1])
			}
		}
	}
	return nil
}

// publishGroup puts the offers of a group up as one listing, or adds to it those
// that are new. SKUs that lack data or an offer are left out without a word.
func (s *Simulator) publishGroup(c call) (answer, *problem) {
	key, marketplace := str(c.body["inventoryItemGroupKey"]), str(c.body["marketplaceId"])
	g := s.groups[key]
	if g == nil {
		return answer{}, noGroup(http.StatusBadRequest, key)
	}
	var offers, added []*offer
	var lack *problem
	var up *listing
	total := int64(0)
	for _, sku := range g.skus() {
		i := slices.IndexFunc(s.bySKU[sku], func(o *offer) bool { return o.marketplace == marketplace && o.format == "FIXED_PRICE" })
		if i < 0 {
			continue
		}
		o := s.bySKU[sku][i]
		p, lacking := s.ready(o, g)
		if lacking {
			lack = p
			continue
		}
		if p != nil {
			return answer{}, p
		}
		offers = append(offers, o)
		total += s.left(o)
		if o.live() {
			up = o.listing
		} else {
			added = append(added, o)
		}
	}
	switch {
	case len(offers) == 0 && lack != nil:
		return answer{}, lack
	case len(offers) == 0:
		return answer{}, bad(25713, "This Offer is not available.").with("inventoryItemGroupKey", key)
	case total == 0 && s.o.EndsEmpty:
		return answer{}, bad(25004, "Invalid quantity.")
	}
	if p := s.consistent(g, offers); p != nil {
		return answer{}, p
	}
	if p := s.mayOffer(added); p != nil {
		return answer{}, p
	}
	var warnings []*problem
	for _, o := range offers {
		warnings = append(warnings, s.publishWarnings(o)...)
	}
	if up == nil {
		up = s.newListing(offers[0])
	} else {
		if p := s.mayRevise(up); p != nil {
			return answer{}, p
		}
		up.revisions++
	}
	for _, o := range added {
		o.listing, o.group, o.sold = up, g.key, 0
	}
	return warned(http.StatusOK, map[string]any{"listingId": up.id}, warnings), nil
}
