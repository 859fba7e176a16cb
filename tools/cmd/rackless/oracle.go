package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/oracle"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/tools/term"
)

type oracleCmd struct {
	Files  []string `arg:"" name:"file" help:"Recorded calculations of CommerceRack, one JSON object a line." type:"existingfile"`
	Policy string   `help:"How to calculate: commercerack (its cents) or exact (decimals)." enum:"commercerack,exact" default:"commercerack"`
	Show   bool     `help:"Show each difference."`
}

func (oracleCmd) Help() string {
	return `Examples:

  rackless oracle testdata/oracle/*.jsonl
  rackless oracle --policy exact --show testdata/oracle/cart.jsonl

Runs recorded calculations through the code that the functions call and compares the answers. Under the exact policy a
difference counts as explained when turning on a named quirk of the original gives the recorded answer. The exit status is 1 if
an answer is wrong.`
}

// tally counts the records of one category.
type tally struct {
	target, category               string
	cases, equal, explained, wrong int
	quirks                         map[string]int
}

func (c *oracleCmd) Run(out *os.File) error {
	arithmetic := perlnum.CommerceRack()
	if c.Policy == price.Exact {
		arithmetic = perlnum.Exact(perlnum.HalfUp, 2)
	}
	now := clock.System{}.Now()
	counts := map[string]*tally{}
	total := tally{}
	for _, path := range c.Files {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		var failed error
		err = oracle.Read(file, func(rec oracle.Record) bool {
			var o oracle.Outcome
			if o, failed = oracle.Run(arithmetic, &rec, now); failed != nil {
				return false
			}
			key := o.Target + " " + o.Category
			if counts[key] == nil {
				counts[key] = &tally{target: o.Target, category: o.Category, quirks: map[string]int{}}
			}
			counts[key].add(o)
			total.add(o)
			if c.Show && o.Verdict != oracle.Equal {
				fmt.Fprintf(out, "%s %s: %s %s\n  %s\n", o.Target, o.Case, verdicts[o.Verdict], o.Quirks, strings.Join(o.Diffs, "\n  "))
			}
			return true
		})
		if err := errors.Join(err, failed, file.Close()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	paint := term.Of(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "target\tcategory\tcases\tequal\texplained\twrong\t")
	for _, t := range slices.SortedFunc(maps.Values(counts), func(a, b *tally) int {
		return cmp.Or(strings.Compare(a.target, b.target), strings.Compare(a.category, b.category))
	}) {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t", t.target, t.category, t.cases, t.equal, t.explained, t.wrong)
		for _, quirk := range slices.Sorted(maps.Keys(t.quirks)) {
			fmt.Fprintf(w, " %s×%d", quirk, t.quirks[quirk])
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	line := fmt.Sprintf("oracle: %d cases, %d equal, %d explained, %d wrong", total.cases, total.equal, total.explained, total.wrong)
	if total.wrong > 0 {
		fmt.Fprintln(out, paint.Red(line))
		return failed{}
	}
	fmt.Fprintln(out, paint.Green(line))
	return nil
}

var verdicts = map[oracle.Verdict]string{oracle.Equal: "equal", oracle.Explained: "explained by", oracle.Wrong: "wrong"}

func (t *tally) add(o oracle.Outcome) {
	t.cases++
	switch o.Verdict {
	case oracle.Equal:
		t.equal++
	case oracle.Explained:
		t.explained++
		if t.quirks != nil {
			t.quirks[o.Quirks.String()]++
		}
	default:
		t.wrong++
	}
}
