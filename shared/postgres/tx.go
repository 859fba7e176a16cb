package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DB is what transactions run in: a pool or a connection.
type DB interface {
	Batcher
	BeginTx(context.Context, pgx.TxOptions) (pgx.Tx, error)
}

// borrow returns a connection and how to give it back.
func borrow(ctx context.Context, db DB) (*pgx.Conn, func(), error) {
	switch db := db.(type) {
	case *pgx.Conn:
		return db, func() {}, nil
	case interface {
		Acquire(context.Context) (*pgxpool.Conn, error)
	}:
		conn, err := db.Acquire(ctx)
		if err != nil {
			return nil, nil, err
		}
		return conn.Conn(), conn.Release, nil
	}
	return nil, nil, errors.New("the database is neither a pool nor a connection")
}

// Tx is a transaction of one shop. It begins in the round trip of its first
// statement and ends in that of the last ones, if nobody waits for their results.
type Tx struct {
	conn  *pgx.Conn
	shop  string
	begun bool
	later pgx.Batch
}

const enterShop = `SELECT set_config('rackless.shop', $1, true)`

// Later returns a batch to which statements may be added whose results decide
// nothing: they run in the round trip of the next statement, before it, or else in
// that of the commit. An error of the server in one of them is the next statement's,
// and undoes the transaction; what a callback returns comes too late for that.
func (t *Tx) Later() *pgx.Batch { return &t.later }

// ahead returns the statements that go before the next one, and forgets them.
func (t *Tx) ahead() []*pgx.QueuedQuery {
	var first pgx.Batch
	if !t.begun {
		t.begun = true
		first.Queue(`begin`)
		first.Queue(enterShop, t.shop)
	}
	queries := append(first.QueuedQueries, t.later.QueuedQueries...)
	t.later = pgx.Batch{}
	return queries
}

// bare reports whether nothing has to go before the next statement.
func (t *Tx) bare() bool { return t.begun && t.later.Len() == 0 }

// SendBatch sends statements in one round trip.
func (t *Tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if t.bare() {
		return t.conn.SendBatch(ctx, b)
	}
	ahead := t.ahead()
	results := t.conn.SendBatch(ctx, &pgx.Batch{QueuedQueries: append(ahead, b.QueuedQueries...)})
	for _, q := range ahead {
		if err := result(q, results); err != nil {
			_ = results.Close() // fails with the same error
			return failed{err}
		}
	}
	return results
}

// result reads what came of a statement of a batch.
func result(q *pgx.QueuedQuery, results pgx.BatchResults) error {
	if q.Fn != nil {
		return q.Fn(results)
	}
	_, err := results.Exec()
	return err
}

// Query sends one statement.
func (t *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.bare() {
		return t.conn.Query(ctx, sql, args...)
	}
	return query(ctx, t, sql, args)
}

// QueryRow sends one statement that returns a row.
func (t *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if t.bare() {
		return t.conn.QueryRow(ctx, sql, args...)
	}
	rows, err := query(ctx, t, sql, args)
	return firstRow{rows, err}
}

// Exec sends one statement that returns nothing.
func (t *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if t.bare() {
		return t.conn.Exec(ctx, sql, args...)
	}
	var b pgx.Batch
	b.Queue(sql, args...)
	results := t.SendBatch(ctx, &b)
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

// Commit commits.
func (t *Tx) Commit(ctx context.Context) error {
	if !t.begun && t.later.Len() == 0 {
		return nil
	}
	tag, err := t.Exec(ctx, `commit`)
	if err == nil && tag.String() == "ROLLBACK" { // a statement had failed
		err = pgx.ErrTxCommitRollback
	}
	return err
}

// Rollback undoes what is not committed. The connection is closed if that is not
// certain.
func (t *Tx) Rollback(ctx context.Context) error {
	server := t.conn.PgConn()
	switch {
	case t.conn.IsClosed():
		return nil
	case !server.IsBusy() && server.TxStatus() == 'I':
		return nil
	case !server.IsBusy():
		if _, err := t.conn.Exec(ctx, `rollback`); err == nil {
			return nil
		}
	}
	return t.conn.Close(ctx)
}

// Begin is refused: a business transaction is done as a whole or not at all.
func (t *Tx) Begin(context.Context) (pgx.Tx, error) {
	return nil, errors.New("a transaction of a shop has none within it")
}

// CopyFrom copies rows into a table.
func (t *Tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	if err := t.begin(ctx); err != nil {
		return 0, err
	}
	return t.conn.CopyFrom(ctx, table, columns, rows)
}

// Prepare prepares a statement.
func (t *Tx) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	return t.conn.Prepare(ctx, name, sql)
}

func (t *Tx) begin(ctx context.Context) error {
	if t.bare() {
		return nil
	}
	return t.SendBatch(ctx, &pgx.Batch{}).Close()
}

// LargeObjects offers none: the shop has none.
func (t *Tx) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Conn returns the connection.
func (t *Tx) Conn() *pgx.Conn { return t.conn }

// run runs fn in a transaction, once.
func run(ctx context.Context, db DB, shop string, fn func(*Tx) error) error {
	conn, release, err := borrow(ctx, db)
	if err != nil {
		return err
	}
	defer release()
	tx := &Tx{conn: conn, shop: shop}
	defer func() {
		// The caller's context may be over; the connection must not go back to the pool in a transaction.
		rollback, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = tx.Rollback(rollback) // nothing after a commit
	}()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
