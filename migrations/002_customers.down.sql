ALTER TABLE sessions DROP CONSTRAINT sessions_customer_fkey;
DROP TABLE customer_addresses, customers;
