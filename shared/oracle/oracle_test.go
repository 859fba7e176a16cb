package oracle_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/oracle"
	"github.com/rackless/rackless/shared/perlnum"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// records calls f for every recorded case of a file.
func records(t *testing.T, file string, f func(oracle.Record)) {
	t.Helper()
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := oracle.Read(r, func(rec oracle.Record) bool { f(rec); return true }); err != nil {
		t.Fatal(err)
	}
}

func files(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../../testdata/oracle/*.jsonl")
	if err != nil || len(all) == 0 {
		t.Fatalf("no recorded cases: %v", err)
	}
	return all
}

func TestCommerceRackGivesTheRecordedAnswers(t *testing.T) {
	t.Parallel()
	for _, file := range files(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			t.Parallel()
			n := 0
			records(t, file, func(rec oracle.Record) {
				n++
				out, err := oracle.Run(perlnum.CommerceRack(), &rec, now)
				if err != nil {
					t.Error(err)
				} else if out.Verdict != oracle.Equal {
					t.Errorf("%s: %s", rec.Case, strings.Join(out.Diffs, "\n\t"))
				}
			})
			if n == 0 {
				t.Error("the file holds no case")
			}
		})
	}
}

func TestExactDiffersOnlyByQuirks(t *testing.T) {
	t.Parallel()
	for _, file := range files(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			t.Parallel()
			records(t, file, func(rec oracle.Record) {
				out, err := oracle.Run(perlnum.Exact(perlnum.HalfUp, 2), &rec, now)
				if err != nil {
					t.Error(err)
				} else if out.Verdict == oracle.Wrong {
					t.Errorf("%s: %s", rec.Case, strings.Join(out.Diffs, "\n\t"))
				}
			})
		})
	}
}

// A comparison that cannot fail proves nothing: change one cent of each answer.
func TestAChangedCentIsNoticed(t *testing.T) {
	t.Parallel()
	records(t, "../../testdata/oracle/cart.jsonl", func(rec oracle.Record) {
		changed := rec
		changed.Expected = bytes.Replace(rec.Expected, []byte(`"order_total":`), []byte(`"order_total":1`), 1)
		if bytes.Equal(changed.Expected, rec.Expected) {
			t.Fatalf("%s records no order total", rec.Case)
		}
		out, err := oracle.Run(perlnum.CommerceRack(), &changed, now)
		if err == nil && out.Verdict != oracle.Wrong {
			t.Errorf("%s: a changed total is taken for %v", rec.Case, out.Verdict)
		}
	})
}

func TestReadNamesTheLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{}":                        "line 1",
		"\n{\"case\":\"a-1\"":       "line 2",
		`{"case":"a-1","input":{}}`: "line 1",
		strings.Repeat("x", 17<<20): "read records",
	} {
		err := oracle.Read(strings.NewReader(text), func(oracle.Record) bool { return true })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error %v, want %s", text, err, want)
		}
	}
}

// What the recorded shops have configured is what shops may configure.
func TestRecordedConfigurationsAreValid(t *testing.T) {
	t.Parallel()
	records(t, "../../testdata/oracle/cart.jsonl", func(rec oracle.Record) {
		cfg, products, _, err := oracle.Cart(rec.Input)
		if err != nil {
			t.Fatal(err)
		}
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", rec.Case, err)
		}
		for id, p := range products {
			if err := p.Validate(); err != nil {
				t.Errorf("%s: product %s: %v", rec.Case, id, err)
			}
		}
	})
}
