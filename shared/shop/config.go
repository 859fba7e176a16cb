package shop

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// pricing selects the sections of price.Config as one document. Its keys are the
// names of the fields there. Until it is configured otherwise, a shop prices as
// CommerceRack does.
const pricing = `
	jsonb_build_object(
		'general', COALESCE(s.general, '{"policy": "commercerack"}') || jsonb_build_object('currency', h.currency),
		'handling', COALESCE(s.handling, '{}'),
		'insurance', COALESCE(s.insurance, '{}'),
		'tax_rules', (SELECT jsonb_agg(document ORDER BY position) FROM tax_rules WHERE shop_id = h.shop_id),
		'shipping_methods', (SELECT jsonb_agg(document ORDER BY position) FROM shipping_methods WHERE shop_id = h.shop_id),
		'rule_lists', (SELECT jsonb_agg(document ORDER BY position) FROM rule_lists WHERE shop_id = h.shop_id),
		'vat', s.vat,
		'payment_fees', (SELECT jsonb_agg(document ORDER BY position) FROM payment_fees WHERE shop_id = h.shop_id),
		'schedules', (SELECT jsonb_agg(document ORDER BY position) FROM price_schedules WHERE shop_id = h.shop_id))`

// usable selects the coupons and offers that an order of the buyer $1 may still
// use. What is left of an offer's budget bounds its discount. Uses are counted
// only where there is a limit: those of a coupon without one are as many as its
// orders.
const usable = `
	jsonb_build_object(
		'coupons', (
			SELECT jsonb_agg(c.document ORDER BY c.position)
			FROM coupons c
			WHERE c.shop_id = h.shop_id
			  AND (c.usage_limit = 0 OR c.usage_limit > (
				SELECT count(*)
				FROM coupon_redemptions r
				WHERE r.shop_id = c.shop_id AND r.code = c.code AND r.state = 'reserved'))
			  AND (c.usage_limit_per_customer = 0 OR $1 = '' OR c.usage_limit_per_customer > (
				SELECT count(*)
				FROM coupon_redemptions r
				WHERE r.shop_id = c.shop_id AND r.code = c.code AND r.owner = $1 AND r.state = 'reserved'))),
		'offers', (
			SELECT jsonb_agg(CASE WHEN o.budget IS NULL THEN o.document ELSE o.document || jsonb_build_object(
				'max_discount', LEAST(NULLIF(o.document ->> 'max_discount', '')::numeric, o.budget - u.spent)::text) END ORDER BY o.position)
			FROM offers o
			LEFT JOIN LATERAL (
				SELECT count(*) AS uses, count(*) FILTER (WHERE r.owner = $1) AS own, COALESCE(sum(r.discount), 0) AS spent
				FROM coupon_redemptions r
				WHERE (o.usage_limit > 0 OR o.usage_limit_per_customer > 0 OR o.budget IS NOT NULL)
				  AND r.shop_id = o.shop_id AND r.code = 'offer/' || o.id AND r.state = 'reserved'
			) u ON true
			WHERE o.shop_id = h.shop_id
			  AND (o.usage_limit = 0 OR u.uses < o.usage_limit)
			  AND (o.usage_limit_per_customer = 0 OR $1 = '' OR u.own < o.usage_limit_per_customer)
			  AND (o.budget IS NULL OR u.spent < o.budget)))`

// all selects every coupon and offer.
const all = `
	jsonb_build_object(
		'coupons', (SELECT jsonb_agg(document ORDER BY position) FROM coupons WHERE shop_id = h.shop_id),
		'offers', (SELECT jsonb_agg(document ORDER BY position) FROM offers WHERE shop_id = h.shop_id))`

// QueueConfig adds to a batch the one statement that reads into what the shop has
// configured for the prices of a buyer, without the coupons and offers that are
// used up; owner is empty for an order of the merchant. It reads the tables shops, shop_settings, tax_rules,
// shipping_methods, rule_lists, coupons, offers, coupon_redemptions, payment_fees
// and price_schedules.
func QueueConfig(batch *pgx.Batch, owner string, into *price.Config) {
	batch.Queue(`
		SELECT `+pricing+` || `+usable+`
		FROM shops h
		LEFT JOIN shop_settings s USING (shop_id)
		WHERE h.shop_id = current_shop()`, owner).QueryRow(func(row pgx.Row) error { return scanDocument(row, into) })
}

// InspectInput asks for the configuration of the caller's shop.
type InspectInput struct{}

// Inspect returns what the shop has configured, in the form in which Configure
// takes it. Gift cards are money, not configuration: it does not tell their codes.
func Inspect(ctx context.Context, tx *txn.Tx, _ InspectInput) (Sections, error) {
	var s Sections
	err := scanDocument(tx.QueryRow(ctx, `
		SELECT `+pricing+` || `+all+` || jsonb_build_object(
			'payment_methods', (SELECT jsonb_agg(document ORDER BY position) FROM payment_methods WHERE shop_id = h.shop_id))
		FROM shops h
		LEFT JOIN shop_settings s USING (shop_id)
		WHERE h.shop_id = current_shop()`), &s)
	return s, err
}

func scanDocument(row pgx.Row, into any) error {
	var document []byte
	err := row.Scan(&document)
	if err == pgx.ErrNoRows {
		return fault.New(fault.NotFound, "there is no such shop")
	}
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	if err := json.Unmarshal(document, into); err != nil {
		return fmt.Errorf("decode the configuration: %w", err)
	}
	return nil
}

// PaymentMethodOf returns the method of a tender, also one that is switched off:
// what was ordered with it must still be captured and refunded. A tender that the
// shop has not configured is NotFound.
func PaymentMethodOf(ctx context.Context, tx *txn.Tx, tender string) (PaymentMethod, error) {
	var m PaymentMethod
	err := tx.QueryRow(ctx, `
		SELECT document
		FROM payment_methods
		WHERE shop_id = current_shop() AND tender = $1`, tender).Scan(&m)
	if err == pgx.ErrNoRows {
		return m, fault.New(fault.NotFound, "the shop does not take %s", tender)
	}
	if err != nil {
		return m, fmt.Errorf("look up how %s is paid: %w", tender, err)
	}
	return m, nil
}
