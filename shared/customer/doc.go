// Package customer is the shop's register of customers and their addresses, and
// decides who may have a customer's session. It owns the tables customers and
// customer_addresses.
//
// An e-mail address belongs to one customer of a shop, without regard to case. A
// customer who is deleted is erased: what identifies the person goes, the row
// and the orders stay. What changes a customer, the addresses or the sessions
// waits for each other, so that a session cannot begin while the customer is
// being locked, and an address cannot be left to one who is being erased.
package customer
