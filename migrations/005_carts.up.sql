-- Carts. What is priced is a document (cart/price.Cart), read and written as a
-- whole; the columns are what is searched for or checked.
CREATE TABLE carts (
    cart_id      text PRIMARY KEY,
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    owner        text        NOT NULL, -- customer, family of a guest's sessions, or '' for the merchant's
    state        text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ordered')),
    email        text        NOT NULL DEFAULT '' CHECK (length(email) <= 254),
    content      jsonb       NOT NULL CHECK (pg_column_size(content) <= 1048576),
    billing      jsonb       NOT NULL DEFAULT '{}',
    notes        text        NOT NULL DEFAULT '' CHECK (length(notes) <= 2000),
    checkout_started_at timestamptz,
    version      bigint      NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX carts_owner_idx ON carts (shop_id, owner, cart_id);

ALTER TABLE carts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_shop ON carts USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop());
