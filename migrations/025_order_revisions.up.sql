-- Staff may revise a confirmed order: its goods move once more, and a part of a
-- payment goes back to the buyer, or is not taken.
ALTER TABLE payments
    ADD COLUMN returning_cents bigint NOT NULL DEFAULT 0 CHECK (returning_cents BETWEEN 0 AND amount_cents);
ALTER TABLE stock_movements
    DROP CONSTRAINT stock_movements_kind_check,
    ADD CONSTRAINT stock_movements_kind_check CHECK (kind IN ('adjust', 'sale', 'return', 'revise'));
DROP INDEX stock_movements_order_key;
CREATE UNIQUE INDEX stock_movements_order_key ON stock_movements (shop_id, order_id, sku, kind) WHERE order_id <> '' AND kind <> 'revise';
