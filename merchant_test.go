package rackless_test

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/testkit"
)

// A merchant opens a shop, configures and fills it, and a visitor of its host
// finds what is there: every operation of shop, catalogue and inventory over HTTP.
func TestMerchantOpensAndFillsAShop(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	const body = `{"name": "Hats", "currency": "USD", "hosts": ["hats.example.com"]}`
	var hats shop.Created
	reply := k.Call(t, k.Key, "POST", "/v1/shops", body, "Idempotency-Key: one").Want(t, http.StatusCreated)
	reply.Into(t, &hats)
	again := k.Call(t, k.Key, "POST", "/v1/shops", body, "Idempotency-Key: one").Want(t, http.StatusCreated)
	if string(again.Body) != string(reply.Body) || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the same request replies %s, then %s", reply.Body, again.Body)
	}
	k.Call(t, k.Key, "POST", "/v1/shops", body).Want(t, http.StatusConflict)

	const visitor = ""
	var found shop.Shop
	reply = k.Call(t, visitor, "GET", "/v1/shop", nil, "Rackless-Shop: "+hats.ID).Want(t, http.StatusOK)
	reply.Into(t, &found)
	if diff := cmp.Diff(hats.Shop, found); diff != "" || reply.Header.Get("ETag") != `"1"` {
		t.Errorf("the shop, ETag %s (-created +found):\n%s", reply.Header.Get("ETag"), diff)
	}

	const configuration = `{"cors_origins": ["https://hats.example.com"],
		"general": {"policy": "commercerack", "currency": "USD", "rounding": {}, "tax_included": false},
		"tax_rules": [{"method": "state", "match": "CA", "rate": "8.25", "apply": 1}],
		"coupons": [{"code": "TEN", "stackable": true, "usage_limit": 3}],
		"payment_methods": [{"tender": "CREDIT", "gateway": "test", "capture": "on_confirm", "enabled": true}],
		"gift_cards": [{"code": "GIFT00012345", "balance": "25.00"}]}`
	reply = k.Call(t, hats.APIKey, "PATCH", "/v1/shop", configuration, `If-Match: "1"`).Want(t, http.StatusOK)
	if reply.Header.Get("ETag") != `"2"` {
		t.Errorf("ETag %s", reply.Header.Get("ETag"))
	}
	k.Call(t, hats.APIKey, "PATCH", "/v1/shop", configuration, `If-Match: "1"`).Want(t, http.StatusPreconditionFailed)
	var sections shop.Sections
	reply = k.Call(t, hats.APIKey, "GET", "/v1/shop/configuration", nil).Want(t, http.StatusOK)
	reply.Into(t, &sections)
	if len(sections.TaxRules) != 1 || len(sections.Coupons) != 1 || sections.Coupons[0].UsageLimit != 3 || len(sections.PaymentMethods) != 1 {
		t.Errorf("the configuration is %s", reply.Body)
	}
	if strings.Contains(string(reply.Body), "GIFT") {
		t.Errorf("the configuration tells the codes of gift cards: %s", reply.Body)
	}

	const products = `{"products": [
		{"id": "HAT", "name": "Hat", "base_price": "20.00", "taxable": true, "cost": "9"},
		{"id": "CAP", "name": "Cap", "base_price": "10.00", "taxable": true, "active": false}]}`
	var upserted catalog.Upserted
	k.Call(t, hats.APIKey, "PUT", "/v1/products", products).Want(t, http.StatusOK).Into(t, &upserted)
	if upserted.Created != 2 {
		t.Errorf("%+v", upserted)
	}
	var list struct{ Items []catalog.Product }
	k.Call(t, visitor, "GET", "/v1/products?q=h", nil, "Rackless-Shop: "+hats.ID).Want(t, http.StatusOK).Into(t, &list)
	if len(list.Items) != 1 || list.Items[0].ID != "HAT" || list.Items[0].Cost != "" {
		t.Errorf("a visitor finds %+v", list.Items)
	}
	k.Call(t, visitor, "GET", "/v1/products/CAP", nil, "Rackless-Shop: "+hats.ID).Want(t, http.StatusNotFound)
	k.Call(t, visitor, "GET", "/v1/products/HAT", nil).Want(t, http.StatusNotFound)

	var adjusted inventory.Adjusted
	k.Call(t, hats.APIKey, "POST", "/v1/inventory/adjustments", `{"adjustments": [{"sku": "HAT", "set": 4}], "reason": "opening"}`).
		Want(t, http.StatusOK).Into(t, &adjusted)
	if diff := cmp.Diff([]inventory.Level{{SKU: "HAT", OnHand: 4, Available: 4}}, adjusted.Levels); diff != "" {
		t.Error(diff)
	}
	k.Call(t, hats.APIKey, "POST", "/v1/inventory/adjustments", `{"adjustments": [{"sku": "SOCK", "set": 4}]}`).Want(t, http.StatusUnprocessableEntity)

	t.Run("text_that_postgres_cannot_keep", func(t *testing.T) {
		for _, call := range []struct{ method, path, body string }{
			{"PATCH", "/v1/shop", `{"name": "a\u0000b"}`},
			{"PATCH", "/v1/shop", `{"coupons": [{"code": "A", "title": "a\u0000b"}]}`},
			{"PUT", "/v1/products", `{"products": [{"id": "NUL", "name": "a\u0000b", "base_price": "1", "taxable": true}]}`},
			{"POST", "/v1/inventory/adjustments", `{"adjustments": [{"sku": "HAT", "add": 1}], "reason": "\u0000"}`},
		} {
			k.Call(t, hats.APIKey, call.method, call.path, call.body).Want(t, http.StatusBadRequest)
		}
	})
}

