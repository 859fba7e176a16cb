DELETE FROM payments WHERE starts_with(order_id, 'ver_');
DROP TRIGGER payments_note ON payments;
CREATE TRIGGER payments_note AFTER UPDATE OF status ON payments
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION note_payment();
