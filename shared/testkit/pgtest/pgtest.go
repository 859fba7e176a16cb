// Package pgtest gives every test a PostgreSQL database of its own, a copy of
// a template that is built once. Tests call it; nothing else may.
//
// The server is that of RACKLESS_TEST_DATABASE_URL, else of DATABASE_URL, whose
// user must be a superuser; else a volatile one of package local, which all
// test binaries of a user share and which goes on running between them (Stop
// ends it). A test fails when there is no server; it is never skipped.
package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless/shared/postgres/local"
)

// Names of databases. A test's is prefix, "test", the Unix time of its making
// in seconds, the process id and a number; a template's ends in its hash.
const (
	testPrefix     = "rackless_test_"
	templatePrefix = "rackless_template_"
)

// Killed test runs leave databases, old code leaves templates. They are dropped
// when they have not been used for that long.
const (
	testsKept     = time.Hour
	templatesKept = 24 * time.Hour
)

// poolGrace is how long a pool may take to close, once the test is over.
const poolGrace = 2 * time.Second

// Template says what a test's database holds.
type Template struct {
	// Hash stands for the content: two templates with one hash are the same.
	// A hash of the migration files will do.
	Hash string

	// Build fills an empty database, given the superuser's address of it. It
	// must leave no connection open. When it fails, so does every test that
	// wants the template, and the next test binary tries again. It runs once
	// at a time on a server, so it may also make roles there.
	Build func(ctx context.Context, adminURL string) error
}

// DB is a database that one test has for itself.
type DB struct {
	name   string
	server *url.URL
}

// New returns a fresh copy of a template. It is dropped at the end of the
// test, whoever is still connected to it.
func New(tb testing.TB, template Template) *DB {
	tb.Helper()
	s, err := connect()
	if err != nil {
		tb.Fatalf("pgtest needs a PostgreSQL server: %v", err)
	}
	source, err := s.template(template)
	if err != nil {
		tb.Fatalf("pgtest: build the template database: %v", err)
	}
	db := &DB{name: testName(time.Now()), server: s.url}
	// A copy of the files is faster here than PostgreSQL's default of writing
	// them through the log. Copies from one template may be made at once.
	err = s.exec(tb.Context(), "CREATE DATABASE "+quote(db.name)+" TEMPLATE "+quote(source)+" STRATEGY file_copy")
	if err != nil {
		tb.Fatalf("pgtest: copy the template database: %v", err)
	}
	tb.Cleanup(func() {
		err := s.exec(context.WithoutCancel(tb.Context()), "DROP DATABASE IF EXISTS "+quote(db.name)+" WITH (FORCE)")
		if err != nil {
			tb.Errorf("pgtest: drop the test's database: %v", err)
		}
	})
	return db
}

// AdminURL is the superuser's address of the database.
func (db *DB) AdminURL() string {
	return address(db.server, db.name)
}

// URL is the address of the database for a login, which the template or the
// test has made. Roles belong to the whole server, hence to all tests at once.
func (db *DB) URL(user, password string) string {
	u := *db.server
	u.User = url.UserPassword(user, password)
	return address(&u, db.name)
}

// Pool returns a small pool of the superuser's connections, which is closed at
// the end of the test. A test that then still holds a connection fails.
func (db *DB) Pool(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(db.AdminURL())
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(tb.Context(), config)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	tb.Cleanup(func() {
		closed := make(chan struct{})
		go func() {
			pool.Close() // waits for every connection to be released
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(poolGrace):
			tb.Error("pgtest: the test has not released all connections of its pool: are rows or a transaction left open?")
		}
	})
	return pool
}

// Stop ends the server that test binaries share, unless one of them still
// runs. It is for whoever cleans up after all tests.
func Stop(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(shared().Dir, "data", "postmaster.pid")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s, err := local.Start(ctx, shared())
	if err != nil {
		return err
	}
	return s.Stop(ctx)
}

func shared() local.Options {
	return local.Options{Dir: filepath.Join(filepath.Dir(local.DefaultDir()), "pgtest"), Volatile: true}
}

// server is this test binary's view of the server. It keeps one connection to
// make and drop databases with.
type server struct {
	url *url.URL

	mu   sync.Mutex
	conn *pgx.Conn

	templates sync.Map // from hash to func() (name string, err error)
}

