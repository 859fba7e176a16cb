-- What a shop has configured. Every section is a table of its own; a row keeps
-- its entry as a document and lifts out the keys that the database checks. What
-- is stored was validated by shared/shop. A setting that is null is the default.
CREATE TABLE shop_settings (
    shop_id   text PRIMARY KEY REFERENCES shops ON DELETE CASCADE,
    general   jsonb CHECK (jsonb_typeof(general) = 'object' AND NOT general ? 'currency'), -- the currency is shops.currency
    handling  jsonb CHECK (jsonb_typeof(handling) = 'object'),
    insurance jsonb CHECK (jsonb_typeof(insurance) = 'object'),
    vat       jsonb CHECK (jsonb_typeof(vat) = 'object') -- taxes in place of tax_rules
);

-- Rules are evaluated in order of position; two may be alike.
CREATE TABLE tax_rules (
    shop_id  text  NOT NULL REFERENCES shops ON DELETE CASCADE,
    position int   NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (shop_id, position)
);

CREATE TABLE shipping_methods (
    shop_id  text  NOT NULL REFERENCES shops ON DELETE CASCADE,
    id       text  NOT NULL GENERATED ALWAYS AS (document ->> 'id') STORED,
    position int   NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (shop_id, id)
);

CREATE TABLE rule_lists (
    shop_id  text  NOT NULL REFERENCES shops ON DELETE CASCADE,
    id       text  NOT NULL GENERATED ALWAYS AS (document ->> 'id') STORED,
    position int   NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (shop_id, id)
);

CREATE TABLE price_schedules (
    shop_id  text  NOT NULL REFERENCES shops ON DELETE CASCADE,
    id       text  NOT NULL GENERATED ALWAYS AS (document ->> 'id') STORED,
    position int   NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (shop_id, id)
);

CREATE TABLE payment_fees (
    shop_id  text  NOT NULL REFERENCES shops ON DELETE CASCADE,
    tender   text  NOT NULL GENERATED ALWAYS AS (document ->> 'tender') STORED,
    position int   NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (shop_id, tender)
);

CREATE TABLE payment_methods (
    shop_id  text    NOT NULL REFERENCES shops ON DELETE CASCADE,
    tender   text    NOT NULL GENERATED ALWAYS AS (document ->> 'tender') STORED,
    position int     NOT NULL,
    document jsonb   NOT NULL,
    PRIMARY KEY (shop_id, tender),
    CHECK (document ->> 'capture' IN ('on_confirm', 'manual'))
);

CREATE TABLE coupons (
    shop_id  text   NOT NULL REFERENCES shops ON DELETE CASCADE,
    code     text   NOT NULL GENERATED ALWAYS AS (document ->> 'code') STORED,
    position int    NOT NULL,
    document jsonb  NOT NULL,
    usage_limit              bigint NOT NULL GENERATED ALWAYS AS (COALESCE((document ->> 'usage_limit')::bigint, 0)) STORED CHECK (usage_limit >= 0),
    usage_limit_per_customer bigint NOT NULL GENERATED ALWAYS AS (COALESCE((document ->> 'usage_limit_per_customer')::bigint, 0)) STORED CHECK (usage_limit_per_customer >= 0),
    PRIMARY KEY (shop_id, code)
);

CREATE TABLE offers (
    shop_id  text   NOT NULL REFERENCES shops ON DELETE CASCADE,
    id       text   NOT NULL GENERATED ALWAYS AS (document ->> 'id') STORED,
    position int    NOT NULL,
    document jsonb  NOT NULL,
    usage_limit              bigint NOT NULL GENERATED ALWAYS AS (COALESCE((document ->> 'usage_limit')::bigint, 0)) STORED CHECK (usage_limit >= 0),
    usage_limit_per_customer bigint NOT NULL GENERATED ALWAYS AS (COALESCE((document ->> 'usage_limit_per_customer')::bigint, 0)) STORED CHECK (usage_limit_per_customer >= 0),
    budget   numeric GENERATED ALWAYS AS ((document ->> 'budget')::numeric) STORED CHECK (budget > 0), -- of all discounts together; null: none
    PRIMARY KEY (shop_id, id)
);

-- Which orders use which coupon, or offer: its code is then offer/<id>. Either may
-- be taken out of the configuration and come back: what was redeemed stays, so
-- there is no foreign key.
CREATE TABLE coupon_redemptions (
    shop_id     text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    code        text        NOT NULL,
    order_id    text        NOT NULL,
    owner       text        NOT NULL, -- the buyer, '' for an order of the merchant's
    discount    numeric     NOT NULL, -- in the order's currency
    state       text        NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'released')),
    created_at  timestamptz NOT NULL,
    released_at timestamptz,
    PRIMARY KEY (shop_id, code, order_id),
    CHECK ((state = 'released') = (released_at IS NOT NULL))
);
CREATE INDEX coupon_redemptions_order_idx ON coupon_redemptions (shop_id, order_id);
CREATE INDEX coupon_redemptions_owner_idx ON coupon_redemptions (shop_id, code, owner) WHERE state = 'reserved';

