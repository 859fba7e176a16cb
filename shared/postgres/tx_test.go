package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/testkit"
	"github.com/rackless/rackless/shared/testkit/pgtest"
)

// trips counts round trips.
type trips struct{ n int }

func (t *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	t.n++
	return ctx
}
func (*trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (t *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	t.n++
	return ctx
}
func (*trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// A transaction begins with its first statement, whatever kind that is, and what
// was left to the commit happens with it or, if it is refused, undoes all.
func TestTransactionSavesRoundTrips(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, testkit.Template())
	var seen trips
	cfg := db.Pool(t).Config()
	cfg.MaxConns = 1 // each would hang if the one before had kept the connection
	cfg.ConnConfig.Tracer = &seen
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `CREATE TABLE item (n int PRIMARY KEY, shop text NOT NULL DEFAULT current_shop())`); err != nil {
		t.Fatal(err)
	}
	shop := ident.New(ident.Shop)
	const insert = `INSERT INTO item VALUES ($1) RETURNING shop`
	first := map[string]func(*postgres.Tx, int) error{
		"Exec": func(tx *postgres.Tx, n int) error {
			_, err := tx.Exec(t.Context(), insert, n)
			return err
		},
		"QueryRow": func(tx *postgres.Tx, n int) error { return tx.QueryRow(t.Context(), insert, n).Scan(new(string)) },
		"Query": func(tx *postgres.Tx, n int) error {
			rows, err := tx.Query(t.Context(), insert, n)
			if err != nil {
				t.Errorf("Query returns %v; what the server refuses is for the rows to tell", err)
				return err
			}
			_, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
			return err
		},
		"SendBatch": func(tx *postgres.Tx, n int) error {
			var b pgx.Batch
			b.Queue(insert, n)
			return tx.SendBatch(t.Context(), &b).Close()
		},
		"nothing but what was left": func(tx *postgres.Tx, n int) error {
			tx.Later().Queue(insert, n)
			return nil
		},
	}
	n := 0
	for name, do := range first {
		n += 10
		one := func(tx *postgres.Tx) error { return do(tx, n) }
		if err := postgres.InShop(t.Context(), pool, shop, one); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := postgres.InShop(t.Context(), pool, shop, one); !postgres.IsUnique(err, "item_pkey") {
			t.Errorf("%s of what there is: %v, want the violation", name, err)
		}
		stop := errors.New("stop")
		err := postgres.InShop(t.Context(), pool, shop, func(tx *postgres.Tx) error {
			if err := do(tx, n+1); err != nil {
				return err
			}
			return stop
		})
		if err != stop {
			t.Errorf("%s, then an error: %v", name, err)
		}
		err = postgres.InShop(t.Context(), pool, shop, func(tx *postgres.Tx) error {
			tx.Later().Queue(insert, n) // is there
			return do(tx, n+2)
		})
		if !postgres.IsUnique(err, "item_pkey") {
			t.Errorf("%s, then a commit that is refused: %v", name, err)
		}
		seen.n = 0
		err = postgres.InShop(t.Context(), pool, shop, func(tx *postgres.Tx) error {
			tx.Later().Queue(insert, n+4)
			return do(tx, n+3)
		})
		if want := 2; err != nil || seen.n > want {
			t.Errorf("%s and one with the commit: %v, %d round trips, want %d", name, err, seen.n, want)
		}
	}
	err = postgres.InShop(t.Context(), pool, shop, func(tx *postgres.Tx) error {
		_, _ = tx.Exec(t.Context(), insert, n) // refused, which is not noticed
		return nil
	})
	if !errors.Is(err, pgx.ErrTxCommitRollback) {
		t.Errorf("a commit of what had failed: %v", err)
	}
	var rows int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM item WHERE shop = $1`, shop).Scan(&rows); err != nil || rows != 3*len(first) {
		t.Errorf("%d rows of the shop, %v; want %d", rows, err, 3*len(first))
	}
}

// What is left for later has happened for whatever comes after it, costs no round trip
// of its own, and undoes all if the server refuses it.
func TestLaterComesBeforeTheNextStatement(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, testkit.Template())
	var seen trips
	cfg := db.Pool(t).Config()
	cfg.ConnConfig.Tracer = &seen
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `CREATE TABLE item (n int PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	const insert, count = `INSERT INTO item VALUES ($1)`, `SELECT count(*) FROM item`
	seen.n = 0
	err = postgres.InShop(t.Context(), pool, ident.New(ident.Shop), func(tx *postgres.Tx) error {
		for want := range 3 {
			var got int
			tx.Later().Queue(insert, want)
			if err := tx.QueryRow(t.Context(), count).Scan(&got); err != nil || got != want+1 {
				t.Errorf("%d rows, %v; want %d", got, err, want+1)
			}
		}
		tx.Later().Queue(insert, 3)
		return nil
	})
	if err != nil || seen.n != 4 {
		t.Errorf("%v, %d round trips; want 4", err, seen.n)
	}
	err = postgres.InShop(t.Context(), pool, ident.New(ident.Shop), func(tx *postgres.Tx) error {
		tx.Later().Queue(insert, 4)
		tx.Later().Queue(insert, 0) // is there
		_, err := tx.Exec(t.Context(), count)
		if !postgres.IsUnique(err, "item_pkey") {
			t.Errorf("the statement after one that is refused: %v", err)
		}
		return err
	})
	var rows int
	if got := pool.QueryRow(t.Context(), count).Scan(&rows); got != nil || rows != 4 || !postgres.IsUnique(err, "item_pkey") {
		t.Errorf("%d rows, %v, and %v; want 4 and the violation", rows, got, err)
	}
}
