DROP TABLE order_lines, orders, order_configurations, order_counters;
DROP FUNCTION check_order_transition();
