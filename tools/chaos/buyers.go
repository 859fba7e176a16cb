package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/rackless/rackless/shared/topology"
)

// What the shop of a run has too little of.
const (
	scarce      = 4    // pieces of SCARCE
	couponUses  = 2    // of the coupon LAST
	giftCents   = 3000 // on the gift card
	giftCode    = "GIFT-CHAOS-0001"
	ownGift     = "GIFT-CHAOS-0002" // another, which only one buyer has: what is done with a card is done in every run
	restocked   = 2                 // pieces of SCARCE that come in between
	plentyStock = 1000              // pieces of PLENTY
	priceCents  = 1999              // of each
	shipCents   = 500               // per order
	couponCents = 200               // off with LAST
	maxTries    = 60                // of one request by a patient buyer
	wrongPostal = "46282"           // at which Authorize.Net declines (its test triggers)
)

// wish is what one buyer wants.
type wish struct {
	name   string
	sku    string
	qty    int
	coupon bool
	gift   string // code of a gift card, taken before the card
	card   string // "approve", "decline" or "hold"
	fate   string // what staff do afterwards: "", "cancel", "approve"
	hasty  bool   // gives up after the first request that is not answered
}

// wishes are those of every run; two thirds of them collide.
var wishes = []wish{
	{name: "ada", sku: "SCARCE", qty: 2, coupon: true, card: "approve"},
	{name: "bob", sku: "SCARCE", qty: 2, coupon: true, card: "approve"},
	{name: "cem", sku: "SCARCE", qty: 2, coupon: true, card: "approve", hasty: true},
	{name: "dua", sku: "SCARCE", qty: 1, gift: giftCode, card: "approve"},
	{name: "eve", sku: "PLENTY", qty: 1, gift: giftCode, card: "approve"},
	{name: "fay", sku: "PLENTY", qty: 1, card: "decline"},
	{name: "gus", sku: "PLENTY", qty: 1, card: "approve", fate: "cancel"},
	{name: "hal", sku: "PLENTY", qty: 1, card: "hold", fate: "approve"},
	{name: "ida", sku: "PLENTY", qty: 1, gift: giftCode, coupon: true, card: "hold"},
	{name: "jan", sku: "PLENTY", qty: 1, gift: ownGift, card: "hold"},
}

// told is what a buyer was told about one request for an order.
type told struct {
	wish      wish
	cart      string
	orderID   string // of a 202
	from, to  time.Time
	coupon    string // "used up" if that was the refusal
	balance   int64  // of the gift card, as a refusal told it
	answered  bool
	refused   bool
	withOffer bool
}

// shopper talks to the shop of one run.
type shopper struct {
	shop    *topology.Cluster
	host    string
	key     string // staff's
	gateway string
	token   func(ctx context.Context, card string) (string, error)
}

// reply is what came back; status 0 is a broken connection.
type reply struct {
	status int
	body   []byte
}

func (r reply) into(v any) error {
	if err := json.Unmarshal(r.body, v); err != nil {
		return fmt.Errorf("reply %d %s: %w", r.status, r.body, err)
	}
	return nil
}

// send sends one request to the public API.
func (s shopper) send(ctx context.Context, token, method, path, idempotency string, body any) (out reply, err error) {
	var data []byte
	if body != nil {
		if data, err = json.Marshal(body); err != nil {
			return reply{}, err
		}
	}
	gateway, _ := s.shop.Invoke("gateway")
	req := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(data))
	req.Host = s.host
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if idempotency != "" {
		req.Header.Set("Idempotency-Key", idempotency)
	}
	defer func() {
		if r := recover(); r != nil {
			out = reply{}
		}
	}()
	w := httptest.NewRecorder()
	gateway.ServeHTTP(w, req)
	got, err := io.ReadAll(w.Result().Body)
	return reply{w.Code, got}, err
}

// insist sends a request until it is answered, as a client with patience does:
// under the same key, and after what may be answered otherwise a moment later.
func (s shopper) insist(ctx context.Context, token, method, path, idempotency string, body any) (reply, error) {
	for try := 1; ; try++ {
		r, err := s.send(ctx, token, method, path, idempotency, body)
		if err != nil || r.status != 0 && r.status < 500 && r.status != http.StatusTooManyRequests || try == maxTries {
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(15 * time.Millisecond):
		}
	}
}

// must sends a request that has to succeed.
func (s shopper) must(ctx context.Context, token, method, path, idempotency string, body, out any) error {
	r, err := s.insist(ctx, token, method, path, idempotency, body)
	if err == nil && r.status/100 != 2 {
		err = fmt.Errorf("%s %s: status %d: %s", method, path, r.status, r.body)
	}
	if err != nil || out == nil {
		return err
	}
	return r.into(out)
}

type object = map[string]any
type list = []any

