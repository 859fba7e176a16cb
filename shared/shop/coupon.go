package shop

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/txn"
)

// OfferCode is the code under which the uses of an offer are counted, beside
// those of coupons.
func OfferCode(id string) string { return "offer/" + id }

// ReserveCoupons notes that an order of owner uses coupons or offers: uses maps
// their codes to the discounts they gave, each once, whatever
// the number of calls; owner is ” for an order of the merchant. A coupon that is
// used up, in all or by this buyer, or that has been taken out of the
// configuration is refused with kind Conflict. The limits hold exactly, however
// many orders are placed at once: the database counts under the coupon's lock.
// After a refusal the transaction can only be rolled back.
func ReserveCoupons(ctx context.Context, tx *txn.Tx, uses map[string]string, owner, orderID string) error {
	for _, code := range slices.Sorted(maps.Keys(uses)) { // locks are taken in order
		var known bool
		err := tx.QueryRow(ctx, `
			WITH coupon AS (
				SELECT shop_id, code FROM coupons WHERE shop_id = current_shop() AND code = $1
				UNION ALL
				SELECT shop_id, $1 FROM offers WHERE shop_id = current_shop() AND 'offer/' || id = $1
			), redemption AS (
				INSERT INTO coupon_redemptions (shop_id, code, order_id, owner, created_at, discount)
				SELECT shop_id, code, $2, $3, $4, $5::numeric FROM coupon
				ON CONFLICT DO NOTHING
			)
			SELECT EXISTS (SELECT FROM coupon) OR EXISTS (
				SELECT FROM coupon_redemptions WHERE shop_id = current_shop() AND code = $1 AND order_id = $2)`,
			code, orderID, owner, tx.Now, uses[code]).Scan(&known)
		if err != nil {
			return usedUp(err, code)
		}
		if !known {
			return fault.New(fault.Conflict, "there is no coupon %s any more", code).With("coupon", code)
		}
	}
	return nil
}

// usedUp makes of the database's refusal of a use one for people.
func usedUp(err error, code string) error {
	switch {
	case postgres.IsCheck(err, "coupon_redemptions_limit_check"):
		return fault.New(fault.Conflict, "the coupon %s is used up", code).With("coupon", code)
	case postgres.IsCheck(err, "coupon_redemptions_budget_check"):
		return fault.New(fault.Conflict, "the budget of %s is spent", code).With("coupon", code)
	case postgres.IsCheck(err, "coupon_redemptions_customer_check"):
		return fault.New(fault.Conflict, "the coupon %s has been used as often as one buyer may", code).With("coupon", code)
	}
	return fmt.Errorf("reserve coupon %s: %w", code, err)
}

// ReviseCoupons makes the uses of an order those that it has after a revision, as
// ReserveCoupons would; what the shop no longer has of them, the order keeps.
func ReviseCoupons(ctx context.Context, tx *txn.Tx, uses map[string]string, owner, orderID string) error {
	codes := slices.Sorted(maps.Keys(uses))
	_, err := tx.Exec(ctx, `
		UPDATE coupon_redemptions
		SET state = 'released', released_at = $3
		WHERE shop_id = current_shop() AND order_id = $1 AND state = 'reserved' AND code <> ALL($2)`, orderID, codes, tx.Now)
	if err != nil {
		return fmt.Errorf("release coupons of order %s: %w", orderID, err)
	}
	for _, code := range codes {
		_, err := tx.Exec(ctx, `
			INSERT INTO coupon_redemptions (shop_id, code, order_id, owner, created_at, discount)
			VALUES (current_shop(), $1, $2, $3, $4, $5::numeric)
			ON CONFLICT (shop_id, code, order_id) DO UPDATE SET discount = EXCLUDED.discount, state = 'reserved', released_at = NULL`,
			code, orderID, owner, tx.Now, uses[code])
		if err != nil {
			return usedUp(err, code)
		}
	}
	return nil
}

// ReleaseCoupons gives back the uses of an order that came to nothing. Each use
// is given back once.
func ReleaseCoupons(ctx context.Context, tx *txn.Tx, orderID string) error {
	_, err := tx.Exec(ctx, `
		UPDATE coupon_redemptions
		SET state = 'released', released_at = $2
		WHERE shop_id = current_shop() AND order_id = $1 AND state = 'reserved'`, orderID, tx.Now)
	if err != nil {
		return fmt.Errorf("release the coupons of order %s: %w", orderID, err)
	}
	return nil
}
