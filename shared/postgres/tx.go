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
// statement and ends in that of the statements that were left to the commit.
type Tx struct {
	conn  *pgx.Conn
	shop  string
	begun bool
	last  pgx.Batch
}

const enterShop = `SELECT set_config('rackless.shop', $1, true)`

// AtCommit returns a batch of statements to which others may be added: they run
// together with the commit, so nothing can depend on what they return. An error in
// one of them undoes the transaction.
func (t *Tx) AtCommit() *pgx.Batch { return &t.last }

// SendBatch sends statements in one round trip.
func (t *Tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if t.begun {
		return t.conn.SendBatch(ctx, b)
	}
	t.begun = true
	var whole pgx.Batch
	whole.Queue(`begin`)
	whole.Queue(enterShop, t.shop)
	whole.QueuedQueries = append(whole.QueuedQueries, b.QueuedQueries...)
	results := t.conn.SendBatch(ctx, &whole)
	for range 2 {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // fails with the same error
			return failed{err}
		}
	}
	return results
}

// Query sends one statement.
func (t *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.begun {
		return t.conn.Query(ctx, sql, args...)
	}
	return query(ctx, t, sql, args)
}

// QueryRow sends one statement that returns a row.
func (t *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if t.begun {
		return t.conn.QueryRow(ctx, sql, args...)
	}
	rows, err := query(ctx, t, sql, args)
	return firstRow{rows, err}
}

// Exec sends one statement that returns nothing.
func (t *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if t.begun {
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
	if !t.begun && t.last.Len() == 0 {
		return nil
	}
	committed := func(tag pgconn.CommandTag) error {
		if tag.String() == "ROLLBACK" { // a statement had failed
			return pgx.ErrTxCommitRollback
		}
		return nil
	}
	if t.last.Len() == 0 {
		tag, err := t.conn.Exec(ctx, `commit`)
		if err != nil {
			return err
		}
		return committed(tag)
	}
	t.last.Queue(`commit`).Exec(committed)
	return t.SendBatch(ctx, &t.last).Close()
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
	if t.begun {
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
