package rackless_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	ebaysim "github.com/rackless/rackless/infra/simulators/ebay"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/testkit"
)

// marketplace is a shop that is connected with a simulated seller at eBay.
type marketplace struct {
	*testkit.Kit
	site    *ebaysim.Simulator
	account string
}

// sellAtEbay opens a shop and connects it. A test that calls it cannot run in
// parallel with others: the functions read the environment when they start.
func sellAtEbay(t *testing.T, settings map[string]any, change ...func(*ebaysim.Options)) *marketplace {
	t.Helper()
	k := testkit.New(t)
	o := ebaysim.Options{Options: sim.Options{Clock: k.Clock}, ClientID: "id", ClientSecret: "secret", RuName: "ru"}
	for _, c := range change {
		c(&o)
	}
	site := ebaysim.New(o)
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"EBAY_URL": server.URL, "EBAY_CONSENT_URL": server.URL + "/oauth2/authorize", "EBAY_CLIENT_ID": "id", "EBAY_CLIENT_SECRET": "secret", "EBAY_RU_NAME": "ru",
		"EBAY_NOTICE_URL": k.URL + "/v1/ebay/notifications", "EBAY_NOTICE_TOKEN": strings.Repeat("t", 32),
	} {
		t.Setenv(name, value)
	}
	m := &marketplace{k, site, ""}
	m.connect(t)
	all := map[string]any{"location": "main", "fulfillment_policy": "1000fulfillment", "payment_policy": "1000payment", "return_policy": "1000return"}
	for name, value := range settings {
		all[name] = value
	}
	m.post(t, "POST", "/v1/ebay/accounts", map[string]any{
		"name": "main", "settings": all, "place": map[string]any{"country": "US", "postalCode": "92024"},
	}).Want(t, http.StatusOK)
	m.post(t, "PUT", "/v1/ebay/profiles/STD", map[string]any{"category": "15687"}).Want(t, http.StatusOK)
	m.Settle(t)
	return m
}

var serial int

// post sends a request of staff with a key of its own.
func (m *marketplace) post(t *testing.T, method, path string, body any) testkit.Reply {
	t.Helper()
	serial++
	return m.Call(t, m.Key, method, path, body, fmt.Sprintf("Idempotency-Key: ebay-%d", serial))
}

