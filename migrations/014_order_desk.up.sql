-- What a shop's staff do with orders every day: pools, flags and notes, and the
-- history of who did what (order specification, §2.1, §3, §11).
ALTER TABLE orders
    ADD COLUMN pool text NOT NULL DEFAULT 'RECENT' CONSTRAINT orders_pool_check CHECK (pool IN (
        'RECENT', 'REVIEW', 'HOLD', 'PENDING', 'APPROVED', 'PROCESS', 'COMPLETED', 'DELETED', 'QUOTE', 'BACKORDER', 'PREORDER', 'ARCHIVE')),
    ADD COLUMN subpool text NOT NULL DEFAULT '' CHECK (length(subpool) <= 40),
    ADD COLUMN flags text[] NOT NULL DEFAULT '{}' CONSTRAINT orders_flags_check CHECK (flags <@ ARRAY[
        'expedited', 'repeat_customer', 'split', 'split_result', 'supply_chain', 'returned', 'edited', 'backordered', 'priority', 'gift']);
CREATE INDEX orders_pool_idx ON orders (shop_id, pool, order_id);

CREATE TABLE order_history (
    entry_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id    text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    order_id   text        NOT NULL REFERENCES orders ON DELETE CASCADE,
    kind       text        NOT NULL CHECK (kind IN ('note', 'pool', 'flag', 'state', 'payment', 'shipment')),
    public     boolean     NOT NULL, -- the buyer may read it
    actor      text        NOT NULL CHECK (length(actor) <= 100), -- the API key that asked, or the login of the function that did it
    content    text        NOT NULL CHECK (length(content) BETWEEN 1 AND 2000),
    created_at timestamptz NOT NULL
);
CREATE INDEX order_history_order_idx ON order_history (shop_id, order_id, entry_id);
ALTER TABLE order_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_shop ON order_history USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop());

-- What happens to an order and its payments is written down by the database
-- itself, whichever function does it; it needs no right on the history for that.
CREATE FUNCTION note_order() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.state IS DISTINCT FROM NEW.state THEN
        INSERT INTO order_history (shop_id, order_id, kind, public, actor, content, created_at)
        VALUES (NEW.shop_id, NEW.order_id, 'state', true, session_user,
                OLD.state || ' → ' || NEW.state || CASE WHEN NEW.reason = '' THEN '' ELSE ': ' || NEW.reason END, NEW.updated_at);
    END IF;
    IF jsonb_array_length(NEW.shipments) > jsonb_array_length(OLD.shipments) THEN
        INSERT INTO order_history (shop_id, order_id, kind, public, actor, content, created_at)
        SELECT NEW.shop_id, NEW.order_id, 'shipment', true, session_user, btrim((s ->> 'carrier') || ' ' || COALESCE(s ->> 'tracking', '')), NEW.updated_at
        FROM jsonb_array_elements(NEW.shipments) WITH ORDINALITY AS x (s, n)
        WHERE n > jsonb_array_length(OLD.shipments);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER orders_note AFTER UPDATE OF state, shipments ON orders FOR EACH ROW EXECUTE FUNCTION note_order();

CREATE FUNCTION note_payment() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO order_history (shop_id, order_id, kind, public, actor, content, created_at)
    VALUES (NEW.shop_id, NEW.order_id, 'payment', false, session_user,
            NEW.tender || ' ' || OLD.status || ' → ' || NEW.status || CASE WHEN NEW.detail = '' THEN '' ELSE ': ' || NEW.detail END, NEW.updated_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER payments_note AFTER UPDATE OF status ON payments
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION note_payment();

-- Who is called off is no work for anybody any more.
CREATE FUNCTION pool_of_ended() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state IN ('cancelled', 'expired') THEN
        NEW.pool := 'DELETED';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER orders_pool BEFORE UPDATE OF state ON orders FOR EACH ROW EXECUTE FUNCTION pool_of_ended();
