DROP TRIGGER orders_pool ON orders;
DROP TRIGGER payments_note ON payments;
DROP TRIGGER orders_note ON orders;
DROP FUNCTION pool_of_ended, note_payment, note_order;
DROP TABLE order_history;
ALTER TABLE orders DROP COLUMN pool, DROP COLUMN subpool, DROP COLUMN flags;
