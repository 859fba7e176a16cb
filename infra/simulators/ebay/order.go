package ebay

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// order is what a buyer has bought.
type order struct {
	id                string
	created, modified time.Time
	payment           string
	cancel            string
	buyer             string
	currency          string
	lines             []*line
	subtotal          int64
	shipping, tax     int64
	refunded          int64
	shipments         []map[string]any
}

type line struct {
	id, sku, listing, title string
	qty, cents              int64
	shipped                 int64
}

// Wanted is a SKU that a buyer wants so many of.
type Wanted struct {
	SKU string `json:"sku"`
	Qty int64  `json:"qty"`
}

// shippingCents and taxPercent are what this seller's buyers pay besides.
const (
	shippingCents = 499
	taxPercent    = 8
)

// Buy has a buyer order SKUs that are up; it is refused when there are not as many
// left. Unpaid orders take the pieces as well.
func (s *Simulator) Buy(buyer string, paid bool, wanted ...Wanted) (orderID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	offers := make([]*offer, len(wanted))
	for i, w := range wanted {
		o := s.offerOf(w.SKU)
		if o == nil || o.listing == nil || o.available < w.Qty || w.Qty < 1 {
			return "", fmt.Errorf("SKU %s: there are not %d", w.SKU, w.Qty)
		}
		offers[i] = o
	}
	now := s.Clock.Now()
	n, _ := strconv.Atoi(s.next())
	b := &order{id: fmt.Sprintf("%02d-%05d-%05d", n%97, n%99991, len(s.orders)), created: now, modified: now, payment: "PENDING", cancel: "NONE_REQUESTED", buyer: buyer}
	if paid {
		b.payment = "PAID"
	}
	for i, w := range wanted {
		o := offers[i]
		o.available -= w.Qty
		o.sold += w.Qty
		if it := s.items[o.sku]; it != nil && it.quantity() >= w.Qty {
			it.setQuantity(it.quantity() - w.Qty)
		}
		price, _ := at(o.data, "pricingSummary", "price").(map[string]any)
		b.currency = str(price["currency"])
		cents := parseCents(str(price["value"])) * w.Qty
		b.lines = append(b.lines, &line{id: s.next(), sku: o.sku, listing: o.listing.id, title: str(at(s.items[o.sku].data, "product", "title")), qty: w.Qty, cents: cents})
		b.subtotal += cents
	}
	b.shipping, b.tax = shippingCents, b.subtotal*taxPercent/100
	s.orders = append(s.orders, b)
	return b.id, nil
}

// Pay has the buyer of an unpaid order pay; Cancel calls an order off. Its pieces
// do not come back to the listing by themselves.
func (s *Simulator) Pay(id string) { s.change(id, func(o *order) { o.payment = "PAID" }) }

// Cancel calls an order off.
func (s *Simulator) Cancel(id string) {
	s.change(id, func(o *order) {
		o.cancel = "CANCELED"
		if o.payment == "PAID" {
			o.payment, o.refunded = "FULLY_REFUNDED", o.total()
		}
	})
}

// Refund gives a buyer cents back.
func (s *Simulator) Refund(id string, cents int64) {
	s.change(id, func(o *order) { o.payment, o.refunded = "PARTIALLY_REFUNDED", o.refunded+cents })
}

// Rename gives the lines of an order a SKU that is not the seller's, as old
// listings have.
func (s *Simulator) Rename(id, sku string) {
	s.change(id, func(o *order) {
		for _, l := range o.lines {
			l.sku = sku
		}
	})
}

func (s *Simulator) change(id string, fn func(*order)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.id == id {
			fn(o)
			o.modified = s.Clock.Now()
		}
	}
}

func (o *order) total() int64 { return o.subtotal + o.shipping + o.tax }

func parseCents(text string) int64 {
	whole, fraction, _ := strings.Cut(text, ".")
	fraction = (fraction + "00")[:2]
	n, _ := strconv.ParseInt(whole+fraction, 10, 64)
	return n
}

func money(cents int64, currency string) map[string]any {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return map[string]any{"value": fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100), "currency": currency}
}

