package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

const inventory = "/sell/inventory/v1"

// Item is what eBay knows of a SKU. Putting it replaces all of it: what is left
// out is erased.
type Item struct {
	SKU          string       `json:"sku"`
	Locale       string       `json:"locale"` // such as en_US
	Availability Availability `json:"availability"`
	Condition    string       `json:"condition"` // such as NEW
	Product      Product      `json:"product"`
}

// Availability is how many pieces can be had.
type Availability struct {
	ShipTo stockQuantity `json:"shipToLocationAvailability"`
}

// Pieces is an availability of so many pieces.
func Pieces(n int64) Availability { return Availability{stockQuantity{n}} }

// Product describes an item. Every aspect is a list, also of one value.
type Product struct {
	Title       string              `json:"title,omitempty"`       // ≤ 80
	Description string              `json:"description,omitempty"` // ≤ 4000
	Aspects     map[string][]string `json:"aspects,omitempty"`     // names ≤ 40, values ≤ 50
	UPC         []string            `json:"upc,omitempty"`
	Images      []string            `json:"imageUrls,omitempty"` // HTTPS, ≤ 24; an empty list would be refused
}

// Group ties the SKUs of a product with variations into one listing. SKUs is the
// complete list: one that is left out leaves the listing.
type Group struct {
	Title       string              `json:"title"`
	Description string              `json:"description"` // HTML, ≤ 500,000 characters
	Aspects     map[string][]string `json:"aspects,omitempty"`
	Images      []string            `json:"imageUrls,omitempty"`
	SKUs        []string            `json:"variantSKUs"`
	VariesBy    VariesBy            `json:"variesBy"`
}

// VariesBy names the axes of a group.
type VariesBy struct {
	Images         []string        `json:"aspectsImageVariesBy,omitempty"`
	Specifications []Specification `json:"specifications"`
}

// Specification is an axis with its values.
type Specification struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Offer is for how much, where and how a SKU is sold. SKU, marketplace and format
// cannot change later.
type Offer struct {
	SKU         string   `json:"sku,omitempty"`
	Marketplace string   `json:"marketplaceId,omitempty"`
	Format      string   `json:"format,omitempty"` // FIXED_PRICE
	Quantity    int64    `json:"availableQuantity"`
	Category    string   `json:"categoryId"`
	Location    string   `json:"merchantLocationKey"`
	Pricing     Pricing  `json:"pricingSummary"`
	Policies    Policies `json:"listingPolicies"`
	Description string   `json:"listingDescription,omitempty"`
	Duration    string   `json:"listingDuration"` // GTC for fixed prices
}

// Pricing is the price of an offer.
type Pricing struct {
	Price Money `json:"price"`
}

// Policies are the ids of the account's business policies.
type Policies struct {
	Fulfillment string `json:"fulfillmentPolicyId"`
	Payment     string `json:"paymentPolicyId"`
	Return      string `json:"returnPolicyId"`
}

// OfferState is what eBay says of an offer.
type OfferState struct {
	ID       string  `json:"offerId"`
	SKU      string  `json:"sku"`
	Status   string  `json:"status"` // PUBLISHED or UNPUBLISHED
	Quantity int64   `json:"availableQuantity"`
	Category string  `json:"categoryId"`
	Pricing  Pricing `json:"pricingSummary"`
	Listing  struct {
		ID     string `json:"listingId"`
		Status string `json:"listingStatus"` // ACTIVE, OUT_OF_STOCK, INACTIVE, ENDED, EBAY_ENDED, NOT_LISTED
		Sold   int64  `json:"soldQuantity"`
	} `json:"listing"`
}

// Published says whether the offer is in a listing.
func (o OfferState) Published() bool { return o.Status == "PUBLISHED" }

