// Package postgres opens the shop's database and runs transactions in it. Every
// transaction belongs to one shop: row-level security hides the rows of all
// others, whatever the SQL says.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
)

// maxAttempts bounds how often a transaction is tried when Postgres chose it as
// the victim of a deadlock or a serialization failure.
const maxAttempts = 5

// Open returns a pool of at most size connections that connects when first
// used. Connections idle for half a minute are closed, so that an idle shop
// holds none.
func Open(ctx context.Context, url string, size int, options ...func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("parse database URL: %w", errors.New("it is not a Postgres URL")) // the text of err shows the password
	}
	cfg.MaxConns = int32(size)
	cfg.MinConns = 0
	cfg.MaxConnIdleTime = 30 * time.Second
	cfg.HealthCheckPeriod = 15 * time.Second
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	for _, option := range options {
		option(cfg)
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// InShop runs fn in a transaction that sees only the rows of one shop; an empty
// shop sees none. fn may run more than once: it must have no effect outside the
// transaction. Its error rolls everything back and is returned as it is.
func InShop(ctx context.Context, db DB, shop string, fn func(*Tx) error) error {
	if shop != "" && !ident.Valid(ident.Shop, shop) {
		return fault.New(fault.NotFound, "there is no such shop")
	}
	for attempt := 1; ; attempt++ {
		err := run(ctx, db, shop, fn)
		if attempt == maxAttempts || !isRetryable(err) {
			return Classify(err)
		}
	}
}

// IsUnique reports whether err says that a row would have broken the named
// unique constraint or index.
func IsUnique(err error, constraint string) bool { return violates(err, "23505", constraint) }

// IsCheck reports whether err says that a row would have broken the named check.
func IsCheck(err error, constraint string) bool { return violates(err, "23514", constraint) }

func violates(err error, code, constraint string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == code && e.ConstraintName == constraint
}

func isRetryable(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}

// Classify tells what is not our defect: an unreachable or overloaded server, so
// that callers come back, and text that no row can hold.
func Classify(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fault.From(fault.Unavailable, err, "the database cannot be reached")
	}
	if _, broken := errors.AsType[net.Error](err); broken || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.From(fault.Unavailable, err, "the connection to the database broke off")
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case "53300", "57P01", "57P02", "57P03": // too many connections, shutting down, crashed, starting up
			return fault.From(fault.Unavailable, err, "the database is not available")
		case "22021", "22P05": // what no text in Postgres can hold
			return fault.From(fault.Invalid, err, "text must be UTF-8 and must not contain the character U+0000")
		}
	}
	return err
}