// An offer lowers the lines it is for, and no more orders use it than it allows;
// an order that comes to nothing gives its use back.
func TestOfferWithALimit(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"offers": []any{map[string]any{
		"id": "AUTUMN", "code": "LEAVES", "on": "goods", "kind": "each", "value": "2.00", "usage_limit": 1,
	}}}).Want(t, http.StatusOK)
	cart := func() (id, token string) {
		id, token = buyer(t, k, 1)
		k.Call(t, token, "PATCH", "/v1/carts/"+id, map[string]any{"coupons": []string{"leaves"}}).Want(t, http.StatusOK)
		return id, token
	}
	first, token := cart()
	o := place(t, k, first, token, "tok_approve")
	if o.TotalCents != 1999-200+500 {
		t.Errorf("the order came to %d cents, want %d", o.TotalCents, 1999-200+500)
	}
	second, token2 := cart()
	body := func(expected int64) map[string]any {
		return map[string]any{"cart_id": second, "expected_total_cents": expected, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}}}
	}
	// It is used up: the next buyer sees the full price, and pays no other unseen.
	k.Call(t, token2, "POST", "/v1/orders", body(2299), "Idempotency-Key: 1").Want(t, http.StatusConflict)
	k.Call(t, k.Key, "POST", "/v1/orders/"+o.ID+"/cancel", nil, "Idempotency-Key: c").Want(t, http.StatusOK)
	k.Call(t, token2, "POST", "/v1/orders", body(2299), "Idempotency-Key: 2").Want(t, http.StatusAccepted)
}

// The discounts of an offer, all orders together, keep to its budget to the cent,
// also when many are placed at once.
func TestOfferKeepsToItsBudget(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 100)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"offers": []any{map[string]any{
		"id": "LAUNCH", "on": "goods", "kind": "each", "value": "2.00", "budget": "5.00",
	}}}).Want(t, http.StatusOK)
	var group sync.WaitGroup
	for range 8 {
		cartID, token := buyer(t, k, 1)
		group.Go(func() {
			for try := 0; ; try++ { // who comes too late is told, and tries again at the price of then
				r := k.Call(t, token, "POST", "/v1/orders", map[string]any{
					"cart_id": cartID, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}},
				}, "Idempotency-Key: "+strconv.Itoa(try))
				if r.Status != http.StatusConflict || try == 20 {
					r.Want(t, http.StatusAccepted)
					return
				}
			}
		})
	}
	group.Wait()
	k.Settle(t)
	var orders int
	var given int64
	err := k.DB.QueryRow(t.Context(), `SELECT count(*), sum(2499 - total_cents) FROM orders`).Scan(&orders, &given)
	if err != nil || orders != 8 || given != 500 {
		t.Errorf("%d orders with %d cents of discount, %v; want 8 and 500", orders, given, err)
	}
}

