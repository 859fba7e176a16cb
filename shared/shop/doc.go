// Package shop is a shop and what its merchant has configured: hosts, prices,
// taxes, shipping, coupons, payment methods and gift cards. It owns shops,
// shop_hosts, api_keys and the tables of migration 003.
//
// CommerceRack kept a shop's settings in one blob; here every section is a table
// and is validated before it is stored, so that whoever reads a configuration
// need not doubt it. What is charged against it, the money on gift cards and the
// uses of coupons, is limited by the database itself.
package shop