// connect does what a seller does to connect the account: they follow the link,
// consent, and are sent back with a code.
func (m *marketplace) connect(t *testing.T) {
	t.Helper()
	var c ebay.Connection
	m.post(t, "POST", "/v1/ebay/accounts", map[string]any{"name": "main"}).Want(t, http.StatusOK).Into(t, &c)
	m.account = c.ID
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Get(c.ConsentURL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil {
		t.Fatalf("the seller was not sent back: %v", err)
	}
	m.post(t, "POST", "/v1/ebay/accounts", map[string]any{"name": "main", "state": back.Query().Get("state"), "code": back.Query().Get("code")}).
		Want(t, http.StatusOK).Into(t, &c)
	if c.Account.State != "connected" || c.Settings.Payment != "1000payment" {
		t.Fatalf("connected as %+v", c)
	}
}

// product writes a product without options.
func (m *marketplace) product(t *testing.T, id, price string, stock int) {
	t.Helper()
	m.Call(t, m.Key, "PUT", "/v1/products", map[string]any{"products": []any{map[string]any{
		"id": id, "name": "Thing " + id, "base_price": price, "images": []string{"https://img.example/" + id + ".jpg"}, "description": "It is <b>good</b>.",
	}}}).Want(t, http.StatusOK)
	m.stock(t, id, stock)
}

func (m *marketplace) stock(t *testing.T, sku string, n int) {
	t.Helper()
	m.Call(t, m.Key, "POST", "/v1/inventory/adjustments", map[string]any{"adjustments": []any{map[string]any{"sku": sku, "set": n}}}).Want(t, http.StatusOK)
	m.Settle(t)
}

func (m *marketplace) publish(t *testing.T, products ...string) {
	t.Helper()
	m.post(t, "POST", "/v1/ebay/listings", map[string]any{"account_id": m.account, "profile": "STD", "products": products}).Want(t, http.StatusAccepted)
	m.Settle(t)
}

// pass lets time go by and the timers fire.
func (m *marketplace) pass(t *testing.T, d time.Duration) {
	t.Helper()
	m.Clock.Advance(d)
	m.Sweep(t)
}

// rest lets pass what it takes until nothing is settling.
func (m *marketplace) rest(t *testing.T) {
	t.Helper()
	for range 6 {
		m.pass(t, 16*time.Minute)
	}
}

func (m *marketplace) listings(t *testing.T) map[string]ebay.Listing {
	t.Helper()
	var p page.Page[ebay.Listing]
	m.Call(t, m.Key, "GET", "/v1/ebay/listings?limit=100", nil).Want(t, http.StatusOK).Into(t, &p)
	out := map[string]ebay.Listing{}
	for _, l := range p.Items {
		out[l.SKU] = l
	}
	return out
}

// offered is what eBay's buyers see of a SKU.
func (m *marketplace) offered(sku string) ebaysim.Offered {
	all := m.site.Offered()
	if i := slices.IndexFunc(all, func(o ebaysim.Offered) bool { return o.SKU == sku }); i >= 0 {
		return all[i]
	}
	return ebaysim.Offered{}
}

func (m *marketplace) status(t *testing.T) ebay.AccountStatus {
	t.Helper()
	var s ebay.Status
	m.Call(t, m.Key, "GET", "/v1/ebay", nil).Want(t, http.StatusOK).Into(t, &s)
	if len(s.Accounts) != 1 {
		t.Fatalf("%d accounts, want 1", len(s.Accounts))
	}
	return s.Accounts[0]
}

func (m *marketplace) orders(t *testing.T) []order.Summary {
	t.Helper()
	var p page.Page[order.Summary]
	m.Call(t, m.Key, "GET", "/v1/orders", nil).Want(t, http.StatusOK).Into(t, &p)
	return p.Items
}

func TestEbayPublishesOnce(t *testing.T) {
	m := sellAtEbay(t, nil)
	m.product(t, "A", "19.99", 10)
	m.publish(t, "A")
	if o := m.offered("A"); o.Quantity != 5 || o.Price != "19.99" {
		t.Fatalf("eBay offers %+v, want half of ten at 19.99; %+v", o, m.status(t).Failures)
	}
	m.WantStock(t, "A", 10, 5)
	listing := m.offered("A").ListingID
	m.publish(t, "A") // revises it
	if o := m.offered("A"); o.ListingID != listing || o.Quantity == 0 {
		t.Errorf("published again as %+v, want listing %s", o, listing)
	}
	body := map[string]any{"account_id": m.account, "end": true, "products": []string{"A"}}
	m.post(t, "POST", "/v1/ebay/listings", body).Want(t, http.StatusAccepted)
	m.Settle(t)
	m.rest(t)
	if l := m.listings(t)["A"]; l.State != "ended" || l.Reason != 83 || m.offered("A").ListingID != "" {
		t.Errorf("after the end: %+v, at eBay %+v", l, m.offered("A"))
	}
	m.WantStock(t, "A", 10, 0)
}

// Stock follows on both sides, and prices.
func TestEbayKeepsInStep(t *testing.T) {
	m := sellAtEbay(t, nil)
	m.product(t, "A", "19.99", 10)
	m.publish(t, "A")
	m.stock(t, "A", 100)
	m.rest(t)
	if o, l := m.offered("A"), m.listings(t)["A"]; o.Quantity != 50 || l.Quantity != 50 || l.Settling != 0 {
		t.Errorf("of 100 eBay offers %d, noted %d, settling %d; want 50, 50, 0", o.Quantity, l.Quantity, l.Settling)
	}
	m.WantStock(t, "A", 100, 50)
	m.Call(t, m.Key, "PUT", "/v1/products", map[string]any{"products": []any{map[string]any{
		"id": "A", "name": "Thing A", "base_price": "24.50", "images": []string{"https://img.example/A.jpg"}, "description": "It is <b>good</b>.",
	}}}).Want(t, http.StatusOK)
	m.Settle(t)
	if o := m.offered("A"); o.Price != "24.50" || o.Quantity != 50 {
		t.Errorf("after the new price eBay offers %+v", o)
	}
	m.Call(t, m.Key, "POST", "/v1/inventory/adjustments", map[string]any{"adjustments": []any{map[string]any{"sku": "A", "add": -40}}}).Want(t, http.StatusOK)
	m.Settle(t)
	m.rest(t)
	if o, l := m.offered("A"), m.listings(t)["A"]; o.Quantity != 30 || l.Quantity != 30 {
		t.Errorf("of 60 eBay offers %d, noted %d; want 30", o.Quantity, l.Quantity)
	}
	m.WantStock(t, "A", 60, 30)
}

// An order at eBay becomes one of ours, once, with eBay's amounts; its goods leave
// the shelf, its shipment is told, and its cancellation brings them back.
func TestEbayOrderIsImportedOnce(t *testing.T) {
	m := sellAtEbay(t, nil)
	m.product(t, "A", "19.99", 10)
	m.publish(t, "A")
	id, err := m.site.Buy("grace", true, ebaysim.Wanted{SKU: "A", Qty: 2})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		m.pass(t, 16*time.Minute)
	}
	all := m.orders(t)
	if len(all) != 1 {
		t.Fatalf("%d orders, want 1; %+v", len(all), m.status(t).Jobs)
	}
	var o order.Order
	m.Call(t, m.Key, "GET", "/v1/orders/"+all[0].ID, nil).Want(t, http.StatusOK).Into(t, &o)
	c := o.Totals.Cents
	if o.State != "confirmed" || c.Items != 3998 || c.Shipping != 499 || c.Tax != 319 || c.Order != 3998+499+319 || c.Special != 0 {
		t.Errorf("%s with %+v", o.State, c)
	}
	if p := o.Payments[0]; p.Tender != "EBAY" || p.Status != "060" || p.CapturedCents != c.Order || p.Reference != id {
		t.Errorf("paid by %+v", p)
	}
	m.WantStock(t, "A", 8, 3)
	m.Call(t, m.Key, "POST", "/v1/orders/"+o.ID+"/shipments", map[string]any{"carrier": "UGND", "tracking": "1Z 999"}, "Idempotency-Key: ship").Want(t, http.StatusOK)
	m.Settle(t)
	if m.site.Orders()[id] != 1 {
		t.Errorf("eBay knows of %d shipments, want 1", m.site.Orders()[id])
	}

	second, err := m.site.Buy("alan", true, ebaysim.Wanted{SKU: "A", Qty: 1})
	if err != nil {
		t.Fatal(err)
	}
	m.pass(t, 16*time.Minute)
	m.WantStock(t, "A", 7, 2)
	m.site.Cancel(second)
	m.pass(t, 16*time.Minute)
	all = m.orders(t)
	if len(all) != 2 || all[0].State != "cancelled" {
		t.Errorf("after the cancellation: %+v", all)
	}
	m.rest(t)
	var onHand int64
	if err := m.DB.QueryRow(t.Context(), `SELECT on_hand FROM stock WHERE sku = 'A'`).Scan(&onHand); err != nil || onHand != 8 {
		t.Errorf("%d on the shelf, want 8: %v", onHand, err)
	}
	var mails int
	if err := m.DB.QueryRow(t.Context(), `SELECT count(*) FROM notifications`).Scan(&mails); err != nil || mails != 0 {
		t.Errorf("%d messages to eBay's buyers, want none: %v", mails, err)
	}
}

