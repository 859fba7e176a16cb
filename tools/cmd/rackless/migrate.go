package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/tools/home"
	"github.com/rackless/rackless/tools/term"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply what is missing, then the functions' grants and logins."`
	Down   migrateDownCmd   `cmd:"" help:"Take back the last migrations, and the data with them."`
	Status migrateStatusCmd `cmd:"" help:"Show which migrations are applied."`
}

type migrateUpCmd struct{ databaseFlags }

func (migrateUpCmd) Help() string {
	return `Example:

  DATABASE_URL=postgres://shop:secret@db.example.com/shop rackless migrate up

Several processes may do it at once: they wait for each other. It may be repeated at any time.`
}

func (c *migrateUpCmd) Run(ctx context.Context, out *os.File) error {
	return c.with(ctx, func(d *home.Database) error {
		if err := d.Migrate(ctx); err != nil {
			return err
		}
		s, err := migrations.Status(d.URL)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "the schema is at version %d of %s\n", s.Version, d.Words)
		return err
	})
}

type migrateDownCmd struct {
	databaseFlags
	Steps int  `help:"How many migrations to take back." default:"1"`
	Yes   bool `help:"Do it: tables go, with all that is in them."`
}

func (migrateDownCmd) Help() string {
	return `Example:

  rackless migrate down --steps 1 --yes`
}

func (c *migrateDownCmd) Run(ctx context.Context, out *os.File) error {
	if c.Steps < 1 {
		return errors.New("--steps must be at least 1")
	}
	return c.with(ctx, func(d *home.Database) error {
		s, err := migrations.Status(d.URL)
		if err != nil {
			return err
		}
		if s.Version == 0 {
			return errors.New("no migration is applied: there is nothing to take back")
		}
		if !c.Yes {
			return fmt.Errorf("this takes back %d migration(s) from version %d of %s, and the data with them: add --yes if that is meant", c.Steps, s.Version, d.Words)
		}
		if err := migrations.Down(d.URL, c.Steps); err != nil {
			return err
		}
		if s, err = migrations.Status(d.URL); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "the schema is at version %d of %s\n", s.Version, d.Words)
		return err
	})
}

type migrateStatusCmd struct{ databaseFlags }

func (migrateStatusCmd) Help() string {
	return `Example:

  rackless migrate status`
}

func (c *migrateStatusCmd) Run(ctx context.Context, out *os.File) error {
	paint := term.Of(out)
	return c.with(ctx, func(d *home.Database) error {
		s, err := migrations.Status(d.URL)
		if err != nil {
			return err
		}
		names, err := migrationNames()
		if err != nil {
			return err
		}
		pending := 0
		for i, name := range names {
			mark := paint.Green("applied")
			if number(name) > s.Version {
				mark = paint.Yellow("pending")
				pending++
			}
			if number(name) == s.Version && s.Dirty {
				mark = paint.Red("failed half-way")
			}
			fmt.Fprintf(out, "%3d  %-40s %s\n", i+1, name, mark)
		}
		switch {
		case s.Dirty:
			return fmt.Errorf("migration %d failed half-way: mend the schema by hand, then set version and dirty in the table schema_migrations", s.Version)
		case pending > 0:
			_, err = fmt.Fprintf(out, "%d of %d pending: run rackless migrate up\n", pending, len(names))
		default:
			_, err = fmt.Fprintf(out, "all %d applied\n", len(names))
		}
		return err
	})
}

// migrationNames lists the migrations in their order, without ending.
func migrationNames() ([]string, error) {
	paths, err := fs.Glob(migrations.Files, "*.up.sql") // sorted
	for i, path := range paths {
		paths[i] = strings.TrimSuffix(path, ".up.sql")
	}
	return paths, err
}

func number(migration string) uint {
	digits, _, _ := strings.Cut(migration, "_")
	n, _ := strconv.Atoi(digits)
	return uint(n)
}
