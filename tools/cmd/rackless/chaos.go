package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/topology"
)

// chaos is the flag that says what goes wrong between functions.
type chaos topology.Chaos

// UnmarshalText reads lose=0.01,duplicate=0.05,seed=7.
func (c *chaos) UnmarshalText(text []byte) error {
	seed := uint64(time.Now().UnixNano())
	for part := range strings.SplitSeq(string(text), ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return fmt.Errorf("%q is not WHAT=SHARE, such as lose=0.01", part)
		}
		var err error
		switch name {
		case "lose":
			c.Lose, err = percent(value)
		case "duplicate":
			c.Duplicate, err = percent(value)
		case "reorder":
			c.Reorder, err = percent(value)
		case "delay":
			c.Delay, err = percent(value)
		case "max-delay":
			c.MaxDelay, err = time.ParseDuration(value)
		case "seed":
			seed, err = strconv.ParseUint(value, 10, 64)
		default:
			return fmt.Errorf("%q is unknown: there are lose, duplicate, reorder, delay, max-delay and seed", name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	c.Rand = rand.New(rand.NewPCG(seed, 0))
	return nil
}

// percent reads a share such as 0.05, in steps of a hundredth.
func percent(share string) (int, error) {
	f, err := strconv.ParseFloat(share, 64)
	n := int(math.Round(f * 100))
	if err != nil || !(f >= 0 && f <= 1) || math.Abs(f*100-float64(n)) > 1e-6 {
		return 0, fmt.Errorf("%q is not a share between 0 and 1 in steps of 0.01", share)
	}
	return n, nil
}
