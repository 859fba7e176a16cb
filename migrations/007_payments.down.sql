DROP TABLE test_gateway, payment_operations, payments;
