package chaos

import (
	"context"
	"fmt"
	"slices"

	"github.com/rackless/rackless/shared/events"
)

// Result is what a run came to.
type Result struct {
	Hit       bool // the function died where it should
	Deaths    int
	Orders    int // that were accepted
	Lost      int // accepted, but not there or not at an end
	Double    int // ordered, charged, booked or told twice
	Half      int // at an end that its payments, stock, coupons or events do not agree with
	Oversold  int // more taken than there was
	Ledger    int // books that do not balance, or differ from the gateway's
	Nonlinear int // histories that no order of the calls explains
	Findings  []string
}

// Found is the sum of what must be zero.
func (r Result) Found() int { return r.Lost + r.Double + r.Half + r.Oversold + r.Ledger + r.Nonlinear }

// rule is a query that returns a line for everything that is wrong.
type rule struct {
	count func(*Result) *int
	name  string
	sql   string
}

var (
	lost     = func(r *Result) *int { return &r.Lost }
	double   = func(r *Result) *int { return &r.Double }
	half     = func(r *Result) *int { return &r.Half }
	oversold = func(r *Result) *int { return &r.Oversold }
	ledger   = func(r *Result) *int { return &r.Ledger }
)

// rules are what must hold in a shop ($1) once it is quiet ($2 is the time).
var rules = []rule{
	{lost, "order without an end", `
		SELECT order_id || ' is ' || state FROM orders WHERE shop_id = $1 AND state NOT IN ('confirmed', 'cancelled', 'expired') AND $2::timestamptz IS NOT NULL`},
	{lost, "event without its consumers", `
		SELECT type || ' ' || subject || ', attempts ' || attempts FROM outbox WHERE shop_id = $1 AND settled_at IS NULL AND due_at <= $2`},
	{lost, "event given up", `
		SELECT o.type || ' ' || o.subject || ' by ' || d.consumer FROM dead_letters d JOIN outbox o USING (event_id)
		WHERE o.shop_id = $1 AND d.redriven_at IS NULL AND NOT EXISTS (SELECT FROM inbox i WHERE i.event_id = d.event_id AND i.consumer = d.consumer) AND $2::timestamptz IS NOT NULL`},
	{double, "cart ordered twice", `
		SELECT cart_id FROM orders WHERE shop_id = $1 AND $2::timestamptz IS NOT NULL GROUP BY cart_id HAVING count(*) > 1`},
	{double, "payment booked twice at the test gateway", `
		SELECT reference || ' ' || kind FROM test_gateway WHERE shop_id = $1 AND outcome = 'succeeded' AND kind IN ('authorize', 'capture', 'void', 'refund') AND $2::timestamptz IS NOT NULL
		GROUP BY reference, kind HAVING count(*) > 1`},
	{double, "operation in the books twice", `
		SELECT payment_id || ' ' || kind FROM payment_operations WHERE shop_id = $1 AND state = 'succeeded' AND $2::timestamptz IS NOT NULL GROUP BY payment_id, kind HAVING count(*) > 1`},
	{double, "notice written twice", `
		SELECT o.subject || ' ' || n.kind FROM notifications n JOIN outbox o USING (event_id) WHERE n.shop_id = $1 AND $2::timestamptz IS NOT NULL
		GROUP BY o.subject, n.kind HAVING count(*) > 1 OR count(DISTINCT n.message_id) > 1`},
	{double, "fact stated twice", `
		SELECT type || ' ' || subject FROM outbox
		WHERE shop_id = $1 AND type IN ('` + events.Prefix + `order.placed.v1', '` + events.Prefix + `order.confirmed.v1', '` + events.Prefix + `order.cancelled.v1', '` + events.Prefix + `order.expired.v1', '` + events.Prefix + `inventory.reserved.v1', '` + events.Prefix + `payment.authorized.v1', '` + events.Prefix + `payment.declined.v1') AND $2::timestamptz IS NOT NULL
		GROUP BY type, subject HAVING count(*) > 1`},
	{half, "confirmed order whose goods were not taken", `
		SELECT o.order_id FROM orders o JOIN order_lines l USING (order_id) WHERE o.shop_id = $1 AND o.state = 'confirmed' AND NOT l.promotion AND $2::timestamptz IS NOT NULL
		AND NOT EXISTS (SELECT FROM stock_movements m WHERE m.shop_id = $1 AND m.order_id = o.order_id AND m.sku = l.sku AND m.kind = 'sale' AND m.qty = -l.qty)`},
	{half, "confirmed order that is not paid", `
		SELECT o.order_id || ' ' || o.total_cents || ' ' || sum(p.captured_cents) FROM orders o JOIN payments p USING (order_id)
		WHERE o.shop_id = $1 AND o.state = 'confirmed' AND $2::timestamptz IS NOT NULL GROUP BY o.order_id HAVING o.total_cents <> sum(p.captured_cents)`},
	{half, "confirmed order without its notice", `
		SELECT order_id FROM orders o WHERE shop_id = $1 AND state = 'confirmed' AND $2::timestamptz IS NOT NULL
		AND NOT EXISTS (SELECT FROM outbox e JOIN notifications n USING (event_id) WHERE e.subject = o.order_id AND e.type = '` + events.Prefix + `order.confirmed.v1' AND n.state IN ('recorded', 'sent'))`},
	{half, "ended order that keeps goods", `
		SELECT o.order_id || ' ' || r.sku || ' ' || r.state FROM orders o JOIN reservations r USING (shop_id, order_id) WHERE o.shop_id = $1 AND o.state IN ('cancelled', 'expired') AND $2::timestamptz IS NOT NULL
		AND (r.state = 'held' OR r.state = 'committed' AND NOT EXISTS (SELECT FROM stock_movements m WHERE m.shop_id = $1 AND m.order_id = o.order_id AND m.sku = r.sku AND m.kind = 'return'))`},
	{half, "ended order that keeps money", `
		SELECT o.order_id || ' ' || p.tender || ' ' || p.status || ' captured ' || p.captured_cents || ' refunded ' || p.refunded_cents FROM orders o JOIN payments p USING (order_id)
		WHERE o.shop_id = $1 AND o.state IN ('cancelled', 'expired') AND $2::timestamptz IS NOT NULL
		AND (p.captured_cents <> p.refunded_cents OR p.captured_cents = 0 AND p.authorized_cents > 0 AND left(p.status, 1) <> '6')`},
	{half, "ended order that keeps a coupon", `
		SELECT o.order_id FROM orders o JOIN coupon_redemptions c USING (shop_id, order_id) WHERE o.shop_id = $1 AND o.state IN ('cancelled', 'expired') AND c.state = 'reserved' AND $2::timestamptz IS NOT NULL`},
	{half, "gift card money that nobody has", `
		SELECT e.order_id || ' ' || sum(e.cents) FROM gift_card_entries e LEFT JOIN orders o USING (order_id)
		WHERE e.shop_id = $1 AND e.kind <> 'issue' AND $2::timestamptz IS NOT NULL GROUP BY e.order_id, o.state
		HAVING o.state IS NULL OR o.state IN ('cancelled', 'expired') AND sum(e.cents) <> 0`},
	{half, "goods set aside for no order", `
		SELECT order_id FROM stock_orders s WHERE shop_id = $1 AND $2::timestamptz IS NOT NULL AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id = s.order_id)`},
	{half, "operation without an outcome", `
		SELECT payment_id || ' ' || kind FROM payment_operations WHERE shop_id = $1 AND state = 'pending' AND $2::timestamptz IS NOT NULL`},
	{oversold, "stock below nothing", `
		SELECT sku || ' ' || on_hand || ' ' || reserved FROM stock WHERE shop_id = $1 AND (on_hand < 0 OR reserved < 0 OR on_hand < reserved) AND $2::timestamptz IS NOT NULL`},
	{oversold, "coupon used too often", `
		SELECT count(*)::text FROM orders o WHERE shop_id = $1 AND state = 'confirmed' AND totals -> 'offers' ? 'LAST' AND $2::timestamptz IS NOT NULL HAVING count(*) > ` + fmt.Sprint(couponUses)},
	{ledger, "stock that is not the sum of its movements", `
		SELECT s.sku || ' ' || s.on_hand FROM stock s WHERE s.shop_id = $1 AND $2::timestamptz IS NOT NULL
		AND (s.on_hand <> (SELECT COALESCE(sum(qty), 0) FROM stock_movements m WHERE m.shop_id = $1 AND m.sku = s.sku)
		  OR s.reserved <> (SELECT COALESCE(sum(qty), 0) FROM reservations r WHERE r.shop_id = $1 AND r.sku = s.sku AND r.state = 'held'))`},
	{ledger, "coupon whose uses were not counted", `
		SELECT o.order_id FROM orders o WHERE o.shop_id = $1 AND o.state = 'confirmed' AND totals -> 'offers' ? 'LAST' AND $2::timestamptz IS NOT NULL
		AND NOT EXISTS (SELECT FROM coupon_redemptions c WHERE c.shop_id = $1 AND c.order_id = o.order_id AND c.state = 'reserved')`},
	{ledger, "gift card that is not the sum of its entries", `
		SELECT code || ' ' || balance_cents FROM gift_cards g WHERE shop_id = $1 AND $2::timestamptz IS NOT NULL
		AND (balance_cents < 0 OR balance_cents <> (SELECT sum(cents) FROM gift_card_entries e WHERE e.shop_id = $1 AND e.code = g.code))`},
	{ledger, "gift card spent otherwise than orders say", `
		SELECT p.order_id FROM payments p WHERE p.shop_id = $1 AND p.gift_card <> '' AND $2::timestamptz IS NOT NULL
		AND p.captured_cents - p.refunded_cents <> (SELECT COALESCE(-sum(cents), 0) FROM gift_card_entries e WHERE e.shop_id = $1 AND e.order_id = p.order_id)`},
	{ledger, "payments above what was allowed", `
		SELECT payment_id FROM payments WHERE shop_id = $1 AND NOT (0 <= refunded_cents AND refunded_cents <= captured_cents AND captured_cents <= authorized_cents) AND $2::timestamptz IS NOT NULL`},
}

