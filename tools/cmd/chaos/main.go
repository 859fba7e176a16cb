// Command chaos kills a shop's functions at every point of the checkout and
// compares the books; with -prove it plants faults and looks whether it finds
// them. See package chaos.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/rackless/rackless/tools/chaos"
	"github.com/rackless/rackless/tools/home"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	was, err := chaos.Child(ctx)
	if !was && err == nil {
		var ok bool
		if ok, err = run(ctx); err == nil && !ok {
			os.Exit(1)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (ok bool, err error) {
	o := chaos.Options{Out: os.Stdout}
	flag.IntVar(&o.Runs, "runs", 100, "how often; each run kills one function at one point")
	flag.Uint64Var(&o.Seed, "seed", 1, "of all that is random; the same seed makes the same choices")
	flag.StringVar(&o.Dir, "data", home.DefaultDir(), "folder in which the database's server is kept")
	flag.IntVar(&o.First, "first", 0, "number of the first run: with -runs 1 and the same seed it repeats one")
	flag.Func("only", "die only at points whose name matches this regular expression", func(text string) (err error) {
		o.Only, err = regexp.Compile(text)
		return err
	})
	ebay := flag.Bool("ebay", false, "sell at a simulated eBay instead, and compare the books of both sides")
	faults := flag.Bool("faults", false, "with -ebay: a fifth of eBay's calls fail, and functions are killed at random")
	prove := flag.Bool("prove", false, "plant faults instead, and see whether they are found")
	flag.Parse()
	if o.Runs < 1 {
		return false, fmt.Errorf("-runs must be 1 or more, not %d", o.Runs)
	}
	if *ebay {
		s, err := chaos.Ebay(ctx, o, *faults)
		if err != nil {
			return false, err
		}
		for _, finding := range s.Findings {
			fmt.Println(finding)
		}
		fmt.Println(s)
		return !s.Failed(), nil
	}
	if *prove {
		p, err := chaos.Prove(ctx, o)
		if err != nil {
			return false, err
		}
		fmt.Println(p)
		return p.Caught == p.Planted, nil
	}
	s, err := chaos.Run(ctx, o)
	if err != nil {
		return false, err
	}
	fmt.Println(s)
	return !s.Failed(), nil
}
