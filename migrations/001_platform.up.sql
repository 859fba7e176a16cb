-- The platform: shops, callers, idempotency, outbox and inbox.
--
-- Every row belongs to a shop. Row-level security compares its shop_id with the
-- setting rackless.shop, which shared/postgres sets at the start of every
-- transaction; without the setting no row is visible.
--
-- Roles belong to the server, not to a database, so they may exist already.
-- Each function logs in with a role of its own (grants.sql); they share these:
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rackless_function') THEN
        CREATE ROLE rackless_function NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rackless_sweeper') THEN
        CREATE ROLE rackless_sweeper NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this server is being migrated at the same time
END
$$;

CREATE FUNCTION current_shop() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('rackless.shop', true);

CREATE TABLE shops (
    shop_id      text PRIMARY KEY,
    name         text        NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    currency     text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    cors_origins text[]      NOT NULL DEFAULT '{}',
    version      bigint      NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);

-- The host names under which visitors reach a shop; a visitor without a
-- credential is in the shop of the host that was called.
CREATE TABLE shop_hosts (
    host    text PRIMARY KEY CHECK (host = lower(host) AND length(host) BETWEEN 1 AND 253),
    shop_id text NOT NULL REFERENCES shops ON DELETE CASCADE
);
CREATE INDEX shop_hosts_shop_idx ON shop_hosts (shop_id);

