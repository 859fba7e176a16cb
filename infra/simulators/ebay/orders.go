package ebay

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// order is what a buyer has bought.
type order struct {
	id, marketplace   string
	created, modified time.Time
	paid              time.Time // zero: not yet
	cancelled         time.Time // zero: not
	failed            bool      // the payment has
	buyer             string
	currency          string
	lines             []*line
	collected         bool // eBay collects and remits the tax
	shipments         []*shipment
	refunds           []*refund
}

type line struct {
	id, sku, listing, title  string
	qty, cents, tax, postage int64
	shipped                  int64
}

func (l *line) total() int64 { return l.cents + l.tax + l.postage }

func (l *line) status() string { return fulfilled(l.shipped, l.qty) }

func fulfilled(shipped, of int64) string {
	switch shipped {
	case 0:
		return "NOT_STARTED"
	case of:
		return "FULFILLED"
	}
	return "IN_PROGRESS"
}

type shipment struct {
	id, tracking, carrier string
	shipped               time.Time
	lines                 []any
}

type refund struct {
	id, reference string
	at, due       time.Time
	cents         int64
	line          string // id of the line; "": of the order
	done          bool
}

func (o *order) subtotal() (cents int64) {
	for _, l := range o.lines {
		cents += l.cents
	}
	return cents
}

func (o *order) tax() (cents int64) {
	for _, l := range o.lines {
		cents += l.tax
	}
	return cents
}

func (o *order) postage() (cents int64) {
	for _, l := range o.lines {
		cents += l.postage
	}
	return cents
}

// total is what the seller's side of the order comes to: tax that eBay remits is
// not in it.
func (o *order) total() int64 {
	total := o.subtotal() + o.postage()
	if !o.collected {
		total += o.tax()
	}
	return total
}

// refunded sums refunds; pending ones too, if asked for.
func (o *order) refunded(pending bool, line string) (cents int64) {
	for _, r := range o.refunds {
		if (r.done || pending) && (line == "" || r.line == line) {
			cents += r.cents
		}
	}
	return cents
}

// settle ends the refunds that are due.
func (o *order) settle(now time.Time) {
	for _, r := range o.refunds {
		if !r.done && !now.Before(r.due) {
			r.done = true
			if r.due.After(o.modified) {
				o.modified = r.due
			}
		}
	}
}

func (o *order) payment() string {
	switch back := o.refunded(false, ""); {
	case o.failed:
		return "FAILED"
	case o.paid.IsZero():
		return "PENDING"
	case back >= o.total():
		return "FULLY_REFUNDED"
	case back > 0:
		return "PARTIALLY_REFUNDED"
	}
	return "PAID"
}

func (o *order) status() string {
	var shipped, of int64
	for _, l := range o.lines {
		shipped, of = shipped+l.shipped, of+l.qty
	}
	return fulfilled(shipped, of)
}

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

// The seller, as orders and notices name them.
const (
	sellerName  = "rackless-seller"
	sellerID    = "pM6Jw7aXQ0a"
	sellerToken = "nY+sHZ2PrBmdj6wVnY+sEZ2PrA2dj6wJnYKkD5iApQ2dj6x9nY+seQ=="
)

// mailLife is how long the buyer's address of e-mail is shown.
const mailLife = 14 * 24 * time.Hour

