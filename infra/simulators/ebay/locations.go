package ebay

import (
	"maps"
	"net/http"
	"slices"
)

// place is an inventory location.
type place struct {
	key  string
	data map[string]any
}

func (l *place) enabled() bool { return l.data["merchantLocationStatus"] != "DISABLED" }

// center reports whether it is a fulfillment center.
func (l *place) center() bool {
	return slices.Contains(texts(l.data["locationTypes"]), "FULFILLMENT_CENTER")
}

// badAddress tells what a warehouse's address lacks: a country with a postal code,
// or with city and state.
func (l *place) badAddress() *problem {
	address, _ := at(l.data, "location", "address").(map[string]any)
	switch {
	case address == nil || str(address["country"]) == "":
		return bad(25801, "location.address.country is missing.")
	case str(address["postalCode"]) == "" && (str(address["city"]) == "" || str(address["stateOrProvince"]) == ""):
		return bad(25801, "location.address needs postalCode, or city and stateOrProvince.")
	}
	return nil
}

var placeShape = shape{
	"location": object(shape{
		"address": object(shape{
			"addressLine1": text(128), "addressLine2": text(128), "city": text(128), "stateOrProvince": text(128), "county": text(128), "postalCode": text(16),
			"country": pattern(`^[A-Z]{2}$`, "must have two letters"),
		}),
		"geoCoordinates": object(shape{"latitude!": coordinate, "longitude!": coordinate}),
	}),
	"name": text(1000), "phone": text(36), "locationTypes": list(3, one("WAREHOUSE", "STORE", "FULFILLMENT_CENTER")), "merchantLocationStatus": one("ENABLED", "DISABLED"),
	"locationInstructions": text(1000), "locationAdditionalInformation": text(256), "locationWebUrl": text(512), "operatingHours": list(7, anything), "specialHours": list(1000, anything),
	"timeZoneId": text(64), "fulfillmentCenterSpecifications": anything,
}

func coordinate(v any) *flaw {
	if _, ok := v.(float64); !ok {
		return wrong(malformed, "must be a number")
	}
	return nil
}

func (s *Simulator) locationOperations() []operation {
	const path = "/location/{key}"
	// of finds the location of a call.
	of := func(do func(call, *place) (answer, *problem)) func(call) (answer, *problem) {
		return func(c call) (answer, *problem) {
			l := s.places[c.path("key")]
			if l == nil {
				return answer{}, absent(25805, "The location could not be found.").with("merchantLocationKey", c.path("key"))
			}
			return do(c, l)
		}
	}
	turn := func(status string) func(call, *place) (answer, *problem) {
		return func(_ call, l *place) (answer, *problem) {
			l.data["merchantLocationStatus"] = status
			return ok(map[string]any{}), nil
		}
	}
	operations := []operation{
		{name: "createLocation", method: "POST", path: path, scopes: itemWrite, body: placeShape, missing: 25801, invalid: 25800, do: s.createPlace},
		{name: "getLocation", method: "GET", path: path, scopes: itemReads, do: of(func(_ call, l *place) (answer, *problem) { return ok(l.view()), nil })},
		{name: "getLocations", method: "GET", path: "/location", scopes: itemReads, do: func(c call) (answer, *problem) {
			keys := slices.Sorted(maps.Keys(s.places))
			out, from, to, p := page(c, 100, 100, len(keys), true, 25802)
			if p != nil {
				return answer{}, p
			}
			all := []any{}
			for _, key := range keys[from:to] {
				all = append(all, s.places[key].view())
			}
			out["locations"] = all
			return ok(out), nil
		}},
		{name: "updateLocation", method: "POST", path: path + "/update_location_details", scopes: itemWrite, body: placeShape, missing: 25801, invalid: 25800, do: of(func(c call, l *place) (answer, *problem) {
			data := maps.Clone(l.data)
			maps.Copy(data, c.body)
			changed := &place{l.key, data}
			if p := changed.badAddress(); p != nil {
				return answer{}, p
			}
			s.places[l.key] = changed
			return done, nil
		})},
		{name: "enableLocation", method: "POST", path: path + "/enable", scopes: itemWrite, do: of(turn("ENABLED"))},
		{name: "disableLocation", method: "POST", path: path + "/disable", scopes: itemWrite, do: of(turn("DISABLED"))},
		{name: "deleteLocation", method: "DELETE", path: path, scopes: itemWrite, do: of(func(_ call, l *place) (answer, *problem) {
			if l.center() {
				return answer{}, bad(25806, "A fulfillment center cannot be deleted.")
			}
			delete(s.places, l.key)
			return done, nil
		})},
	}
	const listed = "/listing/{listing}/sku/{sku}/locations"
	operations = append(operations,
		operation{name: "putListingLocations", method: "PUT", path: listed, scopes: itemWrite, body: shape{"locations!": list(1000, object(shape{"merchantLocationKey!": full(36)}))}, missing: 25901, do: s.mapPlaces},
		operation{name: "getListingLocations", method: "GET", path: listed, scopes: itemReads, do: func(c call) (answer, *problem) {
			o, p := s.listed(c)
			if p != nil {
				return answer{}, p
			}
			if o.places == nil {
				return answer{}, absent(25710, "We didn't find the resource you are requesting.")
			}
			return ok(map[string]any{"locations": o.places}), nil
		}},
		operation{name: "deleteListingLocations", method: "DELETE", path: listed, scopes: itemWrite, do: func(c call) (answer, *problem) {
			o, p := s.listed(c)
			if p != nil {
				return answer{}, p
			}
			o.places = nil
			return done, nil
		}},
	)
	for i := range operations {
		operations[i].api = inventoryAPI
	}
	return operations
}

