// Package events is the published language: one Go type per event that a
// function may emit, and the envelope that carries it. Functions of other
// domains know each other only through these types, merchants through the JSON
// schemas made from them.
//
// An event states a fact in the past tense. Its type ends in a version; an
// incompatible change is a new type. Attributes are logged by every hop, so
// names, addresses, amounts and tokens belong into the data, never into them.
package events

import (
	"encoding/json"
	"strings"
	"time"
)

// Prefix begins the type of every event.
const Prefix = "dev.rackless."

// Event is the data of one fact.
type Event interface {
	// Type names the fact: dev.rackless.<aggregate>.<past tense>.v<N>. It must
	// not depend on the value.
	Type() string
	// Subject is the id of the aggregate to which it happened.
	Subject() string
}

// Envelope is an event with the attributes under which it travels and is stored.
type Envelope struct {
	ID             string          // UUID version 7, made in the business transaction, the same on every delivery
	Shop           string          // the shop to which it belongs
	Type           string          // see Event
	Source         string          // the bounded context, e.g. https://rackless.dev/order
	Subject        string          // see Event
	Time           time.Time       // when it happened, UTC
	Data           json.RawMessage // the Event as JSON
	Correlation    string          // id of the first request of the chain
	Causation      string          // id of the event that caused this one, empty for a request
	TraceParent    string          // W3C trace context of the cause
	IdempotencyKey string          // the key the client sent, if any
	Told           bool            // somebody outside the shop wants to be told, see package webhook
}

// SourceOf returns the source of events of a type: the bounded context, which
// stays when a function is split.
func SourceOf(eventType string) string {
	aggregate, _, _ := strings.Cut(strings.TrimPrefix(eventType, Prefix), ".")
	return "https://rackless.dev/" + aggregate
}

// Short returns the type without prefix, e.g. order.placed.v1: the name of its
// schema and the word people read.
func Short(eventType string) string { return strings.TrimPrefix(eventType, Prefix) }