// view is an order as the vendor shows it: alone, with its requests of
// cancellation; with the breakdown of taxes, with those that eBay remits in the
// totals.
func (o *order) view(now time.Time, alone, breakdown bool) map[string]any {
	cash := func(cents int64) map[string]any { return money(cents, o.currency) }
	lines, hrefs, payments, refunds := []any{}, []any{}, []any{}, []any{}
	for _, l := range o.lines {
		lines = append(lines, o.lineView(l, breakdown))
	}
	for _, f := range o.shipments {
		hrefs = append(hrefs, fulfillmentAPI.path+"/order/"+o.id+"/shipping_fulfillment/"+url.PathEscape(f.id))
	}
	if !o.paid.IsZero() {
		payments = append(payments, map[string]any{
			"amount": cash(o.total()), "paymentDate": stamp(o.paid), "paymentMethod": "EBAY", "paymentReferenceId": "P-" + o.id, "paymentStatus": "PAID",
		})
	} else if o.failed {
		payments = append(payments, map[string]any{"amount": cash(o.total()), "paymentMethod": "EBAY", "paymentStatus": "FAILED"})
	}
	for _, r := range o.refunds {
		status := "PENDING"
		if r.done {
			status = "REFUNDED"
		}
		refunds = append(refunds, map[string]any{
			"refundId": r.id, "refundReferenceId": r.reference, "refundDate": stamp(r.at), "amount": cash(r.cents), "refundStatus": status,
		})
	}
	total := o.total()
	pricing := map[string]any{"priceSubtotal": cash(o.subtotal()), "deliveryCost": cash(o.postage())}
	if o.tax() > 0 && (!o.collected || breakdown) {
		pricing["tax"] = cash(o.tax())
	}
	if o.collected && breakdown {
		total += o.tax()
	}
	pricing["total"] = cash(total)
	fee := o.total() * 13 / 100
	cancel := map[string]any{"cancelState": "NONE_REQUESTED", "cancelRequests": []any{}}
	if !o.cancelled.IsZero() {
		cancel["cancelState"], cancel["cancelledDate"] = "CANCELED", stamp(o.cancelled)
		if alone {
			cancel["cancelRequests"] = []any{map[string]any{
				"cancelRequestId": "C-" + o.id, "cancelRequestState": "COMPLETED", "cancelInitiator": "SELLER", "cancelReason": "BUYER_ASKED_CANCEL",
				"cancelRequestedDate": stamp(o.cancelled), "cancelCompletedDate": stamp(o.cancelled),
			}}
		}
	}
	address := map[string]any{"addressLine1": "2 Navy Way", "city": "Arlington", "stateOrProvince": "VA", "postalCode": "22202", "countryCode": "US"}
	home := map[string]any{"fullName": "Grace Hopper", "contactAddress": address, "primaryPhone": map[string]any{"phoneNumber": "7035550100"}}
	shipTo := map[string]any{"fullName": "Grace Hopper", "contactAddress": address, "primaryPhone": map[string]any{"phoneNumber": "7035550100"}}
	if now.Before(o.created.Add(mailLife)) {
		shipTo["email"] = o.buyer + "@members.ebay.example"
	}
	out := map[string]any{
		"orderId": o.id, "legacyOrderId": o.id, "salesRecordReference": strings.ReplaceAll(o.id, "-", ""), "sellerId": sellerName,
		"creationDate": stamp(o.created), "lastModifiedDate": stamp(o.modified), "orderPaymentStatus": o.payment(), "orderFulfillmentStatus": o.status(),
		"cancelStatus": cancel,
		"buyer": map[string]any{
			"username": o.buyer, "taxAddress": map[string]any{"city": "Arlington", "stateOrProvince": "VA", "postalCode": "22202", "countryCode": "US"},
			"buyerRegistrationAddress": home,
		},
		"pricingSummary":      pricing,
		"paymentSummary":      map[string]any{"totalDueSeller": cash(o.total() - fee), "payments": payments, "refunds": refunds},
		"totalFeeBasisAmount": cash(o.total()), "totalMarketplaceFee": cash(fee), "fulfillmentHrefs": hrefs,
		"fulfillmentStartInstructions": []any{map[string]any{
			"fulfillmentInstructionsType": "SHIP_TO", "ebaySupportedFulfillment": false,
			"minEstimatedDeliveryDate": stamp(o.created.AddDate(0, 0, 3)), "maxEstimatedDeliveryDate": stamp(o.created.AddDate(0, 0, 6)),
			"shippingStep": map[string]any{"shippingCarrierCode": "USPS", "shippingServiceCode": "USPSPriority", "shipTo": shipTo},
		}},
		"lineItems": lines,
	}
	if o.collected && o.tax() > 0 {
		out["ebayCollectAndRemitTax"] = true
	}
	return out
}