// An unpaid order takes its pieces; paid it is imported, called off it gives them
// back.
func TestEbayUnpaidOrderHoldsItsGoods(t *testing.T) {
	m := sellAtEbay(t, nil)
	m.product(t, "A", "19.99", 10)
	m.publish(t, "A")
	first, err := m.site.Buy("grace", false, ebaysim.Wanted{SKU: "A", Qty: 2})
	if err != nil {
		t.Fatal(err)
	}
	second, err := m.site.Buy("alan", false, ebaysim.Wanted{SKU: "A", Qty: 1})
	if err != nil {
		t.Fatal(err)
	}
	m.pass(t, 16*time.Minute)
	if len(m.orders(t)) != 0 || m.status(t).Unpaid != 2 {
		t.Fatalf("%d orders, %d unpaid; want 0 and 2", len(m.orders(t)), m.status(t).Unpaid)
	}
	m.WantStock(t, "A", 10, 5)
	m.site.Pay(first)
	m.site.Cancel(second)
	m.pass(t, 16*time.Minute)
	if len(m.orders(t)) != 1 {
		t.Errorf("%d orders, want 1", len(m.orders(t)))
	}
	m.WantStock(t, "A", 8, 2)
}

func TestEbayUnknownSKUIsImportedAndFlagged(t *testing.T) {
	m := sellAtEbay(t, nil)
	m.product(t, "A", "19.99", 10)
	m.publish(t, "A")
	id, err := m.site.Buy("grace", true, ebaysim.Wanted{SKU: "A", Qty: 1})
	if err != nil {
		t.Fatal(err)
	}
	m.site.Rename(id, "OLD-SKU")
	m.pass(t, 16*time.Minute)
	all := m.orders(t)
	if len(all) != 1 || !slices.Contains(all[0].Flags, "backordered") || all[0].Pool != "BACKORDER" {
		t.Fatalf("imported as %+v", all)
	}
	m.WantStock(t, "A", 10, 5)
}

