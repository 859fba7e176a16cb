ALTER TABLE payments DROP COLUMN billing, DROP COLUMN buyer_ip;
DROP TABLE gateway_accounts;