func (o *order) lineView(l *line, breakdown bool) map[string]any {
	cash := func(cents int64) map[string]any { return money(cents, o.currency) }
	taxes := []any{}
	total := l.total()
	if l.tax > 0 && !o.collected {
		taxes = append(taxes, map[string]any{"taxType": "STATE_SALES_TAX", "amount": cash(l.tax)})
	}
	if o.collected && !breakdown {
		total -= l.tax
	}
	out := map[string]any{
		"lineItemId": l.id, "legacyItemId": l.listing, "title": l.title, "quantity": l.qty, "lineItemCost": cash(l.cents), "total": cash(total),
		"deliveryCost": map[string]any{"shippingCost": cash(l.postage)}, "taxes": taxes, "appliedPromotions": []any{}, "refunds": []any{},
		"properties": map[string]any{"buyerProtection": true}, "lineItemFulfillmentStatus": l.status(), "soldFormat": "FIXED_PRICE",
		"lineItemFulfillmentInstructions": map[string]any{"shipByDate": stamp(o.created.AddDate(0, 0, 1)), "guaranteedDelivery": false,
			"minEstimatedDeliveryDate": stamp(o.created.AddDate(0, 0, 3)), "maxEstimatedDeliveryDate": stamp(o.created.AddDate(0, 0, 6))},
		"listingMarketplaceId": o.marketplace, "purchaseMarketplaceId": o.marketplace,
	}
	if l.sku != "" {
		out["sku"] = l.sku
	}
	if o.collected && l.tax > 0 {
		out["ebayCollectAndRemitTaxes"] = []any{map[string]any{
			"taxType": "STATE_SALES_TAX", "amount": cash(l.tax), "collectionMethod": "NET", "ebayReference": map[string]any{"name": "", "value": ""},
		}}
	}
	return out
}

var (
	orderReads = []string{fulfillScope, fulfillReadScope}
	shipShape  = shape{
		"lineItems!":  some(1000, object(shape{"lineItemId!": full(50), "quantity": whole})),
		"shippedDate": as(32500, moment), "shippingCarrierCode": as(32300, text(50)), "trackingNumber": as(32300, text(100)),
	}
	anyAmount   = object(shape{"value": text(20), "currency": text(3)})
	refundShape = shape{
		"reasonForRefund": one("BUYER_CANCEL", "SELLER_CANCEL", "ITEM_NOT_RECEIVED", "BUYER_RETURN", "ITEM_NOT_AS_DESCRIBED", "OTHER_ADJUSTMENT", "SHIPPING_DISCOUNT"),
		"comment":         as(34921, text(100)), "orderLevelRefundAmount": anyAmount,
		"refundItems": list(1000, object(shape{
			"lineItemId": text(50), "legacyReference": object(shape{"legacyItemId": text(50), "legacyTransactionId": text(50)}), "refundAmount": anyAmount,
		})),
	}
)

