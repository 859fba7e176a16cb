DROP INDEX payment_operations_declined_idx;
ALTER TABLE payments
    DROP COLUMN policy,
    DROP COLUMN avs,
    DROP COLUMN cvv,
    DROP COLUMN review;
