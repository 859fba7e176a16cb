-- Payments: one row per tender of an order, one operation per intended effect
-- at a gateway. That refunds never exceed captures, nor captures what was
-- authorized, is a fact of the database.
CREATE TABLE payments (
    payment_id       text PRIMARY KEY,
    shop_id          text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    order_id         text        NOT NULL,
    position         int         NOT NULL, -- in the order of the cart's queue
    tender           text        NOT NULL CHECK (length(tender) <= 20),
    gateway          text        NOT NULL DEFAULT '', -- empty: no gateway is behind the tender
    capture_on       text        NOT NULL DEFAULT 'manual' CHECK (capture_on IN ('manual', 'on_confirm')),
    token            text        NOT NULL DEFAULT '' CHECK (length(token) <= 1024), -- the gateway's, never a card number
    gift_card        text        NOT NULL DEFAULT '',
    currency         text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status           text        NOT NULL CONSTRAINT payments_status_check CHECK (status ~ '^[0-9]{3}$'),
    amount_cents     bigint      NOT NULL CHECK (amount_cents >= 0),
    authorized_cents bigint      NOT NULL DEFAULT 0,
    captured_cents   bigint      NOT NULL DEFAULT 0,
    refunded_cents   bigint      NOT NULL DEFAULT 0,
    reference        text        NOT NULL DEFAULT '', -- the gateway's transaction
    detail           text        NOT NULL DEFAULT '' CHECK (length(detail) <= 500),
    closed_at        timestamptz, -- the order has ended: nothing may be authorized or captured any more
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CONSTRAINT payments_position_key UNIQUE (order_id, position),
    CONSTRAINT payments_ceiling_check CHECK (
        0 <= refunded_cents AND refunded_cents <= captured_cents
        AND captured_cents <= authorized_cents AND authorized_cents <= amount_cents)
);
CREATE INDEX payments_shop_idx ON payments (shop_id);

CREATE TABLE payment_operations (
    operation_id text PRIMARY KEY, -- derived from the request or event that wants it; the gateway's idempotency key
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    payment_id   text        NOT NULL REFERENCES payments ON DELETE CASCADE,
    kind         text        NOT NULL CHECK (kind IN ('authorize', 'charge', 'capture', 'void', 'refund', 'approve', 'decline')),
    amount_cents bigint      NOT NULL CHECK (amount_cents >= 0),
    state        text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'succeeded', 'held', 'declined')),
    reference    text        NOT NULL DEFAULT '',
    detail       text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    CHECK ((state = 'pending') = (ended_at IS NULL))
);
-- One operation at a time on a payment: who comes second waits for the outcome.
CREATE UNIQUE INDEX payment_operations_pending_key ON payment_operations (payment_id) WHERE state = 'pending';
CREATE INDEX payment_operations_payment_idx ON payment_operations (payment_id);
CREATE INDEX payment_operations_shop_idx ON payment_operations (shop_id);

-- What the test gateway has booked: the books of a bank that does not exist.
CREATE TABLE test_gateway (
    operation_id text PRIMARY KEY,
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    kind         text        NOT NULL,
    reference    text        NOT NULL,
    amount_cents bigint      NOT NULL,
    outcome      text        NOT NULL,
    booked_at    timestamptz NOT NULL
);
CREATE INDEX test_gateway_shop_idx ON test_gateway (shop_id, reference);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['payments', 'payment_operations', 'test_gateway'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_shop ON %I USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop())', t);
    END LOOP;
END
$$;
