package topology

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Chaos makes delivery as bad as it may be: what a broker accepts may be lost,
// doubled, overtaken or late. Each of it happens to so many per cent of the
// deliveries to triggers; to dead letters and pings it does not.
type Chaos struct {
	Rand *rand.Rand // what happens to whom; nothing happens without it

	Lose      int
	Duplicate int
	Reorder   int           // held back until the trigger's next event has overtaken it, MaxDelay at most
	Delay     int           // held back for a random time up to MaxDelay
	MaxDelay  time.Duration // 100 ms if zero
}

func (c *Chaos) maxDelay() time.Duration {
	if c.MaxDelay <= 0 {
		return 100 * time.Millisecond
	}
	return c.MaxDelay
}

// dispatch queues an admitted delivery, or what chaos makes of it.
func (d *delivery) dispatch() {
	t := d.trigger
	c := t.cluster
	chaos := &c.options.Chaos
	if chaos.Rand == nil {
		d.push()
		return
	}
	c.mu.Lock()
	happens := func(percent int) bool { return chaos.Rand.IntN(100) < percent }
	lost := happens(chaos.Lose)
	var double *delivery
	if !lost && happens(chaos.Duplicate) {
		double = &delivery{trigger: t, event: d.event, ttl: d.ttl}
		t.admit(double)
	}
	var wait time.Duration
	if happens(chaos.Delay) {
		wait = 1 + time.Duration(chaos.Rand.Int64N(int64(chaos.maxDelay())))
	}
	overtaken := t.held
	hold := !lost && wait == 0 && overtaken == nil && happens(chaos.Reorder)
	if hold {
		t.held = d
		// If nothing comes to overtake it, it goes by itself.
		c.retries[d] = time.AfterFunc(chaos.maxDelay(), d.unhold)
	}
	c.mu.Unlock()

	switch {
	case lost:
		d.settle(Lost, errors.New("chaos"))
	case wait > 0:
		d.later(wait)
	case !hold:
		d.push()
	}
	if double != nil {
		double.push()
	}
	if overtaken != nil {
		overtaken.unhold()
	}
}

// unhold queues a delivery that was held back, once.
func (d *delivery) unhold() {
	c := d.trigger.cluster
	c.mu.Lock()
	timer, waiting := c.retries[d]
	delete(c.retries, d)
	if d.trigger.held == d {
		d.trigger.held = nil
	}
	c.mu.Unlock()
	if waiting {
		timer.Stop()
		d.push()
	}
}
