-- Customers and their addresses (CommerceRack's CUSTOMERS and CUSTOMER_ADDRS).
CREATE TABLE customers (
    customer_id   text PRIMARY KEY,
    shop_id       text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    email         text        CHECK (length(email) BETWEEN 3 AND 254), -- null once erased
    email_key     text        GENERATED ALWAYS AS (lower(email)) STORED,
    password_hash text,                                                -- argon2id, PHC string; null: cannot log in
    first_name    text        NOT NULL DEFAULT '' CHECK (length(first_name) <= 50),
    last_name     text        NOT NULL DEFAULT '' CHECK (length(last_name) <= 50),
    company       text        NOT NULL DEFAULT '' CHECK (length(company) <= 100),
    phone         text        NOT NULL DEFAULT '' CHECK (length(phone) <= 30),
    newsletters   int         NOT NULL DEFAULT 0, -- bit n-1: list n
    price_schedule text       NOT NULL DEFAULT '' CHECK (length(price_schedule) <= 20),
    tax_exempt    boolean     NOT NULL DEFAULT false,
    locked        boolean     NOT NULL DEFAULT false,
    version       bigint      NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    erased_at     timestamptz
);
-- An address is one person's whatever its case. The key is a column, because row-level security keeps
-- functions that are not leakproof, such as lower, out of the conditions of an index.
CREATE UNIQUE INDEX customers_email_key ON customers (shop_id, email_key);
CREATE INDEX customers_shop_idx ON customers (shop_id, customer_id);

CREATE TABLE customer_addresses (
    address_id   text PRIMARY KEY,
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    customer_id  text        NOT NULL REFERENCES customers ON DELETE CASCADE,
    kind         text        NOT NULL CHECK (kind IN ('shipping', 'billing')),
    is_default   boolean     NOT NULL DEFAULT false,
    first_name   text        NOT NULL DEFAULT '' CHECK (length(first_name) <= 50),
    last_name    text        NOT NULL DEFAULT '' CHECK (length(last_name) <= 50),
    company      text        NOT NULL DEFAULT '' CHECK (length(company) <= 100),
    address1     text        NOT NULL CHECK (length(address1) BETWEEN 1 AND 100),
    address2     text        NOT NULL DEFAULT '' CHECK (length(address2) <= 100),
    city         text        NOT NULL CHECK (length(city) BETWEEN 1 AND 60),
    region       text        NOT NULL DEFAULT '' CHECK (length(region) <= 60),
    postal       text        NOT NULL DEFAULT '' CHECK (length(postal) <= 20),
    country      text        NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    phone        text        NOT NULL DEFAULT '' CHECK (length(phone) <= 30),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX customer_addresses_customer_idx ON customer_addresses (customer_id);
CREATE UNIQUE INDEX customer_addresses_default_key ON customer_addresses (customer_id, kind) WHERE is_default;

ALTER TABLE sessions ADD CONSTRAINT sessions_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_shop ON customers USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop());
ALTER TABLE customer_addresses ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_shop ON customer_addresses USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop());
