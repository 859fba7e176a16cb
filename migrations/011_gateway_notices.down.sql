DROP INDEX payments_reference_idx;
DROP TABLE gateway_notices;
