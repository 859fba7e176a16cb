package ebay

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
)

// item is a SKU as the seller described it.
type item struct {
	sku, locale string
	data        map[string]any
	group       string         // key of the group it is in
	fits        map[string]any // the vehicles it fits; nil: none were named
}

func (i *item) quantity() int64 {
	return num(at(i.data, "availability", "shipToLocationAvailability", "quantity"))
}

// setQuantity changes nothing but the quantity.
func (i *item) setQuantity(n int64) {
	data := maps.Clone(i.data)
	availability, _ := data["availability"].(map[string]any)
	availability = cloned(availability)
	ship, _ := availability["shipToLocationAvailability"].(map[string]any)
	ship = cloned(ship)
	ship["quantity"] = float64(n)
	availability["shipToLocationAvailability"] = ship
	data["availability"] = availability
	i.data = data
}

func cloned(o map[string]any) map[string]any {
	if o == nil {
		return map[string]any{}
	}
	return maps.Clone(o)
}

// view is an item as the vendor shows it.
func (s *Simulator) itemView(i *item) map[string]any {
	out := maps.Clone(i.data)
	out["sku"], out["locale"] = i.sku, i.locale
	if i.group != "" {
		out["groupIds"], out["inventoryItemGroupKeys"] = []string{i.group}, []string{i.group}
	}
	auction, fixed := int64(0), int64(0)
	for _, o := range s.bySKU[i.sku] {
		switch {
		case !o.live():
		case o.format == "AUCTION":
			auction += s.left(o)
		default:
			fixed += s.left(o)
		}
	}
	if at(i.data, "availability", "shipToLocationAvailability") != nil {
		availability := cloned(i.data["availability"].(map[string]any))
		ship := cloned(availability["shipToLocationAvailability"].(map[string]any))
		ship["allocationByFormat"] = map[string]any{"auction": auction, "fixedPrice": fixed}
		availability["shipToLocationAvailability"] = ship
		out["availability"] = availability
	}
	return out
}

var (
	laxSKU    = regexp.MustCompile(`^[A-Za-z0-9._:#$ -]{1,50}$`)
	strictSKU = regexp.MustCompile(`^[A-Za-z0-9]{1,50}$`)
)

// badSKU refuses what is no SKU. The vendor's document asks for letters and digits;
// what else works in practice is not written anywhere.
func (s *Simulator) badSKU(sku string) *problem {
	shape := laxSKU
	if s.o.AlphanumericSKUs {
		shape = strictSKU
	}
	if shape.MatchString(sku) {
		return nil
	}
	return bad(25707, "This is an invalid value for a SKU. Only alphanumeric characters can be used for SKUs, and their length must not exceed 50 characters.").with("sku", sku)
}

var conditions = []string{
	"NEW", "NEW_OTHER", "NEW_WITH_DEFECTS", "CERTIFIED_REFURBISHED", "EXCELLENT_REFURBISHED", "VERY_GOOD_REFURBISHED", "GOOD_REFURBISHED",
	"SELLER_REFURBISHED", "LIKE_NEW", "USED_EXCELLENT", "USED_VERY_GOOD", "USED_GOOD", "USED_ACCEPTABLE", "FOR_PARTS_OR_NOT_WORKING",
	"MANUFACTURER_REFURBISHED", // withdrawn; it becomes CERTIFIED_REFURBISHED
}

var packageTypes = []string{
	"LETTER", "LARGE_ENVELOPE", "PACKAGE_THICK_ENVELOPE", "MAILING_BOX", "USPS_FLAT_RATE_ENVELOPE", "USPS_LARGE_PACK", "VERY_LARGE_PACK", "EXTRA_LARGE_PACK",
	"UPS_LETTER", "PADDED_BAGS", "PARCEL_OR_PADDED_ENVELOPE", "TOUGH_BAGS", "EXPANDABLE_TOUGH_BAGS", "ROLL", "BULKY_GOODS", "FURNITURE", "CARS",
	"MOTORBIKES", "CARAVAN", "INDUSTRY_VEHICLES", "EUROPALLET", "ONE_WAY_PALLET", "WINE_PAK",
	"SMALL_CANADA_POSTBOX", "MEDIUM_CANADA_POST_BOX", "LARGE_CANADA_POSTBOX", "SMALL_CANADA_POSTBUBBLEMAILER", "MEDIUM_CANADA_POSTBUBBLEMAILER", "LARGE_CANADA_POSTBUBBLEMAILER",
}

