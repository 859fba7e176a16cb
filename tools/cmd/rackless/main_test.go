package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rackless/rackless/shared/testkit/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rackless": main})
}

// TestScripts runs the scripts of testdata, each with a database, a data folder
// and a port of its own. The logins are derived as those of all other tests are:
// they belong to the whole server.
func TestScripts(t *testing.T) {
	t.Parallel()
	empty := pgtest.Template{Hash: "empty", Build: func(context.Context, string) error { return nil }}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			port, err := freePort()
			if err != nil {
				return err
			}
			for name, value := range map[string]string{
				"DATABASE_URL": pgtest.New(t, empty).AdminURL(), "LOGIN_SECRET": "testkit",
				"RACKLESS_DATA": filepath.Join(env.WorkDir, "data"), "PORT": port, "URL": "http://localhost:" + port,
				"HOME": env.WorkDir,
			} {
				env.Setenv(name, value)
			}
			// The database server of a script runs as another user if this is root.
			for _, dir := range []string{env.WorkDir, filepath.Dir(env.WorkDir)} {
				if err := os.Chmod(dir, 0o755); err != nil {
					return err
				}
			}
			return writeCases(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"answers": answers, "rows": rows, "capture": capture,
		},
	})
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// writeCases makes of the recorded carts small.jsonl, one of each category,
// many.jsonl, a hundred, and wrong.jsonl, one with a cent too many.
func writeCases(dir string) error {
	data, err := os.ReadFile("../../../testdata/oracle/cart.jsonl")
	if err != nil {
		return err
	}
	var small, many, wrong bytes.Buffer
	seen := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data))
	for n := 0; lines.Scan(); n++ {
		var c struct {
			Case string `json:"case"`
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		category := c.Case[:strings.LastIndexByte(c.Case, '-')]
		if !seen[category] {
			seen[category] = true
			small.Write(append(lines.Bytes(), '\n'))
		}
		if n%6 == 0 {
			many.Write(append(lines.Bytes(), '\n'))
		}
		if wrong.Len() == 0 && category == "basic" {
			wrong.Write(regexp.MustCompile(`"tax_total": ?(\d+)`).ReplaceAll(lines.Bytes(), []byte(`"tax_total": 1$1`)))
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "small.jsonl"), small.Bytes(), 0o644),
		os.WriteFile(filepath.Join(dir, "many.jsonl"), many.Bytes(), 0o644),
		os.WriteFile(filepath.Join(dir, "wrong.jsonl"), wrong.Bytes(), 0o644))
}

// answers waits until a URL is answered with 200.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: answers URL")
	}
	wait(ts, args[0], func() (bool, error) {
		res, err := http.Get(args[0])
		if err != nil {
			return false, nil
		}
		return res.StatusCode == http.StatusOK, res.Body.Close()
	})
}

// rows waits until a query returns at least so many rows.
func rows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: rows N QUERY")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	conn, err := pgx.Connect(context.Background(), ts.Getenv("DATABASE_URL"))
	ts.Check(err)
	defer conn.Close(context.Background())
	wait(ts, args[1], func() (enough bool, err error) {
		err = conn.QueryRow(context.Background(), "SELECT count(*) >= $1 FROM ("+args[1]+") q", n).Scan(&enough)
		return enough, err
	})
}

// wait asks until what another process does is done, a minute at most.
func wait(ts *testscript.TestScript, what string, done func() (bool, error)) {
	for range 3000 {
		ok, err := done()
		ts.Check(err)
		if ok {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("waited in vain for %s", what)
}

// capture puts into a variable what the first group of a pattern matches in the
// last command's standard output.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME PATTERN")
	}
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if m == nil {
		ts.Fatalf("nothing matches %s", args[1])
	}
	ts.Setenv(args[0], m[1])
}

func TestChaos(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       []int // lose, duplicate, reorder, delay, nil if refused
	}{
		{"all", "lose=0.01,duplicate=0.05,reorder=0.1,delay=1,max-delay=5ms,seed=7", []int{1, 5, 10, 100}},
		{"blanks", "lose=0.5, delay=0.29", []int{50, 0, 0, 29}},
		{"too_much", "lose=1.01", nil},
		{"negative", "lose=-0.1", nil},
		{"too_fine", "lose=0.005", nil},
		{"no_share", "lose", nil},
		{"no_number", "lose=much", nil},
		{"not_a_number", "lose=NaN", nil},
		{"unknown", "burn=0.1", nil},
		{"empty", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var c chaos
			err := c.UnmarshalText([]byte(test.text))
			if (err == nil) != (test.want != nil) {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(test.want, []int{c.Lose, c.Duplicate, c.Reorder, c.Delay}); diff != "" || c.Rand == nil {
				t.Errorf("want - got +:\n%s", diff)
			}
		})
	}
}

// FuzzChaos: whatever is accepted is a share.
func FuzzChaos(f *testing.F) {
	f.Add("lose=0.01,duplicate=0.05")
	f.Add("reorder=1,seed=18446744073709551615,max-delay=1h")
	f.Fuzz(func(t *testing.T, text string) {
		var c chaos
		if c.UnmarshalText([]byte(text)) != nil {
			return
		}
		for _, n := range []int{c.Lose, c.Duplicate, c.Reorder, c.Delay} {
			if n < 0 || n > 100 {
				t.Errorf("%q makes %d per cent", text, n)
			}
		}
	})
}