func (l *place) view() map[string]any {
	out := maps.Clone(l.data)
	out["merchantLocationKey"] = l.key
	return out
}

func (s *Simulator) createPlace(c call) (answer, *problem) {
	key := c.path("key")
	l := &place{key, maps.Clone(c.body)}
	if l.data["merchantLocationStatus"] == nil {
		l.data["merchantLocationStatus"] = "ENABLED"
	}
	if l.data["locationTypes"] == nil {
		l.data["locationTypes"] = []any{"WAREHOUSE"}
	}
	switch p := l.badAddress(); {
	case s.places[key] != nil:
		return answer{}, conflict(25803, "merchantLocationKey already exists.").with("merchantLocationKey", key)
	case len([]rune(key)) > 36:
		return answer{}, bad(25800, "The length of merchantLocationKey must not exceed 36.")
	case p != nil:
		return answer{}, p
	}
	s.places[key] = l
	return done, nil
}

// listed returns the offer of a listing and SKU.
func (s *Simulator) listed(c call) (*offer, *problem) {
	l := s.listings[c.path("listing")]
	if l == nil {
		return nil, bad(25904, "The listing is unknown.").with("listingId", c.path("listing"))
	}
	for _, o := range s.members(l) {
		if o.sku == c.path("sku") {
			return o, nil
		}
	}
	return nil, bad(25905, "The SKU is not part of the listing.").with("sku", c.path("sku"))
}

// mapPlaces names the fulfillment centers from which a SKU of a listing is sent.
func (s *Simulator) mapPlaces(c call) (answer, *problem) {
	o, p := s.listed(c)
	if p != nil {
		return answer{}, p
	}
	var keys []string
	for _, x := range objects(c.body["locations"]) {
		keys = append(keys, str(x["merchantLocationKey"]))
	}
	if len(keys) == 0 {
		return answer{}, bad(25901, "There is no location.")
	}
	if key, twice := repeated(keys); twice {
		return answer{}, bad(25902, "The location %s is there twice.", key)
	}
	for _, key := range keys {
		switch l := s.places[key]; {
		case l == nil:
			return answer{}, bad(25900, "The location %s does not exist.", key)
		case !l.center():
			return answer{}, bad(25906, "The location %s is no fulfillment center.", key)
		}
	}
	o.places, _ = c.body["locations"].([]any)
	return answer{status: http.StatusNoContent}, nil
}
