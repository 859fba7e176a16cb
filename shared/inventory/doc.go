// Package inventory counts what is on the shelf and sets it aside for orders. It
// owns the tables stock, stock_movements, stock_orders and reservations, and reads
// the catalogue's skus. Staff adjust the counts; everything else is done on the
// events of orders, which may come late, twice and in any order.
//
// A SKU without a row in stock, or whose product does not track stock, is
// unlimited. What is on hand is the sum of the movements, what is reserved the
// sum of the held reservations, and their difference is never negative unless the
// SKU may be ordered back: the database refuses it, whoever writes.
//
// Rows of stock are locked in order of their SKUs, after the row of the order in
// stock_orders; the lines of reservations are written under the lock of their
// stock. Whoever keeps to that cannot deadlock.
package inventory
