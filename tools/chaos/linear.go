package chaos

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// history is what happened in a run, as it was seen from outside.
type history struct {
	shop    string
	began   time.Time
	told    []told
	restock span
	calls   *calls
}

// operation is one call on something scarce, and what came of it.
type operation struct {
	kind string // take, give or read
	n    int64
	ok   bool // a take that was refused is not
}

// model is the scarce thing itself: a number that takes lower, never below zero,
// and that a refused take was too high for.
func model(initial int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return initial },
		Step: func(state, input, output any) (bool, any) {
			left, op, done := state.(int64), input.(operation), output.(operation)
			switch {
			case op.kind == "give":
				return true, left + op.n
			case op.kind == "read":
				return left == done.n, left
			case done.ok:
				return left >= op.n, left - op.n
			}
			return left < op.n, left
		},
		Equal: func(a, b any) bool { return a == b },
	}
}

// initial is what there is of each scarce thing at the beginning.
var initial = map[string]int64{"SCARCE": scarce, "coupon": couponUses, "gift card": giftCents}

// linear reports whether some order of the operations, in which none comes before
// it was called or after it was answered, explains their outcomes.
func linear(name string, ops []porcupine.Operation) bool {
	return porcupine.CheckOperationsTimeout(model(initial[name]), ops, 10*time.Second) != porcupine.Illegal
}

// operations returns the history of each scarce thing.
func (h history) operations(ctx context.Context, w *world) (map[string][]porcupine.Operation, error) {
	all := map[string][]porcupine.Operation{}
	end := time.Now()
	client := 0
	add := func(name string, s span, op operation) {
		if s.to.IsZero() {
			s.to = end // never answered: it may have happened at any time since
		}
		all[name] = append(all[name], porcupine.Operation{ClientId: client, Input: op, Output: op, Call: int64(s.from.Sub(h.began)), Return: int64(s.to.Sub(h.began))})
		client++
	}
	add("SCARCE", h.restock, operation{kind: "give", n: restocked})

	rows, err := w.db.Query(ctx, `
		SELECT o.order_id, s.state, COALESCE(r.qty, 0), COALESCE(r.state, ''), COALESCE((SELECT sum(qty) FROM order_lines l WHERE l.order_id = o.order_id AND l.sku = 'SCARCE'), 0)::bigint,
		       EXISTS (SELECT FROM stock_movements m WHERE m.shop_id = $1 AND m.order_id = o.order_id AND m.kind = 'return')
		FROM orders o JOIN stock_orders s USING (shop_id, order_id) LEFT JOIN reservations r ON r.shop_id = $1 AND r.order_id = o.order_id AND r.sku = 'SCARCE'
		WHERE o.shop_id = $1`, h.shop)
	if err != nil {
		return nil, fmt.Errorf("read the reservations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, order, reservation string
		var held, wanted int64
		var returned bool
		if err := rows.Scan(&id, &order, &held, &reservation, &wanted, &returned); err != nil {
			return nil, err
		}
		s, called := h.calls.of("inventory-reserve", id)
		switch {
		case wanted == 0 || !called:
			continue
		case held > 0:
			add("SCARCE", s, operation{kind: "take", n: held, ok: true})
		case order == "rejected":
			add("SCARCE", s, operation{kind: "take", n: wanted})
		}
		if reservation == "released" || returned {
			s, _ := h.calls.of("inventory-release", id)
			add("SCARCE", s, operation{kind: "give", n: held})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return all, h.tenders(ctx, w, add)
}

// tenders adds what was done with the coupon and the gift card for which buyers race.
func (h history) tenders(ctx context.Context, w *world, add func(string, span, operation)) error {
	for _, t := range h.told {
		s := span{t.from, t.to}
		if !t.answered {
			s.to = time.Time{}
		}
		if t.refused {
			if strings.Contains(t.coupon, "LAST") {
				add("coupon", s, operation{kind: "take", n: 1})
			}
			if t.balance >= 0 {
				add("gift card", s, operation{kind: "read", n: t.balance})
			}
			continue
		}
		var id string
		var coupon, couponReleased bool
		var held, given int64
		err := w.db.QueryRow(ctx, `
			SELECT o.order_id,
			       EXISTS (SELECT FROM coupon_redemptions c WHERE c.shop_id = $1 AND c.order_id = o.order_id),
			       EXISTS (SELECT FROM coupon_redemptions c WHERE c.shop_id = $1 AND c.order_id = o.order_id AND c.state = 'released'),
			       (SELECT COALESCE(-sum(cents), 0) FROM gift_card_entries e WHERE e.shop_id = $1 AND e.order_id = o.order_id AND e.code = $3 AND e.kind = 'hold')::bigint,
			       (SELECT COALESCE(sum(cents), 0) FROM gift_card_entries e WHERE e.shop_id = $1 AND e.order_id = o.order_id AND e.code = $3 AND e.kind IN ('release', 'refund'))::bigint
			FROM orders o WHERE o.shop_id = $1 AND o.cart_id = $2`, h.shop, t.cart, giftCode).Scan(&id, &coupon, &couponReleased, &held, &given)
		if err != nil {
			continue // the request that was not answered had no effect
		}
		ended, _ := h.calls.of("order-cancel", id)
		if ended.from.IsZero() {
			ended.from = t.from
		}
		ended.to = time.Time{}
		switch {
		case coupon:
			add("coupon", s, operation{kind: "take", n: 1, ok: true})
		case t.withOffer && t.answered:
			add("coupon", s, operation{kind: "take", n: 1}) // it was not priced with it
		}
		if couponReleased {
			add("coupon", ended, operation{kind: "give", n: 1})
		}
		if held > 0 {
			add("gift card", s, operation{kind: "take", n: held, ok: true})
		}
		if given > 0 {
			add("gift card", ended, operation{kind: "give", n: given})
		}
	}
	return nil
}
