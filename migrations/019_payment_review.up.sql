-- What the buyer's bank said of the address and the card code, and what the shop's
-- own rules made of it.
ALTER TABLE payments
    ADD COLUMN policy jsonb NOT NULL DEFAULT '{}', -- the method's rules, as they were when the order was placed
    ADD COLUMN avs    text  NOT NULL DEFAULT '' CHECK (length(avs) <= 1),
    ADD COLUMN cvv    text  NOT NULL DEFAULT '' CHECK (length(cvv) <= 1),
    ADD COLUMN review text  NOT NULL DEFAULT '' CHECK (review ~ '^([ADERX][A-Z]{2})?$');
CREATE INDEX payment_operations_declined_idx ON payment_operations (shop_id, ended_at) WHERE state = 'declined';

-- What was authorized is what is set aside or taken: what a capture left is let go
-- of, unless the gateway keeps it for another one.
UPDATE payments SET authorized_cents = captured_cents WHERE captured_cents > 0;
