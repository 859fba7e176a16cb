-- When all of an order's money was taken, and when it was done with: paid and
-- shipped.
ALTER TABLE orders
    ADD COLUMN paid_at      timestamptz,
    ADD COLUMN completed_at timestamptz CHECK (completed_at IS NULL OR paid_at IS NOT NULL AND shipped_at IS NOT NULL);
UPDATE orders o SET paid_at = updated_at
WHERE state = 'confirmed' AND (SELECT COALESCE(sum(captured_cents), 0) FROM payments p WHERE p.order_id = o.order_id) >= total_cents;
