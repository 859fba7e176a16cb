ALTER TABLE gateway_notices DROP COLUMN reference;
