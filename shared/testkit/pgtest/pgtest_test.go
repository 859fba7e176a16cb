package pgtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/testkit/pgtest"
)

// hashVariable makes TestOtherProcess ask for the template of that hash.
const hashVariable = "RACKLESS_TEST_PGTEST_HASH"

func TestNewGivesEveryTestItsOwnCopy(t *testing.T) {
	t.Parallel()
	template, builds := greeting(t)
	names := make(chan string, 6)
	t.Run("tests", func(t *testing.T) {
		for range cap(names) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				pool := pgtest.New(t, template).Pool(t)
				var name, word string
				err := pool.QueryRow(t.Context(), "UPDATE greeting SET word = word || '!' RETURNING current_database(), word").Scan(&name, &word)
				if err != nil {
					t.Fatal(err)
				}
				if word != "hello!" {
					t.Errorf("word is %q, want hello!", word)
				}
				names <- name
			})
		}
	})
	close(names)
	if n := builds.Load(); n != 1 {
		t.Errorf("built the template %d times, want once", n)
	}
	seen := map[string]bool{}
	for name := range names {
		if seen[name] {
			t.Errorf("two tests shared %s", name)
		}
		seen[name] = true
		if exists(t, name) {
			t.Errorf("%s was not dropped", name)
		}
	}
	if len(seen) != cap(names) {
		t.Errorf("%d databases, want %d", len(seen), cap(names))
	}
}

func TestCleanupDropsDatabaseInUse(t *testing.T) {
	t.Parallel()
	template, _ := greeting(t)
	var conn *pgx.Conn
	var name string
	t.Run("test", func(t *testing.T) {
		var err error
		if conn, err = pgx.Connect(t.Context(), pgtest.New(t, template).AdminURL()); err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	if exists(t, name) {
		t.Errorf("%s was not dropped", name)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the connection that the test left open still works")
	}
}

func TestPoolReportsLeak(t *testing.T) {
	t.Parallel()
	template, _ := greeting(t)
	r := &recorder{TB: t}
	pool := pgtest.New(r, template).Pool(r)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.end()
	conn.Release()
	if !strings.Contains(r.failure(), "has not released all connections") {
		t.Errorf("the test failed with %q, want a word about its connection", r.failure())
	}
}

func TestBuildFailureReachesEveryTest(t *testing.T) {
	t.Parallel()
	template, builds := greeting(t)
	const waiting = 4
	all := make(chan struct{})
	build := template.Build
	template.Build = func(ctx context.Context, adminURL string) error {
		<-all // until every test is on its way
		return errors.Join(build(ctx, adminURL), errors.New("migration 7 is wrong"))
	}

	recorders := make([]*recorder, waiting)
	var group sync.WaitGroup
	var started sync.WaitGroup
	started.Add(waiting)
	for i := range recorders {
		recorders[i] = &recorder{TB: t}
		group.Go(func() {
			started.Done()
			pgtest.New(recorders[i], template)
		})
	}
	started.Wait()
	close(all)
	group.Wait()
	for _, r := range recorders {
		if !strings.Contains(r.failure(), "migration 7 is wrong") {
			t.Errorf("a test failed with %q, want the cause", r.failure())
		}
	}
	if n := builds.Load(); n != 1 {
		t.Errorf("built the template %d times, want once", n)
	}

	// What is left of it is no template: the next process builds again.
	if out := elsewhere(t, template.Hash); !bytes.Contains(out, []byte("built here")) {
		t.Errorf("the next process took the half-built template: %s", out)
	}
}

func TestProcessesShareTemplate(t *testing.T) {
	t.Parallel()
	template, _ := greeting(t)
	outputs := make([][]byte, 3)
	var group sync.WaitGroup
	for i := range outputs {
		group.Go(func() { outputs[i] = elsewhere(t, template.Hash) })
	}
	group.Wait()
	all := bytes.Join(outputs, nil)
	if n := bytes.Count(all, []byte("built here")); n != 1 {
		t.Errorf("%d processes built the template, want one:\n%s", n, all)
	}
	if n := bytes.Count(all, []byte("the word is hello")); n != len(outputs) {
		t.Errorf("%d processes got a database, want %d:\n%s", n, len(outputs), all)
	}
}

// TestOtherProcess is what elsewhere runs; it is a plain test otherwise.
func TestOtherProcess(t *testing.T) {
	template, builds := greeting(t)
	if hash := os.Getenv(hashVariable); hash != "" {
		template.Hash = hash
	}
	pool := pgtest.New(t, template).Pool(t)
	var word string
	if err := pool.QueryRow(t.Context(), "SELECT word FROM greeting").Scan(&word); err != nil {
		t.Fatal(err)
	}
	fmt.Println("the word is", word)
	if builds.Load() > 0 {
		fmt.Println("built here")
	}
}

func TestNewSaysWhatServerItNeeds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  string
		want string
	}{
		"nothing_listens": {"DATABASE_URL=postgres://postgres@127.0.0.1:1/x", "127.0.0.1:1"},
		"not_an_address":  {"RACKLESS_TEST_DATABASE_URL=host=localhost", "must look like postgres://"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOtherProcess$")
			cmd.Env = append(os.Environ(), "RACKLESS_TEST_DATABASE_URL=", tt.env)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Error("the test passed without a server")
			}
			if !bytes.Contains(out, []byte(tt.want)) || bytes.Contains(out, []byte("SKIP")) {
				t.Errorf("the test said %s, want %q", out, tt.want)
			}
		})
	}
}

