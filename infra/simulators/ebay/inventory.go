package ebay

import (
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strconv"
)

// item is a SKU as the seller described it.
type item struct {
	sku  string
	data map[string]any
}

func (i *item) quantity() int64 {
	return num(at(i.data, "availability", "shipToLocationAvailability", "quantity"))
}

func (i *item) setQuantity(n int64) {
	i.data["availability"] = map[string]any{"shipToLocationAvailability": map[string]any{"quantity": float64(n)}}
}

// group ties SKUs into one listing.
type group struct {
	key  string
	skus []string
	data map[string]any
}

var skuShape = regexp.MustCompile(`^[A-Za-z0-9._:#$ -]{1,50}$`)

const inventory = "/sell/inventory/v1"

func (s *Simulator) routes() {
	s.api.HandleFunc("POST /identity/v1/oauth2/token", s.token)
	s.api.HandleFunc("GET /oauth2/authorize", s.consent)
	s.handle("inventory", "putItem", "PUT "+inventory+"/inventory_item/{sku}", true, func(c call) (answer, *problem) {
		created, p := s.putItem(c.r.PathValue("sku"), c.body)
		if p != nil {
			return answer{}, p
		}
		if created {
			return answer{status: http.StatusCreated}, nil
		}
		return answer{status: http.StatusNoContent}, nil
	})
	s.handle("inventory", "bulkPutItem", "POST "+inventory+"/bulk_create_or_replace_inventory_item", true, s.bulkPutItem)
	s.handle("inventory", "getItem", "GET "+inventory+"/inventory_item/{sku}", false, func(c call) (answer, *problem) {
		i := s.items[c.r.PathValue("sku")]
		if i == nil {
			return answer{}, &problem{status: http.StatusNotFound, id: 25710, message: "no such SKU"}
		}
		return ok(i.data), nil
	})
	s.handle("inventory", "getItems", "GET "+inventory+"/inventory_item", false, s.listItems)
	s.handle("inventory", "deleteItem", "DELETE "+inventory+"/inventory_item/{sku}", false, s.deleteItem)
	s.handle("inventory", "bulkUpdate", "POST "+inventory+"/bulk_update_price_quantity", true, s.bulkUpdate)
	s.handle("inventory", "putGroup", "PUT "+inventory+"/inventory_item_group/{key}", true, s.putGroup)
	s.handle("inventory", "createLocation", "POST "+inventory+"/location/{key}", true, s.createLocation)
	s.offerRoutes()
	s.orderRoutes()
	s.accountRoutes()
}

// putItem makes or replaces an item; a live listing of it is revised at once.
func (s *Simulator) putItem(sku string, data map[string]any) (created bool, p *problem) {
	if !skuShape.MatchString(sku) {
		return false, bad(25707, "This is an invalid value for a SKU.")
	}
	if p := refused(itemShape.check(data)); p != nil {
		return false, p
	}
	if o := s.offerOf(sku); o != nil && o.listing != nil {
		if p := s.revise(o.listing); p != nil {
			return false, p
		}
	}
	_, there := s.items[sku]
	s.items[sku] = &item{sku, data}
	return !there, nil
}

func (s *Simulator) bulkPutItem(c call) (answer, *problem) {
	requests, p := bulk(c.body)
	if p != nil {
		return answer{}, p
	}
	seen := map[string]bool{}
	for _, r := range requests {
		sku := str(r["sku"])
		if seen[sku] {
			return answer{}, bad(25734, "SKU should be unique in the request")
		}
		seen[sku] = true
	}
	var rows []row
	for _, r := range requests {
		sku, locale := str(r["sku"]), str(r["locale"])
		delete(r, "sku")
		delete(r, "locale")
		out := row{"sku": sku, "locale": locale}
		if sku == "" || len(locale) != 5 || locale[2] != '_' {
			rows = append(rows, out.fail(bad(25733, "a row needs SKU and locale")))
			continue
		}
		created, p := s.putItem(sku, r)
		switch {
		case p != nil:
			out.fail(p)
		case created:
			out["statusCode"] = http.StatusCreated
		default:
			out["statusCode"] = http.StatusOK
		}
		rows = append(rows, out)
	}
	return mixed(rows), nil
}

// row is one answer of a bulk call.
type row map[string]any