// view is an order as the vendor shows it.
func (o *order) view() map[string]any {
	var lines []any
	left := int64(0)
	for _, l := range o.lines {
		left += l.qty - l.shipped
		lines = append(lines, map[string]any{
			"lineItemId": l.id, "legacyItemId": l.listing, "sku": l.sku, "title": l.title, "quantity": l.qty, "lineItemCost": money(l.cents, o.currency),
			"total": money(l.cents, o.currency), "taxes": []any{}, "soldFormat": "FIXED_PRICE",
		})
	}
	status := "NOT_STARTED"
	if left == 0 {
		status = "FULFILLED"
	} else if len(o.shipments) > 0 {
		status = "IN_PROGRESS"
	}
	summary := map[string]any{"totalDueSeller": money(o.total(), o.currency), "payments": []any{}}
	if o.refunded > 0 {
		summary["refunds"] = []any{map[string]any{"refundId": "1", "amount": money(o.refunded, o.currency), "refundStatus": "REFUNDED"}}
	}
	return map[string]any{
		"orderId": o.id, "creationDate": stamp(o.created), "lastModifiedDate": stamp(o.modified), "orderPaymentStatus": o.payment,
		"orderFulfillmentStatus": status, "cancelStatus": map[string]any{"cancelState": o.cancel, "cancelRequests": []any{}},
		"buyer": map[string]any{"username": o.buyer},
		"pricingSummary": map[string]any{
			"priceSubtotal": money(o.subtotal, o.currency), "deliveryCost": money(o.shipping, o.currency), "tax": money(o.tax, o.currency), "total": money(o.total(), o.currency),
		},
		"paymentSummary": summary,
		"fulfillmentStartInstructions": []any{map[string]any{"fulfillmentInstructionsType": "SHIP_TO", "shippingStep": map[string]any{
			"shippingCarrierCode": "USPS", "shippingServiceCode": "USPSPriority", "shipTo": map[string]any{
				"fullName": "Grace Hopper", "contactAddress": map[string]any{
					"addressLine1": "2 Navy Way", "city": "Arlington", "stateOrProvince": "VA", "postalCode": "22202", "countryCode": "US",
				},
				"primaryPhone": map[string]any{"phoneNumber": "7035550100"}, "email": o.buyer + "@members.ebay.example",
			},
		}}},
		"lineItems": lines,
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (s *Simulator) orderRoutes() {
	const path = "/sell/fulfillment/v1/order"
	s.handle("fulfillment", "getOrders", "GET "+path, false, s.getOrders)
	s.handle("fulfillment", "getOrder", "GET "+path+"/{id}", false, func(c call) (answer, *problem) {
		if o := s.orderNamed(c.r.PathValue("id")); o != nil {
			return ok(o.view()), nil
		}
		return answer{}, &problem{status: http.StatusNotFound, id: 32100, message: "no such order"}
	})
	s.handle("fulfillment", "ship", "POST "+path+"/{id}/shipping_fulfillment", true, s.ship)
	s.handle("fulfillment", "getShipments", "GET "+path+"/{id}/shipping_fulfillment", false, func(c call) (answer, *problem) {
		o := s.orderNamed(c.r.PathValue("id"))
		if o == nil {
			return answer{}, &problem{status: http.StatusNotFound, id: 32100, message: "no such order"}
		}
		return ok(map[string]any{"fulfillments": append([]map[string]any{}, o.shipments...), "total": len(o.shipments)}), nil
	})
}

func (s *Simulator) orderNamed(id string) *order {
	i := slices.IndexFunc(s.orders, func(o *order) bool { return o.id == id })
	if i < 0 {
		return nil
	}
	return s.orders[i]
}

func (s *Simulator) getOrders(c call) (answer, *problem) {
	q := c.r.URL.Query()
	for name := range q {
		if !slices.Contains([]string{"filter", "limit", "offset", "fieldGroups", "orderIds"}, name) {
			return answer{}, bad(30800, "%s is no parameter", name)
		}
	}
	limit, offset, p := paging(c, 50, 200)
	if p != nil && strings.HasPrefix(p.message, "limit") {
		return answer{}, bad(31100, "limit must be 1 to 200")
	}
	if p != nil {
		return answer{}, bad(31000, "%s", p.message)
	}
	since := time.Time{}
	if filter := q.Get("filter"); filter != "" {
		text, found := strings.CutPrefix(filter, "lastmodifieddate:[")
		from, _, dots := strings.Cut(strings.TrimSuffix(text, "]"), "..")
		at, err := time.Parse("2006-01-02T15:04:05.000Z", from)
		if !found || !dots || err != nil || at.After(s.Clock.Now()) {
			return answer{}, bad(30810, "the filter cannot be read")
		}
		since = at
	}
	var found []*order
	for _, o := range s.orders {
		if !o.modified.Before(since) && !s.Clock.Now().Before(o.created.Add(s.o.OrderLag)) {
			found = append(found, o)
		}
	}
	from, to := min(offset, len(found)), min(offset+limit, len(found))
	orders := []any{}
	for _, o := range found[from:to] {
		orders = append(orders, o.view())
	}
	out := map[string]any{"total": len(found), "limit": limit, "offset": offset, "href": c.r.URL.String(), "orders": orders}
	if to < len(found) {
		next := c.r.URL.Query()
		next.Set("offset", strconv.Itoa(to))
		out["next"] = c.r.URL.Path + "?" + next.Encode()
	}
	return ok(out), nil
}

var shipShape = shape{
	"lineItems!":  list(100, object(shape{"lineItemId!": text(40), "quantity": whole})),
	"shippedDate": text(40), "shippingCarrierCode": text(40), "trackingNumber": text(60),
}

func (s *Simulator) ship(c call) (answer, *problem) {
	o := s.orderNamed(c.r.PathValue("id"))
	if o == nil {
		return answer{}, &problem{status: http.StatusNotFound, id: 32100, message: "no such order"}
	}
	if name, why := shipShape.check(c.body); why != "" {
		return answer{}, bad(32600, "%s %s", name, why)
	}
	tracking, carrier := str(c.body["trackingNumber"]), str(c.body["shippingCarrierCode"])
	if (tracking == "") != (carrier == "") {
		return answer{}, bad(32300, "carrier and tracking number go together")
	}
	for _, f := range o.shipments {
		if tracking != "" && f["shipmentTrackingNumber"] == tracking {
			return answer{}, bad(34500, "a shipment cannot be updated")
		}
	}
	if at, err := time.Parse(time.RFC3339, str(c.body["shippedDate"])); c.body["shippedDate"] != nil && (err != nil || at.After(s.Clock.Now().Add(time.Second))) {
		return answer{}, bad(32500, "the shipped date cannot be read, or is in the future")
	}
	packed := map[*line]int64{}
	for _, x := range c.body["lineItems"].([]any) {
		l := x.(map[string]any)
		i := slices.IndexFunc(o.lines, func(have *line) bool { return have.id == str(l["lineItemId"]) })
		if i < 0 {
			return answer{}, bad(32200, "line %s is not in the order", str(l["lineItemId"]))
		}
		if packed[o.lines[i]] != 0 {
			return answer{}, bad(32210, "line %s is there twice", o.lines[i].id)
		}
		packed[o.lines[i]] = max(num(l["quantity"]), 1)
		if o.lines[i].shipped+packed[o.lines[i]] > o.lines[i].qty {
			return answer{}, bad(32300, "line %s has not so many pieces left", o.lines[i].id)
		}
	}
	for l, n := range packed {
		l.shipped += n
	}
	id := tracking
	if id == "" {
		id = "999"
	}
	f := map[string]any{"fulfillmentId": id, "shippedDate": c.body["shippedDate"], "lineItems": c.body["lineItems"]}
	if tracking != "" {
		f["shipmentTrackingNumber"], f["shippingCarrierCode"] = tracking, carrier
	}
	o.shipments = append(o.shipments, f)
	o.modified = s.Clock.Now()
	return answer{status: http.StatusCreated, header: map[string]string{"Location": c.r.URL.Path + "/" + id}}, nil
}
