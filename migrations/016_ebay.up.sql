-- Selling at eBay (CommerceRack eBay specification, §1): accounts, profiles,
-- listings and what was sold there. Amounts are in the currency's smallest unit.
CREATE TABLE ebay_accounts (
    account_id     text        PRIMARY KEY,
    shop_id        text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    name           text        NOT NULL CHECK (length(name) BETWEEN 1 AND 40), -- the merchant's word for it
    marketplace    text        NOT NULL CHECK (marketplace ~ '^EBAY_[A-Z]{2,6}$'),
    state          text        NOT NULL DEFAULT 'pending' CONSTRAINT ebay_accounts_state_check CHECK (state IN ('pending', 'connected', 'revoked')),
    consent        bytea,      -- SHA-256 of the state with which the seller comes back from eBay
    consent_until  timestamptz,
    refresh_token  bytea       CHECK (octet_length(refresh_token) <= 8192), -- sealed (shared/seal)
    token_until    timestamptz, -- eBay asks for a new consent then
    settings       jsonb       NOT NULL DEFAULT '{}', -- location, policies, what is imported, feedback
    problem        text        NOT NULL DEFAULT '' CHECK (length(problem) <= 1000), -- why it is revoked or waits
    paused_until   timestamptz, -- eBay's quota is used up until then
    orders_until   timestamptz, -- every order of before then is imported
    quota          jsonb       NOT NULL DEFAULT '{}', -- as eBay last told
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT ebay_accounts_name_key UNIQUE (shop_id, name),
    CHECK ((state = 'connected') <= (refresh_token IS NOT NULL))
);

-- What is the same for many listings: defaults and the HTML template.
CREATE TABLE ebay_profiles (
    shop_id    text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    code       text        NOT NULL CHECK (code ~ '^[A-Z0-9_]{1,10}$'),
    version    bigint      NOT NULL DEFAULT 1,
    document   jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, code)
);

-- One row for each SKU that is or was offered: an offer. Offers of one product
-- share the listing's number at eBay. What eBay may sell of it is set aside: held
-- counts in the stock's reservations under the listing's id, so that no other
-- buyer gets it. Telling eBay a quantity is absolute: until every sale of before
-- is known, what was told before counts as well (settling).
CREATE TABLE ebay_listings (
    listing_id   text        PRIMARY KEY,
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    account_id   text        NOT NULL REFERENCES ebay_accounts ON DELETE CASCADE,
    profile      text        NOT NULL DEFAULT '',
    product_id   text        NOT NULL CHECK (length(product_id) <= 45),
    sku          text        NOT NULL CHECK (length(sku) <= 50),
    group_key    text        NOT NULL DEFAULT '', -- of products with variations
    offer_id     text        NOT NULL DEFAULT '',
    ebay_id      text        NOT NULL DEFAULT '', -- the listing's number at eBay
    title        text        NOT NULL DEFAULT '' CHECK (length(title) <= 80),
    category     text        NOT NULL DEFAULT '',
    currency     text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    price_cents  bigint      NOT NULL DEFAULT 0 CHECK (price_cents >= 0),
    state        text        NOT NULL CONSTRAINT ebay_listings_state_check CHECK (state IN ('pending', 'live', 'ended', 'failed', 'imported')),
    reason       smallint    NOT NULL DEFAULT 0, -- CommerceRack's code of why it is not live (§7)
    quantity     bigint      NOT NULL DEFAULT 0 CHECK (quantity >= 0), -- what eBay has left of what it was last told
    settling     bigint      NOT NULL DEFAULT 0 CHECK (settling >= 0), -- may have been sold of what it was told before
    telling      bigint      CHECK (telling >= 0), -- is being told; null if no call is under way
    telling_price bigint     CHECK (telling_price > 0),
    settle_after timestamptz, -- settled once orders_until of the account is later
    sold         bigint      NOT NULL DEFAULT 0,
    changes      bigint      NOT NULL DEFAULT 0, -- counts changes of stock and price
    told         bigint      NOT NULL DEFAULT 0, -- as many of them are known to eBay
    due_at       timestamptz NOT NULL,           -- when eBay may be told next
    revisions    int         NOT NULL DEFAULT 0, -- of revision_day, in eBay's time zone
    revision_day date,
    attempts     int         NOT NULL DEFAULT 0,
    error        text        NOT NULL DEFAULT '' CHECK (length(error) <= 1000),
    hint         text        NOT NULL DEFAULT '' CHECK (length(hint) <= 1000),
    launched_at  timestamptz,
    ended_at     timestamptz,
    seen_at      timestamptz, -- at eBay, by the last comparison
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CHECK (told <= changes)
);
-- A SKU is offered once by an account.
CREATE UNIQUE INDEX ebay_listings_sku_key ON ebay_listings (account_id, sku) WHERE state IN ('pending', 'live', 'imported');
CREATE INDEX ebay_listings_shop_sku_idx ON ebay_listings (shop_id, sku) WHERE state = 'live';
CREATE INDEX ebay_listings_product_idx ON ebay_listings (shop_id, product_id);
CREATE INDEX ebay_listings_due_idx ON ebay_listings (account_id, due_at) WHERE state = 'live' AND (told < changes OR telling IS NOT NULL OR settling > 0);
CREATE INDEX ebay_listings_ebay_idx ON ebay_listings (account_id, ebay_id);