func (r row) fail(p *problem) row {
	r["statusCode"], r["errors"] = p.status, []any{p.envelope()}
	return r
}

// mixed answers a bulk call: 207 if some rows failed.
func mixed(rows []row) answer {
	status := http.StatusOK
	for _, r := range rows {
		if n, _ := r["statusCode"].(int); n >= 300 {
			status = http.StatusMultiStatus
		}
	}
	return answer{status: status, body: map[string]any{"responses": rows}}
}

// bulk returns the requests of a bulk call, 25 at most.
func bulk(body map[string]any) ([]map[string]any, *problem) {
	all, ok := body["requests"].([]any)
	if !ok || len(body) != 1 || len(all) == 0 {
		return nil, bad(2004, "requests must be a list")
	}
	if len(all) > 25 {
		return nil, bad(25727, "The number of items in the request cannot exceed 25")
	}
	var out []map[string]any
	for _, x := range all {
		m, ok := x.(map[string]any)
		if !ok {
			return nil, bad(2004, "a request must be an object")
		}
		out = append(out, m)
	}
	return out, nil
}

func (s *Simulator) listItems(c call) (answer, *problem) {
	limit, page, p := paging(c, 25, 200)
	if p != nil {
		return answer{}, p
	}
	var skus []string
	for sku := range s.items {
		skus = append(skus, sku)
	}
	sort.Strings(skus)
	out := map[string]any{"total": len(skus), "limit": limit, "href": c.r.URL.String()}
	from, to := min(page*limit, len(skus)), min((page+1)*limit, len(skus))
	items := []any{}
	for _, sku := range skus[from:to] {
		i := map[string]any{"sku": sku, "locale": "en_US"}
		for name, value := range s.items[sku].data {
			i[name] = value
		}
		items = append(items, i)
	}
	out["inventoryItems"], out["size"] = items, len(items)
	if to < len(skus) {
		out["next"] = inventory + "/inventory_item?limit=" + strconv.Itoa(limit) + "&offset=" + strconv.Itoa(page+1)
	}
	return ok(out), nil
}

func paging(c call, usual, most int) (limit, offset int, p *problem) {
	q := c.r.URL.Query()
	limit = usual
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return 0, 0, bad(25706, "limit must be 1 to %d", most)
		}
		limit = n
	}
	if text := q.Get("offset"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, 0, bad(25706, "offset must not be negative")
		}
		offset = n
	}
	return limit, offset, nil
}

func (s *Simulator) deleteItem(c call) (answer, *problem) {
	sku := c.r.PathValue("sku")
	if s.items[sku] == nil {
		return answer{}, &problem{status: http.StatusNotFound, id: 25710, message: "no such SKU"}
	}
	if o := s.offerOf(sku); o != nil {
		s.end(o, "ENDED")
		delete(s.offers, o.id)
	}
	delete(s.items, sku)
	for _, g := range s.groups {
		g.skus = slices.DeleteFunc(g.skus, func(x string) bool { return x == sku })
	}
	return answer{status: http.StatusNoContent}, nil
}

var updateShape = shape{
	"sku": text(50), "shipToLocationAvailability": object(shipTo),
	"offers": list(25, object(shape{"offerId!": text(20), "availableQuantity": whole, "price": object(moneyShape)})),
}

// bulkUpdate changes quantities and prices of live listings without the rest. A
// call is one revision of every listing that it touches.
func (s *Simulator) bulkUpdate(c call) (answer, *problem) {
	requests, p := bulk(c.body)
	if p != nil {
		return answer{}, p
	}
	seen, offers := map[string]bool{}, 0
	for _, r := range requests {
		if p := refused(updateShape.check(r)); p != nil {
			return answer{}, p
		}
		if (r["sku"] == nil) != (r["shipToLocationAvailability"] == nil) {
			return answer{}, bad(25709, "sku goes with shipToLocationAvailability")
		}
		all, _ := r["offers"].([]any)
		offers += len(all)
		for _, x := range all {
			id := str(at(x.(map[string]any), "offerId"))
			if seen[id] {
				return answer{}, bad(25731, "offer %s is there twice", id)
			}
			seen[id] = true
		}
	}
	if offers > 25 {
		return answer{}, bad(25730, "too many offers")
	}
	touched := map[*listing]*problem{}
	var rows []row
	for _, r := range requests {
		rows = append(rows, s.update(r, touched)...)
	}
	return mixed(rows), nil
}

