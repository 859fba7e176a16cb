// Package customer is the shop's register of customers and their addresses. It
// owns the tables customers and customer_addresses.
//
// An e-mail address belongs to one customer of a shop, without regard to case. A
// customer who is deleted is erased: what identifies the person goes, the row
// and the orders stay.
package customer
