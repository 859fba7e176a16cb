package shop_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/tax/rate"
	"github.com/rackless/rackless/shared/testkit/txtest"
	"github.com/rackless/rackless/shared/txn"
)

// bench is a shop and the functions that work on it.
type bench struct {
	*txtest.DB
	who        principal.Principal
	configurer *txn.Runner
	placer     *txn.Runner
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	db := txtest.New(tb)
	who := principal.Principal{Shop: db.Shop, Kind: principal.Staff, ID: "key_1", Scopes: []string{"*"}}
	return &bench{db, who, db.As(tb, "shop-configure"), db.As(tb, "order-place")}
}

func (b *bench) configure(tb testing.TB, in shop.ConfigureInput) (shop.Shop, error) {
	tb.Helper()
	if err := in.Validate(); err != nil {
		return shop.Shop{}, err
	}
	return txtest.Do(tb, b.configurer, b.who, shop.Configure, in)
}

func (b *bench) mustConfigure(tb testing.TB, in shop.ConfigureInput) shop.Shop {
	tb.Helper()
	s, err := b.configure(tb, in)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// place runs a step of order-place in a transaction.
func (b *bench) place(ctx context.Context, fn func(context.Context, *txn.Tx) error) error {
	ctx = principal.NewContext(ctx, b.System())
	return b.placer.Do(ctx, func(tx *txn.Tx) error { return fn(ctx, tx) })
}

func (b *bench) config(tb testing.TB) *price.Config {
	tb.Helper()
	cfg, err := txtest.Do(tb, b.As(tb, "cart-price"), b.System(), func(ctx context.Context, tx *txn.Tx, _ struct{}) (*price.Config, error) {
		var cfg price.Config
		var batch pgx.Batch
		shop.QueueConfig(&batch, "", &cfg)
		return &cfg, tx.SendBatch(ctx, &batch).Close()
	}, struct{}{})
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

func full() shop.Sections {
	return shop.Sections{
		General:  &price.General{Policy: price.Exact, Currency: "USD", Namespace: "oracle", QuoteWithoutPostal: true, TaxIncluded: true, Rounding: price.Rounding{Mode: "half-up", Level: "line"}},
		TaxRules: []rate.Rule{{Method: rate.State, Match: "CA", Rate: "8.250", Apply: 1}, {Method: rate.State, Match: "CA", Rate: "8.250", Apply: 1}, {Method: rate.Country, Match: "DE", Rate: "19", Apply: 3, Zone: "EU", Expires: "20300101"}},
		ShippingMethods: []quote.Method{
			{ID: "WEIGHT", Name: "By weight", Carrier: "SLOW", Region: "US", Handler: quote.Weight, Enabled: true, MinWeight: "1", Table: quote.Table{{Upto: "16", Price: "5.00"}, {Upto: "160", Price: "9.50"}}},
			{ID: "FREE", Name: "Free", Carrier: "SLOW", Region: "US", Handler: quote.Free, Enabled: true, Total: "50"},
		},
		RuleLists:   []promotion.RuleList{{ID: "COUPON-TEN", Rules: []promotion.Rule{{Match: "IGNORE", Exec: "SET", Value: "-10%"}}}},
		Coupons:     []shop.Coupon{{Coupon: promotion.Coupon{Code: "TEN", Title: "Ten off", Stackable: true, Begins: 1, Expires: 4102444800}, Limits: shop.Limits{UsageLimit: 5, UsageLimitPerCustomer: 1}}, {Coupon: promotion.Coupon{Code: "A"}}},
		Handling:    &quote.Charges{Mode: quote.Separate, PerLine: true, Domestic: quote.AreaCharges{FirstLine: "1.00", NextLine: "0.50"}},
		Insurance:   &quote.Charges{Mode: quote.Merged, Optional: true, ByPrice: true, Canada: quote.AreaCharges{Price: quote.Table{{Upto: "100", Price: "2"}}}},
		PaymentFees: []price.PaymentFee{{Tender: "COD", Amount: "4.00"}},
		Schedules:   []schedule.Schedule{{ID: "WS", Title: "Wholesale", DiscountDefault: true, DiscountFormula: "BASE*0.8", PromotionMode: 1, ShippingRules: true}},
		PaymentMethods: []shop.PaymentMethod{
			{Tender: "CREDIT", Gateway: "test", Capture: shop.OnConfirm, Enabled: true, Title: "Card"},
			{Tender: "CHECK", Capture: shop.Manual},
		},
	}
}

func TestConfigurationReadsBackAsWritten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := full()
	s := b.mustConfigure(t, shop.ConfigureInput{Sections: want})
	if s.Version != 2 {
		t.Errorf("version %d, want 2", s.Version)
	}

	got, err := txtest.Do(t, b.As(t, "shop-inspect"), b.who, shop.Inspect, shop.InspectInput{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Inspect (-want +got):\n%s", diff)
	}
	coupons := make([]promotion.Coupon, len(want.Coupons))
	for i, c := range want.Coupons {
		coupons[i] = c.Coupon
	}
	config := &price.Config{
		General: *want.General, TaxRules: want.TaxRules, ShippingMethods: want.ShippingMethods, RuleLists: want.RuleLists, Coupons: coupons,
		Handling: *want.Handling, Insurance: *want.Insurance, PaymentFees: want.PaymentFees, Schedules: want.Schedules,
	}
	if diff := cmp.Diff(config, b.config(t)); diff != "" {
		t.Errorf("QueueConfig (-want +got):\n%s", diff)
	}
}

func TestConfigureReplacesPresentSectionsOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(t, shop.ConfigureInput{Sections: full(), Hosts: []string{"a.example.com", "b.example.com"}, CORSOrigins: []string{"*"}})

	name := "Renamed"
	var in shop.ConfigureInput
	body := `{"tax_rules": [], "shipping_methods": [{"id": "FREE", "name": "Gratis", "carrier": "SLOW", "region": "US", "handler": "FREE", "enabled": true, "total": "10"}],
		"hosts": ["b.example.com"], "cors_origins": [], "name": "Renamed"}`
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	s := b.mustConfigure(t, in)
	want := shop.Shop{
		ID: b.Shop, Name: name, Currency: "USD", Hosts: []string{"b.example.com"}, CORSOrigins: []string{}, Version: 3,
		CreatedAt: txtest.Start, UpdatedAt: txtest.Start,
	}
	if diff := cmp.Diff(want, s, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("shop (-want +got):\n%s", diff)
	}
	cfg := b.config(t)
	if len(cfg.TaxRules) != 0 {
		t.Errorf("an empty section left %d tax rules", len(cfg.TaxRules))
	}
	if len(cfg.ShippingMethods) != 1 || cfg.ShippingMethods[0].Name != "Gratis" {
		t.Errorf("shipping methods are %+v", cfg.ShippingMethods)
	}
	if len(cfg.Coupons) != 2 || len(cfg.RuleLists) != 1 || cfg.General.Policy != price.Exact || cfg.Handling.Mode != quote.Separate {
		t.Errorf("absent sections have changed: %+v", cfg)
	}
}

func TestUnconfiguredShopPricesAsCommerceRack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := &price.Config{General: price.General{Policy: price.CommerceRack, Currency: "USD"}}
	if diff := cmp.Diff(want, b.config(t)); diff != "" {
		t.Error(diff)
	}
}

func TestConfigureRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(t, shop.ConfigureInput{GiftCards: []shop.GiftCardInput{{Code: "GIFT0001", Balance: "1"}}})
	other := b.AddShop(t)
	if _, err := b.Admin.Exec(t.Context(), `INSERT INTO shop_hosts (host, shop_id) VALUES ('taken.example.com', $1)`, other); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		in   shop.ConfigureInput
		kind fault.Kind
	}{
		"stale_version":    {shop.ConfigureInput{IfMatch: 1}, fault.Precondition},
		"host_of_another":  {shop.ConfigureInput{Hosts: []string{"taken.example.com"}}, fault.Conflict},
		"other_currency":   {shop.ConfigureInput{Sections: shop.Sections{General: &price.General{Policy: price.Exact, Currency: "EUR"}}}, fault.Conflict},
		"finer_than_cents": {shop.ConfigureInput{GiftCards: []shop.GiftCardInput{{Code: "GIFT0001", Balance: "1.001"}}}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := b.configure(t, tc.in); !fault.Is(err, tc.kind) {
				t.Errorf("got %v, want %v", err, tc.kind)
			}
		})
	}
}

func TestConfigureInputIsValidated(t *testing.T) {
	t.Parallel()
	empty := ""
	for name, tc := range map[string]struct {
		in   shop.ConfigureInput
		want []string // paths
	}{
		"name":     {shop.ConfigureInput{Name: &empty}, []string{"/name"}},
		"hosts":    {shop.ConfigureInput{Hosts: []string{"ok.example", "Upper.example", "a:80", "ok.example", ""}}, []string{"/hosts/1", "/hosts/2", "/hosts/3", "/hosts/4"}},
		"origins":  {shop.ConfigureInput{CORSOrigins: []string{"*", "https://a.example", "http://localhost:3000", "https://a.example/", "null", "HTTPS://a.example", "ftp://a.example"}}, []string{"/cors_origins/3", "/cors_origins/4", "/cors_origins/5", "/cors_origins/6"}},
		"currency": {shop.ConfigureInput{Sections: shop.Sections{General: &price.General{Policy: price.Exact, Currency: "usd"}}}, []string{"/general/currency"}},
		"coupons": {shop.ConfigureInput{Sections: shop.Sections{Coupons: []shop.Coupon{{Coupon: promotion.Coupon{Code: "A"}}, {Coupon: promotion.Coupon{Code: "A"}, Limits: shop.Limits{UsageLimit: -1, UsageLimitPerCustomer: -1}}}}},
			[]string{"/coupons/1/usage_limit", "/coupons/1/usage_limit_per_customer", "/coupons/1/code"}},
		"payment_methods": {shop.ConfigureInput{Sections: shop.Sections{PaymentMethods: []shop.PaymentMethod{{Tender: "credit", Gateway: "Test!", Capture: "later", Title: strings.Repeat("x", 81)}}}},
			[]string{"/payment_methods/0/tender", "/payment_methods/0/gateway", "/payment_methods/0/capture", "/payment_methods/0/title"}},
		"gift_cards": {shop.ConfigureInput{GiftCards: []shop.GiftCardInput{{Code: "short", Balance: "x"}, {Code: "GIFT0001", Balance: "-1"}, {Code: "GIFT0001", Balance: "1"}}},
			[]string{"/gift_cards/0/code", "/gift_cards/0/balance", "/gift_cards/1/balance", "/gift_cards/2/code"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			if err, ok := tc.in.Validate().(*fault.Error); ok {
				for _, f := range err.Fields {
					got = append(got, f.Path)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("refused paths (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	creator := b.As(t, "shop-create")
	in := shop.CreateInput{Name: "New", Currency: "JPY", Hosts: []string{"new.example.com"}, CORSOrigins: []string{"https://new.example.com"}}
	created, err := txtest.Do(t, creator, b.who, func(ctx context.Context, tx *txn.Tx, in shop.CreateInput) (shop.Created, error) {
		created, err := shop.Create(ctx, tx, in)
		if err == nil && tx.Shop != b.Shop {
			t.Errorf("the transaction stays in shop %s", tx.Shop)
		}
		return created, err
	}, in)
	if err != nil {
		t.Fatal(err)
	}
	caller, err := auth.Identify(t.Context(), b.Admin, auth.Credential{Token: created.APIKey}, txtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	if caller.Shop != created.ID || caller.ID != created.KeyID || !caller.Has("anything:at_all") {
		t.Errorf("the key is that of %+v", caller)
	}
	caller, err = auth.Identify(t.Context(), b.Admin, auth.Credential{Host: "new.example.com"}, txtest.Start)
	if err != nil || caller.Shop != created.ID || !slices.Equal(caller.CORSOrigins, in.CORSOrigins) {
		t.Errorf("a visitor of the host is %+v, %v", caller, err)
	}
	if _, err = txtest.Do(t, creator, b.who, shop.Create, in); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second shop of the host: %v, want a conflict", err)
	}
}

func TestPaymentMethodOf(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(t, shop.ConfigureInput{Sections: full()})
	m, err := txtest.Do(t, b.placer, b.System(), shop.PaymentMethodOf, "CREDIT")
	if diff := cmp.Diff(full().PaymentMethods[0], m); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := txtest.Do(t, b.placer, b.System(), shop.PaymentMethodOf, "WIRE"); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown tender: %v, want not found", err)
	}
}

func coupons(all ...shop.Coupon) shop.ConfigureInput {
	return shop.ConfigureInput{Sections: shop.Sections{Coupons: all}}
}

func coupon(code string, limit, perCustomer int64) shop.Coupon {
	return shop.Coupon{Coupon: promotion.Coupon{Code: code}, Limits: shop.Limits{UsageLimit: limit, UsageLimitPerCustomer: perCustomer}}
}

func (b *bench) use(ctx context.Context, owner, order string, codes ...string) error {
	uses := map[string]string{}
	for _, code := range codes {
		uses[code] = "1.00"
	}
	return b.place(ctx, func(ctx context.Context, tx *txn.Tx) error { return shop.ReserveCoupons(ctx, tx, uses, owner, order) })
}

func (b *bench) giveBack(tb testing.TB, order string) {
	tb.Helper()
	ctx := principal.NewContext(tb.Context(), b.System())
	err := b.As(tb, "order-cancel").Do(ctx, func(tx *txn.Tx) error { return shop.ReleaseCoupons(ctx, tx, order) })
	if err != nil {
		tb.Fatal(err)
	}
}

func TestCouponLimits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(t, coupons(coupon("TWO", 2, 0), coupon("ONCE", 0, 1), coupon("FREE", 0, 0)))
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	refused := func(err error) {
		t.Helper()
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want a conflict", err)
		}
	}
	ctx := t.Context()
	ok(b.use(ctx, "cus_1", "ord_1", "TWO", "ONCE", "FREE", "TWO"))
	ok(b.use(ctx, "cus_1", "ord_1", "TWO", "ONCE"))
	refused(b.use(ctx, "cus_1", "ord_2", "ONCE"))
	ok(b.use(ctx, "cus_2", "ord_3", "ONCE", "TWO"))
	refused(b.use(ctx, "cus_3", "ord_4", "TWO", "FREE"))
	ok(b.use(ctx, "", "ord_5", "ONCE"))
	ok(b.use(ctx, "", "ord_6", "ONCE"))
	refused(b.use(ctx, "cus_3", "ord_7", "NONE"))

	b.giveBack(t, "ord_1")
	b.giveBack(t, "ord_1")
	ok(b.use(ctx, "cus_1", "ord_8", "ONCE", "TWO"))
	refused(b.use(ctx, "cus_4", "ord_9", "TWO"))

	b.mustConfigure(t, coupons(coupon("TWO", 3, 0))) // the uses of a coupon outlive its change
	ok(b.use(ctx, "cus_4", "ord_10", "TWO"))
	refused(b.use(ctx, "cus_5", "ord_11", "TWO"))
	b.mustConfigure(t, coupons())
	b.mustConfigure(t, coupons(coupon("TWO", 3, 0)))
	refused(b.use(ctx, "cus_5", "ord_11", "TWO"))
}

func TestCouponLimitUnderThousandOrders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(t, coupons(coupon("RUSH", 7, 0), coupon("EACH", 0, 2)))
	var won, each sync.Map
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			order, owner := fmt.Sprintf("ord_%d", i), fmt.Sprintf("cus_%d", i%10)
			if err := b.use(t.Context(), owner, order, "RUSH"); err == nil {
				won.Store(order, true)
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
			if err := b.use(t.Context(), owner, order, "EACH"); err == nil {
				each.Store(order, true)
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
			if i%50 == 0 {
				b.mustConfigure(t, coupons(coupon("RUSH", 7, 0), coupon("EACH", 0, 2))) // the same again, in between
			}
		})
	}
	all.Wait()
	count := func(m *sync.Map) (n int) {
		m.Range(func(any, any) bool { n++; return true })
		return n
	}
	if n := count(&won); n != 7 {
		t.Errorf("%d orders have used a coupon for 7", n)
	}
	if n := count(&each); n != 20 {
		t.Errorf("10 customers have used a coupon %d times, want 20", n)
	}
}

const card = "GIFT00012345"

func (b *bench) balance(tb testing.TB) int64 {
	tb.Helper()
	cards, err := txtest.Do(tb, b.placer, b.System(), shop.GiftCards, []string{card, "UNKNOWN1"})
	if err != nil {
		tb.Fatal(err)
	}
	if len(cards) != 1 {
		tb.Fatalf("%d cards", len(cards))
	}
	var booked int64
	if err := b.Admin.QueryRow(tb.Context(), `SELECT sum(cents)::bigint FROM gift_card_entries WHERE code = $1`, card).Scan(&booked); err != nil {
		tb.Fatal(err)
	}
	if booked != cards[card].BalanceCents {
		tb.Errorf("the entries come to %d, the balance to %d", booked, cards[card].BalanceCents)
	}
	return cards[card].BalanceCents
}

func giftCard(balance string, expires *time.Time) shop.ConfigureInput {
	return shop.ConfigureInput{GiftCards: []shop.GiftCardInput{{Code: card, Balance: balance, ExpiresAt: expires, Note: "a gift"}}}
}

func TestGiftCardLedger(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(t, giftCard("50.00", nil))
	hold := func(cents int64, order string) error {
		return b.place(t.Context(), func(ctx context.Context, tx *txn.Tx) error { return shop.HoldGiftCard(ctx, tx, card, cents, order) })
	}
	settle := func(cents int64, order string) error {
		return b.place(t.Context(), func(ctx context.Context, tx *txn.Tx) error { return shop.SettleGiftCard(ctx, tx, card, cents, order) })
	}
	release := func(order string) error {
		return b.place(t.Context(), func(ctx context.Context, tx *txn.Tx) error { return shop.ReleaseGiftCard(ctx, tx, card, order) })
	}
	refund := func(cents int64, order, reference string) error {
		return b.place(t.Context(), func(ctx context.Context, tx *txn.Tx) error {
			return shop.RefundGiftCard(ctx, tx, card, cents, order, reference)
		})
	}
	step := func(name string, err error, refused bool, want int64) {
		t.Helper()
		if fault.Is(err, fault.Conflict) != refused || err != nil && !refused {
			t.Errorf("%s: %v", name, err)
		}
		if got := b.balance(t); got != want {
			t.Errorf("%s: balance %d, want %d", name, got, want)
		}
	}
	step("hold", hold(2000, "ord_1"), false, 3000)
	step("hold again", hold(2000, "ord_1"), false, 3000)
	step("hold too much", hold(3001, "ord_2"), true, 3000)
	step("hold all", hold(3000, "ord_2"), false, 0)
	step("settle too much", settle(2001, "ord_1"), true, 0)
	step("settle less", settle(1500, "ord_1"), false, 500)
	step("settle again", settle(1500, "ord_1"), false, 500)
	step("release what is settled", release("ord_1"), true, 500)
	step("release", release("ord_2"), false, 3500)
	step("release again", release("ord_2"), false, 3500)
	step("release what was never held", release("ord_3"), false, 3500)
	step("settle what is released", settle(1, "ord_2"), true, 3500)
	step("hold what is released", hold(3000, "ord_2"), false, 3500)
	step("refund too much", refund(1501, "ord_1", "r1"), true, 3500)
	step("refund", refund(1000, "ord_1", "r1"), false, 4500)
	step("refund again", refund(1000, "ord_1", "r1"), false, 4500)
	step("refund more than is left", refund(501, "ord_1", "r2"), true, 4500)
	step("refund the rest", refund(500, "ord_1", "r2"), false, 5000)
	step("refund what was not spent", refund(1, "ord_2", "r3"), true, 5000)

	b.mustConfigure(t, giftCard("50.00", nil))
	step("set to what it is", nil, false, 5000)
	b.mustConfigure(t, giftCard("10.00", nil))
	step("set to less", nil, false, 1000)
	expires := b.Clock.Now().Add(time.Hour)
	b.mustConfigure(t, giftCard("10.00", &expires))
	step("hold before the expiry", hold(100, "ord_5"), false, 900)
	b.Clock.Advance(time.Hour)
	step("hold after the expiry", hold(100, "ord_6"), true, 900)
	step("settle after the expiry", settle(100, "ord_5"), false, 900)
	step("unknown card", b.place(t.Context(), func(ctx context.Context, tx *txn.Tx) error {
		return shop.HoldGiftCard(ctx, tx, "UNKNOWN1", 1, "ord_7")
	}), true, 900)
}

func TestGiftCardIsNotOverdrawn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(t, giftCard("10.00", nil))
	var all sync.WaitGroup
	var held sync.Map
	for i := range 100 {
		all.Go(func() {
			order := fmt.Sprintf("ord_%d", i/2) // each twice
			err := b.place(t.Context(), func(ctx context.Context, tx *txn.Tx) error { return shop.HoldGiftCard(ctx, tx, card, 300, order) })
			if err == nil {
				held.Store(order, true)
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	n := 0
	held.Range(func(any, any) bool { n++; return true })
	if balance := b.balance(t); n != 3 || balance != 100 {
		t.Errorf("%d orders hold 3.00 of 10.00 and %d cents are left", n, balance)
	}
}

// The database keeps the books whoever writes.
func TestBalanceFollowsEntriesOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(t, giftCard("10.00", nil))
	for _, sql := range []string{
		`UPDATE gift_cards SET balance_cents = 9`,
		`INSERT INTO gift_cards (shop_id, code, balance_cents, created_at, updated_at) SELECT shop_id, 'GIFT9999', 1, now(), now() FROM gift_cards`,
		`UPDATE gift_card_entries SET cents = 1`,
		`INSERT INTO gift_card_entries (shop_id, code, kind, cents, created_at) SELECT shop_id, code, 'issue', -1001, now() FROM gift_cards`,
	} {
		if _, err := b.Admin.Exec(t.Context(), sql); err == nil {
			t.Errorf("the database accepts: %s", sql)
		}
	}
	if got := b.balance(t); got != 1000 {
		t.Errorf("balance %d", got)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"GIFT00012345": "GIFT…2345", "GIFT0001": "…001", "A": "…A", "": "…"} {
		if got := shop.Mask(code); got != want {
			t.Errorf("Mask(%q) = %q, want %q", code, got, want)
		}
	}
}