var (
	timeShape = object(shape{"value!": whole, "unit!": text(40)})
	shipTo    = shape{
		"quantity":                  quantity,
		"availabilityDistributions": list(1000, object(shape{"merchantLocationKey!": full(36), "quantity!": quantity, "fulfillmentTime": timeShape})),
	}
	itemShape = shape{
		"availability": object(shape{
			"shipToLocationAvailability": object(shipTo),
			"pickupAtLocationAvailability": list(1000, object(shape{
				"merchantLocationKey!": full(36), "quantity": quantity, "availabilityType": one("IN_STOCK", "OUT_OF_STOCK", "SHIP_TO_STORE"), "fulfillmentTime": timeShape,
			})),
		}),
		"condition": one(conditions...), "conditionDescription": text(1000),
		"conditionDescriptors": list(100, object(shape{"name!": text(50), "values": list(50, text(50)), "additionalInfo": text(30)})),
		"packageWeightAndSize": as(25715, object(shape{
			"dimensions":  object(shape{"length!": number, "width!": number, "height!": number, "unit!": one("INCH", "FEET", "CENTIMETER", "METER")}),
			"weight":      object(shape{"value!": number, "unit!": one("POUND", "OUNCE", "KILOGRAM", "GRAM")}),
			"packageType": one(packageTypes...), "shippingIrregular": boolean,
		})),
		"product": as(25503, object(shape{
			"title": text(80), "subtitle": text(55), "description": text(4000), "aspects": aspects(25502), "brand": text(65), "mpn": text(65),
			"upc": list(100, text(65)), "ean": list(100, text(65)), "isbn": list(100, text(65)), "epid": text(65), "imageUrls": pictures(24),
			"videoIds": list(1, text(65)),
		})),
	}
	bulkItemShape = itemShape.with(shape{"sku": text(50), "locale": locale})
	updateShape   = shape{
		"sku": text(50), "shipToLocationAvailability": object(shipTo),
		"offers": some(1<<20, object(shape{"offerId!": full(50), "availableQuantity": quantity, "price": amount})),
	}
	itemReads = []string{inventoryScope, inventoryReadScope}
	itemWrite = []string{inventoryScope}
)

