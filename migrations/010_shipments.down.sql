UPDATE payment_methods SET document = jsonb_set(document, '{capture}', '"manual"') WHERE document ->> 'capture' = 'on_ship';
ALTER TABLE payment_methods
    DROP CONSTRAINT payment_methods_document_check,
    ADD CONSTRAINT payment_methods_document_check CHECK (document ->> 'capture' IN ('on_confirm', 'manual'));
UPDATE payments SET capture_on = 'manual' WHERE capture_on = 'on_ship';
ALTER TABLE payments
    DROP CONSTRAINT payments_capture_on_check,
    ADD CONSTRAINT payments_capture_on_check CHECK (capture_on IN ('manual', 'on_confirm'));
ALTER TABLE orders DROP COLUMN shipments, DROP COLUMN shipped_at;
