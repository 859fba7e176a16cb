package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
)

// Batcher sends statements in one round trip: a pool or a connection.
type Batcher interface {
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}

// Reader reads the rows of one shop without a transaction of its own: the
// statements of each call travel together with the one that sets the shop, in one
// round trip where a transaction takes three more. Every call sees the rows as
// they are then. It offers Query, QueryRow and SendBatch of pgx.Tx; what would
// write is refused.
func Reader(db Batcher, shop string) (pgx.Tx, error) {
	if shop != "" && !ident.Valid(ident.Shop, shop) {
		return nil, fault.New(fault.NotFound, "there is no such shop")
	}
	return reader{db: db, shop: shop}, nil
}

type reader struct {
	readOnly
	db   Batcher
	shop string
}

// SendBatch sends the batch behind the statement that sets the shop. Statements
// that are sent together are one transaction (PostgreSQL protocol, "Pipelining"),
// so the setting holds for them and for no others.
func (r reader) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	var whole pgx.Batch
	whole.Queue(enterShop, r.shop)
	whole.QueuedQueries = append(whole.QueuedQueries, b.QueuedQueries...)
	results := r.db.SendBatch(ctx, &whole)
	if _, err := results.Exec(); err != nil {
		return failed{errors.Join(err, results.Close())}
	}
	return results
}

// Query sends one statement.
func (r reader) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return query(ctx, r, sql, args)
}

// query sends one statement as a batch. As with a connection, what the server
// refuses is told by the rows.
func query(ctx context.Context, by Batcher, sql string, args []any) (pgx.Rows, error) {
	var b pgx.Batch
	b.Queue(sql, args...)
	results := by.SendBatch(ctx, &b)
	rows, err := results.Query()
	if err != nil {
		_ = results.Close() // fails with the same error
		return refused{err}, nil
	}
	return &owningRows{Rows: rows, results: results}, nil
}

// QueryRow sends one statement that returns a row.
func (r reader) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := r.Query(ctx, sql, args...)
	return firstRow{rows, err}
}

// owningRows give their connection back when they are closed.
type owningRows struct {
	pgx.Rows
	results pgx.BatchResults
	err     error
}

func (r *owningRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *owningRows) Close() {
	r.Rows.Close()
	if r.results != nil {
		r.err = r.results.Close()
		r.results = nil
	}
}

func (r *owningRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

type firstRow struct {
	rows pgx.Rows
	err  error
}

func (r firstRow) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(into...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// failed are the results of a batch that could not begin.
type failed struct{ err error }

func (f failed) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, f.err }
func (f failed) Query() (pgx.Rows, error)         { return nil, f.err }
func (f failed) QueryRow() pgx.Row                { return firstRow{err: f.err} }
func (f failed) Close() error                     { return f.err }
func (f failed) Tx() pgx.Tx                       { return nil }

// refused are the rows of a statement that the server refused.
type refused struct{ err error }

func (r refused) Close()                                       {}
func (r refused) Err() error                                   { return r.err }
func (r refused) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r refused) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r refused) Next() bool                                   { return false }
func (r refused) Scan(...any) error                            { return r.err }
func (r refused) Values() ([]any, error)                       { return nil, r.err }
func (r refused) RawValues() [][]byte                          { return nil }
func (r refused) Conn() *pgx.Conn                              { return nil }
func (r refused) TypeMap() *pgtype.Map                         { return nil }
