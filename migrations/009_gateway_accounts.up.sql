-- The accounts of shops at payment gateways. Credentials are encrypted under a
-- key that the database does not have (shared/seal).
CREATE TABLE gateway_accounts (
    shop_id     text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    gateway     text        NOT NULL CHECK (gateway IN ('authorizenet', 'stripe')),
    credentials bytea       NOT NULL CHECK (octet_length(credentials) <= 4096),
    sandbox     boolean     NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (shop_id, gateway)
);
ALTER TABLE gateway_accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_shop ON gateway_accounts USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop());

-- What the buyer's bank compares with its own books, and where the buyer was.
ALTER TABLE payments
    ADD COLUMN billing      jsonb   NOT NULL DEFAULT '{}',
    ADD COLUMN buyer_ip     text    NOT NULL DEFAULT '' CHECK (length(buyer_ip) <= 45),
    ADD COLUMN awaits_buyer boolean NOT NULL DEFAULT false; -- held until the buyer has identified themselves at their bank
