package order

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"github.com/rackless/rackless/shared/cart"
	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/payment"
	"github.com/rackless/rackless/shared/payment/card"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// lifetime is how long an order may take to be confirmed, a declined payment
// and its repetition included: CommerceRack looks after an order's checkout for
// as long (order specification, §5).
const lifetime = 30 * time.Minute

// Tender is how the buyer pays, or a part of it.
type Tender struct {
	Tender string `json:"tender"`           // CREDIT, GIFTCARD, PO, CHECK …
	Token  string `json:"token,omitempty"`  // the gateway's for the buyer's card; never a card number
	Code   string `json:"code,omitempty"`   // of a gift card
	Amount string `json:"amount,omitempty"` // a fixed part; without one, what is left, shared evenly
}

// PlaceInput makes an order of a cart.
type PlaceInput struct {
	CartID   string   `json:"cart_id"`
	Email    string   `json:"email,omitempty"`    // where the confirmation goes; default: the cart's
	Payments []Tender `json:"payments,omitempty"` // default: the cart's payment queue
	// Expected is the total the buyer saw, in the currency's smallest unit. If
	// the cart comes to anything else now, nothing is ordered.
	Expected *int64 `json:"expected_total_cents,omitempty"`
	// Lines are those that the buyer saw. If one has changed, come or gone,
	// nothing is ordered, and the refusal tells what was and what is.
	Lines []SeenLine `json:"expected_lines,omitempty"`
}

// Validate refuses what cannot be ordered.
func (in PlaceInput) Validate() error {
	var f fault.Fields
	f.Check(ident.Valid(ident.Cart, in.CartID), "/cart_id", "must be the id of a cart")
	checkSeen(&f, in.Lines)
	f.Check(len(in.Email) <= 254, "/email", "must not exceed 254 characters")
	f.Check(len(in.Payments) <= 20, "/payments", "must not hold more than 20 tenders")
	for i, p := range in.Payments {
		p.check(&f, "/payments/"+strconv.Itoa(i))
	}
	return f.Err()
}

func (t Tender) check(f *fault.Fields, at string) {
	f.Check(t.Tender != "" && len(t.Tender) <= 20, at+"/tender", "must name a tender, e.g. CREDIT")
	f.Check(len(t.Token) <= 1024, at+"/token", "must not exceed 1024 characters")
	f.Check(!card.Contains(t.Token), at+"/token", "must be the gateway's token; card numbers are not accepted")
}

// Place makes an order of a cart: priced anew here, never by the client. It
// writes the order, its lines and intended payments, holds coupon uses and gift
// card money, and states order.placed; the functions that act on it reserve,
// authorize and confirm.
func Place(ctx context.Context, tx *txn.Tx, in PlaceInput) (Order, error) {
	taken, err := cart.Take(ctx, tx, in.CartID, queue(in.Payments))
	if err != nil {
		return Order{}, err
	}
	total := taken.Totals.Cents.Order
	if err := refuseChanged(in, taken.Totals); err != nil {
		return Order{}, err
	}
	if err := refuseShort(ctx, tx, taken.Totals.Lines); err != nil {
		return Order{}, err
	}
	email := in.Email
	if email == "" {
		email = taken.Email
	}
	if !strings.Contains(email, "@") {
		var f fault.Fields
		f.Add("/email", "is needed for the confirmation: give it here or on the cart")
		return Order{}, f.Err()
	}
	o := Order{
		Summary: Summary{
			ID: ident.New(ident.Order), CartID: taken.ID, Owner: taken.Owner, State: "pending", Email: email,
			Currency: taken.Totals.Currency, TotalCents: total, Version: 1,
			ExpiresAt: tx.Now.Add(lifetime), CreatedAt: tx.Now, UpdatedAt: tx.Now,
		},
		Ship: taken.Basis.Cart.Ship, Billing: taken.Billing, Notes: taken.Notes, Totals: taken.Totals,
	}
	o.Totals.Explanation = nil // it is kept beside the totals, and shown on request
	intents, err := intend(ctx, tx, o, taken, in.Payments)
	if err != nil {
		return Order{}, err
	}
	if err := hold(ctx, tx, o, taken, intents); err != nil {
		return Order{}, err
	}
	if err := write(ctx, tx, &o, taken, intents); err != nil {
		return Order{}, err
	}
	tx.Emit(events.OrderPlaced{
		OrderID: o.ID, CartID: o.CartID, Number: o.Number, Currency: o.Currency, TotalCents: total,
		Lines: goods(o.Totals.Lines), ExpiresAt: o.ExpiresAt,
	})
	tx.EmitAt(o.ExpiresAt, events.OrderDue{OrderID: o.ID})
	return o, nil
}

func queue(tenders []Tender) []price.Tender {
	var q []price.Tender
	for _, t := range tenders {
		q = append(q, price.Tender{Tender: strings.ToUpper(t.Tender), Amount: t.Amount, Code: t.Code})
	}
	return q
}

