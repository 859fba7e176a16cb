// Package clock tells the time. Everything that reads it takes a Clock, so that
// tests can hold it still or move it by years.
package clock

import (
	"sync"
	"time"
)

// Clock tells the present time in UTC.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock, cut to microseconds: the resolution of
// Postgres, so that a stored time reads back equal.
type System struct{}

// Now returns the present time.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Manual is a clock that moves only when told. It is safe for concurrent use.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// NewManual returns a clock that stands at now.
func NewManual(now time.Time) *Manual { return &Manual{now: now.UTC().Truncate(time.Microsecond)} }

// Now returns the time at which the clock stands.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock forward by d and returns the new time.
func (m *Manual) Advance(d time.Duration) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	return m.now
}
