-- Products. What the pricing engine needs is one document, what pages show
-- another, so that pricing a cart reads no descriptions.
CREATE TABLE products (
    shop_id     text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    product_id  text        NOT NULL CHECK (product_id ~ '^[A-Z0-9_-]{1,20}$'),
    name        text        NOT NULL GENERATED ALWAYS AS (COALESCE(document ->> 'name', '')) STORED,
    active      boolean     NOT NULL,
    track_stock boolean     NOT NULL,
    document    jsonb       NOT NULL CHECK (document ->> 'id' = product_id), -- cart/price.Product
    content     jsonb       NOT NULL,                                        -- title, description, images
    components  text[]      NOT NULL DEFAULT '{}',                           -- the products that a kit is made of
    version     bigint      NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (shop_id, product_id)
);

-- What can be put on a shelf: the combinations of a product's inventory options,
-- or the product itself if it has none.
CREATE TABLE skus (
    shop_id     text    NOT NULL,
    sku         text    NOT NULL CHECK (length(sku) BETWEEN 1 AND 35),
    product_id  text    NOT NULL CHECK (sku = product_id OR starts_with(sku, product_id || ':')),
    upc         text    NOT NULL DEFAULT '' CHECK (length(upc) <= 13),
    track_stock boolean NOT NULL,
    PRIMARY KEY (shop_id, sku),
    CONSTRAINT skus_product_fkey FOREIGN KEY (shop_id, product_id) REFERENCES products ON DELETE CASCADE
);
CREATE INDEX skus_product_idx ON skus (shop_id, product_id);
CREATE INDEX skus_upc_idx ON skus (shop_id, upc) WHERE upc <> '';

-- Stock of the SKUs that are counted. A SKU without a row is unlimited. The row
-- outlives the SKU in the catalogue, as its history does.
CREATE TABLE stock (
    shop_id         text    NOT NULL REFERENCES shops ON DELETE CASCADE,
    sku             text    NOT NULL CHECK (length(sku) BETWEEN 1 AND 35),
    on_hand         bigint  NOT NULL DEFAULT 0, -- the sum of the movements
    reserved        bigint  NOT NULL DEFAULT 0 CONSTRAINT stock_reserved_check CHECK (reserved >= 0), -- the sum of the held reservations
    allow_backorder boolean NOT NULL DEFAULT false,
    PRIMARY KEY (shop_id, sku),
    CONSTRAINT stock_available_check CHECK (allow_backorder OR on_hand >= reserved)
);

CREATE TABLE stock_movements (
    movement_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id     text        NOT NULL,
    sku         text        NOT NULL,
    qty         bigint      NOT NULL CHECK (qty <> 0),
    kind        text        NOT NULL CHECK (kind IN ('adjust', 'sale', 'return')),
    order_id    text        NOT NULL DEFAULT '',
    reason      text        NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    actor       text        NOT NULL DEFAULT '', -- the API key that adjusted
    created_at  timestamptz NOT NULL,
    CONSTRAINT stock_movements_stock_fkey FOREIGN KEY (shop_id, sku) REFERENCES stock ON DELETE CASCADE,
    CHECK ((kind = 'adjust') = (order_id = ''))
);
CREATE INDEX stock_movements_stock_idx ON stock_movements (shop_id, sku, movement_id);
-- An order takes a SKU once and brings it back once at most.
CREATE UNIQUE INDEX stock_movements_order_key ON stock_movements (shop_id, order_id, sku, kind) WHERE order_id <> '';

-- Movements are the only way to on_hand: they book themselves.
CREATE FUNCTION book_stock_movements() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock SET on_hand = on_hand + m.qty
    FROM (SELECT shop_id, sku, sum(qty)::bigint AS qty FROM moved GROUP BY shop_id, sku) AS m
    WHERE stock.shop_id = m.shop_id AND stock.sku = m.sku;
    RETURN NULL;
END
$$;
CREATE TRIGGER stock_movements_book AFTER INSERT ON stock_movements
    REFERENCING NEW TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION book_stock_movements();
CREATE TRIGGER stock_on_hand_insert BEFORE INSERT ON stock
    FOR EACH ROW WHEN (NEW.on_hand <> 0) EXECUTE FUNCTION refuse_change('on_hand');
CREATE TRIGGER stock_on_hand_update BEFORE UPDATE ON stock
    FOR EACH ROW WHEN (OLD.on_hand <> NEW.on_hand AND pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change('on_hand');
CREATE TRIGGER stock_movements_keep BEFORE UPDATE ON stock_movements
    FOR EACH ROW EXECUTE FUNCTION refuse_change('qty');

-- What the inventory has done about an order. The row is made by whichever event
-- comes first, so that a reservation that comes after its release is seen to be
-- late; it is also the lock under which events of one order wait for each other.
CREATE TABLE stock_orders (
    shop_id    text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    order_id   text        NOT NULL,
    state      text        NOT NULL CHECK (state IN ('reserved', 'rejected', 'committed', 'released')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, order_id)
);

-- What is set aside for an order. A held line counts until it expires; the next
-- order that wants it takes it back.
CREATE TABLE reservations (
    shop_id    text        NOT NULL,
    order_id   text        NOT NULL,
    sku        text        NOT NULL,
    qty        bigint      NOT NULL CHECK (qty > 0),
    state      text        NOT NULL CHECK (state IN ('held', 'committed', 'released')),
    expires_at timestamptz NOT NULL, -- infinity: as long as the order is not settled
    PRIMARY KEY (shop_id, order_id, sku),
    CONSTRAINT reservations_order_fkey FOREIGN KEY (shop_id, order_id) REFERENCES stock_orders ON DELETE CASCADE,
    CONSTRAINT reservations_stock_fkey FOREIGN KEY (shop_id, sku) REFERENCES stock ON DELETE CASCADE
);
CREATE INDEX reservations_held_idx ON reservations (shop_id, sku, expires_at) WHERE state = 'held';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['products', 'skus', 'stock', 'stock_movements', 'stock_orders', 'reservations'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_shop ON %I USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop())', t);
    END LOOP;
END
$$;