// check compares the books of a run.
func (w *world) check(ctx context.Context, r run, h history) (Result, error) {
	var out Result
	find := func(count *int, name, detail string) {
		*count++
		out.Findings = append(out.Findings, name+": "+detail)
	}
	for _, rule := range rules {
		rows, err := w.db.Query(ctx, rule.sql, h.shop, w.clock.Now())
		if err != nil {
			return out, fmt.Errorf("%s: %w", rule.name, err)
		}
		for rows.Next() {
			var detail *string
			if err := rows.Scan(&detail); err != nil {
				return out, fmt.Errorf("%s: %w", rule.name, err)
			}
			text := "?"
			if detail != nil {
				text = *detail
			}
			find(rule.count(&out), rule.name, text)
		}
		if err := rows.Err(); err != nil {
			return out, fmt.Errorf("%s: %w", rule.name, err)
		}
	}
	var orders []string
	if err := w.db.QueryRow(ctx, `SELECT COALESCE(array_agg(order_id), '{}') FROM orders WHERE shop_id = $1`, h.shop).Scan(&orders); err != nil {
		return out, err
	}
	for _, t := range h.told {
		if t.orderID != "" && !slices.Contains(orders, t.orderID) {
			find(&out.Lost, "order that was accepted and is not there", t.orderID)
		}
	}
	out.Orders = len(orders)
	if err := w.compare(ctx, r, h, &out, find); err != nil {
		return out, err
	}
	operations, err := h.operations(ctx, w)
	if err != nil {
		return out, err
	}
	for name, ops := range operations {
		if !linear(name, ops) {
			find(&out.Nonlinear, "history of "+name+" that no order explains", fmt.Sprintf("%+v", ops))
		}
	}
	w.mu.Lock()
	out.Deaths, w.deaths = w.deaths, 0
	w.mu.Unlock()
	out.Hit = out.Deaths > 0
	return out, nil
}