func (s *Simulator) orderOperations() []operation {
	const path, shipments = "/order/{id}", "/order/{id}/shipping_fulfillment"
	// of finds the order of a call.
	of := func(do func(call, *order) (answer, *problem)) func(call) (answer, *problem) {
		return func(c call) (answer, *problem) {
			o := s.orderNamed(c.path("id"))
			if o == nil {
				return answer{}, absent(32100, "Invalid order ID.").with("orderId", c.path("id"))
			}
			return do(c, o)
		}
	}
	operations := []operation{
		{name: "getOrders", method: "GET", path: "/order", scopes: orderReads, do: s.listOrders},
		{name: "getOrder", method: "GET", path: path, scopes: orderReads, do: of(func(c call, o *order) (answer, *problem) {
			breakdown, p := fieldGroups(c)
			if p != nil {
				return answer{}, p
			}
			return ok(o.view(s.Clock.Now(), true, breakdown)), nil
		})},
		{name: "ship", method: "POST", path: shipments, scopes: []string{fulfillScope}, body: shipShape, do: of(s.ship)},
		{name: "getShipments", method: "GET", path: shipments, scopes: orderReads, do: of(func(_ call, o *order) (answer, *problem) {
			all := []any{}
			for _, f := range o.shipments {
				all = append(all, f.view())
			}
			return ok(map[string]any{"fulfillments": all, "total": len(all), "warnings": []any{}}), nil
		})},
		{name: "getShipment", method: "GET", path: shipments + "/{shipment}", scopes: orderReads, do: of(func(c call, o *order) (answer, *problem) {
			i := slices.IndexFunc(o.shipments, func(f *shipment) bool { return f.id == c.path("shipment") })
			if i < 0 {
				return answer{}, absent(32110, "Invalid shipping fulfillment ID.").with("fulfillmentId", c.path("shipment"))
			}
			return ok(o.shipments[i].view()), nil
		})},
		{name: "refund", method: "POST", path: path + "/issue_refund", scopes: []string{financesScope}, body: refundShape, empty: bad(34902, "The request body is empty."), do: s.refund},
	}
	for i := range operations {
		operations[i].api = fulfillmentAPI
	}
	return operations
}

func (s *Simulator) orderNamed(id string) *order {
	i := slices.IndexFunc(s.orders, func(o *order) bool { return o.id == id })
	if i < 0 {
		return nil
	}
	return s.orders[i]
}

func fieldGroups(c call) (breakdown bool, p *problem) {
	switch groups := c.r.URL.Query().Get("fieldGroups"); groups {
	case "":
		return false, nil
	case "TAX_BREAKDOWN":
		return true, nil
	default:
		return false, bad(32800, "Invalid field group: %s.", groups)
	}
}

// A filter is what getOrders is asked for.
type filter struct {
	created, modified span
	statuses          []string
}

// A span is a range of times with both ends; a zero end is open.
type span struct {
	given    bool
	from, to time.Time
}

func (x span) holds(t time.Time) bool {
	return !t.Before(x.from) && (x.to.IsZero() || !t.After(x.to))
}

// history is how far back orders go, and window which of them are listed unasked.
const (
	historyYears = 2
	window       = 90 * 24 * time.Hour
)

const stampLayout = "2006-01-02T15:04:05.000Z"

func parseSpan(text string, now time.Time) (x span, p *problem) {
	inner, found := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	from, to, dots := strings.Cut(inner, "..")
	if !found || !closed || !dots {
		return x, bad(30810, "Invalid date format: a range is [from..to].")
	}
	if from == "" {
		return x, bad(30820, "The range has no start.")
	}
	x.given = true
	for text, into := range map[string]*time.Time{from: &x.from, to: &x.to} {
		if text == "" {
			continue
		}
		at, err := time.Parse(stampLayout, text)
		if err != nil {
			return x, bad(30810, "Invalid date format: %s.", text)
		}
		*into = at
	}
	if from == to {
		x.to = x.from
	}
	switch {
	case x.from.After(now) || x.to.After(now):
		return x, bad(30850, "A date lies in the future.")
	case !x.to.IsZero() && x.from.After(x.to):
		return x, bad(30840, "The start lies after the end.")
	case x.from.Before(now.AddDate(-historyYears, 0, 0)):
		return x, bad(30830, "The range is too long: orders go back two years.")
	}
	return x, nil
}

