DROP TABLE gift_card_entries, gift_cards, coupon_redemptions, offers, coupons, payment_methods, payment_fees, price_schedules, rule_lists,
    shipping_methods, tax_rules, shop_settings;
DROP FUNCTION check_coupon_limits();
DROP FUNCTION book_gift_card_entry();
DROP FUNCTION refuse_change();
