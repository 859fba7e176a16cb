package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/testkit"
	"github.com/rackless/rackless/shared/testkit/pgtest"
)

// A reader sees one shop, gives its only connection back after every call, and
// leaves no setting behind.
func TestReader(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, testkit.Template())
	admin := db.Pool(t)
	mine, other := ident.New(ident.Shop), ident.New(ident.Shop)
	for _, shop := range []string{mine, other} {
		_, err := admin.Exec(t.Context(), `INSERT INTO shops (shop_id, name, currency, created_at, updated_at) VALUES ($1, $1, 'USD', now(), now())`, shop)
		if err != nil {
			t.Fatal(err)
		}
	}
	pool, err := postgres.Open(t.Context(), db.URL(migrations.Role("shop-get"), password(t, db)), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	r, err := postgres.Reader(pool, mine)
	if err != nil {
		t.Fatal(err)
	}

	for range 3 { // each would hang if the one before had kept the connection
		var name string
		if err := r.QueryRow(t.Context(), `SELECT name FROM shops`).Scan(&name); err != nil || name != mine {
			t.Fatalf("read %q, %v; want %s alone", name, err, mine)
		}
	}
	if err := r.QueryRow(t.Context(), `SELECT name FROM shops WHERE shop_id = $1`, other).Scan(new(string)); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("another shop's row: %v, want none", err)
	}
	rows, err := r.Query(t.Context(), `SELECT n FROM generate_series(1, 100) n`)
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	rows.Close() // with rows left
	var first, second int
	var b pgx.Batch
	b.Queue(`SELECT 1`).QueryRow(func(row pgx.Row) error { return row.Scan(&first) })
	b.Queue(`SELECT count(*) FROM shops`).QueryRow(func(row pgx.Row) error { return row.Scan(&second) })
	if err := r.SendBatch(t.Context(), &b).Close(); err != nil || first != 1 || second != 1 {
		t.Errorf("batch: %d, %d, %v; want 1 and 1", first, second, err)
	}
	if err := r.QueryRow(t.Context(), `SELECT FROM no_such_table`).Scan(); err == nil || errors.Is(err, pgx.ErrNoRows) {
		t.Error("a statement that cannot run was no error")
	}
	if _, err := r.Exec(t.Context(), `DELETE FROM shops`); err == nil {
		t.Error("a reader has written")
	}
	var left string
	if err := pool.QueryRow(t.Context(), `SELECT COALESCE(current_setting('rackless.shop', true), '')`).Scan(&left); err != nil || left != "" {
		t.Errorf("the setting %q is left behind, %v", left, err)
	}
	if _, err := postgres.Reader(pool, "shp_'; DROP TABLE shops"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an odd shop: %v, want not found", err)
	}
}

// A server that cannot be reached is unavailable, not a defect of ours.
func TestUnreachableServer(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), "postgres://x:y@127.0.0.1:1/x", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	err = postgres.InShop(t.Context(), pool, "", func(*postgres.Tx) error { return nil })
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v, want unavailable", err)
	}
}

// Transactions that deadlock are tried again.
func TestDeadlockIsTriedAgain(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, testkit.Template())
	pool := db.Pool(t)
	if _, err := pool.Exec(t.Context(), `CREATE TABLE pair (id int PRIMARY KEY, n int); INSERT INTO pair VALUES (1, 0), (2, 0)`); err != nil {
		t.Fatal(err)
	}
	locked := make(chan struct{}, 2)
	tries := make(chan struct{}, 10)
	both := func(first, second int) error {
		waited := false
		return postgres.InShop(t.Context(), pool, "", func(tx *postgres.Tx) error {
			tries <- struct{}{}
			if _, err := tx.Exec(t.Context(), `UPDATE pair SET n = n + 1 WHERE id = $1`, first); err != nil {
				return err
			}
			if !waited { // until each holds what the other wants
				waited = true
				locked <- struct{}{}
				for deadline := time.After(10 * time.Second); len(locked) < 2; {
					select {
					case <-deadline:
						return errors.New("the other transaction did not come")
					case <-time.After(time.Millisecond):
					}
				}
			}
			_, err := tx.Exec(t.Context(), `UPDATE pair SET n = n + 1 WHERE id = $1`, second)
			return err
		})
	}
	done := make(chan error, 2)
	go func() { done <- both(1, 2) }()
	go func() { done <- both(2, 1) }()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	var sum int
	if err := pool.QueryRow(t.Context(), `SELECT sum(n) FROM pair`).Scan(&sum); err != nil || sum != 4 {
		t.Errorf("sum %d, %v; want 4", sum, err)
	}
	if len(tries) < 3 {
		t.Errorf("%d tries, want at least 3: there was no deadlock to mend", len(tries))
	}
}

// password returns the password that the template has set for shop-get.
func password(t *testing.T, db *pgtest.DB) string {
	t.Helper()
	logins, err := migrations.NewLogins(db.AdminURL(), testkit.Secret)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgx.ParseConfig(logins.URL("shop-get"))
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Password
}
