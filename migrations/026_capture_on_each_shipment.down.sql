UPDATE payments SET capture_on = 'on_ship' WHERE capture_on = 'on_each_shipment';
UPDATE payment_methods SET document = jsonb_set(document, '{capture}', '"on_ship"') WHERE document ->> 'capture' = 'on_each_shipment';
ALTER TABLE payments
    DROP COLUMN in_parts,
    DROP CONSTRAINT payments_capture_on_check,
    ADD CONSTRAINT payments_capture_on_check CHECK (capture_on IN ('manual', 'at_once', 'on_confirm', 'on_ship'));
ALTER TABLE payment_methods
    DROP CONSTRAINT payment_methods_document_check,
    ADD CONSTRAINT payment_methods_document_check CHECK (document ->> 'capture' IN ('at_once', 'on_confirm', 'on_ship', 'manual'));
