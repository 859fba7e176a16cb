package chaos

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/rackless/rackless/tools/home"
)

// The test binary is also what the processes of the harness run.
func TestMain(m *testing.M) {
	was, err := Child(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
	if !was {
		os.Exit(m.Run())
	}
}

// A short piece of "make chaos": points are drawn, not all are hit.
func TestShopSurvives(t *testing.T) {
	s, err := Run(t.Context(), Options{Dir: home.DefaultDir(), Runs: 25, Seed: 7, Out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	if s.Failed() {
		t.Error(s)
	}
	if s.Points < 30 || s.Deaths < 20 {
		t.Errorf("%d points, %d deaths: too few to tell anything", s.Points, s.Deaths)
	}
}

// What the harness is there for is found when it is there.
func TestPlantedFaultIsCaught(t *testing.T) {
	f, err := planted("outbox")
	if err != nil {
		t.Fatal(err)
	}
	finding, runs, err := catch(t.Context(), Options{Dir: home.DefaultDir(), Seed: 1, Out: t.Output()}, f)
	if err != nil {
		t.Fatal(err)
	}
	if finding == "" {
		t.Errorf("events outside the transaction are not noticed in %d runs", runs)
	}
	t.Logf("run %d: %s", runs, finding)
}

func TestSummary(t *testing.T) {
	tests := map[string][]string{
		"":                         nil,
		"COMMIT":                   {"INSERT INTO outbox (a) VALUES (1)", "commit"},
		"BEGIN, UPDATE a":          {"begin", "SELECT set_config('rackless.shop', $1, true)", "UPDATE a SET x = 1"},
		"SELECT FROM orders":       {"SELECT a, b\n FROM orders WHERE x = $1 FOR UPDATE"},
		"SELECT":                   {"SELECT pg_advisory_xact_lock(1)"},
		"INSERT INTO inbox":        {"WITH event AS (SELECT 1 FROM outbox), entry AS (\n\tINSERT INTO inbox (a) SELECT 1 FROM event ON CONFLICT DO NOTHING) SELECT 1 FROM event"},
		"INSERT INTO counters":     {"INSERT INTO counters AS c VALUES (1) ON CONFLICT (a) DO UPDATE SET next = 1"},
		"UPDATE a, DELETE FROM b":  {"UPDATE a SET x = 1", "DELETE FROM b", "UPDATE a SET x = 2"},
		"UPDATE stock, SELECT":     {"UPDATE stock s SET x = 1", "SELECT 1"},
		"SELECT FROM a, UPDATE bs": {"SELECT 1 FROM a", "UPDATE bs SET x = 1"},
	}
	for want, statements := range tests {
		if got := summary(statements); got != want {
			t.Errorf("summary of %q is %q, want %q", statements, got, want)
		}
	}
}

func TestLinear(t *testing.T) {
	op := func(from, to int64, o operation) porcupine.Operation {
		return porcupine.Operation{ClientId: int(from*100 + to), Input: o, Output: o, Call: from, Return: to}
	}
	take := func(n int64, ok bool) operation { return operation{kind: "take", n: n, ok: ok} }
	tests := map[string]struct {
		ops  []porcupine.Operation
		want bool
	}{
		"all that there is":     {[]porcupine.Operation{op(0, 9, take(2, true)), op(0, 9, take(2, true)), op(0, 9, take(1, false))}, true},
		"more than there is":    {[]porcupine.Operation{op(0, 9, take(2, true)), op(0, 9, take(2, true)), op(0, 9, take(1, true))}, false},
		"refused too early":     {[]porcupine.Operation{op(0, 1, take(2, false)), op(2, 3, take(2, true))}, false},
		"refused, then given":   {[]porcupine.Operation{op(0, 1, take(4, true)), op(2, 3, take(1, false)), op(4, 5, operation{kind: "give", n: 4}), op(6, 7, take(1, true))}, true},
		"given after the taker": {[]porcupine.Operation{op(0, 1, take(4, true)), op(2, 3, take(1, true)), op(4, 5, operation{kind: "give", n: 4})}, false},
		"read of the past":      {[]porcupine.Operation{op(0, 1, take(1, true)), op(2, 3, operation{kind: "read", n: scarce})}, false},
	}
	for name, tt := range tests {
		if got := linear("SCARCE", tt.ops); got != tt.want {
			t.Errorf("%s: linear %v, want %v", name, got, tt.want)
		}
	}
}