// intend turns the allocation of the cart's payment queue into payments.
func intend(ctx context.Context, tx *txn.Tx, o Order, taken cart.Order, tenders []Tender) ([]payment.Intent, error) {
	switch {
	case o.TotalCents < 0:
		return nil, fault.New(fault.Unprocessable, "the order comes to less than nothing: %d cents", o.TotalCents)
	case o.TotalCents == 0:
		return []payment.Intent{{Tender: "ZERO", CaptureOn: "manual"}}, nil
	}
	var intents []payment.Intent
	left := o.TotalCents
	for _, charge := range taken.Totals.PaymentQueue {
		amount, err := money.Parse(charge.Charge, o.Currency)
		if err != nil {
			return nil, fmt.Errorf("payment queue of cart %s: %w", taken.ID, err)
		}
		cents, err := amount.Minor()
		if err != nil {
			return nil, fmt.Errorf("payment queue of cart %s: %w", taken.ID, err)
		}
		if cents == 0 {
			continue
		}
		intent := payment.Intent{Tender: charge.Tender, AmountCents: cents, CaptureOn: "manual", GiftCard: charge.Code}
		if charge.Tender != "GIFTCARD" {
			if tenders, intent, err = byMethod(ctx, tx, o, tenders, intent); err != nil {
				return nil, err
			}
		}
		if intent.GiftCard != "" && slices.ContainsFunc(intents, func(i payment.Intent) bool { return i.GiftCard == intent.GiftCard }) {
			return nil, fault.New(fault.Unprocessable, "a %s is given twice: an order takes money from it once", charge.Tender)
		}
		left -= cents
		intents = append(intents, intent)
	}
	if left != 0 {
		return nil, fault.New(fault.Unprocessable, "the payments cover %d of %d cents", o.TotalCents-left, o.TotalCents).With("missing_cents", left)
	}
	return intents, nil
}

// byMethod completes a payment by what the shop has configured for its tender, and
// takes the buyer's token for it off the list.
func byMethod(ctx context.Context, tx *txn.Tx, o Order, tenders []Tender, intent payment.Intent) ([]Tender, payment.Intent, error) {
	method, err := shop.PaymentMethodOf(ctx, tx, intent.Tender)
	if fault.Is(err, fault.NotFound) || err == nil && !method.Enabled {
		return nil, intent, fault.New(fault.Unprocessable, "the shop does not take %s", intent.Tender)
	}
	if err != nil {
		return nil, intent, err
	}
	intent.GiftCard = ""
	switch {
	case intent.Tender == shop.Points, intent.Tender == shop.ReturnCredit, method.OnAccount:
		if !ident.Valid(ident.Customer, o.Owner) {
			return nil, intent, fault.New(fault.Unprocessable, "only a registered customer pays by %s: log in", intent.Tender)
		}
		intent.GiftCard = shop.AccountCode(intent.Tender, o.Owner)
		return tenders, intent, nil
	case method.Gateway == "" && !payment.IsOffline(intent.Tender):
		return nil, intent, fault.New(fault.Unprocessable, "no gateway is behind %s in this shop", intent.Tender)
	}
	intent.Gateway, intent.CaptureOn, intent.Policy = method.Gateway, method.Capture, method.Review
	tenders, intent.Token = token(tenders, intent.Tender)
	if method.Gateway != "" {
		intent.Billing = billing(o)
		if !tx.Who.Trusted() {
			intent.BuyerIP = tx.Cause().Address
		}
	}
	return tenders, intent, nil
}

// billing is the address that the buyer's bank is asked about: where nothing else
// was said, that of the delivery.
func billing(o Order) payment.Billing {
	b := o.Billing
	out := payment.Billing{
		FirstName: b.FirstName, LastName: b.LastName, Company: b.Company,
		Address: b.Address1, City: b.City, Region: b.Region, Postal: b.Postal, Country: b.Country,
	}
	if b.Address1 == "" && b.Postal == "" {
		out.Address, out.City, out.Region, out.Postal, out.Country = o.Ship.Address1, o.Ship.City, o.Ship.Region, o.Ship.Postal, o.Ship.Country
	}
	return out
}

// token takes the token of the first tender of the kind off the list.
func token(tenders []Tender, tender string) ([]Tender, string) {
	i := slices.IndexFunc(tenders, func(t Tender) bool { return strings.EqualFold(t.Tender, tender) })
	if i < 0 {
		return tenders, ""
	}
	return slices.Delete(slices.Clone(tenders), i, i+1), tenders[i].Token
}

// hold takes what is countable and scarce: coupon uses and the money of gift cards
// and accounts.
func hold(ctx context.Context, tx *txn.Tx, o Order, taken cart.Order, intents []payment.Intent) error {
	uses, err := discounts(taken)
	if err != nil {
		return err
	}
	if err := shop.ReserveCoupons(ctx, tx, uses, o.Owner, o.ID); err != nil {
		return err
	}
	giftCards := slices.DeleteFunc(slices.Clone(intents), func(i payment.Intent) bool { return i.GiftCard == "" })
	slices.SortFunc(giftCards, func(a, b payment.Intent) int { return strings.Compare(a.GiftCard, b.GiftCard) })
	for _, g := range giftCards {
		if err := shop.HoldGiftCard(ctx, tx, g.GiftCard, g.AmountCents, o.ID); err != nil {
			return err
		}
	}
	return nil
}