func TestOldDatabasesAreDropped(t *testing.T) {
	t.Parallel()
	now := time.Now()
	oldTest, newTest := pgtest.TestName(now.Add(-61*time.Minute)), pgtest.TestName(now.Add(-50*time.Minute))
	unused, _ := greeting(t)
	recent, _ := greeting(t)
	oldTemplate, newTemplate := pgtest.TemplateName(unused), pgtest.TemplateName(recent)
	run(t, "CREATE DATABASE "+oldTest)
	run(t, "CREATE DATABASE "+newTest)
	t.Cleanup(func() { run(t, "DROP DATABASE "+newTest) })
	for name, age := range map[string]time.Duration{oldTemplate: 25 * time.Hour, newTemplate: 23 * time.Hour} {
		run(t, "CREATE DATABASE "+name)
		run(t, "ALTER DATABASE "+name+" IS_TEMPLATE true")
		run(t, fmt.Sprintf("COMMENT ON DATABASE %s IS '%d'", name, now.Add(-age).Unix()))
	}

	template, _ := greeting(t)
	pgtest.New(t, template)
	for name, want := range map[string]bool{oldTest: false, newTest: true, oldTemplate: false, newTemplate: true} {
		if got := exists(t, name); got != want {
			t.Errorf("%s exists: %v, want %v", name, got, want)
		}
	}
}

func TestURLIsForOtherLogins(t *testing.T) {
	t.Parallel()
	template, _ := greeting(t)
	role := "rackless_pgtest_" + strings.ToLower(rand.Text())
	run(t, "CREATE ROLE "+role+" LOGIN PASSWORD 'a secret?'")
	t.Cleanup(func() { run(t, "DROP ROLE "+role) })

	db := pgtest.New(t, template)
	conn, err := pgx.Connect(t.Context(), db.URL(role, "a secret?"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var user string
	if err := conn.QueryRow(t.Context(), "SELECT current_user").Scan(&user); err != nil || user != role {
		t.Errorf("logged in as %q, %v, want %q", user, err, role)
	}
}

func TestStopLeavesServerToRunningTests(t *testing.T) {
	t.Parallel()
	template, _ := greeting(t)
	pool := pgtest.New(t, template).Pool(t)
	if err := pgtest.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pool.Ping(t.Context()); err != nil {
		t.Errorf("the server was stopped under a test: %v", err)
	}
}

// greeting returns a template with one row, and how often it was built. It is
// dropped at the end of the test.
func greeting(t *testing.T) (pgtest.Template, *atomic.Int32) {
	t.Helper()
	var builds atomic.Int32
	template := pgtest.Template{
		Hash: rand.Text(),
		Build: func(ctx context.Context, adminURL string) error {
			builds.Add(1)
			conn, err := pgx.Connect(ctx, adminURL)
			if err != nil {
				return err
			}
			_, err = conn.Exec(ctx, "CREATE TABLE greeting AS SELECT 'hello' AS word")
			return errors.Join(err, conn.Close(ctx))
		},
	}
	name := pgtest.TemplateName(template)
	t.Cleanup(func() {
		if exists(t, name) {
			run(t, "ALTER DATABASE "+name+" IS_TEMPLATE false")
			run(t, "DROP DATABASE "+name)
		}
	})
	return template, &builds
}

// elsewhere runs TestOtherProcess in another process.
func elsewhere(t *testing.T, hash string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOtherProcess$")
	cmd.Env = append(os.Environ(), hashVariable+"="+hash)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	return out
}

func exists(t *testing.T, database string) bool {
	t.Helper()
	var found bool
	admin(t, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&found)
	})
	return found
}

func run(t *testing.T, sql string) {
	t.Helper()
	admin(t, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql)
		return err
	})
}

func admin(t *testing.T, do func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	url, err := pgtest.ServerURL()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := do(ctx, conn); err != nil {
		t.Fatal(err)
	}
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	text     string
	cleanups []func()
}

func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text += fmt.Sprintln(args...)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Error(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (r *recorder) Cleanup(f func()) {
	r.cleanups = append(r.cleanups, f)
}

// end is what happens when the test is over.
func (r *recorder) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

func (r *recorder) failure() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text
}
