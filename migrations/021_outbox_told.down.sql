ALTER TABLE outbox DROP COLUMN told;
DROP FUNCTION shop_is_heard();