func (s *Simulator) update(r map[string]any, touched map[*listing]*problem) []row {
	var rows []row
	sku := str(r["sku"])
	if sku != "" && s.items[sku] == nil {
		return []row{row{"sku": sku}.fail(bad(25702, "SKU %s does not exist", sku))}
	}
	all, _ := r["offers"].([]any)
	failed := false
	for _, x := range all {
		change := x.(map[string]any)
		id := str(change["offerId"])
		out := row{"offerId": id}
		if sku != "" {
			out["sku"] = sku
		}
		o := s.offers[id]
		switch {
		case o == nil || o.listing == nil || sku != "" && o.sku != sku:
			rows, failed = append(rows, out.fail(bad(25713, "This Offer is not available."))), true
			continue
		case change["availableQuantity"] == nil && change["price"] == nil:
			rows, failed = append(rows, out.fail(bad(25709, "an offer needs a quantity or a price"))), true
			continue
		}
		if _, counted := touched[o.listing]; !counted {
			touched[o.listing] = s.revise(o.listing)
		}
		if p := touched[o.listing]; p != nil {
			rows, failed = append(rows, out.fail(p)), true
			continue
		}
		if q := change["availableQuantity"]; q != nil {
			o.available = num(q)
			o.data["availableQuantity"] = q
		}
		if price := change["price"]; price != nil {
			o.data["pricingSummary"] = map[string]any{"price": price}
		}
		out["statusCode"] = http.StatusOK
		rows = append(rows, out)
	}
	if sku != "" && !failed {
		s.items[sku].setQuantity(num(at(r, "shipToLocationAvailability", "quantity")))
		rows = append(rows, row{"sku": sku, "statusCode": http.StatusOK})
	}
	return rows
}

func (s *Simulator) putGroup(c call) (answer, *problem) {
	key := c.r.PathValue("key")
	if len(key) > 50 {
		return answer{}, bad(25709, "the key is too long")
	}
	if p := refused(groupShape.check(c.body)); p != nil {
		return answer{}, p
	}
	g := &group{key: key, data: c.body}
	axes, _ := at(c.body, "variesBy", "specifications").([]any)
	for _, x := range c.body["variantSKUs"].([]any) {
		sku := str(x)
		i := s.items[sku]
		if i == nil {
			return answer{}, bad(25701, "SKU %s does not exist", sku)
		}
		for _, other := range s.groups {
			if other.key != key && slices.Contains(other.skus, sku) {
				return answer{}, bad(25703, "SKU %s is in another group", sku)
			}
		}
		if o := s.offerOf(sku); o != nil && o.listing != nil && o.group == "" {
			return answer{}, bad(25704, "SKU %s is listed on its own", sku)
		}
		for _, axis := range axes {
			a := axis.(map[string]any)
			values, _ := at(i.data, "product", "aspects", str(a["name"])).([]any)
			if len(values) != 1 || !slices.Contains(a["values"].([]any), values[0]) {
				return answer{}, bad(25013, "SKU %s has no value of %s that the group names", sku, str(a["name"]))
			}
		}
		g.skus = append(g.skus, sku)
	}
	_, there := s.groups[key]
	s.groups[key] = g
	if there {
		for _, o := range s.offers {
			if o.group == key && o.listing != nil && !slices.Contains(g.skus, o.sku) {
				s.end(o, "ENDED")
			}
		}
		return answer{status: http.StatusNoContent}, nil
	}
	return answer{status: http.StatusCreated}, nil
}

func (s *Simulator) createLocation(c call) (answer, *problem) {
	key := c.r.PathValue("key")
	address, _ := at(c.body, "location", "address").(map[string]any)
	switch {
	case s.places[key] != nil:
		return answer{}, &problem{status: http.StatusConflict, id: 25803, message: "merchantLocationKey already exists"}
	case len(key) > 36 || len(str(address["country"])) != 2:
		return answer{}, bad(25802, "the address needs a country")
	case str(address["postalCode"]) == "" && (str(address["city"]) == "" || str(address["stateOrProvince"]) == ""):
		return answer{}, bad(25802, "the address needs a postal code, or city and state")
	}
	s.places[key] = c.body
	return answer{status: http.StatusNoContent}, nil
}