// PutItems makes or replaces items of different SKUs, 25 to a call. It returns
// what went wrong by SKU; an item that succeeded is not in it. Each call counts
// as a revision of every live listing that it touches: put what has changed.
func (s *Seller) PutItems(ctx context.Context, items []Item) map[string]error {
	failed := map[string]error{}
	for batch := range slices.Chunk(items, BulkLimit) {
		var reply struct {
			Responses []stockReply `json:"responses"`
		}
		_, err := s.do(ctx, call{
			method: http.MethodPost, path: inventory + "/bulk_create_or_replace_inventory_item", repeatable: true,
			body: map[string][]Item{"requests": batch},
		}, &reply)
		for _, item := range batch {
			result := err
			if err == nil {
				_, result = judge(Change{SKU: item.SKU}, reply.Responses)
			}
			if result != nil {
				failed[item.SKU] = result
			}
		}
	}
	return failed
}

// PutGroup makes or replaces a group under the shop's own key.
func (s *Seller) PutGroup(ctx context.Context, key string, g Group) error {
	_, err := s.do(ctx, call{method: http.MethodPut, path: inventory + "/inventory_item_group/" + url.PathEscape(key), body: g, repeatable: true}, nil)
	return err
}

// EnsureOffer makes an offer, or replaces the SKU's if that is not published, and
// returns what there is then. A published one is left as it is: replacing it would
// put up again what was sold meanwhile. A creation whose reply was lost is found.
func (s *Seller) EnsureOffer(ctx context.Context, o Offer) (OfferState, error) {
	var made OfferState
	_, err := s.do(ctx, call{method: http.MethodPost, path: inventory + "/offer", body: o}, &made)
	if err == nil {
		return made, nil
	}
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		return OfferState{}, err
	}
	id := failed.Parameter("offerId")
	if id == "" && (failed.Doubtful || failed.Class == Conflict) {
		known, lookup := s.offerOf(ctx, o)
		if lookup != nil {
			return OfferState{}, lookup
		}
		id = known.ID
	}
	if id == "" {
		return OfferState{}, err
	}
	now, err := s.Offer(ctx, id)
	if err != nil || now.Published() {
		return now, err
	}
	now.ID = id
	return now, s.ReviseOffer(ctx, id, o)
}

// ReviseOffer replaces an offer. Of a published one it puts up the quantity anew:
// a call whose reply was lost is not repeated.
func (s *Seller) ReviseOffer(ctx context.Context, id string, o Offer) error {
	o.SKU, o.Marketplace, o.Format = "", "", ""
	_, err := s.do(ctx, call{method: http.MethodPut, path: offerPath(id), body: o}, nil)
	return err
}

func offerPath(id string) string { return inventory + "/offer/" + url.PathEscape(id) }

// offerOf returns a SKU's offer; its ID is empty if it has none.
func (s *Seller) offerOf(ctx context.Context, o Offer) (OfferState, error) {
	var page struct {
		Offers []OfferState `json:"offers"`
	}
	query := url.Values{"sku": {o.SKU}, "marketplace_id": {o.Marketplace}, "format": {o.Format}}
	_, err := s.do(ctx, call{method: http.MethodGet, path: inventory + "/offer", query: query, repeatable: true}, &page)
	if failed, ok := errors.AsType[*Error](err); ok && failed.Class == NotFound {
		return OfferState{}, nil
	}
	if err != nil || len(page.Offers) == 0 {
		return OfferState{}, err
	}
	return page.Offers[0], nil
}

// Offer reads an offer back.
func (s *Seller) Offer(ctx context.Context, id string) (OfferState, error) {
	var o OfferState
	_, err := s.do(ctx, call{method: http.MethodGet, path: offerPath(id), repeatable: true}, &o)
	return o, err
}

// Publish puts an offer up and returns the id of its listing. One that is up
// already, also by a call whose reply was lost, has succeeded.
func (s *Seller) Publish(ctx context.Context, offerID string) (string, error) {
	return s.publish(ctx, offerID, call{method: http.MethodPost, path: offerPath(offerID) + "/publish"})
}

