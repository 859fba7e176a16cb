package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// pageSize is the most orders that eBay puts on a page.
const pageSize = 200

// maxPages bounds one reading of the orders.
const maxPages = 500

// overlap is how far before the last reading the next one begins: an order may
// shift between pages while they are read.
const overlap = 5 * time.Minute

// Order is what is read of an order at eBay. Amounts are eBay's own and are not
// calculated again. Discounts are negative.
type Order struct {
	ID       string    `json:"orderId"`
	Created  time.Time `json:"creationDate"`
	Modified time.Time `json:"lastModifiedDate"`
	Payment  string    `json:"orderPaymentStatus"` // PENDING, PAID, FAILED, PARTIALLY_REFUNDED, FULLY_REFUNDED, or another
	Cancel   struct {
		State string `json:"cancelState"` // NONE_REQUESTED, IN_PROGRESS, CANCELED
	} `json:"cancelStatus"`
	Summary struct {
		Refunds []struct {
			Amount Money `json:"amount"`
		} `json:"refunds"`
	} `json:"paymentSummary"`
	Buyer struct {
		Username string `json:"username"`
	} `json:"buyer"`
	Notes   string `json:"buyerCheckoutNotes"`
	Pricing struct {
		Subtotal         Money `json:"priceSubtotal"`
		Discount         Money `json:"priceDiscount"`
		Delivery         Money `json:"deliveryCost"`
		DeliveryDiscount Money `json:"deliveryDiscount"`
		Tax              Money `json:"tax"`
		Adjustment       Money `json:"adjustment"`
		Total            Money `json:"total"`
	} `json:"pricingSummary"`
	CollectsTax  bool          `json:"ebayCollectAndRemitTax"` // eBay collects the tax and pays it to the state
	Instructions []Instruction `json:"fulfillmentStartInstructions"`
	Lines        []Line        `json:"lineItems"`
}

// Paid says whether the order may be imported and shipped.
func (o Order) Paid() bool {
	return !o.Cancelled() && (o.Payment == "PAID" || o.Payment == "PARTIALLY_REFUNDED")
}

// Cancelled says whether the order has come to nothing.
func (o Order) Cancelled() bool {
	return o.Cancel.State == "CANCELED" || o.Cancel.State == "CANCELLED" || o.Payment == "FAILED" || o.Payment == "FULLY_REFUNDED"
}

// Instruction says where the goods go.
type Instruction struct {
	Step struct {
		Carrier string `json:"shippingCarrierCode"`
		Service string `json:"shippingServiceCode"`
		ShipTo  struct {
			Name    string `json:"fullName"`
			Company string `json:"companyName"`
			Address struct {
				Line1      string `json:"addressLine1"`
				Line2      string `json:"addressLine2"`
				City       string `json:"city"`
				State      string `json:"stateOrProvince"`
				PostalCode string `json:"postalCode"`
				Country    string `json:"countryCode"`
			} `json:"contactAddress"`
			Phone struct {
				Number string `json:"phoneNumber"`
			} `json:"primaryPhone"`
			Email string `json:"email"`
		} `json:"shipTo"`
	} `json:"shippingStep"`
}

// Line is a line of an order. Cost is for the whole quantity, before discounts.
type Line struct {
	ID        string `json:"lineItemId"`
	ListingID string `json:"legacyItemId"`
	SKU       string `json:"sku"` // empty for some old listings
	Title     string `json:"title"`
	Quantity  int64  `json:"quantity"`
	Cost      Money  `json:"lineItemCost"`
	Total     Money  `json:"total"`
	Taxes     []Tax  `json:"taxes"`                    // the seller's
	Collected []Tax  `json:"ebayCollectAndRemitTaxes"` // eBay's, never the seller's to pay
}

// Tax is one tax on a line.
type Tax struct {
	Type   string `json:"taxType"`
	Amount Money  `json:"amount"`
}

// Orders reads the orders that have changed since a time, and some minutes before
// it, oldest first; an order can come twice. It ends with the first error.
func (s *Seller) Orders(ctx context.Context, since time.Time) iter.Seq2[Order, error] {
	return func(yield func(Order, error) bool) {
		query := url.Values{
			"filter": {"lastmodifieddate:[" + since.Add(-overlap).UTC().Format("2006-01-02T15:04:05.000Z") + "..]"},
			"limit":  {strconv.Itoa(pageSize)}, "fieldGroups": {"TAX_BREAKDOWN"},
		}
		for n := 0; ; n++ {
			if n == maxPages {
				yield(Order{}, &Error{Class: Retry, cause: errors.New("eBay has more orders than are read at once")})
				return
			}
			query.Set("offset", strconv.Itoa(n*pageSize))
			var page struct {
				Next   string  `json:"next"`
				Orders []Order `json:"orders"`
			}
			if _, err := s.do(ctx, call{method: http.MethodGet, path: orderPath, query: query, repeatable: true}, &page); err != nil {
				yield(Order{}, err)
				return
			}
			for _, o := range page.Orders {
				if !yield(o, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
		}
	}
}

const orderPath = "/sell/fulfillment/v1/order"

// Package is a parcel that has left, with what of the order is in it.
type Package struct {
	Lines    []PackedLine `json:"lineItems"`
	Shipped  time.Time    `json:"shippedDate"`
	Carrier  string       `json:"shippingCarrierCode,omitempty"`
	Tracking string       `json:"trackingNumber,omitempty"` // with the carrier, or neither
}

// PackedLine is so much of a line.
type PackedLine struct {
	ID       string `json:"lineItemId"`
	Quantity int64  `json:"quantity"`
}

// Ship tells eBay, and so the buyer, that a parcel has left. eBay has no key
// against doubles: a parcel whose tracking number it has is not reported again,
// also when the reply to the first report was lost. Of parcels without a number,
// one that holds the same lines and quantities is taken for the same parcel.
func (s *Seller) Ship(ctx context.Context, orderID string, p Package) error {
	p.Tracking = plain(p.Tracking)
	known, err := s.knows(ctx, orderID, p)
	if err != nil || known {
		return err
	}
	_, err = s.do(ctx, call{method: http.MethodPost, path: shipments(orderID), body: p}, nil)
	if failed, ok := errors.AsType[*Error](err); ok && (failed.Doubtful || failed.Class == Conflict) {
		if known, lookup := s.knows(ctx, orderID, p); lookup == nil && known {
			return nil
		}
	}
	return err
}

func shipments(orderID string) string {
	return orderPath + "/" + url.PathEscape(orderID) + "/shipping_fulfillment"
}

// knows says whether eBay has the parcel: one with its tracking number or, if it
// has none, one without that holds the same lines.
func (s *Seller) knows(ctx context.Context, orderID string, p Package) (bool, error) {
	var reply struct {
		Fulfillments []struct {
			Tracking string       `json:"shipmentTrackingNumber"`
			Lines    []PackedLine `json:"lineItems"`
		} `json:"fulfillments"`
	}
	if _, err := s.do(ctx, call{method: http.MethodGet, path: shipments(orderID), repeatable: true}, &reply); err != nil {
		return false, err
	}
	for _, f := range reply.Fulfillments {
		if p.Tracking != "" && plain(f.Tracking) == p.Tracking || p.Tracking == "" && f.Tracking == "" && sameLines(f.Lines, p.Lines) {
			return true, nil
		}
	}
	return false, nil
}

func sameLines(a, b []PackedLine) bool {
	count := map[PackedLine]int{}
	for _, l := range a {
		count[l]++
	}
	for _, l := range b {
		count[l]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// plain strips what eBay does not take in a tracking number.
func plain(tracking string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, tracking)
}
