// Package topology reads the Knative objects that describe how the shop's
// functions are wired together, and runs them in one process: Services that
// sleep until they are called, Brokers that filter, deliver, retry and
// dead-letter events, PingSources that tick. The root function and the
// "rackless" command use it, so that one process and a cluster differ in nothing
// but the manifest's place; tests use it to check the graph of events.
//
// It keeps events in memory only and loses them with the process, as Knative's
// in-memory channel does: the outbox is what makes them safe. It knows nothing
// of the shop. No function may import it.
package topology
