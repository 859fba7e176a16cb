package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	sharedorder "github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/payment"
)

// order is one that was placed.
type order struct {
	tenant
	Case   string
	CartID string
	Order  sharedorder.Summary
	err    error // that kept from following it
}

// place orders a cart with the test gateway and waits a little for the end of its
// checkout. The total that was seen must be the one that is charged.
func (r *run) place(ctx context.Context, s tenant, c Case, cartID, payBy string, cents int64, key string) error {
	o := order{tenant: s, Case: c.Name, CartID: cartID}
	tender := map[string]string{"tender": "CREDIT", "token": "tok_approve"}
	if payment.IsOffline(payBy) { // its fee is in the total
		tender = map[string]string{"tender": payBy}
	}
	_, err := r.do(ctx, request{
		token: s.Key, method: "POST", path: "/v1/orders", key: key, prefer: "wait=10",
		body: map[string]any{
			"cart_id": cartID, "expected_total_cents": cents,
			"payments": []any{tender},
		},
	}, &o.Order)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, refused := errors.AsType[*refusal](err); refused {
		r.report.refused = append(r.report.refused, c.Name+": "+err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	r.report.orders = append(r.report.orders, &o)
	return nil
}

// ending is how long orders may take to end once all are placed: an event that a
// broker loses is sent again after a minute or two, and a chain has several.
const ending = 5 * time.Minute

// follow asks after every order that has not ended until it has, or time is up.
func (r *run) follow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, ending)
	defer cancel()
	turn := make(chan struct{}, r.Workers)
	var all sync.WaitGroup
	for _, o := range r.report.orders {
		if o.Order.State.Settled() {
			continue
		}
		all.Go(func() {
			for !o.Order.State.Settled() && ctx.Err() == nil {
				turn <- struct{}{}
				_, err := r.do(ctx, request{token: o.Key, method: "GET", path: "/v1/orders/" + o.Order.ID}, &o.Order)
				<-turn
				if err != nil && ctx.Err() == nil {
					o.err = err
					return
				}
				select {
				case <-time.After(250 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
}

// tally compares what the shops have on their lists with what was ordered: no
// order may be lost, none be there twice.
func (r *run) tally(ctx context.Context, shops []tenant) error {
	listed := map[string]int{} // orders by cart
	for _, s := range shops {
		for cursor, more := "", true; more; {
			var p page.Page[sharedorder.Summary]
			_, err := r.do(ctx, request{token: s.Key, method: "GET", path: "/v1/orders?limit=100&cursor=" + url.QueryEscape(cursor)}, &p)
			if err != nil {
				return fmt.Errorf("list the orders: %w", err)
			}
			for _, o := range p.Items {
				listed[o.CartID]++
			}
			r.report.listed += len(p.Items)
			cursor, more = p.Next, p.Next != ""
		}
	}
	for _, o := range r.report.orders {
		switch n := listed[o.CartID]; {
		case n == 0:
			r.report.lost = append(r.report.lost, o.Case+" "+o.Order.ID)
		case n > 1:
			r.report.doubled = append(r.report.doubled, o.Case+" "+o.CartID)
		}
		delete(listed, o.CartID)
	}
	for cart := range listed { // ordered, though the shop refused it
		r.report.doubled = append(r.report.doubled, "cart "+cart)
	}
	return nil
}

// example fetches the history of one order, once all that follows from it is done.
func (r *run) example(ctx context.Context) {
	i := slices.IndexFunc(r.report.orders, func(o *order) bool { return o.Order.State == state.Confirmed })
	if i < 0 {
		return
	}
	o := r.report.orders[i]
	for range 30 {
		var h sharedorder.History
		if _, err := r.do(ctx, request{token: o.Key, method: "GET", path: "/v1/orders/" + o.Order.ID + "/timeline"}, &h); err != nil {
			return
		}
		r.report.history = &h
		waiting := false
		for _, s := range h.Steps {
			waiting = waiting || len(s.Waiting) > 0 && s.DueAt == nil && !strings.HasPrefix(s.Type, "order.due")
		}
		if !waiting {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}
