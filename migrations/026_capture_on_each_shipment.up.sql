-- Money that is taken shipment by shipment, where the gateway keeps the rest of what is
-- captured in part.
ALTER TABLE payments
    ADD COLUMN in_parts boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT payments_capture_on_check,
    ADD CONSTRAINT payments_capture_on_check CHECK (capture_on IN ('manual', 'at_once', 'on_confirm', 'on_ship', 'on_each_shipment'));
ALTER TABLE payment_methods
    DROP CONSTRAINT payment_methods_document_check,
    ADD CONSTRAINT payment_methods_document_check
        CHECK (document ->> 'capture' IN ('at_once', 'on_confirm', 'on_ship', 'on_each_shipment', 'manual'));
