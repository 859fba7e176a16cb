-- What gateways have told by webhook, as it was sent; each notice acts once.
CREATE TABLE gateway_notices (
    shop_id     text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    gateway     text        NOT NULL CHECK (length(gateway) <= 20),
    notice_id   text        NOT NULL CHECK (length(notice_id) BETWEEN 1 AND 255), -- the gateway's
    kind        text        NOT NULL CHECK (length(kind) <= 100),
    body        bytea       NOT NULL CHECK (octet_length(body) <= 1048576),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (shop_id, gateway, notice_id)
);
ALTER TABLE gateway_notices ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_shop ON gateway_notices USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop());
CREATE INDEX payments_reference_idx ON payments (shop_id, reference) WHERE reference <> '';