func parseFilter(text string, now time.Time) (f filter, p *problem) {
	if text == "" {
		return f, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, ":")
		switch strings.TrimSpace(name) {
		case "creationdate":
			f.created, p = parseSpan(value, now)
		case "lastmodifieddate":
			f.modified, p = parseSpan(value, now)
		case "orderfulfillmentstatus":
			inner, found := strings.CutPrefix(value, "{")
			inner, closed := strings.CutSuffix(inner, "}")
			f.statuses = strings.Split(inner, "|")
			slices.Sort(f.statuses)
			open, finished := []string{"IN_PROGRESS", "NOT_STARTED"}, []string{"FULFILLED", "IN_PROGRESS"}
			if !found || !closed || !slices.Equal(f.statuses, open) && !slices.Equal(f.statuses, finished) {
				p = bad(30800, "Invalid filter value: %s.", value)
			}
		default:
			p = bad(30700, "Invalid filter name: %s.", name)
		}
		if p != nil {
			return f, p
		}
	}
	return f, nil
}

// listOrders lists orders, oldest first. With a range of modifications they are in
// order of these, so that an order that changes meanwhile moves to a later page.
func (s *Simulator) listOrders(c call) (answer, *problem) {
	q, now := c.r.URL.Query(), s.Clock.Now()
	breakdown, p := fieldGroups(c)
	visible := func(o *order) bool { return !now.Before(o.created.Add(s.o.OrderLag)) }
	if ids := q.Get("orderIds"); ids != "" { // all else is ignored
		wanted := strings.Split(ids, ",")
		if len(wanted) > 50 {
			return answer{}, bad(30900, "The number of order ids must not exceed 50.")
		}
		all := []any{}
		for _, o := range s.orders {
			if slices.Contains(wanted, o.id) && visible(o) {
				all = append(all, o.view(now, false, false))
			}
		}
		return ok(map[string]any{"href": c.r.URL.String(), "total": len(all), "limit": 50, "offset": 0, "orders": all, "warnings": []any{}}), nil
	}
	if p != nil {
		return answer{}, p
	}
	for _, name := range []string{"limit", "offset"} {
		if n, err := strconv.Atoi(q.Get(name)); q.Get(name) != "" && (err != nil || n < 0 || name == "limit" && (n < 1 || n > 200)) {
			return answer{}, bad(map[string]int{"limit": 31100, "offset": 31000}[name], "Invalid value for %s.", name)
		}
	}
	f, p := parseFilter(q.Get("filter"), now)
	if p != nil {
		return answer{}, p
	}
	var found []*order
	for _, o := range s.orders {
		in := o.created.After(now.Add(-window))
		switch {
		case f.created.given:
			in = f.created.holds(o.created)
		case f.modified.given:
			in = f.modified.holds(o.modified)
		}
		if in && visible(o) && (f.statuses == nil || slices.Contains(f.statuses, o.status())) {
			found = append(found, o)
		}
	}
	slices.SortStableFunc(found, func(a, b *order) int {
		if f.modified.given && !f.created.given {
			return a.modified.Compare(b.modified)
		}
		return a.created.Compare(b.created)
	})
	out, from, to, p := page(c, 50, 200, len(found), true, 31000)
	if p != nil {
		return answer{}, p
	}
	all := []any{}
	for _, o := range found[from:to] {
		all = append(all, o.view(now, false, breakdown))
	}
	out["orders"], out["warnings"] = all, []any{}
	return ok(out), nil
}

func (f *shipment) view() map[string]any {
	out := map[string]any{"fulfillmentId": f.id, "shippedDate": stamp(f.shipped), "lineItems": f.lines}
	if f.tracking != "" {
		out["shipmentTrackingNumber"], out["shippingCarrierCode"] = f.tracking, f.carrier
	}
	return out
}