// A buyer cannot pay in a way that the shop does not take.
func TestTenderThatIsNotTaken(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	id, token := buyer(t, k, 1)
	for _, tender := range []string{"CASH", "PO", "PAYPAL", "ZERO"} {
		body := map[string]any{"cart_id": id, "payments": []any{map[string]any{"tender": tender}}}
		k.Call(t, token, "POST", "/v1/orders", body, "Idempotency-Key: "+tender).Want(t, http.StatusUnprocessableEntity)
	}
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"payment_methods": []any{
		map[string]any{"tender": "CHECK", "gateway": "", "capture": "manual", "enabled": true},
		map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "manual", "enabled": false},
	}}).Want(t, http.StatusOK)
	body := map[string]any{"cart_id": id, "payments": []any{map[string]any{"tender": "CREDIT", "token": "tok_approve"}}}
	k.Call(t, token, "POST", "/v1/orders", body, "Idempotency-Key: off").Want(t, http.StatusUnprocessableEntity)
	body["payments"] = []any{map[string]any{"tender": "CHECK"}}
	k.Call(t, token, "POST", "/v1/orders", body, "Idempotency-Key: check").Want(t, http.StatusAccepted)
}

// A European shop under the exact policy: where the goods go, and to whom,
// decides the tax.
func TestEuropeanTax(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 10)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{
		"general":          map[string]any{"policy": "exact", "currency": "EUR"},
		"shipping_methods": []any{},
		"vat": map[string]any{"home": "DE", "oss": true, "rates": []any{
			map[string]any{"country": "DE", "rate": "19"}, map[string]any{"country": "FR", "rate": "20"},
		}},
	}).Want(t, http.StatusOK)
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{"general": map[string]any{"policy": "commercerack", "currency": "EUR"}}).
		Want(t, http.StatusBadRequest) // VAT is not CommerceRack's
	cartID, token := buyer(t, k, 1)
	taxOf := func(change map[string]any) (cents int64) {
		k.Call(t, token, "PATCH", "/v1/carts/"+cartID, change).Want(t, http.StatusOK)
		var p struct {
			Cents struct {
				Tax int64 `json:"tax_total"`
			} `json:"cents"`
		}
		k.Call(t, token, "GET", "/v1/carts/"+cartID+"/price", nil).Want(t, http.StatusOK).Into(t, &p)
		return p.Cents.Tax
	}
	for _, test := range []struct {
		name   string
		change map[string]any
		want   int64
	}{
		{"at home", map[string]any{"ship": map[string]any{"country": "DE", "postal": "10115"}}, 380},
		{"consumer in France", map[string]any{"ship": map[string]any{"country": "FR", "postal": "75001"}}, 400},
		{"business in France", map[string]any{"vat_id": "FR40303265045"}, 0},
		{"export", map[string]any{"vat_id": "", "ship": map[string]any{"country": "US", "region": "CA", "postal": "92024"}}, 0},
	} {
		if got := taxOf(test.change); got != test.want {
			t.Errorf("%s: %d cents of tax, want %d", test.name, got, test.want)
		}
	}
	k.Call(t, token, "PATCH", "/v1/carts/"+cartID, map[string]any{"vat_id": "FR40303265046"}).Want(t, http.StatusBadRequest)
}

// A cart may be opened before anything is in it; its list is then empty.
func TestEmptyCart(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	r := k.Call(t, "", "POST", "/v1/carts", map[string]any{"email": "ada@example.com"}).Want(t, http.StatusCreated) // which is held against the contract
	if !bytes.Contains(r.Body, []byte(`"items":[]`)) {
		t.Errorf("the cart is %s", r.Body)
	}
}
