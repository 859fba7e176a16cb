// Package payment takes and gives back money. It owns the tables payments,
// payment_operations, gateway_accounts and test_gateway.
//
// A payment is one tender of an order. What is intended at a gateway is an
// operation, whose id is derived from the request or the event that wants it and
// is the gateway's idempotency key: an attempt that died is found by it and its
// outcome asked for, never assumed. Gateways are called between transactions;
// while an operation is pending, no other can begin on the payment.
package payment