func (s *Simulator) itemOperations() []operation {
	return []operation{
		{api: inventoryAPI, name: "putItem", method: "PUT", path: "/inventory_item/{sku}", scopes: itemWrite, localized: true, body: itemShape, do: func(c call) (answer, *problem) {
			created, warnings, p := s.putItem(c.path("sku"), c.r.Header.Get("Content-Language"), c.body)
			switch {
			case p != nil:
				return answer{}, p
			case created:
				return warned(http.StatusCreated, map[string]any{}, warnings), nil
			case len(warnings) > 0:
				return warned(http.StatusOK, map[string]any{}, warnings), nil
			}
			return done, nil
		}},
		{api: inventoryAPI, name: "getItem", method: "GET", path: "/inventory_item/{sku}", scopes: itemReads, do: func(c call) (answer, *problem) {
			i := s.items[c.path("sku")]
			if i == nil {
				return answer{}, noItem(c.path("sku"))
			}
			return ok(s.itemView(i)), nil
		}},
		{api: inventoryAPI, name: "getItems", method: "GET", path: "/inventory_item", scopes: itemReads, do: s.listItems},
		{api: inventoryAPI, name: "deleteItem", method: "DELETE", path: "/inventory_item/{sku}", scopes: itemWrite, do: s.deleteItem},
		{api: inventoryAPI, name: "bulkPutItem", method: "POST", path: "/bulk_create_or_replace_inventory_item", scopes: itemWrite, localized: true, body: bulkItemShape, rows: 25, many: 25727, do: s.bulkPutItem},
		{api: inventoryAPI, name: "bulkGetItem", method: "POST", path: "/bulk_get_inventory_item", scopes: itemReads, body: shape{"sku!": full(50)}, rows: 25, many: 25727, do: s.bulkGetItem},
		{api: inventoryAPI, name: "bulkUpdate", method: "POST", path: "/bulk_update_price_quantity", scopes: itemWrite, body: updateShape, rows: 25, many: 25727, do: s.bulkUpdate},
		{api: inventoryAPI, name: "bulkMigrate", method: "POST", path: "/bulk_migrate_listing", scopes: itemWrite, body: shape{"listingId!": full(50)}, rows: 5, many: 25727, do: s.bulkMigrate},
		{api: inventoryAPI, name: "getCompatibility", method: "GET", path: "/inventory_item/{sku}/product_compatibility", scopes: itemReads, do: func(c call) (answer, *problem) {
			i := s.items[c.path("sku")]
			if i == nil || i.fits == nil {
				return answer{}, noItem(c.path("sku"))
			}
			return ok(i.fits), nil
		}},
		{api: inventoryAPI, name: "putCompatibility", method: "PUT", path: "/inventory_item/{sku}/product_compatibility", scopes: itemWrite, localized: true, body: fitShape, do: s.putCompatibility},
		{api: inventoryAPI, name: "deleteCompatibility", method: "DELETE", path: "/inventory_item/{sku}/product_compatibility", scopes: itemWrite, do: func(c call) (answer, *problem) {
			i := s.items[c.path("sku")]
			if i == nil || i.fits == nil {
				return answer{}, noItem(c.path("sku"))
			}
			i.fits = nil
			return done, nil
		}},
	}
}

func noItem(sku string) *problem {
	return absent(25710, "We didn't find the resource you are requesting.").with("sku", sku)
}

func noSKU(sku string) *problem { return bad(25702, "%s could not be found.", sku).with("sku", sku) }

// warned answers with warnings, if there are any.
func warned(status int, body map[string]any, warnings []*problem) answer {
	if len(warnings) > 0 {
		body["warnings"] = views(inventoryAPI, warnings)
	}
	if len(body) == 0 {
		return answer{status: status}
	}
	return answer{status: status, body: body}
}

// putItem makes or replaces an item; live listings of it are revised at once, or
// nothing is.
func (s *Simulator) putItem(sku, language string, data map[string]any) (created bool, warnings []*problem, p *problem) {
	if p := s.badSKU(sku); p != nil {
		return false, nil, p
	}
	if (at(data, "product", "brand") == nil) != (at(data, "product", "mpn") == nil) {
		return false, nil, bad(25503, "brand and mpn go together.").with("sku", sku)
	}
	if data["condition"] == "MANUFACTURER_REFURBISHED" {
		data["condition"] = "CERTIFIED_REFURBISHED"
	}
	if data["condition"] == "NEW" && data["conditionDescription"] != nil {
		warnings = append(warnings, bad(25504, "conditionDescription is ignored for this condition."))
	}
	old := s.items[sku]
	made := &item{sku: sku, locale: localeOf(language), data: data}
	if old != nil {
		made.group, made.fits = old.group, old.fits
		for _, o := range s.bySKU[sku] {
			if o.format == "AUCTION" && o.live() && made.quantity() < 1 {
				return false, nil, bad(25759, "The quantity is below that which the auction reserves.")
			}
		}
	}
	p = s.revise(s.bySKU[sku], func() { s.items[sku] = made }, func() {
		if old == nil {
			delete(s.items, sku)
			return
		}
		s.items[sku] = old
	})
	return old == nil, warnings, p
}

func localeOf(language string) string {
	if len(language) != 5 {
		return "en_US"
	}
	return language[:2] + "_" + language[3:]
}

