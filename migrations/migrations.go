// Package migrations holds the database's schema as numbered pairs of plain SQL
// files, and applies them. psql can apply them as well, in order of their
// numbers, followed by grants.sql, which makes one login per function with just
// the rights that its func.yaml declares and may be applied again at any time.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/pgx/v5" // registers pgx5://
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
)

// Files are the migrations and grants.sql.
//
//go:embed *.sql
var Files embed.FS

// lockRoles begins a transaction that changes roles. They belong to the server:
// two databases must not change them at once, and an advisory lock is seen in
// one database only.
const lockRoles = "BEGIN; LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE; "

// State is how far a database is migrated.
type State struct {
	Version uint // number of the last migration applied, 0 for none
	Dirty   bool // the last one failed half-way and wants a person
}

// Up applies every migration that is missing, then the grants. Two callers at
// once wait for each other on an advisory lock.
func Up(ctx context.Context, databaseURL string) error {
	if err := run(databaseURL, (*migrate.Migrate).Up); err != nil {
		return fmt.Errorf("migrate up: %w", err)
	}
	return Grant(ctx, databaseURL)
}

// Down takes back the last steps migrations, and the data with them.
func Down(databaseURL string, steps int) error {
	if err := run(databaseURL, func(m *migrate.Migrate) error { return m.Steps(-steps) }); err != nil {
		return fmt.Errorf("migrate down: %w", err)
	}
	return nil
}

// Status returns the state of a database.
func Status(databaseURL string) (State, error) {
	var s State
	err := run(databaseURL, func(m *migrate.Migrate) error {
		version, dirty, err := m.Version()
		if errors.Is(err, migrate.ErrNilVersion) {
			return nil
		}
		s = State{version, dirty}
		return err
	})
	return s, err
}

// Grant makes the functions' logins, without passwords, and their rights.
func Grant(ctx context.Context, databaseURL string) error {
	sql, err := fs.ReadFile(Files, "grants.sql")
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect to grant: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, lockRoles+string(sql)+"; COMMIT"); err != nil {
		return fmt.Errorf("apply grants.sql: %w", err)
	}
	return nil
}

func run(databaseURL string, do func(*migrate.Migrate) error) (err error) {
	source, err := iofs.New(Files, ".")
	if err != nil {
		return err
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		return errors.New("the database URL is not a URL")
	}
	u.Scheme = "pgx5"
	m, err := migrate.NewWithSourceInstance("iofs", source, u.String())
	if err != nil {
		return err
	}
	defer func() {
		sourceErr, databaseErr := m.Close()
		err = errors.Join(err, sourceErr, databaseErr)
	}()
	if err := do(m); !errors.Is(err, migrate.ErrNoChange) {
		return err
	}
	return nil
}