// interruption makes eBay wait with its answer to a call.
type interruption struct{ reached, over chan struct{} }

func newInterruption() interruption {
	return interruption{make(chan struct{}), make(chan struct{})}
}

func (i interruption) option(o *ebaysim.Options) {
	o.Sleep = func(ctx context.Context, _ time.Duration) {
		close(i.reached)
		select {
		case <-i.over:
		case <-ctx.Done():
		}
	}
}

// publishInterrupted publishes a product and does something else while eBay is
// being told of it.
func (m *marketplace) publishInterrupted(t *testing.T, i interruption, product string, meanwhile func()) {
	t.Helper()
	if err := m.site.Faults.Set(1, sim.Fault{Kind: sim.Slow, Operation: "bulkPutItem", Delay: sim.Duration(time.Second), Times: 1}); err != nil {
		t.Fatal(err)
	}
	m.post(t, "POST", "/v1/ebay/listings", map[string]any{"account_id": m.account, "profile": "STD", "products": []string{product}}).Want(t, http.StatusAccepted)
	<-i.reached
	meanwhile()
	close(i.over)
	m.Settle(t)
}

// Settings hold for what is published after they were changed, also by a run that
// began before.
func TestEbaySettingsChangeMidway(t *testing.T) {
	i := newInterruption()
	m := sellAtEbay(t, nil, i.option)
	m.product(t, "A", "19.99", 10)
	m.product(t, "B", "19.99", 10)
	m.publishInterrupted(t, i, "A", func() {
		m.post(t, "POST", "/v1/ebay/accounts", map[string]any{"name": "main", "settings": map[string]any{
			"location": "main", "fulfillment_policy": "1000fulfillment", "payment_policy": "1000payment", "return_policy": "1000return", "share": 100,
		}}).Want(t, http.StatusOK)
		m.post(t, "POST", "/v1/ebay/listings", map[string]any{"account_id": m.account, "profile": "STD", "products": []string{"B"}}).Want(t, http.StatusAccepted)
	})
	if q := m.offered("B").Quantity; q != 10 {
		t.Errorf("eBay offers %d, want all ten; %+v", q, m.status(t).Failures)
	}
}

// A run that began under an earlier consent, which eBay no longer takes, does not
// stop the account that was connected anew meanwhile.
func TestEbayConnectedAnewMidway(t *testing.T) {
	i := newInterruption()
	m := sellAtEbay(t, nil, i.option)
	m.product(t, "A", "19.99", 10)
	m.publishInterrupted(t, i, "A", func() {
		m.post(t, "POST", "/v1/ebay/accounts", map[string]any{"name": "main", "revoke": true}).Want(t, http.StatusOK)
		m.site.Revoke()
		m.connect(t)
	})
	if s := m.status(t); s.State != "connected" || m.offered("A").Quantity != 5 {
		t.Errorf("the account is %s: %q; eBay offers %+v, want five", s.State, s.Problem, m.offered("A"))
	}
}

// A revoked consent stops the account and says so; connected again it goes on.
func TestEbayRevokedAccountStops(t *testing.T) {
	m := sellAtEbay(t, nil)
	m.product(t, "A", "19.99", 10)
	m.publish(t, "A")
	m.site.Revoke()
	m.stock(t, "A", 100)
	s := m.status(t)
	if s.State != "revoked" || s.Problem == "" {
		t.Fatalf("after the revocation the account is %s: %q", s.State, s.Problem)
	}
	m.connect(t)
	m.Settle(t)
	m.rest(t)
	if q := m.offered("A").Quantity; q != 50 {
		t.Errorf("connected again eBay offers %d, want 50", q)
	}
}

