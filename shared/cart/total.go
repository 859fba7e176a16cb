package cart

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

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
// gift cards, all read in one round trip. It also returns the content as it was
// priced: on the customer's terms and with the balances of the gift cards filled
// in.
func Total(ctx context.Context, tx *txn.Tx, c Cart) (price.Totals, price.Cart, error) {
	var batch pgx.Batch
	var cfg price.Config
	var terms customer.Terms
	products := map[string]*price.Product{}
	cards := map[string]shop.GiftCard{}
	shop.QueueConfig(&batch, &cfg)
	catalog.QueueLoad(&batch, productIDs(c.Content), products)
	if ident.Valid(ident.Customer, c.Owner) {
		customer.QueueTerms(&batch, c.Owner, &terms)
	}
	if codes := giftCardCodes(c.Content.PaymentQueue); len(codes) > 0 {
		shop.QueueGiftCards(&batch, codes, cards)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return price.Totals{}, price.Cart{}, fmt.Errorf("read what the prices of cart %s depend on: %w", c.ID, err)
	}
	content := c.Content
	if content.Schedule == "" { // staff may have set another on the cart
		content.Schedule = terms.PriceSchedule
	}
	content.TaxExempt = content.TaxExempt || terms.TaxExempt
	content.PaymentQueue = withBalances(content.PaymentQueue, cards, cfg.General.Currency, tx.Now)
	totals, err := price.Price(&cfg, products, content, tx.Now)
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

func giftCardCodes(queue []price.Tender) []string {
	var codes []string
	for _, t := range queue {
		if t.Tender == "GIFTCARD" {
			codes = append(codes, t.Code)
		}
	}
	return codes
}

// withBalances fills in what the gift cards of a payment queue are worth now.
func withBalances(queue []price.Tender, cards map[string]shop.GiftCard, currency string, now time.Time) []price.Tender {
	out := slices.Clone(queue)
	for i := range out {
		t := &out[i]
		if card, ok := cards[t.Code]; ok && t.Tender == "GIFTCARD" && !card.Expired(now) {
			balance := money.FromMinor(card.BalanceCents, currency).Amount.String()
			t.Balance, t.Expires = &balance, card.ExpiresAt != nil
		}
	}
	return out
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
