-- The gateway's transaction that a notice is about, by which one that came before
-- the reply to its operation is found.
ALTER TABLE gateway_notices ADD COLUMN reference text NOT NULL DEFAULT '' CHECK (length(reference) <= 255);
CREATE INDEX gateway_notices_reference_idx ON gateway_notices (shop_id, gateway, reference) WHERE reference <> '';
