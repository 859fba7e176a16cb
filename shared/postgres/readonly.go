package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var errReadOnly = errors.New("a read must not change anything: use a transaction")

// readOnly is what a Reader refuses of pgx.Tx.
type readOnly struct{}

func (readOnly) Begin(context.Context) (pgx.Tx, error) { return nil, errReadOnly }
func (readOnly) Commit(context.Context) error          { return errReadOnly }
func (readOnly) Rollback(context.Context) error        { return errReadOnly }
func (readOnly) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errReadOnly
}
func (readOnly) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errReadOnly
}
func (readOnly) Prepare(context.Context, string, string) (*pgconn.StatementDescription, error) {
	return nil, errReadOnly
}
func (readOnly) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }
func (readOnly) Conn() *pgx.Conn                { return nil }
