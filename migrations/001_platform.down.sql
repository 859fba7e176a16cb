DROP TABLE dead_letters, inbox, outbox, idempotency, rate_limits, sessions, api_keys, shop_hosts, shops CASCADE;
DROP FUNCTION claim_key(bytea, bytea, timestamptz, interval);
DROP FUNCTION throttle(text, int, interval, timestamptz);
DROP FUNCTION identify(bytea, text, text, timestamptz);
DROP FUNCTION current_shop();
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
REVOKE USAGE ON SCHEMA public FROM rackless_function;
GRANT USAGE ON SCHEMA public TO PUBLIC;
