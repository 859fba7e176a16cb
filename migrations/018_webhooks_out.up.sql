-- Where merchants' own programs are told what happens, and what they were told.
CREATE TABLE webhook_endpoints (
    endpoint_id   text        PRIMARY KEY,
    shop_id       text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    url           text        NOT NULL CHECK (length(url) <= 2000),
    types         text[]      NOT NULL DEFAULT '{}', -- without the common prefix; empty: all
    secrets       bytea       NOT NULL CHECK (octet_length(secrets) <= 4096), -- sealed (shared/seal)
    enabled       boolean     NOT NULL DEFAULT true,
    reason        text        NOT NULL DEFAULT '' CHECK (length(reason) <= 500), -- why it is not
    failing_since timestamptz, -- no delivery has succeeded since
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX webhook_endpoints_shop_idx ON webhook_endpoints (shop_id, endpoint_id);

CREATE TABLE webhook_deliveries (
    delivery_id  text        PRIMARY KEY, -- the message's id, the same at every attempt
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    endpoint_id  text        NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    event_id     text        NOT NULL,
    type         text        NOT NULL,
    body         text        NOT NULL CHECK (octet_length(body) <= 1048576),
    state        text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'given_up')),
    attempts     int         NOT NULL DEFAULT 0,
    claimed_until timestamptz,            -- somebody is sending it
    due_at       timestamptz NOT NULL,    -- of the next attempt
    status       int         NOT NULL DEFAULT 0, -- of the last reply; 0: there was none
    error        text        NOT NULL DEFAULT '' CHECK (length(error) <= 500),
    reply        text        NOT NULL DEFAULT '' CHECK (length(reply) <= 1000), -- the beginning of the last one
    duration_ms  bigint      NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    CONSTRAINT webhook_deliveries_event_key UNIQUE (endpoint_id, event_id)
);
CREATE INDEX webhook_deliveries_endpoint_idx ON webhook_deliveries (endpoint_id, delivery_id);

ALTER TABLE webhook_endpoints ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_shop ON webhook_endpoints USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop());
ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_shop ON webhook_deliveries USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop());
