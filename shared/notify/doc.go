// Package notify tells buyers by e-mail what has happened. It owns the table
// notifications: one row per event and kind of message, written before anything
// is sent.
//
// A message is sent at least once, and twice only where that cannot be avoided. A
// row is claimed and committed as being sent, the sender is called outside any
// transaction, and its answer is committed with the event. Whoever finds a row
// being sent leaves it alone. If the process died in between, nobody knows whether
// the message has gone; after the claim's lease it is sent again with the same
// Message-ID, by which receivers drop the second copy, five times at most.
//
// Senders are adapters below this package. Addresses never reach the log.
package notify