// furnish gives the shop what the wishes are about.
func (s shopper) furnish(ctx context.Context, account object) error {
	gateway := s.gateway
	if account != nil {
		if err := s.must(ctx, s.key, "POST", "/v1/gateways", "connect", account, nil); err != nil {
			return err
		}
	}
	err := s.must(ctx, s.key, "PATCH", "/v1/shop", "shop", object{
		"general":          object{"policy": "exact", "currency": "USD"},
		"shipping_methods": list{object{"id": "GROUND", "name": "Ground", "region": "US", "handler": "SIMPLE", "carrier": "SLOW", "enabled": true, "item_price": "5.00", "add_price": "0.00"}},
		"payment_methods":  list{object{"tender": "CREDIT", "gateway": gateway, "capture": "on_confirm", "enabled": true, "title": "Card"}},
		"offers":           list{object{"id": "LAST", "code": "LAST", "on": "goods", "kind": "each", "value": "2.00", "usage_limit": couponUses}},
		"gift_cards":       list{object{"code": giftCode, "balance": "30.00"}, object{"code": ownGift, "balance": "10.00"}},
	}, nil)
	if err != nil {
		return err
	}
	var products, stock list
	for sku, qty := range map[string]int{"SCARCE": scarce, "PLENTY": plentyStock} {
		products = append(products, object{"id": sku, "name": sku, "base_price": "19.99", "weight": "16", "active": true, "track_stock": true})
		stock = append(stock, object{"sku": sku, "set": qty})
	}
	if err := s.must(ctx, s.key, "PUT", "/v1/products", "products", object{"products": products}, nil); err != nil {
		return err
	}
	return s.must(ctx, s.key, "POST", "/v1/inventory/adjustments", "stock", object{"adjustments": stock, "reason": "count"}, nil)
}

// cart opens a buyer's cart.
func (s shopper) cart(ctx context.Context, w wish) (id, token string, err error) {
	postal := "92024"
	if w.card == "decline" && s.gateway == "authorizenet" {
		postal = wrongPostal
	}
	var c struct {
		ID      string
		Session struct {
			AccessToken string `json:"access_token"`
		}
	}
	body := object{
		"items": list{object{"product": w.sku, "qty": w.qty}}, "email": w.name + "@example.com",
		"ship": object{"country": "US", "region": "CA", "postal": postal, "city": "Encinitas", "address1": "1 Main St"},
	}
	if err := s.must(ctx, "", "POST", "/v1/carts", w.name, body, &c); err != nil {
		return "", "", err
	}
	if w.coupon {
		err = s.must(ctx, c.Session.AccessToken, "PATCH", "/v1/carts/"+c.ID, "", object{"coupons": list{"LAST"}}, nil)
	}
	return c.ID, c.Session.AccessToken, err
}

// buy places a buyer's order, giving way where the shop refuses: without the
// coupon, without the gift card's lost cents, with what there is enough of. It
// returns what the buyer was told about each attempt.
func (s shopper) buy(ctx context.Context, w wish, cart, token string) ([]told, error) {
	var history []told
	for attempt := range 8 {
		card, err := s.token(ctx, w.card)
		if err != nil {
			return history, err
		}
		payments := list{object{"tender": "CREDIT", "token": card}}
		if w.gift != "" {
			payments = append(list{object{"tender": "GIFTCARD", "code": w.gift}}, payments...)
		}
		send := s.insist
		if w.hasty {
			send = s.send
		}
		t := told{wish: w, cart: cart, withOffer: w.coupon, from: time.Now()}
		r, err := send(ctx, token, "POST", "/v1/orders", fmt.Sprint(w.name, attempt), object{"cart_id": cart, "payments": payments})
		if err != nil {
			return history, err
		}
		t.to, t.answered = time.Now(), r.status != 0 && r.status < 500
		var said struct {
			ID   string
			Data struct {
				Coupon    string
				Balance   *int64 `json:"balance_cents"`
				Shortages list
			}
			Detail string
		}
		if t.answered {
			if err := r.into(&said); err != nil {
				return history, err
			}
		}
		t.orderID, t.coupon = said.ID, said.Data.Coupon
		t.refused = t.answered && r.status != http.StatusAccepted
		t.balance = -1
		if said.Data.Balance != nil {
			t.balance = *said.Data.Balance
		}
		history = append(history, t)
		switch {
		case !t.answered || r.status == http.StatusAccepted:
			return history, nil
		case said.Data.Coupon != "" || w.coupon && r.status == http.StatusUnprocessableEntity:
			w.coupon = false
			err = s.must(ctx, token, "PATCH", "/v1/carts/"+cart, "", object{"coupons": list{}}, nil)
		case len(said.Data.Shortages) > 0:
			w.sku, w.qty = "PLENTY", 1
			err = s.must(ctx, token, "PATCH", "/v1/carts/"+cart, "", object{"items": list{object{"product": w.sku, "qty": w.qty}}}, nil)
		case said.Data.Balance != nil:
		default:
			return history, fmt.Errorf("%s: status %d: %s", w.name, r.status, r.body)
		}
		if err != nil {
			return history, err
		}
	}
	return history, fmt.Errorf("%s is refused again and again", w.name)
}
