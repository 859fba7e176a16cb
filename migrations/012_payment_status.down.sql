DROP TRIGGER payments_transition ON payments;
DROP FUNCTION check_payment_transition;
ALTER TABLE payments
    DROP CONSTRAINT payments_status_check,
    ADD CONSTRAINT payments_status_check CHECK (status ~ '^[0-9]{3}$');
