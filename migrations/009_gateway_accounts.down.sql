ALTER TABLE payments DROP COLUMN billing, DROP COLUMN buyer_ip, DROP COLUMN awaits_buyer;
DROP TABLE gateway_accounts;
