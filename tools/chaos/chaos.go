package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Summary is what all runs came to.
type Summary struct {
	Result
	Runs   int
	Points int
	Fewest int // hits of the point that was hit least
}

// String is the last line of the command; a program reads it.
func (s Summary) String() string {
	return fmt.Sprintf("chaos: runs=%d points=%d hits_min=%d orders=%d lost=%d double=%d half=%d oversold=%d ledger=%d nonlinear=%d",
		s.Runs, s.Points, s.Fewest, s.Orders, s.Lost, s.Double, s.Half, s.Oversold, s.Ledger, s.Nonlinear)
}

// Failed reports whether something was found, a point was not hit although there
// were runs enough, or too few orders came of the runs.
func (s Summary) Failed() bool {
	return s.Found() > 0 || s.Fewest == 0 && s.Runs >= 3*s.Points || s.Orders < 5*s.Runs
}

func (s *Summary) add(r Result) {
	s.Runs++
	s.Orders += r.Orders
	s.Deaths += r.Deaths
	s.Lost += r.Lost
	s.Double += r.Double
	s.Half += r.Half
	s.Oversold += r.Oversold
	s.Ledger += r.Ledger
	s.Nonlinear += r.Nonlinear
}

// Run kills a shop as often as the options say.
func Run(ctx context.Context, o Options) (s Summary, err error) {
	w, err := open(ctx, o)
	if err != nil {
		return s, err
	}
	defer w.close(context.WithoutCancel(ctx))
	points, err := w.discover(ctx)
	if err != nil {
		return s, fmt.Errorf("find the points: %w", err)
	}
	if o.Only != nil {
		points = slices.DeleteFunc(points, func(p *Point) bool { return !o.Only.MatchString(p.Name) })
	}
	if len(points) == 0 {
		return s, errors.New("there is no such point")
	}
	s.Points = len(points)
	fmt.Fprintf(o.Out, "%d points at which a function can die:\n", len(points))
	for _, p := range points {
		fmt.Fprintf(o.Out, "  %s\n", p.Name)
	}
	began := time.Now()
	for i := range o.Runs {
		r := choose(o.Seed, o.First+i, points)
		said := w.said()
		result, err := w.run(ctx, r)
		if err != nil {
			return s, fmt.Errorf("run %d, %s, %s: %w", r.index, r.gateway, r.point.Name, err)
		}
		if result.Hit {
			r.point.Hits++
		}
		s.add(result)
		for _, f := range result.Findings {
			fmt.Fprintf(o.Out, "run %d (%s, %s): %s\n", r.index, r.gateway, r.point.Name, f)
		}
		if len(result.Findings) > 0 {
			fmt.Fprintf(o.Out, "the functions said meanwhile:\n%s", w.saidSince(said))
		}
		if (i+1)%10 == 0 || i+1 == o.Runs {
			each := time.Since(began) / time.Duration(i+1)
			fmt.Fprintf(o.Out, "%d of %d runs, %.1f s each, %d orders, %d deaths, %d findings, %d points not hit yet; %s left\n",
				i+1, o.Runs, each.Seconds(), s.Orders, s.Deaths, s.Found(), unhit(points), (each * time.Duration(o.Runs-i-1)).Round(time.Second))
		}
	}
	for _, p := range points {
		if p.Hits == 0 {
			fmt.Fprintf(o.Out, "not hit: %s (%s)\n", p.Name, p.Gateway)
		}
	}
	s.Fewest = slices.MinFunc(points, func(a, b *Point) int { return cmp.Compare(a.Hits, b.Hits) }).Hits
	return s, nil
}

// choose returns what happens in the i-th run, which follows from the seed and i
// alone: the points take turns, in another order in each round. In every second
// round the first function to reach the point dies, in the others perhaps a later one.
func choose(seed uint64, i int, points []*Point) run {
	round := i / len(points)
	turns := rand.New(rand.NewPCG(seed, uint64(round))).Perm(len(points))
	point := points[turns[i%len(points)]]
	r := run{index: i, gateway: point.Gateway, point: point, random: rand.New(rand.NewPCG(seed, uint64(i)+1000))}
	if round%2 == 1 {
		r.spare = r.random.IntN(min(point.Times, 4))
	}
	return r
}

func unhit(points []*Point) (n int) {
	for _, p := range points {
		if p.Hits == 0 {
			n++
		}
	}
	return n
}

// Proof is how many of the planted faults were found.
type Proof struct{ Planted, Caught int }

// String is the last line of the command; a program reads it.
func (p Proof) String() string {
	return fmt.Sprintf("chaos-proof: planted=%d caught=%d", p.Planted, p.Caught)
}

// proofRuns is how many runs a planted fault may go unnoticed.
const proofRuns = 60

// Prove plants each fault in a shop of its own and looks whether the runs find it.
func Prove(ctx context.Context, o Options) (p Proof, err error) {
	for _, f := range faults {
		p.Planted++
		o.Plant = f.name
		fmt.Fprintf(o.Out, "planted: %s (%s)\n", f.name, f.what)
		finding, runs, err := catch(ctx, o, f)
		if err != nil {
			return p, fmt.Errorf("%s: %w", f.name, err)
		}
		if finding == "" {
			fmt.Fprintf(o.Out, "  not caught in %d runs\n", runs)
			continue
		}
		p.Caught++
		fmt.Fprintf(o.Out, "  caught in run %d: %s\n", runs, finding)
	}
	return p, nil
}

// catch runs until the fault is found.
func catch(ctx context.Context, o Options, f fault) (finding string, runs int, err error) {
	o.Plant = ""
	sound, err := open(ctx, o)
	if err != nil {
		return "", 0, err
	}
	points, err := sound.discover(ctx)
	sound.close(context.WithoutCancel(ctx))
	if err != nil {
		return "", 0, err
	}
	if f.gateway != "" {
		for _, p := range points {
			p.Gateway = f.gateway
		}
	}
	if f.prefer != nil {
		points = slices.DeleteFunc(points, func(p *Point) bool { return !f.prefer.MatchString(p.Name) })
	}
	o.Plant = f.name
	w, err := open(ctx, o)
	if err != nil {
		return "", 0, err
	}
	defer w.close(context.WithoutCancel(ctx))
	for i := range proofRuns {
		r := choose(o.Seed, i, points)
		result, err := w.run(ctx, r)
		if err != nil {
			return "", i + 1, fmt.Errorf("run %d, %s: %w", i, r.point.Name, err)
		}
		if result.Found() > 0 {
			return result.Findings[0], i + 1, nil
		}
	}
	return "", proofRuns, nil
}
