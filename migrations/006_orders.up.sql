-- Orders. Amounts are in the smallest unit of the order's currency.
CREATE TABLE order_counters (
    shop_id text PRIMARY KEY REFERENCES shops ON DELETE CASCADE,
    next    bigint NOT NULL
);

-- What shops had configured when orders were priced, each once.
CREATE TABLE order_configurations (
    shop_id  text  NOT NULL REFERENCES shops ON DELETE CASCADE,
    hash     bytea NOT NULL, -- SHA-256 of the document
    document jsonb NOT NULL, -- cart/price.Config
    PRIMARY KEY (shop_id, hash)
);

CREATE TABLE orders (
    order_id     text PRIMARY KEY,
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    number       text        NOT NULL, -- YYYY-MM-n, n counts from 1000 per shop
    cart_id      text        NOT NULL CONSTRAINT orders_cart_id_key UNIQUE,
    owner        text        NOT NULL,
    state        text        NOT NULL DEFAULT 'pending' CONSTRAINT orders_state_check CHECK (state IN ('pending', 'confirmed', 'cancelled', 'expired')),
    reason       text        NOT NULL DEFAULT '' CHECK (length(reason) <= 200), -- why it was cancelled
    email        text        NOT NULL CHECK (length(email) <= 254),
    currency     text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total_cents  bigint      NOT NULL,
    cart         jsonb       NOT NULL, -- what was priced,
    products     jsonb       NOT NULL, -- of which products,
    configuration bytea      NOT NULL, -- under which configuration,
    totals       jsonb       NOT NULL, -- what it came to,
    explanation  jsonb       NOT NULL, -- and why
    billing      jsonb       NOT NULL DEFAULT '{}',
    notes        text        NOT NULL DEFAULT '',
    version      bigint      NOT NULL DEFAULT 1,
    expires_at   timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT orders_number_key UNIQUE (shop_id, number),
    CONSTRAINT orders_configuration_fkey FOREIGN KEY (shop_id, configuration) REFERENCES order_configurations
);
CREATE INDEX orders_shop_idx ON orders (shop_id, order_id);
CREATE INDEX orders_owner_idx ON orders (shop_id, owner, order_id);
CREATE INDEX orders_email_idx ON orders (shop_id, lower(email));

-- The transitions of shared/order/state; a test compares them.
CREATE FUNCTION check_order_transition() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('pending', 'confirmed'),
        ('pending', 'cancelled'),
        ('pending', 'expired'),
        ('confirmed', 'cancelled')
    ) THEN
        RAISE EXCEPTION 'order % cannot go from % to %', OLD.order_id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_transition_check';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER orders_transition BEFORE UPDATE OF state ON orders
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION check_order_transition();

-- One line per priced line: goods, components of kits, promotions.
CREATE TABLE order_lines (
    order_id  text    NOT NULL REFERENCES orders ON DELETE CASCADE,
    position  int     NOT NULL,
    shop_id   text    NOT NULL REFERENCES shops ON DELETE CASCADE,
    stid      text    NOT NULL,
    sku       text    NOT NULL,
    product   text    NOT NULL,
    name      text    NOT NULL,
    qty       bigint  NOT NULL,
    price     numeric NOT NULL, -- per unit, may have fractions of a cent
    extended  numeric NOT NULL,
    promotion boolean NOT NULL,
    PRIMARY KEY (order_id, position)
);
CREATE INDEX order_lines_sku_idx ON order_lines (shop_id, sku);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['order_counters', 'order_configurations', 'orders', 'order_lines'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_shop ON %I USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop())', t);
    END LOOP;
END
$$;