func (s *Simulator) bulkPutItem(c call) (answer, *problem) {
	var skus []string
	for _, r := range c.rows {
		skus = append(skus, str(r.body["sku"]))
	}
	if sku, twice := repeated(skus); twice {
		return answer{}, bad(25734, "The SKU %s must be unique in the request.", sku)
	}
	var rows []row
	for _, r := range c.rows {
		sku, locale := str(r.body["sku"]), str(r.body["locale"])
		out := row{"sku": sku, "locale": locale}
		data := maps.Clone(r.body)
		delete(data, "sku")
		delete(data, "locale")
		switch {
		case sku == "" || locale == "":
			rows = append(rows, out.fail(bad(25733, "A row needs SKU and locale.")))
			continue
		case r.flaw != nil:
			rows = append(rows, out.fail(r.flaw))
			continue
		}
		created, warnings, p := s.putItem(sku, locale, data)
		switch {
		case p != nil:
			out.fail(p)
		case created:
			out.done(http.StatusCreated, warnings)
		default:
			out.done(http.StatusOK, warnings)
		}
		rows = append(rows, out)
	}
	return mixed(rows), nil
}

func (s *Simulator) bulkGetItem(c call) (answer, *problem) {
	var rows []row
	for _, r := range c.rows {
		sku := str(r.body["sku"])
		out := row{"sku": sku}
		switch i := s.items[sku]; {
		case r.flaw != nil:
			out.fail(r.flaw)
		case i == nil:
			out.fail(absent(25702, "%s could not be found.", sku))
		default:
			out.done(http.StatusOK, nil)["inventoryItem"] = s.itemView(i)
		}
		rows = append(rows, out)
	}
	return mixed(rows), nil
}

// listItems pages over the items in order of SKUs. What the vendor calls size is
// the number of pages.
func (s *Simulator) listItems(c call) (answer, *problem) {
	skus := slices.Sorted(maps.Keys(s.items))
	out, from, to, p := page(c, 25, 200, len(skus), false, 25706)
	if p != nil {
		return answer{}, p
	}
	items := []any{}
	for _, sku := range skus[from:to] {
		items = append(items, s.itemView(s.items[sku]))
	}
	limit := out["limit"].(int)
	out["inventoryItems"], out["size"] = items, (len(skus)+limit-1)/limit
	return ok(out), nil
}

// deleteItem deletes an item with its offers; single listings of it end, others
// lose it.
func (s *Simulator) deleteItem(c call) (answer, *problem) {
	sku := c.path("sku")
	i := s.items[sku]
	if i == nil {
		return answer{}, noItem(sku)
	}
	for _, o := range slices.Clone(s.bySKU[sku]) {
		s.remove(o)
	}
	if g := s.groups[i.group]; g != nil {
		g.drop(sku)
	}
	delete(s.items, sku)
	return done, nil
}

// bulkUpdate changes quantities and prices of live listings without the rest. A
// call is one revision of every listing that it touches.
func (s *Simulator) bulkUpdate(c call) (answer, *problem) {
	var ids, skus []string
	for _, r := range c.rows {
		offers := objects(r.body["offers"])
		if len(offers) == 0 && r.body["shipToLocationAvailability"] == nil {
			return answer{}, bad(25709, "A row needs shipToLocationAvailability or offers.").with("field", "requests")
		}
		for _, o := range offers {
			ids = append(ids, str(o["offerId"]))
		}
		skus = append(skus, str(r.body["sku"]))
	}
	if len(ids) > 25 {
		return answer{}, bad(25727, "The number of offers in the request cannot exceed 25.")
	}
	if id, twice := repeated(ids); twice {
		return answer{}, bad(25728, "The offer %s is there twice.", id)
	}
	if sku, twice := repeated(skus); twice {
		return answer{}, bad(25734, "The SKU %s must be unique in the request.", sku)
	}
	touched := map[*listing]*problem{}
	var rows []row
	for _, r := range c.rows {
		rows = append(rows, s.update(r, touched)...)
	}
	return mixed(rows), nil
}

