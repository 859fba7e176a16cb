// Package order makes orders of carts and leads them to their end. It owns the
// tables orders, order_lines and order_counters.
//
// Placing an order only writes down what was ordered at which price and holds
// what is scarce and countable there (uses of coupons, money on gift cards). Stock,
// payment and confirmation are steps of their own functions on the events of
// those before. Every order ends: confirmed, cancelled or, when its time is up,
// expired.
package order