-- API keys of staff and of programs. Only the SHA-256 of a key is kept.
CREATE TABLE api_keys (
    key_id     text PRIMARY KEY,
    shop_id    text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    hash       bytea       NOT NULL CONSTRAINT api_keys_hash_key UNIQUE,
    scopes     text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX api_keys_shop_idx ON api_keys (shop_id);

-- Sessions of buyers: of a customer, or of a guest while customer_id is null.
-- Each refresh makes a new row of the same family; a refresh token that comes a
-- second time was stolen, and its whole family is revoked.
CREATE TABLE sessions (
    session_id   text PRIMARY KEY,
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    family       text        NOT NULL,
    customer_id  text,
    access_hash  bytea       NOT NULL CONSTRAINT sessions_access_hash_key UNIQUE,
    refresh_hash bytea       CONSTRAINT sessions_refresh_hash_key UNIQUE,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    refresh_until timestamptz,
    refreshed_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX sessions_created_idx ON sessions (created_at);
CREATE INDEX sessions_family_idx ON sessions (shop_id, family);
CREATE INDEX sessions_customer_idx ON sessions (shop_id, customer_id) WHERE customer_id IS NOT NULL;

-- Who calls? A token is looked up before the shop is known, so this runs with
-- its owner's rights; a function's login cannot read the tables behind it.
-- An unknown, revoked or expired token gives kind NULL.
CREATE FUNCTION identify(token_hash bytea, shop_hint text, host_name text, at timestamptz)
    RETURNS TABLE (shop_id text, kind text, id text, owner text, scopes text[], cors_origins text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
DECLARE
    k api_keys;
    s sessions;
BEGIN
    IF token_hash IS NOT NULL THEN
        SELECT * INTO k FROM api_keys a WHERE a.hash = token_hash AND a.revoked_at IS NULL;
        IF FOUND THEN
            RETURN QUERY SELECT k.shop_id, 'staff', k.key_id, '', k.scopes, h.cors_origins FROM shops h WHERE h.shop_id = k.shop_id;
            RETURN;
        END IF;
        SELECT * INTO s FROM sessions e WHERE e.access_hash = token_hash AND e.revoked_at IS NULL AND e.expires_at > at;
        IF FOUND THEN
            RETURN QUERY SELECT s.shop_id, CASE WHEN s.customer_id IS NULL THEN 'guest' ELSE 'customer' END, s.session_id,
                COALESCE(s.customer_id, s.family), '{}'::text[], h.cors_origins FROM shops h WHERE h.shop_id = s.shop_id;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT h.shop_id, CASE WHEN token_hash IS NULL THEN 'anonymous' END, '', '', '{}'::text[], h.cors_origins
        FROM shops h
        WHERE h.shop_id = COALESCE(NULLIF(shop_hint, ''), (SELECT n.shop_id FROM shop_hosts n WHERE n.host = lower(host_name)));
END
$$;

-- Rate limits by the generic cell rate algorithm: one timestamp per key, the
-- theoretical arrival time of the next call.
CREATE TABLE rate_limits (
    shop_id text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    key     text        NOT NULL CHECK (length(key) <= 200),
    arrival timestamptz NOT NULL,
    PRIMARY KEY (shop_id, key)
);

-- throttle spends one call of burst calls per period and returns how long to
-- wait: zero when the call is allowed.
CREATE FUNCTION throttle(limit_key text, burst int, period interval, at timestamptz)
    RETURNS interval
    LANGUAGE plpgsql AS $$
DECLARE
    cost interval := period / burst;
    tat  timestamptz;
BEGIN
    INSERT INTO rate_limits AS r (shop_id, key, arrival) VALUES (current_shop(), limit_key, at + cost)
    ON CONFLICT (shop_id, key) DO UPDATE SET arrival = greatest(r.arrival, at) + cost
        WHERE greatest(r.arrival, at) + cost <= at + period
    RETURNING arrival INTO tat;
    IF FOUND THEN
        RETURN interval '0';
    END IF;
    SELECT arrival INTO tat FROM rate_limits WHERE shop_id = current_shop() AND key = limit_key;
    RETURN tat + cost - at - period;
END
$$;

-- One row per Idempotency-Key of a caller and an operation. The reply is sealed
-- with the key and the caller's credential, because replies may hold tokens.
CREATE TABLE idempotency (
    shop_id      text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    key_hash     bytea       NOT NULL, -- SHA-256 of caller, operation and key
    request_hash bytea       NOT NULL, -- SHA-256 of method, path and body
    created_at   timestamptz NOT NULL,
    lease_until  timestamptz NOT NULL, -- a claim without reply is in flight until then
    status       int,
    header       bytea,
    reply        bytea,
    PRIMARY KEY (shop_id, key_hash),
    CHECK ((status IS NULL) = (reply IS NULL))
);
CREATE INDEX idempotency_created_idx ON idempotency (created_at);

-- claim_key takes a key for a request. Outcomes: new, resume (the process that
-- held it is dead), in_flight, mismatch (other request, same key), replay.
CREATE FUNCTION claim_key(k bytea, request bytea, at timestamptz, lease interval)
    RETURNS TABLE (outcome text, status int, header bytea, reply bytea)
    LANGUAGE plpgsql AS $$
DECLARE
    i idempotency;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(current_shop() || encode(k, 'hex'), 0)) THEN
        RETURN QUERY SELECT 'in_flight', NULL::int, NULL::bytea, NULL::bytea;
        RETURN;
    END IF;
    INSERT INTO idempotency (shop_id, key_hash, request_hash, created_at, lease_until)
        VALUES (current_shop(), k, request, at, at + lease) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN QUERY SELECT 'new', NULL::int, NULL::bytea, NULL::bytea;
        RETURN;
    END IF;
    SELECT * INTO i FROM idempotency WHERE shop_id = current_shop() AND key_hash = k;
    IF i.request_hash <> request THEN
        RETURN QUERY SELECT 'mismatch', NULL::int, NULL::bytea, NULL::bytea;
    ELSIF i.status IS NOT NULL THEN
        RETURN QUERY SELECT 'replay', i.status, i.header, i.reply;
    ELSIF i.lease_until > at THEN
        RETURN QUERY SELECT 'in_flight', NULL::int, NULL::bytea, NULL::bytea;
    ELSE
        UPDATE idempotency SET lease_until = at + lease WHERE shop_id = current_shop() AND key_hash = k;
        RETURN QUERY SELECT 'resume', NULL::int, NULL::bytea, NULL::bytea;
    END IF;
END
$$;

-- Events, written in the transaction of the fact they state. A row is settled
-- when every declared consumer has its inbox row; until then the sweeper sends
-- it again. A row with a later due_at is a timer.
CREATE TABLE outbox (
    event_id        uuid PRIMARY KEY, -- version 7: in order of time
    shop_id         text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    type            text        NOT NULL,
    source          text        NOT NULL,
    subject         text        NOT NULL,
    occurred_at     timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    data            jsonb       NOT NULL,
    order_id        text        GENERATED ALWAYS AS (data ->> 'order_id') STORED, -- a column, so that an index serves it under row-level security
    correlation     text        NOT NULL,
    causation       text        NOT NULL DEFAULT '',
    traceparent     text        NOT NULL DEFAULT '',
    idempotency_key text        NOT NULL DEFAULT '',
    attempts        int         NOT NULL DEFAULT 0, -- by the sweeper
    next_attempt    timestamptz NOT NULL,
    settled_at      timestamptz
);
CREATE INDEX outbox_unsettled_idx ON outbox (next_attempt) WHERE settled_at IS NULL;
CREATE INDEX outbox_subject_idx ON outbox (shop_id, subject);
CREATE INDEX outbox_order_idx ON outbox (shop_id, order_id) WHERE order_id IS NOT NULL;

-- What has been consumed, written in the transaction of the effect.
CREATE TABLE inbox (
    event_id    uuid        NOT NULL,
    consumer    text        NOT NULL,
    source      text        NOT NULL,
    shop_id     text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    consumed_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, consumer, source)
);
CREATE INDEX inbox_shop_idx ON inbox (shop_id);

-- Deliveries that were given up, with the reason the broker gave.
CREATE TABLE dead_letters (
    event_id   uuid        NOT NULL,
    consumer   text        NOT NULL,
    shop_id    text        NOT NULL REFERENCES shops ON DELETE CASCADE,
    code       int         NOT NULL, -- HTTP status of the last attempt, 0 if there was no reply
    detail     text        NOT NULL DEFAULT '' CHECK (length(detail) <= 2000),
    died_at    timestamptz NOT NULL,
    redriven_at timestamptz,
    PRIMARY KEY (event_id, consumer)
);
CREATE INDEX dead_letters_shop_idx ON dead_letters (shop_id);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['shops', 'shop_hosts', 'api_keys', 'sessions', 'rate_limits', 'idempotency', 'outbox', 'inbox', 'dead_letters'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_shop ON %I USING (shop_id = current_shop()) WITH CHECK (shop_id = current_shop())', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['outbox', 'inbox', 'dead_letters', 'idempotency', 'rate_limits', 'sessions'] LOOP
        EXECUTE format('CREATE POLICY every_shop ON %I TO rackless_sweeper USING (true) WITH CHECK (true)', t);
    END LOOP;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO rackless_function;
GRANT EXECUTE ON FUNCTION current_shop(), identify(bytea, text, text, timestamptz) TO rackless_function;
