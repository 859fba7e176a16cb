-- What revisions have moved was counted; the books say so as adjustments.
ALTER TABLE stock_movements DISABLE TRIGGER stock_movements_keep;
UPDATE stock_movements SET kind = 'adjust', reason = 'revision of ' || order_id, order_id = '' WHERE kind = 'revise';
ALTER TABLE stock_movements ENABLE TRIGGER stock_movements_keep;
DROP INDEX stock_movements_order_key;
CREATE UNIQUE INDEX stock_movements_order_key ON stock_movements (shop_id, order_id, sku, kind) WHERE order_id <> '';
ALTER TABLE stock_movements
    DROP CONSTRAINT stock_movements_kind_check,
    ADD CONSTRAINT stock_movements_kind_check CHECK (kind IN ('adjust', 'sale', 'return'));
ALTER TABLE payments
    DROP COLUMN returning_cents;
