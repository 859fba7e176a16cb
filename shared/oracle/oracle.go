// Package oracle runs recorded calculations of the original CommerceRack code
// through the pricing engine and compares the answers. The command "rackless
// oracle", "rackless demo" and the tests call it. It is pure apart from the
// reader it is given, and never looks at the advisory fields of a record.
package oracle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/perlnum"
)

// Record is one recorded calculation.
type Record struct {
	Case     string          `json:"case"` // <category>-<number>
	Input    json.RawMessage `json:"input"`
	Expected json.RawMessage `json:"expected"`
}

// Category returns the record's category, e.g. coupon_stack.
func (r *Record) Category() string {
	if at := strings.LastIndexByte(r.Case, '-'); at >= 0 {
		return r.Case[:at]
	}
	return r.Case
}

// Verdict is what came of a record.
type Verdict int

// The verdicts.
const (
	Equal     Verdict = iota
	Explained         // equal once the quirks of Outcome.Quirks are on
	Wrong
)

// Outcome is the result of one record.
type Outcome struct {
	Target   string
	Category string
	Case     string
	Verdict  Verdict
	Quirks   perlnum.Quirk // that explain the difference
	Diffs    []string      // under the policy itself: path: got x, want y
}

const maxLine = 16 << 20 // bytes of one record

// Read calls yield for every record of r, which holds one JSON object a line,
// until yield returns false.
func Read(r io.Reader, yield func(Record) bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var rec Record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if rec.Case == "" || rec.Input == nil || rec.Expected == nil {
			return fmt.Errorf("line %d: a record has case, input and expected", n)
		}
		if !yield(rec) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	return nil
}

// runner answers the records of one target.
type runner func(a *perlnum.Arith, input json.RawMessage, now time.Time) (any, error)

// Run answers a record in an arithmetic and compares. Under another policy than
// the original's, a difference counts as explained when turning on one quirk,
// or one of the combinations below, gives the recorded answer.
func Run(a *perlnum.Arith, rec *Record, now time.Time) (Outcome, error) {
	target, run, err := targetOf(rec.Input)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", rec.Case, err)
	}
	out := Outcome{Target: target, Category: rec.Category(), Case: rec.Case}
	out.Diffs, err = attempt(a, run, rec, now)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", rec.Case, err)
	}
	if len(out.Diffs) == 0 {
		return out, nil
	}
	out.Verdict = Wrong
	for _, q := range candidates(a.Quirks) {
		with := *a
		with.Quirks |= q
		diffs, err := attempt(&with, run, rec, now)
		if err == nil && len(diffs) == 0 {
			out.Verdict, out.Quirks = Explained, q
			break
		}
	}
	return out, nil
}

func attempt(a *perlnum.Arith, run runner, rec *Record, now time.Time) ([]string, error) {
	got, err := run(a, rec.Input, now)
	if err != nil {
		return nil, err
	}
	return compare(got, rec.Expected)
}

// arithmetic are the quirks that together are the original's way to calculate.
const arithmetic = perlnum.BinaryFloat | perlnum.CutCents | perlnum.UnitCents | perlnum.CutFeeTax

// candidates returns the quirks that are not on yet: each alone, each two, and
// the arithmetic of the original alone, with one other and with two. All at once
// is none of them: it would explain anything.
func candidates(on perlnum.Quirk) []perlnum.Quirk {
	off := perlnum.AllQuirks &^ on
	singles := off.Each()
	list := slices.Clone(singles)
	pairs := func(with perlnum.Quirk) {
		for i, x := range singles {
			for _, y := range singles[i+1:] {
				list = append(list, with|x|y)
			}
		}
	}
	pairs(0)
	base := off & arithmetic
	list = append(list, base)
	for _, q := range singles {
		list = append(list, base|q)
	}
	pairs(base)
	return list
}
