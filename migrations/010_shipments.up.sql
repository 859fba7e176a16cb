-- What of an order has left the warehouse, and money that is taken then.
ALTER TABLE orders
    ADD COLUMN shipments  jsonb NOT NULL DEFAULT '[]' CONSTRAINT orders_shipments_check CHECK (jsonb_array_length(shipments) <= 100),
    ADD COLUMN shipped_at timestamptz; -- when all of it had left
ALTER TABLE payments
    DROP CONSTRAINT payments_capture_on_check,
    ADD CONSTRAINT payments_capture_on_check CHECK (capture_on IN ('manual', 'on_confirm', 'on_ship'));
ALTER TABLE payment_methods
    DROP CONSTRAINT payment_methods_document_check,
    ADD CONSTRAINT payment_methods_document_check CHECK (document ->> 'capture' IN ('on_confirm', 'on_ship', 'manual'));
