package authorizenet

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// local is the time zone of the account.
var local = time.FixedZone("", -8*60*60)

func utc(t time.Time) string       { return t.UTC().Format("2006-01-02T15:04:05.999Z") }
func localTime(t time.Time) string { return t.In(local).Format("2006-01-02T15:04:05.999") }

// report answers the methods that read transactions.
func (c *call) report() (map[string]any, error) {
	switch c.req.name {
	case "getTransactionDetailsRequest":
		t := c.s.byID[c.req.at("transId")]
		if t == nil {
			return nil, errNotFound
		}
		return map[string]any{"transaction": c.s.details(t)}, nil

	case "getUnsettledTransactionListRequest":
		return c.list(func(t *transaction) bool {
			pending := t.status == fdsPending || t.status == fdsAuthorized
			return t.batch == nil && (pending || c.req.at("status") != "pendingApproval")
		})

	case "getTransactionListRequest":
		id := c.req.at("batchId")
		if !slices.ContainsFunc(c.s.batches, func(b *batch) bool { return b.id == id }) {
			return nil, errNotFound
		}
		return c.list(func(t *transaction) bool { return t.batch != nil && t.batch.id == id })

	case "getTransactionListForCustomerRequest":
		p := c.s.customers[c.req.at("customerProfileId")]
		if p == nil {
			return nil, errNotFound
		}
		return c.list(func(t *transaction) bool {
			w := c.req.at("customerPaymentProfileId")
			return t.profile == p && (w == "" || t.paymentProfile.id == w)
		})
	}
	return c.batchList()
}

// list renders a page of the transactions that are wanted and in the lists.
func (c *call) list(wanted func(*transaction) bool) (map[string]any, error) {
	var found []*transaction
	for _, t := range c.s.transactions {
		if wanted(t) && !t.submitted.Add(c.s.o.ListLag).After(c.now) {
			found = append(found, t)
		}
	}
	if c.req.at("sorting", "orderBy") == "submitTimeUTC" {
		slices.SortStableFunc(found, func(a, b *transaction) int { return a.submitted.Compare(b.submitted) })
	}
	if isTrue(c.req.at("sorting", "orderDescending")) {
		slices.Reverse(found)
	}
	limit, offset := 1000, 1
	if p := c.req.child("paging"); p != nil {
		limit, _ = strconv.Atoi(p.at("limit"))   // the schema saw that they are numbers
		offset, _ = strconv.Atoi(p.at("offset")) // of a page
	}
	first := min((offset-1)*limit, len(found))
	page := found[first:min(first+limit, len(found))]
	if len(page) == 0 {
		return map[string]any{"messages": message{"I00004", "No records found."}, "totalNumInResultSet": 0}, nil
	}
	rows := make([]map[string]any, len(page))
	for i, t := range page {
		rows[i] = summary(t)
	}
	return map[string]any{"transactions": rows, "totalNumInResultSet": len(page)}, nil
}

// summary is a row of a list. Of an authorization settleAmount is what can be
// settled.
func summary(t *transaction) map[string]any {
	row := map[string]any{
		"transId": t.id, "submitTimeUTC": utc(t.submitted), "submitTimeLocal": localTime(t.submitted), "transactionStatus": t.status,
		"accountType": t.instrument.brand(), "accountNumber": t.instrument.mask(), "settleAmount": t.settleAmount(), "marketType": "eCommerce",
		"product": "Card Not Present", "hasReturnedItems": false,
	}
	for name, value := range map[string]string{
		"invoiceNumber": t.invoice, "firstName": t.request.at("billTo", "firstName"), "lastName": t.request.at("billTo", "lastName"),
	} {
		if value != "" {
			row[name] = value
		}
	}
	if t.status == fdsPending || t.status == fdsAuthorized {
		row["fraudInformation"] = map[string]any{"fraudFilterList": []string{filterName}, "fraudAction": t.filterAction()}
	}
	if t.profile != nil {
		row["profile"] = map[string]string{"customerProfileId": t.profile.id, "customerPaymentProfileId": t.paymentProfile.id}
	}
	return row
}

func (t *transaction) settleAmount() cents {
	switch t.status {
	case pendingCapture, pendingRelease, fdsAuthorized:
		return t.authorized
	case fdsPending:
		return t.requested
	}
	return t.settle
}

