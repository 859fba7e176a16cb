package client

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// BulkLimit is how many objects eBay takes in one bulk call.
const BulkLimit = 25

// Money is an amount as eBay writes it, such as "12.34" "USD".
type Money struct {
	Value    string `json:"value"`
	Currency string `json:"currency"`
}

// Change sets what a published offer has left, what it costs, or both; nil leaves
// it. Quantity is absolute: a repetition puts up again what was sold meanwhile, so
// a call whose reply was lost is not repeated here.
type Change struct {
	SKU      string
	OfferID  string
	Quantity *int64
	Price    *Money
}

// Result is what became of one change: Err is nil or an *Error.
type Result struct {
	Change
	Warnings []Detail
	Err      error
}

// SetStock sends changes of different offers, 25 to a call: as few calls as
// eBay's limit allows. Each change has its own result, in the order given. When a
// call as a whole fails, its changes have that error, and after one that is of
// the account, or is quota, the rest is not sent and has the same error.
func (s *Seller) SetStock(ctx context.Context, changes []Change) []Result {
	results := make([]Result, 0, len(changes))
	var stop error
	for batch := range slices.Chunk(changes, BulkLimit) {
		if stop != nil {
			for _, c := range batch {
				results = append(results, Result{Change: c, Err: stop})
			}
			continue
		}
		done, err := s.setStock(ctx, batch)
		results = append(results, done...)
		if failed, ok := err.(*Error); err != nil && (!ok || failed.Class == Account || failed.Status == http.StatusTooManyRequests) {
			stop = err
		}
	}
	return results
}

type stockRow struct {
	SKU          string         `json:"sku,omitempty"` // goes with the availability
	Availability *stockQuantity `json:"shipToLocationAvailability,omitempty"`
	Offers       []stockOffer   `json:"offers"`
}

type stockQuantity struct {
	Quantity int64 `json:"quantity"`
}

type stockOffer struct {
	OfferID  string `json:"offerId"`
	Quantity *int64 `json:"availableQuantity,omitempty"`
	Price    *Money `json:"price,omitempty"`
}

type stockReply struct {
	SKU      string   `json:"sku"`
	OfferID  string   `json:"offerId"`
	Status   int      `json:"statusCode"`
	Errors   []Detail `json:"errors"`
	Warnings []Detail `json:"warnings"`
}

// setStock makes one call. The error is that of the call as a whole.
func (s *Seller) setStock(ctx context.Context, batch []Change) ([]Result, error) {
	var request struct {
		Requests []stockRow `json:"requests"`
	}
	for _, c := range batch {
		row := stockRow{Offers: []stockOffer{{c.OfferID, c.Quantity, c.Price}}}
		if c.Quantity != nil {
			row.SKU, row.Availability = c.SKU, &stockQuantity{*c.Quantity}
		}
		request.Requests = append(request.Requests, row)
	}
	var reply struct {
		Responses []stockReply `json:"responses"`
	}
	_, err := s.do(ctx, call{method: http.MethodPost, path: inventory + "/bulk_update_price_quantity", body: request}, &reply)
	results := make([]Result, len(batch))
	for i, c := range batch {
		results[i] = Result{Change: c, Err: err}
		if err == nil {
			results[i].Warnings, results[i].Err = judge(c, reply.Responses)
		}
	}
	return results, err
}

// judge finds what eBay said of a change: of its item, of its offer, or both. The
// change has succeeded if its offer has, and nothing of it has failed; one that
// eBay does not mention is sent again.
func judge(c Change, replies []stockReply) (warnings []Detail, err error) {
	mentioned := false
	var failed *Error
	for _, r := range replies {
		if r.OfferID != "" && r.OfferID != c.OfferID || r.OfferID == "" && r.SKU != c.SKU {
			continue
		}
		mentioned = true
		warnings = append(warnings, r.Warnings...)
		if r.Status >= 200 && r.Status < 300 && len(r.Errors) == 0 {
			continue
		}
		if e := (&Error{Status: r.Status, Class: classify(r.Status, r.Errors), Details: r.Errors}); failed == nil || e.Class > failed.Class {
			failed = e
		}
	}
	if !mentioned {
		failed = &Error{Class: Retry, cause: fmt.Errorf("eBay did not say what became of SKU %s", c.SKU)}
	}
	if failed != nil {
		return warnings, failed
	}
	return warnings, nil
}