-- The limits of a coupon hold whoever writes: the coupon's row is locked, so that
-- redemptions of one coupon are counted one after the other. It runs with its
-- owner's rights because the lock needs more than a function's login may do.
CREATE FUNCTION check_coupon_limits() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    c record;
BEGIN
    SELECT x.usage_limit, x.usage_limit_per_customer, x.budget INTO c FROM (
        SELECT usage_limit, usage_limit_per_customer, NULL::numeric AS budget FROM coupons WHERE shop_id = NEW.shop_id AND code = NEW.code
        UNION ALL
        SELECT usage_limit, usage_limit_per_customer, budget FROM offers WHERE shop_id = NEW.shop_id AND 'offer/' || id = NEW.code) AS x;
    IF NOT FOUND OR c.usage_limit = 0 AND c.usage_limit_per_customer = 0 AND c.budget IS NULL THEN
        RETURN NULL;
    END IF;
    IF starts_with(NEW.code, 'offer/') THEN
        SELECT usage_limit, usage_limit_per_customer, budget INTO c
        FROM offers WHERE shop_id = NEW.shop_id AND 'offer/' || id = NEW.code FOR NO KEY UPDATE;
    ELSE
        SELECT usage_limit, usage_limit_per_customer, NULL::numeric AS budget INTO c
        FROM coupons WHERE shop_id = NEW.shop_id AND code = NEW.code FOR NO KEY UPDATE;
    END IF;
    IF c.budget < (SELECT sum(discount) FROM coupon_redemptions r WHERE r.shop_id = NEW.shop_id AND r.code = NEW.code AND r.state = 'reserved') THEN
        RAISE EXCEPTION 'the budget of % is spent', NEW.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'coupon_redemptions_budget_check';
    END IF;
    IF c.usage_limit > 0 AND c.usage_limit < (
        SELECT count(*) FROM (
            SELECT FROM coupon_redemptions r
            WHERE r.shop_id = NEW.shop_id AND r.code = NEW.code AND r.state = 'reserved'
            LIMIT c.usage_limit + 1) AS used)
    THEN
        RAISE EXCEPTION 'coupon % is used up', NEW.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'coupon_redemptions_limit_check';
    END IF;
    IF c.usage_limit_per_customer > 0 AND NEW.owner <> '' AND c.usage_limit_per_customer < (
        SELECT count(*) FROM coupon_redemptions r
        WHERE r.shop_id = NEW.shop_id AND r.code = NEW.code AND r.owner = NEW.owner AND r.state = 'reserved')
    THEN
        RAISE EXCEPTION 'coupon % is used up by its customer', NEW.code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'coupon_redemptions_customer_check';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER coupon_redemptions_limits AFTER INSERT OR UPDATE ON coupon_redemptions
    FOR EACH ROW WHEN (NEW.state = 'reserved')
    EXECUTE FUNCTION check_coupon_limits();

-- Gift cards, in the smallest unit of the shop's currency. The balance is the sum
-- of the entries and never below zero.
CREATE TABLE gift_cards (
    shop_id       text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    code          text        NOT NULL CHECK (length(code) BETWEEN 8 AND 32),
    balance_cents bigint      NOT NULL DEFAULT 0 CONSTRAINT gift_cards_balance_check CHECK (balance_cents >= 0),
    expires_at    timestamptz,
    note          text        NOT NULL DEFAULT '' CHECK (length(note) <= 200),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (shop_id, code)
);

-- A hold takes the money off the card. What ends it is one settlement, which
-- gives back what was held too much, or one release, which gives back all.
-- reference names the effect, so that it cannot be booked twice.
CREATE TABLE gift_card_entries (
    entry_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id    text        NOT NULL,
    code       text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('issue', 'hold', 'settle', 'release', 'refund')),
    cents      bigint      NOT NULL,
    order_id   text        NOT NULL DEFAULT '',
    reference  text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    CONSTRAINT gift_card_entries_card_fkey FOREIGN KEY (shop_id, code) REFERENCES gift_cards ON DELETE CASCADE,
    CHECK ((kind = 'issue') = (order_id = '')),
    CHECK (CASE kind WHEN 'hold' THEN cents < 0 WHEN 'issue' THEN cents <> 0 WHEN 'settle' THEN cents >= 0 ELSE cents > 0 END)
);
CREATE INDEX gift_card_entries_card_idx ON gift_card_entries (shop_id, code);
CREATE UNIQUE INDEX gift_card_entries_hold_key ON gift_card_entries (shop_id, code, order_id) WHERE kind = 'hold';
CREATE UNIQUE INDEX gift_card_entries_end_key ON gift_card_entries (shop_id, code, order_id) WHERE kind IN ('settle', 'release');
CREATE UNIQUE INDEX gift_card_entries_refund_key ON gift_card_entries (shop_id, code, reference) WHERE kind = 'refund';

-- Entries are the only way to a balance: they book themselves, and whoever else
-- touches it is refused.
CREATE FUNCTION book_gift_card_entry() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    UPDATE gift_cards SET balance_cents = balance_cents + NEW.cents, updated_at = NEW.created_at
    WHERE shop_id = NEW.shop_id AND code = NEW.code;
    RETURN NULL;
END
$$;
CREATE TRIGGER gift_card_entries_book AFTER INSERT ON gift_card_entries
    FOR EACH ROW EXECUTE FUNCTION book_gift_card_entry();

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of table % is changed by entries only', TG_ARGV[0], TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;
CREATE TRIGGER gift_cards_balance_insert BEFORE INSERT ON gift_cards
    FOR EACH ROW WHEN (NEW.balance_cents <> 0) EXECUTE FUNCTION refuse_change('balance_cents');
CREATE TRIGGER gift_cards_balance_update BEFORE UPDATE ON gift_cards
    FOR EACH ROW WHEN (OLD.balance_cents <> NEW.balance_cents AND pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change('balance_cents');
CREATE TRIGGER gift_card_entries_keep BEFORE UPDATE ON gift_card_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change('cents');

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['shop_settings', 'tax_rules', 'shipping_methods', 'rule_lists', 'price_schedules', 'payment_fees', 'payment_methods',
                             'coupons', 'offers', 'coupon_redemptions', 'gift_cards', 'gift_card_entries'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_shop ON %I USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop())', t);
    END LOOP;
END
$$;
