package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"
)

// cartPrices measures cart-price over HTTP for carts of 1, 10 and 100 lines, in a
// shop with tax, shipping and 20 coupons that apply by themselves.
func (b *bench) cartPrices(ctx context.Context, out *tabwriter.Writer) error {
	carts, err := b.carts(ctx, 20, 1, 10, 100)
	if err != nil {
		return err
	}
	p, err := b.function("cart-price")(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "cart-price, 20 promotions\tlines\tp50 ms\tp99 ms\taim p50\t\n")
	client := &http.Client{}
	for _, c := range carts {
		var t timings
		for i := range 50 + b.calls/4 {
			at := time.Now()
			if _, err := call(ctx, client, http.MethodGet, "http://"+p.address+"/v1/carts/"+c.id+"/price", b.key, ""); err != nil {
				return firstError(err, p.stop())
			}
			if i >= 50 { // the first do not count
				t.add(time.Since(at))
			}
		}
		fmt.Fprintf(out, "\t%d\t%s\t%s\t%d ms\t\n", c.lines, t.p(50), t.p(99), map[int]int{1: 2, 10: 2, 100: 4}[c.lines])
	}
	return p.stop()
}

type benchCart struct {
	id    string
	lines int
}

// carts configures the shop through its own operations, with that many coupons
// that apply by themselves, and fills a cart for each number of lines.
func (b *bench) carts(ctx context.Context, automatic int, lines ...int) ([]benchCart, error) {
	p, err := b.shop(ctx)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	base := "http://" + p.address
	client := &http.Client{}
	if err := b.ready(ctx, client, base); err != nil {
		return nil, err
	}
	send := func(method, path string, body any, reply any) error {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text, err := call(ctx, client, method, base+path, b.key, string(data))
		if err == nil && reply != nil {
			err = json.Unmarshal([]byte(text), reply)
		}
		return err
	}
	var coupons, rules, products []any
	for i := range automatic {
		code := fmt.Sprintf("AUTO%02d", i)
		coupons = append(coupons, map[string]any{"code": code, "auto": true, "stackable": true})
		rules = append(rules, map[string]any{"id": "COUPON-" + code, "rules": []any{
			map[string]any{"match": "SOME_IN_FILTER", "filter": fmt.Sprintf("P%d*", i%10), "exec": "ADD*MATCHITEMS", "value": "-1%"},
		}})
	}
	for i := range 100 {
		products = append(products, map[string]any{"id": fmt.Sprintf("P%03d", i), "name": "Thing", "base_price": fmt.Sprintf("%d.95", 5+i), "weight": "12", "taxable": true})
	}
	err = firstError(
		send(http.MethodPatch, "/v1/shop", map[string]any{
			"general":          map[string]any{"policy": "commercerack", "currency": "USD"},
			"tax_rules":        []any{map[string]any{"method": "state", "match": "CA", "rate": "7.25", "apply": 3}},
			"shipping_methods": []any{map[string]any{"id": "GROUND", "name": "Ground", "carrier": "SLOW", "region": "US", "handler": "SIMPLE", "enabled": true, "item_price": "5.00", "add_price": "0.50"}},
			"coupons":          coupons, "rule_lists": rules,
		}, nil),
		send(http.MethodPut, "/v1/products", map[string]any{"products": products}, nil),
	)
	if err != nil {
		return nil, err
	}
	var carts []benchCart
	for _, n := range lines {
		var items []any
		for i := range n {
			items = append(items, map[string]any{"product": fmt.Sprintf("P%03d", i), "qty": 1 + i%3})
		}
		var c struct {
			ID string `json:"id"`
		}
		err := send(http.MethodPost, "/v1/carts", map[string]any{"items": items, "ship": map[string]any{"country": "US", "region": "CA", "postal": "92024"}}, &c)
		if err != nil {
			return nil, err
		}
		carts = append(carts, benchCart{c.ID, n})
	}
	return carts, nil
}

// ready waits until a process that listens also serves.
func (b *bench) ready(ctx context.Context, client *http.Client, base string) error {
	var err error
	for range 200 {
		if _, err = call(ctx, client, http.MethodGet, base+"/health", "", ""); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}
