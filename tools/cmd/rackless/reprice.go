package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/txn"
	"github.com/rackless/rackless/tools/term"
)

type ordersRepriceCmd struct {
	shopFlags
	Orders []string `arg:"" optional:"" name:"id" help:"Orders, ord_…. Default: all of the shop."`
}

func (ordersRepriceCmd) Help() string {
	return `Examples:

  rackless orders reprice
  rackless orders reprice ord_06h0cchqahy7sesyxqrg491yfm

Prices stored orders again, each from the configuration, products and cart that it was placed with, and reports any cent that
moves: what a new version of the engine would have charged differently. Nothing is changed. The exit status is 1 if one moves.`
}

func (c *ordersRepriceCmd) Run(ctx context.Context, out *os.File) error {
	priced, moved := 0, 0
	err := c.inShop(ctx, func(sql pgx.Tx, shop string) error {
		ids := c.Orders
		if len(ids) == 0 {
			rows, err := sql.Query(ctx, `SELECT order_id FROM orders WHERE channel = '' ORDER BY order_id`)
			if err != nil {
				return notMigrated(err)
			}
			if ids, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
				return notMigrated(err)
			}
		}
		tx := &txn.Tx{Tx: sql, Now: clock.System{}.Now(), Who: principal.Principal{Shop: shop, Kind: principal.System}, Shop: shop}
		for _, id := range ids {
			r, err := order.Reprice(ctx, tx, id)
			if err != nil {
				return err
			}
			priced++
			if r.Moved() {
				moved++
				fmt.Fprintf(out, "%s %s\n  was %+v\n  is  %+v\n", r.Number, r.ID, r.Was, r.Is)
			}
			if term.IsTerminal(os.Stderr) && priced%100 == 0 {
				fmt.Fprintf(os.Stderr, "\r%d of %d", priced, len(ids))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "reprice: %d orders, %d moved\n", priced, moved)
	if moved > 0 {
		return failed{}
	}
	return nil
}