// connect finds the server, once.
var connect = sync.OnceValues(func() (*server, error) {
	for _, name := range []string{"RACKLESS_TEST_DATABASE_URL", "DATABASE_URL"} {
		if text := os.Getenv(name); text != "" {
			u, err := url.Parse(text)
			if err != nil || u.Host == "" {
				return nil, fmt.Errorf("%s must look like postgres://user:password@host:port/database", name)
			}
			return &server{url: u}, nil
		}
	}
	s, err := local.Start(context.Background(), shared())
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(s.URL("postgres"))
	return &server{url: u}, err
})

// exec runs a statement on the server's own database.
func (s *server) exec(ctx context.Context, sql string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil || s.conn.IsClosed() {
		conn, err := pgx.Connect(ctx, s.url.String())
		if err != nil {
			return err
		}
		s.conn = conn
	}
	_, err := s.conn.Exec(ctx, sql)
	return err
}

// template returns the name of the template database and builds it if need be,
// which this process does at most once: all its tests share the outcome.
func (s *server) template(t Template) (string, error) {
	build, _ := s.templates.LoadOrStore(t.Hash, sync.OnceValues(func() (string, error) {
		return s.build(context.Background(), t)
	}))
	return build.(func() (string, error))()
}

// build makes the template database unless it is there. A lock on the server
// keeps other processes out meanwhile; it ends with its connection. The mark
// as a template comes last, so that a database without it is one that a killed
// process has left half built.
func (s *server) build(ctx context.Context, t Template) (_ string, err error) {
	conn, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", templatePrefix); err != nil {
		return "", err
	}
	now := time.Now()
	if err := sweep(ctx, conn, now); err != nil {
		return "", fmt.Errorf("drop old databases: %w", err)
	}

	name := templateName(t)
	var complete bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)", name).Scan(&complete)
	if err != nil {
		return "", err
	}
	// The comment holds the time of the last use, for sweep.
	comment := fmt.Sprintf("COMMENT ON DATABASE %s IS '%d'", quote(name), now.Unix())
	if complete {
		_, err = conn.Exec(ctx, comment)
		return name, err
	}
	for _, sql := range []string{
		"DROP DATABASE IF EXISTS " + quote(name) + " WITH (FORCE)",
		"CREATE DATABASE " + quote(name) + " TEMPLATE template0",
		comment,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return "", err
		}
	}
	if err := t.Build(ctx, address(s.url, name)); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+quote(name)+" IS_TEMPLATE true ALLOW_CONNECTIONS false")
	return name, err
}

// sweep drops the databases that killed test runs have left, and the templates
// that have not been used lately. One that somebody is connected to stays.
func sweep(ctx context.Context, conn *pgx.Conn, now time.Time) error {
	rows, err := conn.Query(ctx, `
		SELECT datname, datistemplate, coalesce(shobj_description(oid, 'pg_database'), '')
		FROM pg_database
		WHERE starts_with(datname, $1) OR starts_with(datname, $2)`, testPrefix, templatePrefix)
	if err != nil {
		return err
	}
	type database struct {
		Name     string
		Template bool
		Comment  string
	}
	databases, err := pgx.CollectRows(rows, pgx.RowToStructByPos[database])
	if err != nil {
		return err
	}
	for _, db := range databases {
		stamp, kept := db.Comment, templatesKept
		if rest, ok := strings.CutPrefix(db.Name, testPrefix); ok {
			stamp, _, _ = strings.Cut(rest, "_")
			kept = testsKept
		}
		used, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil || now.Sub(time.Unix(used, 0)) <= kept {
			continue
		}
		if db.Template {
			if _, err := conn.Exec(ctx, "ALTER DATABASE "+quote(db.Name)+" IS_TEMPLATE false"); err != nil {
				return err
			}
		}
		_, err = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(db.Name))
		var refused *pgconn.PgError
		if err != nil && !(errors.As(err, &refused) && refused.Code == objectInUse) {
			return err
		}
	}
	return nil
}

// objectInUse is the SQLSTATE of dropping a database that has users
// (PostgreSQL manual, appendix A).
const objectInUse = "55006"

func templateName(t Template) string {
	sum := sha256.Sum256([]byte(t.Hash))
	return templatePrefix + hex.EncodeToString(sum[:12])
}

// serial numbers the databases of this process.
var serial atomic.Int64

func testName(now time.Time) string {
	return fmt.Sprintf("%s%d_%d_%d", testPrefix, now.Unix(), os.Getpid(), serial.Add(1))
}

// address returns the address of another database on a server.
func address(server *url.URL, database string) string {
	u := *server
	u.Path = "/" + database
	return u.String()
}

func quote(name string) string {
	return pgx.Identifier{name}.Sanitize()
}