// ship notes a package. It is whole or not at all, and cannot be changed.
func (s *Simulator) ship(c call, o *order) (answer, *problem) {
	tracking, carrier, now := str(c.body["trackingNumber"]), str(c.body["shippingCarrierCode"]), s.Clock.Now()
	f := &shipment{id: tracking, tracking: tracking, carrier: carrier, shipped: now}
	if text := str(c.body["shippedDate"]); text != "" {
		f.shipped, _ = time.Parse(time.RFC3339Nano, text) // moment has
	}
	switch {
	case (tracking == "") != (carrier == ""):
		return answer{}, bad(32300, "Carrier and tracking number go together.")
	case strings.ContainsFunc(tracking, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }):
		return answer{}, bad(32300, "Invalid tracking number.").with("trackingNumber", tracking)
	case f.shipped.After(now):
		return answer{}, bad(32500, "The shipped date lies in the future.")
	case slices.ContainsFunc(o.shipments, func(x *shipment) bool { return tracking != "" && x.id == tracking }):
		return answer{}, bad(34500, "The shipment exists and cannot be changed.").with("fulfillmentId", tracking)
	}
	packed := map[*line]int64{}
	for _, x := range objects(c.body["lineItems"]) {
		id, n := str(x["lineItemId"]), int64(1)
		if x["quantity"] != nil {
			n = num(x["quantity"])
		}
		i := slices.IndexFunc(o.lines, func(l *line) bool { return l.id == id })
		switch {
		case i < 0:
			return answer{}, bad(32200, "Line item %s is not in the order.", id).with("lineItemId", id)
		case packed[o.lines[i]] != 0:
			return answer{}, bad(32210, "Line item %s is there twice.", id).with("lineItemId", id)
		case n < 1 || o.lines[i].shipped+n > o.lines[i].qty:
			return answer{}, bad(32600, "Line item %s has not so many pieces left.", id).with("lineItemId", id)
		}
		packed[o.lines[i]] = n
		f.lines = append(f.lines, map[string]any{"lineItemId": id, "quantity": n})
	}
	for l, n := range packed {
		l.shipped += n
	}
	if f.id == "" { // a filler
		f.id = strconv.Itoa(999 - len(o.shipments))
	}
	o.shipments, o.modified = append(o.shipments, f), now
	for _, l := range o.lines {
		if packed[l] > 0 {
			s.publish("ITEM_MARKED_SHIPPED", map[string]any{"orderId": o.id, "lineItemId": l.id})
		}
	}
	return answer{status: http.StatusCreated, header: map[string]string{"Location": c.r.URL.Path + "/" + url.PathEscape(f.id)}}, nil
}

// refundCents reads an amount of a refund.
func refundCents(v any, o *order) (int64, *problem) {
	value, currency := str(at(map[string]any{"x": v}, "x", "value")), str(at(map[string]any{"x": v}, "x", "currency"))
	switch {
	case value == "":
		return 0, bad(34906, "The refund amount is missing.")
	case pattern(`^\d{1,9}(\.\d{1,2})?$`, "")(value) != nil || parseCents(value) == 0:
		return 0, bad(34907, "The refund amount must be positive, with two decimals.")
	case currency == "":
		return 0, bad(34908, "The refund currency is missing.")
	case currency != o.currency:
		return 0, bad(34909, "The refund currency is not that of the order.")
	}
	return parseCents(value), nil
}