// PublishGroup puts the offers of a group up as one listing. offerID is one of
// them, by which it is seen whether the listing is up.
func (s *Seller) PublishGroup(ctx context.Context, key, offerID string) (string, error) {
	return s.publish(ctx, offerID, call{
		method: http.MethodPost, path: inventory + "/offer/publish_by_inventory_item_group",
		body: map[string]string{"inventoryItemGroupKey": key, "marketplaceId": s.marketplace},
	})
}

func (s *Seller) publish(ctx context.Context, offerID string, c call) (string, error) {
	before, err := s.Offer(ctx, offerID)
	if err != nil {
		return "", err
	}
	if before.Published() {
		return before.Listing.ID, nil
	}
	var up struct {
		ListingID string `json:"listingId"`
	}
	_, err = s.do(ctx, c, &up)
	if err == nil && up.ListingID != "" {
		return up.ListingID, nil
	}
	after, lookup := s.Offer(ctx, offerID)
	switch {
	case lookup == nil && after.Published():
		return after.Listing.ID, nil
	case err != nil:
		return "", err
	case lookup != nil:
		return "", lookup
	}
	return "", &Error{Class: Retry, cause: fmt.Errorf("eBay gave no listing for offer %s", offerID)}
}

// Withdraw ends the listing of a single offer. One that is not up, or does not
// exist, has succeeded.
func (s *Seller) Withdraw(ctx context.Context, offerID string) error {
	_, err := s.do(ctx, call{method: http.MethodPost, path: offerPath(offerID) + "/withdraw"}, nil)
	failed, ok := errors.AsType[*Error](err)
	if !ok || failed.Class == Account || failed.Status == http.StatusTooManyRequests {
		return err
	}
	now, lookup := s.Offer(ctx, offerID)
	if lookup == nil && !now.Published() {
		return nil
	}
	if missing, ok := errors.AsType[*Error](lookup); ok && missing.Class == NotFound {
		return nil
	}
	return err
}

// WithdrawGroup ends the listing of a group. One that is not up has succeeded.
// offerID is one of its offers.
func (s *Seller) WithdrawGroup(ctx context.Context, key, offerID string) error {
	_, err := s.do(ctx, call{
		method: http.MethodPost, path: inventory + "/offer/withdraw_by_inventory_item_group",
		body: map[string]string{"inventoryItemGroupKey": key, "marketplaceId": s.marketplace},
	}, nil)
	failed, ok := errors.AsType[*Error](err)
	if !ok || failed.Class == Account || failed.Status == http.StatusTooManyRequests {
		return err
	}
	now, lookup := s.Offer(ctx, offerID)
	missing, ok := errors.AsType[*Error](lookup)
	if lookup == nil && !now.Published() || ok && missing.Class == NotFound {
		return nil
	}
	return err
}

// OfferOf returns the fixed-price offer of a SKU; its ID is empty if there is none.
func (s *Seller) OfferOf(ctx context.Context, sku string) (OfferState, error) {
	return s.offerOf(ctx, Offer{SKU: sku, Marketplace: s.marketplace, Format: "FIXED_PRICE"})
}

// ItemState is what eBay says of an item in a list.
type ItemState struct {
	SKU     string  `json:"sku"`
	Product Product `json:"product"`
}

// itemsPage is the most items that eBay puts on a page.
const itemsPage = 200

// Items reads a page of the account's items, the first being 0, and whether there
// are more.
func (s *Seller) Items(ctx context.Context, page int) (items []ItemState, more bool, err error) {
	var reply struct {
		Next  string      `json:"next"`
		Items []ItemState `json:"inventoryItems"`
	}
	query := url.Values{"limit": {strconv.Itoa(itemsPage)}, "offset": {strconv.Itoa(page)}} // of pages, not of items
	_, err = s.do(ctx, call{method: http.MethodGet, path: inventory + "/inventory_item", query: query, repeatable: true}, &reply)
	return reply.Items, reply.Next != "", err
}
