package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/tools/home"
)

// shopFlags name one of the shops in the database.
type shopFlags struct {
	databaseFlags
	Shop string `help:"Id of the shop. Default: the only one, else the demo shop." env:"RACKLESS_SHOP" placeholder:"shp_…"`
}

// inShop runs fn in a transaction of the shop.
func (f shopFlags) inShop(ctx context.Context, fn func(tx pgx.Tx, shop string) error) error {
	return f.with(ctx, func(d *home.Database) error {
		conn, err := d.Connect(ctx)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		shop, err := f.choose(ctx, conn, d.Home)
		if err != nil {
			return err
		}
		return postgres.InShop(ctx, conn, shop, func(tx *postgres.Tx) error { return fn(tx, shop) })
	})
}

func (f shopFlags) choose(ctx context.Context, conn *pgx.Conn, h home.Home) (string, error) {
	type entry struct{ ID, Name string }
	rows, err := conn.Query(ctx, `SELECT shop_id, name FROM shops ORDER BY shop_id`)
	if err != nil {
		return "", notMigrated(err)
	}
	shops, err := pgx.CollectRows(rows, pgx.RowToStructByPos[entry])
	if err != nil {
		return "", notMigrated(err)
	}
	wanted := f.Shop
	if wanted == "" {
		if len(shops) == 1 {
			return shops[0].ID, nil
		}
		key, _, err := h.Key()
		if err != nil {
			return "", err
		}
		wanted = key.Shop
	}
	var names []string
	for _, s := range shops {
		if s.ID == wanted {
			return wanted, nil
		}
		names = append(names, s.ID+" "+s.Name)
	}
	switch {
	case len(shops) == 0:
		return "", errors.New("the database has no shop yet: make the demo shop with rackless seed, or your own with POST /v1/shops")
	case f.Shop != "":
		return "", fmt.Errorf("there is no shop %s; there are:\n  %s", f.Shop, strings.Join(names[:min(len(names), 20)], "\n  "))
	}
	return "", fmt.Errorf("there are %d shops: name one with --shop:\n  %s", len(shops), strings.Join(names[:min(len(names), 20)], "\n  "))
}

// notMigrated says how to mend an error that comes of a missing table.
func notMigrated(err error) error {
	if isUndefinedTable(err) {
		return fmt.Errorf("the database is not migrated: run rackless migrate up (%w)", err)
	}
	return err
}
