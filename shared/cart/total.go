package cart

import (
	"context"
	"fmt"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// PriceInput names the cart to price.
type PriceInput struct {
	ID string `json:"-" path:"id"`
}

// Priced is what a cart comes to at one moment.
type Priced struct {
	price.Totals
	CartID  string `json:"cart_id"`
	Version int64  `json:"cart_version"` // of the cart that was priced
}

// Price returns what a cart comes to now. It changes nothing.
func Price(ctx context.Context, tx *txn.Tx, in PriceInput) (Priced, error) {
	c, err := load(ctx, tx, in.ID, "")
	if err != nil {
		return Priced{}, err
	}
	totals, _, err := Total(ctx, tx, c)
	return Priced{Totals: totals, CartID: c.ID, Version: c.Version}, err
}

// Total prices a loaded cart with the shop's present configuration, products and
// gift cards. It also returns the content as it was priced: on the customer's
// terms and with the balances of the gift cards filled in.
func Total(ctx context.Context, tx *txn.Tx, c Cart) (price.Totals, price.Cart, error) {
	cfg, err := shop.LoadConfig(ctx, tx)
	if err != nil {
		return price.Totals{}, price.Cart{}, err
	}
	products, err := catalog.Load(ctx, tx, productIDs(c.Content))
	if err != nil {
		return price.Totals{}, price.Cart{}, err
	}
	content := c.Content
	if content, err = withTerms(ctx, tx, c.Owner, content); err != nil {
		return price.Totals{}, price.Cart{}, err
	}
	if content.PaymentQueue, err = withBalances(ctx, tx, content.PaymentQueue, cfg.General.Currency); err != nil {
		return price.Totals{}, price.Cart{}, err
	}
	totals, err := price.Price(cfg, products, content, tx.Now)
	if err != nil {
		return totals, content, fmt.Errorf("price cart %s: %w", c.ID, err)
	}
	return totals, content, nil
}

func productIDs(c price.Cart) []string {
	var ids []string
	for _, item := range c.Items {
		if item.Raw == nil {
			ids = append(ids, item.Product)
		}
	}
	return ids
}

// withTerms fills in what the shop has agreed with the customer who owns the
// cart, unless staff have set it on the cart.
func withTerms(ctx context.Context, tx *txn.Tx, owner string, content price.Cart) (price.Cart, error) {
	if !ident.Valid(ident.Customer, owner) {
		return content, nil
	}
	terms, err := customer.TermsOf(ctx, tx, owner)
	if err != nil {
		return content, err
	}
	if content.Schedule == "" {
		content.Schedule = terms.PriceSchedule
	}
	content.TaxExempt = content.TaxExempt || terms.TaxExempt
	return content, nil
}

// withBalances fills in what the gift cards of a payment queue are worth now.
func withBalances(ctx context.Context, tx *txn.Tx, queue []price.Tender, currency string) ([]price.Tender, error) {
	var codes []string
	for _, t := range queue {
		if t.Tender == "GIFTCARD" {
			codes = append(codes, t.Code)
		}
	}
	if len(codes) == 0 {
		return queue, nil
	}
	cards, err := shop.GiftCards(ctx, tx, codes)
	if err != nil {
		return nil, err
	}
	out := make([]price.Tender, len(queue))
	for i, t := range queue {
		if card, ok := cards[t.Code]; ok && t.Tender == "GIFTCARD" && !card.Expired(tx.Now) {
			balance := money.FromMinor(card.BalanceCents, currency).Amount.String()
			t.Balance, t.Expires = &balance, card.ExpiresAt != nil
		}
		out[i] = t
	}
	return out, nil
}

// Order is a cart as the order domain takes it over.
type Order struct {
	Cart
	Totals price.Totals
	Priced price.Cart // the content that was priced
}

// Take prices a cart and closes it, for an order; queue, if not empty, is how the
// buyer pays after all. A cart without goods, or whose prices carry an error, is
// refused with kind Unprocessable.
func Take(ctx context.Context, tx *txn.Tx, id string, queue []price.Tender) (Order, error) {
	c, err := Lock(ctx, tx, id)
	if err != nil {
		return Order{}, err
	}
	if len(queue) > 0 {
		c.Content.PaymentQueue = queue
	}
	totals, content, err := Total(ctx, tx, c)
	if err != nil {
		return Order{}, err
	}
	if len(totals.Errors) > 0 {
		return Order{}, fault.New(fault.Unprocessable, "the cart cannot be ordered: %s", totals.Errors[0]).With("errors", totals.Errors)
	}
	if totals.Sum.ItemsCount == 0 {
		return Order{}, fault.New(fault.Unprocessable, "the cart is empty")
	}
	return Order{Cart: c, Totals: totals, Priced: content}, MarkOrdered(ctx, tx, c)
}