// update does one row of bulkUpdate: it answers one row for the item and one for
// each offer.
func (s *Simulator) update(r bulkRow, touched map[*listing]*problem) []row {
	var rows []row
	sku, ship := str(r.body["sku"]), r.body["shipToLocationAvailability"]
	if r.flaw != nil {
		return []row{s.updated(sku, "").fail(r.flaw)}
	}
	counted := func(l *listing) *problem {
		if _, known := touched[l]; !known {
			touched[l] = s.mayRevise(l)
			if touched[l] == nil {
				l.revisions++
			}
		}
		return touched[l]
	}
	if ship != nil {
		out := s.updated(sku, "")
		i, amount := s.items[sku], at(r.body, "shipToLocationAvailability", "quantity")
		switch {
		case sku == "":
			return []row{out.fail(bad(25709, "sku is needed with shipToLocationAvailability.").with("field", "sku"))}
		case i == nil:
			return []row{out.fail(noSKU(sku))}
		}
		var p *problem
		for _, o := range s.bySKU[sku] {
			switch {
			case p != nil || !o.live():
			case o.format == "AUCTION" && amount != nil && num(amount) < 1:
				p = bad(25759, "The quantity is below that which the auction reserves.")
			default:
				p = counted(o.listing)
			}
		}
		if p != nil {
			return []row{out.fail(p)}
		}
		if amount != nil {
			i.setQuantity(num(amount))
		}
		for _, o := range s.bySKU[sku] {
			s.emptied(o.listing)
		}
		rows = append(rows, out.done(http.StatusOK, nil))
	}
	for _, change := range objects(r.body["offers"]) {
		id := str(change["offerId"])
		o := s.offers[id]
		out := s.updated(sku, id)
		rows = append(rows, out)
		switch {
		case o == nil || !o.live() || sku != "" && o.sku != sku:
			out.fail(noOffer(http.StatusBadRequest, id))
			continue
		case change["availableQuantity"] == nil && change["price"] == nil:
			out.fail(bad(25709, "An offer needs availableQuantity or price.").with("offerId", id))
			continue
		case o.format == "AUCTION" && change["availableQuantity"] != nil:
			out.fail(bad(25762, "An auction has no quantity.").with("offerId", id))
			continue
		}
		if price := parseCents(str(at(change, "price", "value"))); change["price"] != nil && price == 0 {
			out.fail(bad(25003, "The price must be above zero.").with("offerId", id))
			continue
		}
		if p := counted(o.listing); p != nil {
			out.fail(p)
			continue
		}
		data := maps.Clone(o.data)
		if q := change["availableQuantity"]; q != nil {
			data["availableQuantity"] = q
		}
		if price := change["price"]; price != nil {
			pricing, _ := data["pricingSummary"].(map[string]any)
			pricing = cloned(pricing)
			pricing["price"] = price
			data["pricingSummary"] = pricing
		}
		o.data = data
		s.emptied(o.listing)
		out.done(http.StatusOK, nil)
	}
	return rows
}

// updated is the row of an item or an offer.
func (s *Simulator) updated(sku, offerID string) row {
	out := row{}
	if sku != "" {
		out["sku"] = sku
	}
	if offerID != "" {
		out["offerId"] = offerID
	}
	return out
}

var fitShape = shape{"compatibleProducts!": list(7000, object(shape{
	"productFamilyProperties": anything, "productIdentifier": anything, "notes": text(500),
	"compatibilityProperties": list(1000, object(shape{"name!": as(25740, text(40)), "value!": as(25741, text(50))})),
}))}

// putCompatibility names the vehicles that an item fits: each by a family or by
// properties, not both.
func (s *Simulator) putCompatibility(c call) (answer, *problem) {
	i := s.items[c.path("sku")]
	if i == nil {
		return answer{}, noSKU(c.path("sku"))
	}
	for _, x := range objects(c.body["compatibleProducts"]) {
		if x["productFamilyProperties"] != nil && x["compatibilityProperties"] != nil {
			return answer{}, bad(25742, "Either productFamilyProperties or compatibilityProperties can be given.")
		}
	}
	created := i.fits == nil
	body := maps.Clone(c.body)
	body["sku"] = i.sku
	if p := s.revise(s.bySKU[i.sku], func() { i.fits = body }, func() {}); p != nil {
		return answer{}, p
	}
	if created {
		return answer{status: http.StatusCreated}, nil
	}
	return done, nil
}
