// Package cart keeps carts and prices them. It owns the table carts. The prices
// themselves are made by the pure core cart/price; this package brings together
// what it needs to know.
//
// A cart belongs to a customer, to a guest (who is given a session together with
// the first cart) or to the merchant. What would let a buyer dictate amounts
// (forced prices, lines without a product, recorded payments, a marketplace's
// charges) needs the scope cart:admin.
package cart