// discounts returns what each coupon and offer gave, by the code under which its
// uses are counted. Coupons have a line of their own; of offers each line says its
// part, and those on shipping have none.
func discounts(taken cart.Order) (map[string]string, error) {
	given := map[string]decimal.Decimal{}
	for _, id := range taken.Totals.Offers {
		given[shop.OfferCode(id)] = decimal.Zero
	}
	add := func(code, amount string) error {
		d, err := money.ParseDecimal(amount)
		given[code] = given[code].Add(d.Abs())
		return err
	}
	for _, l := range taken.Totals.Lines {
		code := strings.TrimPrefix(l.STID, "%")
		isCoupon := func(c promotion.Coupon) bool { return c.Code == code }
		if l.Promotion && slices.ContainsFunc(taken.Basis.Config.Coupons, isCoupon) {
			if err := add(code, l.Extended); err != nil {
				return nil, fmt.Errorf("discount of coupon %s: %w", code, err)
			}
		}
		for _, d := range l.Discounts {
			if err := add(shop.OfferCode(d.Offer), d.Amount); err != nil {
				return nil, fmt.Errorf("discount of offer %s: %w", d.Offer, err)
			}
		}
	}
	uses := make(map[string]string, len(given))
	for code, d := range given {
		uses[code] = d.String()
	}
	return uses, nil
}

// write stores the order with all that its price depends on and its payments, and
// gives it its number, the counter's row being the last that is locked.
func write(ctx context.Context, tx *txn.Tx, o *Order, taken cart.Order, intents []payment.Intent) error {
	config, err := json.Marshal(taken.Basis.Config)
	if err != nil {
		return fmt.Errorf("write order: %w", err)
	}
	hash := sha256.Sum256(config)
	var batch pgx.Batch
	batch.Queue(`
		INSERT INTO order_configurations (shop_id, hash, document) VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`, tx.Shop, hash[:], config)
	batch.Queue(`
		WITH counter AS (
			INSERT INTO order_counters AS c (shop_id, next) VALUES ($2, 1001)
			ON CONFLICT (shop_id) DO UPDATE SET next = c.next + 1
			RETURNING next - 1 AS n
		)
		INSERT INTO orders (order_id, shop_id, number, cart_id, owner, email, currency, total_cents, cart, products, configuration, totals,
		                    explanation, billing, notes, expires_at, created_at, updated_at)
		SELECT $1, $2, $3 || n, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17
		FROM counter
		RETURNING number`,
		o.ID, tx.Shop, tx.Now.Format("2006-01-"), o.CartID, o.Owner, o.Email, o.Currency, o.TotalCents,
		taken.Basis.Cart, taken.Basis.Products, hash[:], o.Totals, taken.Totals.Explanation, o.Billing, o.Notes, o.ExpiresAt, tx.Now).
		QueryRow(func(row pgx.Row) error { return row.Scan(&o.Number) })
	queueLines(&batch, tx, *o)
	payment.QueueOpen(&batch, tx, o.ID, o.Currency, intents, &o.Payments)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("write order: %w", err)
	}
	return nil
}

// queueLines adds to a batch the statement that writes the lines of an order.
func queueLines(batch *pgx.Batch, tx *txn.Tx, o Order) {
	var stids, skus, products, names, prices, extended []string
	var qty []int64
	var promotions []bool
	for _, l := range o.Totals.Lines {
		stids, skus, products, names = append(stids, l.STID), append(skus, l.SKU), append(products, l.Product), append(names, l.Name)
		qty, prices, extended, promotions = append(qty, l.Qty), append(prices, l.Price), append(extended, l.Extended), append(promotions, l.Promotion)
	}
	batch.Queue(`
		INSERT INTO order_lines (order_id, shop_id, position, stid, sku, product, name, qty, price, extended, promotion)
		SELECT $1, $2, position - 1, stid, sku, product, name, qty, price::numeric, extended::numeric, promotion
		FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::boolean[])
			WITH ORDINALITY AS l (stid, sku, product, name, qty, price, extended, promotion, position)`,
		o.ID, tx.Shop, stids, skus, products, names, qty, prices, extended, promotions)
}

// goods returns what has to leave the warehouse, by SKU.
func goods(lines []price.Line) []events.OrderLine {
	qty := map[string]int64{}
	for _, l := range lines {
		if !l.Promotion && l.SKU != "" {
			qty[l.SKU] += l.Qty
		}
	}
	var out []events.OrderLine
	for sku, n := range qty {
		out = append(out, events.OrderLine{SKU: sku, Qty: n})
	}
	slices.SortFunc(out, func(a, b events.OrderLine) int { return strings.Compare(a.SKU, b.SKU) })
	return out
}
