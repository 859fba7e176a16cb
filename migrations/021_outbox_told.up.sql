-- Whether an event is told to anybody outside: only then webhook-deliver acts on
-- it, so that shops whose merchants listen to nothing do not wake it.
CREATE FUNCTION shop_is_heard() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM webhook_endpoints WHERE shop_id = current_shop() AND enabled);
END
$$;
ALTER TABLE outbox ADD COLUMN told boolean NOT NULL DEFAULT true;
ALTER TABLE outbox ALTER COLUMN told SET DEFAULT shop_is_heard();