// refund gives the buyer money back: of the order, or of lines. It is pending for
// a while.
func (s *Simulator) refund(c call) (answer, *problem) {
	o := s.orderNamed(c.path("id"))
	items := objects(c.body["refundItems"])
	switch {
	case o == nil:
		return answer{}, absent(34913, "The order could not be found.").with("orderId", c.path("id"))
	case c.body["reasonForRefund"] == nil:
		return answer{}, bad(34903, "The reason for the refund is missing.")
	case c.body["orderLevelRefundAmount"] == nil && len(items) == 0:
		return answer{}, bad(34905, "Neither orderLevelRefundAmount nor refundItems is given.")
	case o.paid.IsZero():
		return answer{}, conflict(34929, "The buyer's payment is not settled yet.")
	case o.refunded(true, "") >= o.total():
		return answer{}, bad(34917, "The order was already refunded.")
	case slices.ContainsFunc(o.refunds, func(r *refund) bool { return !r.done }):
		return answer{}, bad(34922, "An earlier refund is still running.")
	}
	var all []*refund
	if c.body["orderLevelRefundAmount"] != nil {
		cents, p := refundCents(c.body["orderLevelRefundAmount"], o)
		if p != nil {
			return answer{}, p
		}
		all = append(all, &refund{cents: cents})
	}
	sum := int64(0)
	for _, x := range items {
		l, p := o.refundLine(x)
		if p != nil {
			return answer{}, p
		}
		cents, p := refundCents(x["refundAmount"], o)
		if p != nil {
			return answer{}, p
		}
		if cents+o.refunded(true, l.id) > l.total() {
			return answer{}, conflict(34924, "The refund exceeds what is left of the line item.").with("lineItemId", l.id)
		}
		all = append(all, &refund{cents: cents, line: l.id})
	}
	for _, r := range all {
		sum += r.cents
	}
	if sum+o.refunded(true, "") > o.total() {
		return answer{}, bad(34915, "The refund exceeds the amount of the order.")
	}
	id, now := s.next(), s.Clock.Now()
	for _, r := range all {
		r.id, r.reference, r.at, r.due = id, "R-"+id, now, now.Add(s.o.RefundLag)
	}
	o.refunds, o.modified = append(o.refunds, all...), now
	return ok(map[string]any{"refundId": id, "refundStatus": "PENDING"}), nil
}

// refundLine finds the line that a part of a refund is of.
func (o *order) refundLine(x map[string]any) (*line, *problem) {
	legacy, _ := x["legacyReference"].(map[string]any)
	id, by := str(x["lineItemId"]), "lineItemId"
	switch {
	case id == "" && legacy == nil:
		return nil, bad(34910, "The reference of a line item is missing.")
	case id == "" && str(legacy["legacyItemId"]) == "":
		return nil, bad(34911, "legacyItemId is missing.")
	case id == "" && str(legacy["legacyTransactionId"]) == "":
		return nil, bad(34912, "legacyTransactionId is missing.")
	case id == "":
		by = "legacyTransactionId"
		id = str(legacy["legacyTransactionId"])
	}
	i := slices.IndexFunc(o.lines, func(l *line) bool {
		return l.id == id && (by == "lineItemId" || l.listing == str(legacy["legacyItemId"]))
	})
	if i < 0 {
		return nil, bad(34914, "The line item is not in the order.").with(by, id)
	}
	return o.lines[i], nil
}

// Wanted is a SKU that a buyer wants so many of.
type Wanted struct {
	SKU string `json:"sku"`
	Qty int64  `json:"qty"`
}

// postageCents and taxPercent are what this seller's buyers pay besides.
const (
	postageCents = 499
	taxPercent   = 8
)

// Buy has a buyer order SKUs that are up; it is refused when there are not as many
// left. Unpaid orders take the pieces as well.
func (s *Simulator) Buy(buyer string, paid bool, wanted ...Wanted) (orderID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	var lines []*line
	var take []func()
	now := s.Clock.Now()
	b := &order{created: now, modified: now, buyer: buyer, collected: s.o.CollectTax}
	taken := map[string]int64{}
	for _, w := range wanted {
		taken[w.SKU] += w.Qty
		l, price, site, do := s.buyable(w.SKU, taken[w.SKU], w.Qty)
		if w.Qty < 1 || do == nil {
			return "", fmt.Errorf("SKU %s: there are not %d", w.SKU, w.Qty)
		}
		b.currency, b.marketplace = currencyOf(site), site
		l.cents, l.qty = price*w.Qty, w.Qty
		l.tax = l.cents * taxPercent / 100
		lines, take = append(lines, l), append(take, do)
	}
	if len(lines) == 0 {
		return "", fmt.Errorf("nothing was wanted")
	}
	n, _ := strconv.Atoi(s.next())
	b.id = fmt.Sprintf("%02d-%05d-%05d", n%97, n%99991, len(s.orders))
	for i, l := range lines {
		take[i]()
		l.id = s.next()
	}
	b.lines = lines
	b.lines[0].postage = postageCents
	b.lines[0].tax += b.subtotal()*taxPercent/100 - b.tax() // what rounding by line has lost
	s.orders = append(s.orders, b)
	if paid {
		b.paid = now
		s.confirm(b)
	}
	return b.id, nil
}

