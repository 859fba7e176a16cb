-- The life of a payment: the transitions of shared/payment/status; a test compares
-- them.
ALTER TABLE payments
    DROP CONSTRAINT payments_status_check,
    ADD CONSTRAINT payments_status_check CHECK (status ~ '^[0-69][0-9]{2}$');

CREATE FUNCTION check_payment_transition() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF (left(OLD.status, 1), left(NEW.status, 1)) NOT IN
        (('5', '0'), ('5', '1'), ('5', '2'), ('5', '4'), ('5', '6'), ('5', '9'), ('1', '0'), ('1', '6'), ('1', '9'), ('4', '1'), ('4', '0'), ('4', '2'), ('4', '6'), ('4', '9'), ('0', '3'), ('0', '6'), ('2', '5'), ('2', '6'), ('9', '5'), ('9', '6'), ('6', '5'))
    THEN
        RAISE EXCEPTION 'payment % cannot go from % to %', OLD.payment_id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payments_transition';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payments_transition BEFORE UPDATE OF status ON payments
    FOR EACH ROW WHEN (left(OLD.status, 1) IS DISTINCT FROM left(NEW.status, 1)) EXECUTE FUNCTION check_payment_transition();
