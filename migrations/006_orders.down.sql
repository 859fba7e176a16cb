DROP TABLE order_lines, orders, order_counters;
DROP FUNCTION check_order_transition();