// confirm tells subscribers that an order was confirmed.
func (s *Simulator) confirm(o *order) {
	for _, l := range o.lines {
		s.publish("ORDER_CONFIRMATION", map[string]any{"orderId": o.id, "lineItemId": l.id, "username": o.buyer})
	}
}

// buyable finds what of a SKU can be bought: total pieces in one order, of which
// qty are taken by what it returns. do is nil if there are not as many.
func (s *Simulator) buyable(sku string, total, qty int64) (l *line, price int64, site string, do func()) {
	now := s.Clock.Now()
	for _, o := range s.bySKU[sku] {
		if !o.live() || o.format != "FIXED_PRICE" || s.left(o) < total || now.Before(o.listing.starts) {
			continue
		}
		i := s.items[sku]
		title := str(at(i.data, "product", "title"))
		if g := s.groups[o.group]; g != nil {
			title = cmp.Or(str(g.data["title"]), title)
		}
		return &line{sku: sku, listing: o.listing.id, title: title}, parseCents(str(at(o.data, "pricingSummary", "price", "value"))), o.marketplace, func() {
			if q := o.data["availableQuantity"]; q != nil {
				data := cloned(o.data)
				data["availableQuantity"] = float64(num(q) - qty)
				o.data = data
				i.setQuantity(max(i.quantity()-qty, 0))
			} else {
				i.setQuantity(i.quantity() - qty)
			}
			o.sold += qty
			s.emptied(o.listing)
		}
	}
	for _, l := range s.foreigners() {
		if f := l.foreign; f.SKU == sku && l.ended == "" && f.Quantity >= total {
			return &line{sku: sku, listing: l.id, title: f.Title}, parseCents(f.Price), f.site(), func() { f.Quantity -= qty }
		}
	}
	return nil, 0, "", nil
}

// Pay has the buyer of an unpaid order pay.
func (s *Simulator) Pay(id string) {
	s.change(id, func(o *order) {
		if o.paid.IsZero() && o.cancelled.IsZero() {
			o.paid, o.failed = s.Clock.Now(), false
			s.confirm(o)
		}
	})
}

// FailPayment has the payment of an unpaid order fail.
func (s *Simulator) FailPayment(id string) {
	s.change(id, func(o *order) { o.failed = o.paid.IsZero() })
}

// Cancel calls an order off; what was paid goes back. Its pieces do not come back
// to the listing by themselves.
func (s *Simulator) Cancel(id string) {
	s.change(id, func(o *order) {
		o.cancelled = s.Clock.Now()
		if rest := o.total() - o.refunded(true, ""); !o.paid.IsZero() && rest > 0 {
			s.giveBack(o, rest)
		}
	})
}

// Refund gives a buyer cents back, as the seller does at the site.
func (s *Simulator) Refund(id string, cents int64) {
	s.change(id, func(o *order) { s.giveBack(o, cents) })
}

func (s *Simulator) giveBack(o *order, cents int64) {
	id, now := s.next(), s.Clock.Now()
	o.refunds = append(o.refunds, &refund{id: id, reference: "R-" + id, at: now, due: now, cents: cents, done: true})
}

// Rename gives the lines of an order a SKU that is not the seller's, as old
// listings have; "" is none.
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
	if o := s.orderNamed(id); o != nil {
		fn(o)
		o.modified = s.Clock.Now()
	}
}
