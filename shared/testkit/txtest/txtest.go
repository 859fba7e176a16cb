// Package txtest runs domain code in a database of the test's own, with just the
// rights of the function that it belongs to. Only tests may import it.
package txtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/testkit/pgtest"
	"github.com/rackless/rackless/shared/txn"
)

// Start is where the clock stands at first.
var Start = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// poolSize is how many transactions of one function can be open at once.
const poolSize = 20

// DB is a migrated database with one shop.
type DB struct {
	Admin *pgxpool.Pool // the superuser's, whom row-level security does not bind
	Clock *clock.Manual
	Shop  string

	db *pgtest.DB
}

// New makes a database for the length of a test.
func New(tb testing.TB) *DB {
	tb.Helper()
	hash := sha256.New()
	_ = fs.WalkDir(migrations.Files, ".", func(path string, _ fs.DirEntry, _ error) error {
		data, _ := fs.ReadFile(migrations.Files, path) // embedded; a folder reads as nothing
		hash.Write(data)
		return nil
	})
	db := pgtest.New(tb, pgtest.Template{Hash: "txtest" + hex.EncodeToString(hash.Sum(nil)[:8]), Build: migrations.Up})
	d := &DB{Admin: db.Pool(tb), Clock: clock.NewManual(Start), db: db}
	d.Shop = d.AddShop(tb)
	return d
}

// AddShop makes a shop and returns its id.
func (d *DB) AddShop(tb testing.TB) string {
	tb.Helper()
	id := ident.New(ident.Shop)
	_, err := d.Admin.Exec(tb.Context(), `INSERT INTO shops (shop_id, name, currency, created_at, updated_at) VALUES ($1, 'Test', 'USD', $2, $2)`, id, Start)
	if err != nil {
		tb.Fatalf("add a shop: %v", err)
	}
	return id
}

// HangOnDeadlock makes a deadlock between connections that are opened later fail
// the test. Otherwise Postgres would end it and the loser be tried again, unseen.
func (d *DB) HangOnDeadlock(tb testing.TB) {
	tb.Helper()
	_, err := d.Admin.Exec(tb.Context(), `
		DO $$
		BEGIN
			EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''10min''', current_database());
			EXECUTE format('ALTER DATABASE %I SET statement_timeout = ''20s''', current_database());
		END
		$$`)
	if err != nil {
		tb.Fatal(err)
	}
}

// As returns a runner with the rights of a function.
func (d *DB) As(tb testing.TB, function string) *txn.Runner {
	tb.Helper()
	config, err := pgxpool.ParseConfig(d.db.AdminURL())
	if err != nil {
		tb.Fatal(err)
	}
	config.MaxConns = poolSize
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET ROLE rackless_"+strings.ReplaceAll(function, "-", "_"))
		return err
	}
	pool, err := pgxpool.NewWithConfig(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return &txn.Runner{DB: pool, Clock: d.Clock, Log: slog.New(slog.DiscardHandler)}
}

// System is the principal of events of the shop.
func (d *DB) System() principal.Principal {
	return principal.Principal{Shop: d.Shop, Kind: principal.System}
}

// Do runs an operation as a principal, in a transaction of its own.
func Do[In, Out any](tb testing.TB, run *txn.Runner, who principal.Principal, fn func(context.Context, *txn.Tx, In) (Out, error), in In) (out Out, err error) {
	tb.Helper()
	ctx := principal.NewContext(tb.Context(), who)
	err = run.Do(ctx, func(tx *txn.Tx) error {
		out, err = fn(ctx, tx, in)
		return err
	})
	return out, err
}

// Handle runs the handler of an event, in a transaction of its own.
func Handle[E events.Event](tb testing.TB, run *txn.Runner, who principal.Principal, fn func(context.Context, *txn.Tx, E) error, e E) error {
	tb.Helper()
	ctx := principal.NewContext(tb.Context(), who)
	return run.Do(ctx, func(tx *txn.Tx) error { return fn(ctx, tx, e) })
}

// Emitted returns the events of type E that were committed, in order.
func Emitted[E events.Event](tb testing.TB, d *DB) []E {
	tb.Helper()
	var zero E
	rows, err := d.Admin.Query(tb.Context(), `SELECT data FROM outbox WHERE type = $1 ORDER BY event_id`, zero.Type())
	if err != nil {
		tb.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e E, err error) {
		var data []byte
		if err := row.Scan(&data); err != nil {
			return e, err
		}
		return e, json.Unmarshal(data, &e)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}
