ALTER TABLE orders
    DROP COLUMN paid_at,
    DROP COLUMN completed_at;
