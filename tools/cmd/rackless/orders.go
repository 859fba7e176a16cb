package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/txn"
	"github.com/rackless/rackless/tools/home"
	"github.com/rackless/rackless/tools/term"
	"github.com/rackless/rackless/tools/timeline"
)

type ordersCmd struct {
	Timeline ordersTimelineCmd `cmd:"" help:"Draw what has happened to an order: each event, what caused it and who acted on it."`
	Reprice  ordersRepriceCmd  `cmd:"" help:"Price stored orders again and report any cent that moves."`
}

type ordersTimelineCmd struct {
	databaseFlags
	Order string `arg:"" help:"The order's id, ord_…, or its number." name:"id-or-number"`
	Shop  string `help:"Id of the shop, where orders of several shops have the number." placeholder:"shp_…"`
}

func (ordersTimelineCmd) Help() string {
	return `Example:

  rackless orders timeline 2026-11-1001`
}

func (c *ordersTimelineCmd) Run(ctx context.Context, out *os.File) error {
	return c.with(ctx, func(d *home.Database) error {
		conn, err := d.Connect(ctx)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		id, shop, err := c.find(ctx, conn)
		if err != nil {
			return err
		}
		ctx := principal.NewContext(ctx, principal.Principal{Shop: shop, Kind: principal.System})
		runner := txn.Runner{DB: conn, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}
		var history order.History
		err = runner.Do(ctx, func(tx *txn.Tx) (err error) {
			history, err = order.Timeline(manifest.Consumers)(ctx, tx, order.GetInput{ID: id})
			return err
		})
		if err != nil {
			return err
		}
		return timeline.Write(out, history, term.Of(out))
	})
}

// find returns the order that is meant, and its shop.
func (c *ordersTimelineCmd) find(ctx context.Context, conn *pgx.Conn) (id, shop string, err error) {
	type match struct{ ID, Shop string }
	rows, err := conn.Query(ctx, `
		SELECT order_id, shop_id
		FROM orders
		WHERE (order_id = $1 OR number = $1) AND ($2 = '' OR shop_id = $2)
		ORDER BY shop_id`, c.Order, c.Shop)
	if err != nil {
		return "", "", notMigrated(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[match])
	switch {
	case err != nil:
		return "", "", notMigrated(err)
	case len(found) == 0:
		return "", "", fmt.Errorf("there is no order %s: an order's id and number are in the reply to POST /v1/orders", c.Order)
	case len(found) > 1:
		var shops []string
		for _, m := range found {
			shops = append(shops, m.Shop+" "+m.ID)
		}
		return "", "", fmt.Errorf("%d shops have an order %s: name one with --shop, or give the id:\n  %s", len(found), c.Order,
			strings.Join(shops[:min(len(shops), 20)], "\n  "))
	}
	return found[0].ID, found[0].Shop, nil
}

// isUndefinedTable reports whether a statement named a table that is not there
// (PostgreSQL manual, appendix A).
func isUndefinedTable(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "42P01"
}
