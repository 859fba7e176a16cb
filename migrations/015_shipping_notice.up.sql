-- Buyers are told when goods have left.
ALTER TABLE notifications
    DROP CONSTRAINT notifications_kind_check,
    ADD CONSTRAINT notifications_kind_check CHECK (kind IN ('customer_welcome', 'order_confirmed', 'order_cancelled', 'order_expired', 'order_shipped'));
