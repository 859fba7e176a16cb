// Package catalog is the register of products and of the SKUs that can be put on
// a shelf. It owns the tables products and skus; what a product costs and which
// options it has is decided by the pure cores below it. Carts and orders load
// products from it, the merchant's programs write them, in hundreds at a time.
package catalog