// compare holds the payments against what the gateway has booked, and what it has
// booked against the payments.
func (w *world) compare(ctx context.Context, r run, h history, out *Result, find func(*int, string, string)) error {
	if r.gateway == "test" {
		return nil // its books are a table, see the rules
	}
	booked, err := w.books(ctx, r.gateway)
	if err != nil {
		return err
	}
	rows, err := w.db.Query(ctx, `
		SELECT reference, status, authorized_cents, captured_cents, refunded_cents FROM payments WHERE shop_id = $1 AND gateway <> '' AND reference <> ''`, h.shop)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var reference, status string
		var authorized, captured, refunded int64
		if err := rows.Scan(&reference, &status, &authorized, &captured, &refunded); err != nil {
			return err
		}
		b, ok := booked[reference]
		delete(booked, reference)
		net := captured - refunded
		if status[0] == '6' {
			net, captured = 0, 0
		}
		if !ok && authorized > 0 || ok && (b.Net != net || status[0] != '6' && (b.Captured != captured || b.Refunded != refunded)) {
			find(&out.Ledger, "payment that the gateway knows otherwise", fmt.Sprintf("%s, status %s, captured %d, refunded %d: %+v", reference, status, captured, refunded, b))
		}
		if status[0] == '6' && b.Authorized > b.Voided+b.Captured {
			find(&out.Ledger, "void that the gateway does not know", fmt.Sprintf("%s: %+v", reference, b))
		}
	}
	for id, b := range booked {
		if b.Net != 0 || b.Authorized > b.Voided {
			find(&out.Double, "charge that no payment knows", fmt.Sprintf("%s: %+v", id, b))
		}
	}
	return rows.Err()
}