-- What was sold there, line by line: the claim of a buyer.
CREATE TABLE ebay_winners (
    shop_id     text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    account_id  text        NOT NULL REFERENCES ebay_accounts ON DELETE CASCADE,
    ebay_order  text        NOT NULL CHECK (length(ebay_order) BETWEEN 1 AND 64),
    line_id     text        NOT NULL CHECK (length(line_id) BETWEEN 1 AND 64),
    listing_id  text        REFERENCES ebay_listings ON DELETE SET NULL, -- null: it was not ours
    ebay_id     text        NOT NULL DEFAULT '',
    sku         text        NOT NULL DEFAULT '',
    title       text        NOT NULL DEFAULT '',
    qty         bigint      NOT NULL CHECK (qty > 0),
    cents       bigint      NOT NULL, -- of the whole line, before discounts and without tax
    buyer       text        NOT NULL DEFAULT '', -- eBay's name of the buyer
    short       bigint      NOT NULL DEFAULT 0 CHECK (short >= 0), -- pieces that were not there any more
    feedback    text        NOT NULL DEFAULT 'none' CHECK (feedback IN ('none', 'left', 'received', 'both')),
    dispute     text        NOT NULL DEFAULT 'none' CHECK (dispute IN ('none', 'open', 'wait', 'close')),
    shipped_at  timestamptz, -- told to eBay
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (account_id, ebay_order, line_id)
);
CREATE INDEX ebay_winners_buyer_idx ON ebay_winners (buyer) WHERE buyer <> '';

-- Orders at eBay, each imported once.
CREATE TABLE ebay_orders (
    shop_id     text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    account_id  text        NOT NULL REFERENCES ebay_accounts ON DELETE CASCADE,
    ebay_order  text        NOT NULL CHECK (length(ebay_order) BETWEEN 1 AND 64),
    order_id    text        NOT NULL, -- ours; it exists once state is imported
    state       text        NOT NULL CHECK (state IN ('unpaid', 'imported', 'shipped', 'cancelled', 'skipped')),
    buyer       text        NOT NULL DEFAULT '',
    modified_at timestamptz NOT NULL, -- at eBay
    created_at  timestamptz NOT NULL, -- at eBay
    imported_at timestamptz,
    PRIMARY KEY (account_id, ebay_order),
    CONSTRAINT ebay_orders_order_key UNIQUE (order_id)
);
CREATE INDEX ebay_orders_buyer_idx ON ebay_orders (buyer) WHERE buyer <> '';

-- What is done for an account, kind by kind: one run at a time.
CREATE TABLE ebay_jobs (
    account_id text        NOT NULL REFERENCES ebay_accounts ON DELETE CASCADE,
    shop_id    text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    kind       text        NOT NULL CHECK (kind IN ('publish', 'sync', 'import', 'reconcile')),
    run        text        NOT NULL DEFAULT '',  -- who runs it,
    run_until  timestamptz,                      -- until when; null: nobody
    again      boolean     NOT NULL DEFAULT false, -- somebody has asked for it while it ran
    next_at    timestamptz, -- for when a timer is set
    started_at timestamptz,
    ended_at   timestamptz,
    done       bigint      NOT NULL DEFAULT 0, -- objects, in all runs
    errors     bigint      NOT NULL DEFAULT 0,
    error      text        NOT NULL DEFAULT '' CHECK (length(error) <= 1000), -- of the last run
    PRIMARY KEY (account_id, kind)
);

-- The power lister: a product that is listed again and again while stock lasts.
CREATE TABLE ebay_power_queue (
    power_id      text        PRIMARY KEY,
    shop_id       text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    account_id    text        NOT NULL REFERENCES ebay_accounts ON DELETE CASCADE,
    product_id    text        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('new', 'active', 'paused', 'error', 'done')),
    state_reason  text        NOT NULL DEFAULT '' CHECK (length(state_reason) <= 255),
    allowed       int         NOT NULL CHECK (allowed >= 0),   -- launches in all
    launched      int         NOT NULL DEFAULT 0 CHECK (launched >= 0),
    concurrent    int         NOT NULL DEFAULT 1 CHECK (concurrent BETWEEN 1 AND 100),
    start_hour    smallint    NOT NULL DEFAULT 0 CHECK (start_hour BETWEEN 0 AND 23),
    end_hour      smallint    NOT NULL DEFAULT 24 CHECK (end_hour BETWEEN 1 AND 24),
    days          smallint    NOT NULL DEFAULT 127 CHECK (days BETWEEN 0 AND 127), -- a bit per weekday
    expires_at    timestamptz,
    next_at       timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX ebay_power_queue_product_idx ON ebay_power_queue (shop_id, product_id);

