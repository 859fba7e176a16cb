UPDATE payments SET capture_on = 'on_confirm' WHERE capture_on = 'at_once';
UPDATE payment_methods SET document = jsonb_set(document, '{capture}', '"on_confirm"') WHERE document ->> 'capture' = 'at_once';
ALTER TABLE payments
    DROP CONSTRAINT payments_capture_on_check,
    ADD CONSTRAINT payments_capture_on_check CHECK (capture_on IN ('manual', 'on_confirm', 'on_ship'));
ALTER TABLE payment_methods
    DROP CONSTRAINT payment_methods_document_check,
    ADD CONSTRAINT payment_methods_document_check CHECK (document ->> 'capture' IN ('on_confirm', 'on_ship', 'manual'));