// Five thousand changes of stock cost no more calls than eBay's bulk limit asks
// for, and five percent.
func TestEbayChangesAreTold25ToACall(t *testing.T) {
	const products, changes = 500, 5000
	m := sellAtEbay(t, nil, func(o *ebaysim.Options) { o.Quotas = map[string]int64{"inventory": 1_000_000} })
	var ids []string
	for i := range products {
		ids = append(ids, fmt.Sprintf("P%d", i))
	}
	var all, counts []any
	for _, id := range ids {
		all = append(all, map[string]any{"id": id, "name": id, "base_price": "5.00", "images": []string{"https://img.example/x.jpg"}})
		counts = append(counts, map[string]any{"sku": id, "set": 10})
	}
	m.Call(t, m.Key, "PUT", "/v1/products", map[string]any{"products": all}).Want(t, http.StatusOK)
	m.Call(t, m.Key, "POST", "/v1/inventory/adjustments", map[string]any{"adjustments": counts}).Want(t, http.StatusOK)
	m.publish(t, ids...)
	for len(m.site.Offered()) < products {
		m.pass(t, time.Minute)
	}
	before := m.site.Usage()
	stock := 10
	for range changes / products {
		stock *= 3
		for i := range counts {
			counts[i] = map[string]any{"sku": ids[i], "set": stock}
		}
		m.Call(t, m.Key, "POST", "/v1/inventory/adjustments", map[string]any{"adjustments": counts}).Want(t, http.StatusOK)
		m.Settle(t)
		m.rest(t)
		if q := m.offered("P7").Quantity; q != int64(stock/2) {
			t.Fatalf("of %d eBay offers %d, want half", stock, q)
		}
	}
	after := m.site.Usage()
	updates := after.By["bulkUpdate"] - before.By["bulkUpdate"]
	if limit := int64(changes / 25 * 105 / 100); updates > limit || after.Refused > 0 {
		t.Errorf("%d changes cost %d calls, %d refused; want %d at most", changes, updates, after.Refused, limit)
	}
}

// Notices are believed only with eBay's signature, act once, and a buyer who left
// eBay is forgotten.
func TestEbayNotices(t *testing.T) {
	m := sellAtEbay(t, nil)
	m.product(t, "A", "19.99", 10)
	m.publish(t, "A")
	id, err := m.site.Buy("grace", true, ebaysim.Wanted{SKU: "A", Qty: 1})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := m.URL + "/v1/ebay/notifications"
	var c ebay.Challenged
	m.Call(t, "", "GET", "/v1/ebay/notifications?challenge_code=a1b2c3", nil).Want(t, http.StatusOK).Into(t, &c)
	if len(c.Response) != 64 {
		t.Errorf("the challenge is answered with %q", c.Response)
	}
	for range 2 {
		if status, err := m.site.Notify(t.Context(), endpoint, "ORDER_CONFIRMATION", "n1", map[string]any{"orderId": id}); err != nil || status != http.StatusOK {
			t.Fatalf("a notice is answered with %d, %v", status, err)
		}
	}
	m.Settle(t)
	if len(m.orders(t)) != 1 {
		t.Fatalf("%d orders after the notice, want 1", len(m.orders(t)))
	}
	m.Call(t, "", "POST", "/v1/ebay/notifications", `{"metadata":{}}`, "X-EBAY-SIGNATURE: eyJraWQiOiJ4In0=").Want(t, http.StatusPreconditionFailed)

	if status, err := m.site.Notify(t.Context(), endpoint, "MARKETPLACE_ACCOUNT_DELETION", "n2", map[string]any{"username": "grace", "userId": "1"}); err != nil || status != http.StatusOK {
		t.Fatalf("the deletion is answered with %d, %v", status, err)
	}
	var left int
	err = m.DB.QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM orders WHERE orders::text ~* 'grace|hopper|navy way|5550100')
		     + (SELECT count(*) FROM ebay_winners WHERE buyer <> '') + (SELECT count(*) FROM ebay_orders WHERE buyer <> '')`).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d rows still name the buyer: %v", left, err)
	}
}

// What ended there ends here, what a seller made there is taken in if the account
// says so, and a quantity that differs is told again.
func TestEbayReconciles(t *testing.T) {
	m := sellAtEbay(t, map[string]any{"import_listings": true})
	for _, id := range []string{"A", "B"} {
		m.product(t, id, "19.99", 10)
	}
	m.publish(t, "A", "B")
	m.site.EndListing("A")
	m.pass(t, 25*time.Hour)
	m.rest(t)
	ls := m.listings(t)
	if l := ls["A"]; l.State != "ended" || l.Reason != 55 {
		t.Errorf("what eBay has ended is %s, %d", l.State, l.Reason)
	}
	m.WantStock(t, "A", 10, 0)
	if l := ls["B"]; l.State != "live" {
		t.Errorf("what is up is %s", l.State)
	}
	if q := m.status(t).Quota["inventory sell.inventory"]; q.Limit != 2_000_000 || q.Left == 0 {
		t.Errorf("the quota is %+v", q)
	}
}
