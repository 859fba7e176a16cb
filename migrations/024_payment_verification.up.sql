-- A verification of an instrument is a payment of no order: there is no history to
-- write it into.
DROP TRIGGER payments_note ON payments;
CREATE TRIGGER payments_note AFTER UPDATE OF status ON payments
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status AND NOT starts_with(NEW.order_id, 'ver_')) EXECUTE FUNCTION note_payment();
