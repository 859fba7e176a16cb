package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/tools/home"
	"github.com/rackless/rackless/tools/term"
)

type doctorCmd struct {
	databaseFlags
	Port int `help:"Port that the shop is to listen on." default:"8000"`
}

func (doctorCmd) Help() string {
	return `Example:

  rackless doctor

Looks at what the shop, its tests and its builds need. The exit status is 1 if something must be mended. It changes nothing,
but starts the database server of this machine for a moment if it does not run.`
}

// examination is what the doctor knows when a check is made.
type examination struct {
	doctorCmd
	database *home.Database // nil if it cannot be reached
}

// check finds out one thing: what is there, or what is wrong and how to mend it.
type check struct {
	name string
	run  func(context.Context, *examination) (found string, err error)
}

var checks = []check{
	{"Go", checkGo},
	{"Postgres programs", checkPrograms},
	{"database", checkDatabase},
	{"migrations", checkMigrations},
	{"logins", checkLogins},
	{"grants", checkGrants},
	{"port", checkPort},
	{"Chromium", checkChromium},
	{"disk", checkDisk},
}

func (c *doctorCmd) Run(ctx context.Context, out *os.File) error {
	paint := term.Of(out)
	e := examination{doctorCmd: *c}
	failed := 0
	for _, check := range checks {
		found, err := check.run(ctx, &e)
		if err != nil {
			failed++
			fmt.Fprintf(out, "%s %-18s %v\n", paint.Red("✗"), check.name, err)
			continue
		}
		fmt.Fprintf(out, "%s %-18s %s\n", paint.Green("✓"), check.name, found)
	}
	var err error
	if e.database != nil {
		err = e.database.Stop(ctx)
	}
	if failed > 0 {
		err = errors.Join(fmt.Errorf("%d of %d checks failed", failed, len(checks)), err)
	}
	return err
}

// goVersion is what "go env GOVERSION" prints.
var goVersion = regexp.MustCompile(`^go1\.(\d+)`)

// leastGo is the minor release that go.mod asks for.
const leastGo = 26

func checkGo(ctx context.Context, _ *examination) (string, error) {
	const mend = "install Go 1.26 or newer from https://go.dev/dl (needed to build and test, not to run)"
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return "", errors.New("there is no go command: " + mend)
	}
	found := strings.TrimSpace(string(out))
	m := goVersion.FindStringSubmatch(found)
	if m == nil {
		return found, nil // a build from source
	}
	if minor, _ := strconv.Atoi(m[1]); minor < leastGo {
		return "", fmt.Errorf("%s is too old: %s", found, mend)
	}
	return found, nil
}

func checkPrograms(ctx context.Context, e *examination) (string, error) {
	if e.DatabaseURL != "" {
		return "not needed: DATABASE_URL names a server", nil
	}
	places, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // Debian's
	if path, err := exec.LookPath("postgres"); err == nil {
		places = append(places, path)
	}
	for _, path := range places {
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err != nil {
			continue
		}
		_, version, _ := strings.Cut(string(out), "(PostgreSQL) ")
		major, _, _ := strings.Cut(version, ".")
		if n, _ := strconv.Atoi(major); n >= home.Oldest {
			return strings.TrimSpace(version) + " in " + filepath.Dir(path), nil
		}
	}
	return "", fmt.Errorf("no PostgreSQL %d or newer is installed: apt-get install postgresql; without it, the first start fetches one", home.Oldest)
}

func checkDatabase(ctx context.Context, e *examination) (_ string, err error) {
	if e.database, err = home.Open(ctx, e.options()); err != nil {
		return "", err
	}
	return e.database.Words, nil
}

var errNoDatabase = errors.New("not known: the database cannot be reached")

func checkMigrations(_ context.Context, e *examination) (string, error) {
	if e.database == nil {
		return "", errNoDatabase
	}
	s, err := migrations.Status(e.database.URL)
	if err != nil {
		return "", err
	}
	names, err := migrationNames()
	if err != nil {
		return "", err
	}
	latest := number(names[len(names)-1])
	switch {
	case s.Dirty:
		return "", fmt.Errorf("migration %d failed half-way: mend the schema by hand, then the table schema_migrations", s.Version)
	case s.Version < latest:
		return "", fmt.Errorf("the schema is at version %d of %d: rackless migrate up", s.Version, latest)
	case s.Version > latest:
		return "", fmt.Errorf("the schema is at version %d, this program knows %d: use a newer rackless", s.Version, latest)
	}
	return fmt.Sprintf("all %d applied", len(names)), nil
}

// checkLogins logs in as every function.
func checkLogins(ctx context.Context, e *examination) (string, error) {
	if e.database == nil {
		return "", errNoDatabase
	}
	for _, f := range manifest.Functions {
		conn, err := pgx.Connect(ctx, e.database.Logins.URL(f.Name))
		if err != nil {
			return "", fmt.Errorf("%s cannot log in: rackless migrate up sets all logins (or give the --login-secret they were set with): %w", migrations.Role(f.Name), err)
		}
		if err := conn.Close(ctx); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("all %d functions can log in", len(manifest.Functions)), nil
}

// checkGrants looks for functions that could do more than they declare: own
// something, pass row-level security, or read everybody's keys.
func checkGrants(ctx context.Context, e *examination) (string, error) {
	if e.database == nil {
		return "", errNoDatabase
	}
	conn, err := e.database.Connect(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, `
		SELECT rolname
		FROM pg_roles
		WHERE starts_with(rolname, 'rackless_')
		  AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
		       OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid))`)
	if err != nil {
		return "", err
	}
	mighty, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	if len(mighty) > 0 {
		return "", fmt.Errorf("%s may do more than a function needs: ALTER ROLE … NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB, then rackless migrate up", strings.Join(mighty, ", "))
	}
	var open []string
	rows, err = conn.Query(ctx, `
		SELECT relname
		FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'schema_migrations' AND NOT relrowsecurity
		ORDER BY relname`)
	if err != nil {
		return "", err
	}
	if open, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return "", err
	}
	if len(open) > 0 {
		return "", fmt.Errorf("row-level security is off for %s: ALTER TABLE … ENABLE ROW LEVEL SECURITY", strings.Join(open, ", "))
	}
	return "each function has its own, row-level security is on", nil
}

func checkPort(ctx context.Context, e *examination) (string, error) {
	listener, err := listen(ctx, "127.0.0.1", e.Port)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d is free", e.Port), listener.Close()
}

func checkChromium(ctx context.Context, _ *examination) (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("not found: apt-get install chromium (needed by the browser tests only)")
}

// leastDisk is what a build, its cache and a small shop take, in bytes.
const leastDisk = 2 << 30

func checkDisk(_ context.Context, e *examination) (string, error) {
	dir := e.Data
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return "", fmt.Errorf("%s: %w", dir, err)
	}
	free := s.Bavail * uint64(s.Bsize)
	if free < leastDisk {
		return "", fmt.Errorf("%.1f GB are free for %s: make room for at least 2 GB, or choose another folder with --data", float64(free)/1e9, e.Data)
	}
	return fmt.Sprintf("%.1f GB free for %s", float64(free)/1e9, e.Data), nil
}
