package cart

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

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
	ID      string `json:"-" path:"id"`
	Explain bool   `json:"-" query:"explain"` // with the derivation of every total
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
	basis, err := read(ctx, tx, c)
	if err != nil {
		return Priced{}, err
	}
	basis.Cart.Explain = in.Explain
	totals, err := basis.Price()
	return Priced{Totals: totals, CartID: c.ID, Version: c.Version}, err
}

// Basis is everything that the price of a cart depends on. Kept with an order, it
// gives the same cents again whatever the shop has changed since.
type Basis struct {
	Config   price.Config              `json:"config"`
	Products map[string]*price.Product `json:"products"`
	Cart     price.Cart                `json:"cart"` // on the customer's terms, with the balances of gift cards
	At       time.Time                 `json:"at"`
}

// Price returns what it comes to.
func (b Basis) Price() (price.Totals, error) {
	totals, err := price.Price(&b.Config, b.Products, b.Cart, b.At)
	if err != nil {
		return totals, fmt.Errorf("price the cart: %w", err)
	}
	return totals, nil
}

// With returns the basis with some fields of its cart changed: at the same moment
// and under the same configuration; of the products, those that are new are as they
// are now. Forced prices and raw lines need the scope cart:admin.
func (b Basis) With(ctx context.Context, tx *txn.Tx, change Fields) (Basis, error) {
	if err := change.authorize(tx.Who); err != nil {
		return b, err
	}
	c := Cart{Content: b.Cart}
	change.apply(&c)
	b.Cart = c.Content
	missing := slices.DeleteFunc(productIDs(b.Cart), func(id string) bool { return b.Products[id] != nil })
	if len(missing) == 0 {
		return b, nil
	}
	products, err := catalog.Load(ctx, tx, missing)
	if err != nil {
		return b, err
	}
	maps.Copy(products, b.Products)
	b.Products = products
	return b, nil
}

// read returns what the price of a loaded cart depends on now, in one round trip.
func read(ctx context.Context, tx *txn.Tx, c Cart) (Basis, error) {
	b := Basis{Products: map[string]*price.Product{}, Cart: c.Content, At: tx.Now}
	var batch pgx.Batch
	var terms customer.Terms
	cards := map[string]shop.GiftCard{}
	shop.QueueConfig(&batch, c.Owner, &b.Config)
	catalog.QueueLoad(&batch, productIDs(c.Content), b.Products)
	if ident.Valid(ident.Customer, c.Owner) {
		customer.QueueTerms(&batch, c.Owner, &terms)
	}
	if codes := storedValue(c); len(codes) > 0 {
		shop.QueueGiftCards(&batch, codes, cards)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return Basis{}, fmt.Errorf("read what the prices of cart %s depend on: %w", c.ID, err)
	}
	if b.Cart.Schedule == "" { // staff may have set another on the cart
		b.Cart.Schedule = terms.PriceSchedule
	}
	b.Cart.TaxExempt = b.Cart.TaxExempt || terms.TaxExempt
	var err error
	b.Cart.PaymentQueue, err = withBalances(c, cards, b.Config.General.Currency, tx.Now)
	return b, err
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

// storedValue returns the codes of the gift cards and accounts that a cart is to be
// paid from.
func storedValue(c Cart) []string {
	var codes []string
	for _, t := range c.Content.PaymentQueue {
		switch {
		case t.Tender == "GIFTCARD" && !strings.Contains(t.Code, ":"):
			codes = append(codes, t.Code)
		case isAccount(c, t):
			codes = append(codes, shop.AccountCode(t.Tender, c.Owner))
		}
	}
	return codes
}

// isAccount reports whether a tender spends what a registered customer has with the
// shop. Where nobody has an account, the cart is priced with what it says, as
// CommerceRack did; it cannot be ordered.
func isAccount(c Cart, t price.Tender) bool {
	return ident.Valid(ident.Customer, c.Owner) && (t.Tender == shop.Points || t.Tender == shop.ReturnCredit)
}

// withBalances fills in what the gift cards and accounts of a cart's payment queue
// are worth now. Of an account as much is taken as the buyer says, or all there is.
func withBalances(c Cart, cards map[string]shop.GiftCard, currency string, now time.Time) ([]price.Tender, error) {
	out := slices.Clone(c.Content.PaymentQueue)
	spent := map[string]bool{} // what is named twice has its money once
	for i := range out {
		t := &out[i]
		code := t.Code
		if isAccount(c, *t) {
			code = shop.AccountCode(t.Tender, c.Owner)
		}
		twice := code != "" && spent[code]
		spent[code] = true
		switch card, ok := cards[code]; {
		case twice:
			t.Charge = ""
		case t.Tender == "GIFTCARD" && ok && !card.Expired(now):
			balance := money.FromMinor(card.BalanceCents, currency).Amount.String()
			t.Balance, t.Expires = &balance, card.ExpiresAt != nil
		case isAccount(c, *t):
			charge := money.FromMinor(card.BalanceCents, currency).Amount
			balance := charge.String()
			if wanted := cmp.Or(t.Amount, t.Charge); wanted != "" {
				amount, err := money.Parse(wanted, currency)
				if err != nil {
					var f fault.Fields
					f.Merge("/payment_queue/"+strconv.Itoa(i)+"/amount", err)
					return nil, f.Err()
				}
				charge = decimal.Min(charge, decimal.Max(amount.Amount, decimal.Zero))
			}
			t.Balance, t.Charge = &balance, charge.String()
		}
	}
	return out, nil
}

// Order is a cart as the order domain takes it over.
type Order struct {
	Cart
	Basis  Basis
	Totals price.Totals // with their derivation
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
	basis, err := read(ctx, tx, c)
	if err != nil {
		return Order{}, err
	}
	basis.Cart.Explain = true
	totals, err := basis.Price()
	if err != nil {
		return Order{}, err
	}
	if len(totals.Errors) > 0 {
		return Order{}, fault.New(fault.Unprocessable, "the cart cannot be ordered: %s", totals.Errors[0]).With("errors", totals.Errors)
	}
	if totals.Sum.ItemsCount == 0 {
		return Order{}, fault.New(fault.Unprocessable, "the cart is empty")
	}
	return Order{Cart: c, Basis: basis, Totals: totals}, MarkOrdered(tx, c)
}
