-- Money that is taken with its authorization, in one step.
ALTER TABLE payments
    DROP CONSTRAINT payments_capture_on_check,
    ADD CONSTRAINT payments_capture_on_check CHECK (capture_on IN ('manual', 'at_once', 'on_confirm', 'on_ship'));
ALTER TABLE payment_methods
    DROP CONSTRAINT payment_methods_document_check,
    ADD CONSTRAINT payment_methods_document_check CHECK (document ->> 'capture' IN ('at_once', 'on_confirm', 'on_ship', 'manual'));
