// Package sim is what the simulators of payment gateways share: a clock that
// can be moved, faults that can be switched on, a ledger of what was booked,
// webhooks with retries, and the administration of these over HTTP below
// /_sim/. It knows no vendor, is used only by the packages beside it and must
// not be imported by the shop.
package sim

import (
	"sync"
	"time"

	"github.com/rackless/rackless/shared/clock"
)

// Clock is another clock, put forward by what Advance was told so far.
type Clock struct {
	base  clock.Clock
	mu    sync.Mutex
	ahead time.Duration
}

// NewClock returns a clock that goes with base; nil is the machine's clock.
func NewClock(base clock.Clock) *Clock {
	if base == nil {
		base = clock.System{}
	}
	return &Clock{base: base}
}

// Now returns the present time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Now().Add(c.ahead)
}

// Advance puts the clock forward by d, which must not be negative.
func (c *Clock) Advance(d time.Duration) {
	if d < 0 {
		panic("sim: a clock does not go back")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}