// details is all that there is about a transaction.
func (s *Simulator) details(t *transaction) map[string]any {
	d := map[string]any{
		"transId": t.id, "submitTimeUTC": utc(t.submitted), "submitTimeLocal": localTime(t.submitted), "transactionType": t.kind,
		"transactionStatus": t.status, "responseCode": t.responseCode, "responseReasonCode": t.reason, "responseReasonDescription": reasonText(t.reason),
		"AVSResponse": t.avs, "requestedAmount": t.requested, "authAmount": t.authorized, "settleAmount": t.settleAmount(), "taxExempt": false,
		"recurringBilling": false, "product": "Card Not Present", "marketType": "eCommerce",
	}
	for name, value := range map[string]string{
		"refTransId": t.refTransID, "authCode": t.authCode, "cardCodeResponse": t.cvv, "networkTransId": t.networkID,
		"customerIP": t.request.at("customerIP"),
	} {
		if value != "" {
			d[name] = value
		}
	}
	if t.instrument.bank() {
		d["payment"] = map[string]any{"bankAccount": map[string]string{"routingNumber": "XXXX" + t.instrument.routing[5:], "accountNumber": t.instrument.mask()}}
	} else {
		d["payment"] = map[string]any{"creditCard": map[string]string{"cardNumber": t.instrument.mask(), "expirationDate": "XXXX", "cardType": t.instrument.brand()}}
	}
	for _, name := range []string{"order", "tax", "shipping", "duty", "customer", "billTo", "shipTo"} {
		if e := t.request.child(name); e != nil {
			d[name] = e.json()
		}
	}
	if t.group != nil {
		d["splitTenderId"] = t.group.id
	}
	if t.reason == 252 || t.reason == 253 || t.reason == 254 {
		d["FDSFilterAction"] = t.filterAction()
		d["FDSFilters"] = []map[string]string{{"name": filterName, "action": t.filterAction()}}
	}
	if t.batch != nil {
		d["batch"] = t.batch.json()
	}
	if t.profile != nil {
		d["profile"] = map[string]string{"customerProfileId": t.profile.id, "customerPaymentProfileId": t.paymentProfile.id}
	}
	return d
}

// json gives back what was sent, with text only at the leaves.
func (n *node) json() any {
	if !n.object {
		return n.text
	}
	members := map[string]any{}
	for _, c := range n.children {
		members[c.name] = c.json()
	}
	return members
}

func (b *batch) json() map[string]any {
	return map[string]any{
		"batchId": b.id, "settlementTimeUTC": utc(b.at), "settlementTimeLocal": localTime(b.at), "settlementState": settled,
		"paymentMethod": "creditCard", "marketType": "eCommerce", "product": "Card Not Present",
	}
}

// maxBatchDays is how long the time of a list of batches may be.
const maxBatchDays = 31

// batchList lists the batches of a time, of the last day if none is given.
func (c *call) batchList() (map[string]any, error) {
	first, last := c.now.Add(-24*time.Hour), c.now
	if text := c.req.at("lastSettlementDate"); text != "" {
		last, _ = parseTime(text) // the schema saw its form
	}
	if text := c.req.at("firstSettlementDate"); text != "" {
		first, _ = parseTime(text)
	}
	if last.Before(first) || last.Sub(first) > maxBatchDays*24*time.Hour {
		return nil, refuse("E00013", "The date range is invalid.")
	}
	var found []map[string]any
	for _, b := range c.s.batches {
		if b.at.Before(first) || b.at.After(last) {
			continue
		}
		row := b.json()
		if isTrue(c.req.at("includeStatistics")) {
			row["statistics"] = b.statistics()
		}
		found = append(found, row)
	}
	if found == nil {
		return map[string]any{"messages": message{"I00004", "No records found."}}, nil
	}
	return map[string]any{"batchList": found}, nil
}

// statistics are the sums of a batch by brand.
func (b *batch) statistics() []map[string]any {
	type sums struct {
		charge, refund   cents
		charges, refunds int
	}
	byBrand := map[string]*sums{}
	var brands []string
	for _, t := range b.transactions {
		brand := t.instrument.brand()
		if byBrand[brand] == nil {
			byBrand[brand] = &sums{}
			brands = append(brands, brand)
		}
		if t.kind == refund {
			byBrand[brand].refund += t.settle
			byBrand[brand].refunds++
		} else {
			byBrand[brand].charge += t.settle
			byBrand[brand].charges++
		}
	}
	slices.SortFunc(brands, cmp.Compare[string])
	var rows []map[string]any
	for _, brand := range brands {
		s := byBrand[brand]
		rows = append(rows, map[string]any{
			"accountType": brand, "chargeAmount": s.charge, "chargeCount": s.charges, "refundAmount": s.refund, "refundCount": s.refunds,
			"voidCount": 0, "declineCount": 0, "errorCount": 0,
		})
	}
	return rows
}

func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02T15:04:05.999999999", s)
}
