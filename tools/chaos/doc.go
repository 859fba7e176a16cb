// Package chaos kills a shop where it hurts and looks whether anybody noticed.
// Every function runs as a process of its own, the gateways' simulators too; the
// broker between them loses, doubles, reorders and delays events. In each run
// some buyers fight for the last units, the last uses of a coupon and the last
// cents of a gift card while one function dies, by SIGKILL, at one point between
// two of its SQL statements, requests or replies. Then time passes, the sweeper
// wakes up as it does in a cluster, and the books are compared: the database with
// itself, with the gateways' ledgers and with what the buyers were told.
//
// Nothing in the functions knows of it: they are the code that a cluster gets. The
// kill points and the planted faults live in the connection that this package puts
// between a function and its database.
package chaos
