// Package seed fills a fresh database with a small demo shop, so that whoever
// starts one for the first time has something to buy. It writes through the
// domains' own operations, as the functions do.
package seed

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
	"github.com/rackless/rackless/tools/home"
)

//go:embed demo.json
var demo []byte

// content is the shop as demo.json has it, each part in the form in which its
// function takes it.
type content struct {
	Shop          shop.CreateInput       `json:"shop"`
	Configuration shop.ConfigureInput    `json:"configuration"`
	Products      []catalog.ProductInput `json:"products"`
	Stock         []inventory.Adjustment `json:"stock"`
}

// Demo makes the demo shop unless there is one, and an API key for it unless the
// one that the home keeps is good. It returns the key and whether the shop is new.
func Demo(ctx context.Context, d *home.Database) (key home.Key, fresh bool, err error) {
	c, err := read()
	if err != nil {
		return key, false, fmt.Errorf("read the demo shop: %w", err)
	}
	conn, err := d.Connect(ctx)
	if err != nil {
		return key, false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))

	var id string
	err = conn.QueryRow(ctx, `SELECT shop_id FROM shop_hosts WHERE host = $1`, c.Shop.Hosts[0]).Scan(&id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		fresh = true
		if id, err = c.open(ctx, conn); err != nil {
			return key, false, fmt.Errorf("make the demo shop: %w", err)
		}
	case err != nil:
		return key, false, fmt.Errorf("look for the demo shop: %w", err)
	}
	key, err = keyOf(ctx, conn, d.Home, id)
	return key, fresh, err
}

func read() (c content, err error) {
	decoder := json.NewDecoder(bytes.NewReader(demo))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return c, err
	}
	return c, errors.Join(c.Shop.Validate(), c.Configuration.Validate(),
		catalog.UpsertInput{Products: c.Products}.Validate(), inventory.AdjustInput{Adjustments: c.Stock}.Validate())
}

// open makes the whole shop in one transaction: there is no half of one.
func (c content) open(ctx context.Context, conn *pgx.Conn) (shopID string, err error) {
	var made shop.Created
	err = run(ctx, conn, "", func(ctx context.Context, tx *txn.Tx) (err error) {
		if made, err = shop.Create(ctx, tx, c.Shop); err != nil {
			return err
		}
		if _, err := shop.Configure(ctx, tx, c.Configuration); err != nil {
			return err
		}
		if _, err := catalog.Upsert(ctx, tx, catalog.UpsertInput{Products: c.Products}); err != nil {
			return err
		}
		_, err = inventory.Adjust(ctx, tx, inventory.AdjustInput{Adjustments: c.Stock, Reason: "first stock"})
		return err
	})
	return made.ID, err
}

// keyOf returns the kept API key if it opens the shop in this database, else a
// new one, which it keeps.
func keyOf(ctx context.Context, conn *pgx.Conn, h home.Home, shopID string) (home.Key, error) {
	k, ok, err := h.Key()
	if err != nil {
		return k, err
	}
	if ok {
		var good bool
		err := conn.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM api_keys WHERE shop_id = $1 AND hash = $2 AND revoked_at IS NULL)`, shopID, auth.Hash(k.Token)).Scan(&good)
		if err != nil {
			return k, fmt.Errorf("look for the demo shop's API key: %w", err)
		}
		if good {
			return k, nil
		}
	}
	err = run(ctx, conn, shopID, func(ctx context.Context, tx *txn.Tx) error {
		_, token, err := auth.CreateKey(ctx, tx, "rackless run", []string{"*", "platform:*"}, tx.Now)
		k = home.Key{Shop: shopID, Token: token}
		return err
	})
	if err != nil {
		return k, err
	}
	return k, h.KeepKey(k)
}

// run runs one business transaction. Its events are left to the sweeper.
func run(ctx context.Context, conn *pgx.Conn, shopID string, fn func(context.Context, *txn.Tx) error) error {
	ctx = principal.NewContext(ctx, principal.Principal{Shop: shopID, Kind: principal.System})
	runner := txn.Runner{DB: conn, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}
	return runner.Do(ctx, func(tx *txn.Tx) error { return fn(ctx, tx) })
}
