DROP TABLE reservations, stock_orders, stock_movements, stock, skus, products;
DROP FUNCTION book_stock_movements();