-- The categories that a shop has listed in, the latest first.
CREATE TABLE ebay_user_categories (
    shop_id     text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    marketplace text        NOT NULL,
    category    text        NOT NULL CHECK (category ~ '^[0-9]{1,12}$'),
    used_at     timestamptz NOT NULL,
    PRIMARY KEY (shop_id, marketplace, category)
);

-- The categories of a seller's own eBay store, by their full path.
CREATE TABLE ebay_store_categories (
    account_id text   NOT NULL REFERENCES ebay_accounts ON DELETE CASCADE,
    shop_id    text   NOT NULL REFERENCES shops ON DELETE CASCADE,
    path       text   NOT NULL CHECK (path ~ '^/' AND length(path) <= 128),
    PRIMARY KEY (account_id, path)
);

-- What is to be done with listings, in the order asked (§3). A key makes each
-- request once.
CREATE TABLE listing_commands (
    command_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    account_id   text        NOT NULL REFERENCES ebay_accounts ON DELETE CASCADE,
    key          text        NOT NULL CHECK (length(key) BETWEEN 1 AND 120),
    verb         text        NOT NULL CHECK (verb IN ('INSERT', 'UPDATE-LISTING', 'END')),
    product_id   text        NOT NULL,
    profile      text        NOT NULL DEFAULT '',
    result       text        NOT NULL DEFAULT 'PENDING' CHECK (result IN ('PENDING', 'RUNNING', 'SUCCESS', 'SUCCESS-WARNING', 'FAIL-SOFT', 'FAIL-FATAL')),
    error_source text        NOT NULL DEFAULT '' CHECK (error_source IN ('', 'PREFLIGHT', 'LAUNCH', 'TRANSPORT', 'MKT', 'MKT-LISTING', 'MKT-ACCOUNT')),
    error_code   int         NOT NULL DEFAULT 0,
    error        text        NOT NULL DEFAULT '' CHECK (length(error) <= 1000),
    hint         text        NOT NULL DEFAULT '' CHECK (length(hint) <= 1000),
    attempts     int         NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL,
    lock_until   timestamptz,
    created_at   timestamptz NOT NULL,
    processed_at timestamptz,
    CONSTRAINT listing_commands_key UNIQUE (shop_id, key)
);
CREATE INDEX listing_commands_due_idx ON listing_commands (account_id, due_at) WHERE result IN ('PENDING', 'RUNNING');
CREATE INDEX listing_commands_product_idx ON listing_commands (shop_id, product_id, command_id);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['ebay_accounts', 'ebay_profiles', 'ebay_listings', 'ebay_winners', 'ebay_orders', 'ebay_jobs',
        'ebay_power_queue', 'ebay_user_categories', 'ebay_store_categories', 'listing_commands'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_shop ON %I USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop())', t);
    END LOOP;
END
$$;

-- Changes of the stock of SKUs that some channel lists are told as events; of
-- others nobody wants to know.
ALTER TABLE stock ADD COLUMN listed boolean NOT NULL DEFAULT false;

-- Orders that were placed at a marketplace, and by what they are known there.
ALTER TABLE orders
    ADD COLUMN channel   text NOT NULL DEFAULT '' CHECK (length(channel) <= 20),
    ADD COLUMN reference text NOT NULL DEFAULT '' CHECK (length(reference) <= 64);
CREATE UNIQUE INDEX orders_reference_key ON orders (shop_id, channel, reference) WHERE channel <> '';

-- eBay asks to forget a buyer everywhere, and knows no shops: this runs with its
-- owner's rights in all of them. Amounts and goods stay. It returns how many
-- orders there were.
CREATE FUNCTION erase_ebay_buyer(who text, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    erased text[];
BEGIN
    IF who = '' THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        UPDATE ebay_orders SET buyer = '' WHERE buyer = who RETURNING order_id
    )
    SELECT COALESCE(array_agg(order_id), '{}') INTO erased FROM gone;
    UPDATE ebay_winners SET buyer = '' WHERE buyer = who;
    UPDATE orders
    SET owner = 'ebay:', email = '', billing = '{}', notes = '', cart = cart #- '{ship,address1}' #- '{ship,address2}', version = version + 1, updated_at = at
    WHERE order_id = ANY(erased) AND channel = 'ebay';
    DELETE FROM order_history WHERE order_id = ANY(erased) AND kind = 'note';
    RETURN cardinality(erased);
END
$$;
REVOKE ALL ON FUNCTION erase_ebay_buyer(text, timestamptz) FROM PUBLIC;

