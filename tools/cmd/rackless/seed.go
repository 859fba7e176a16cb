package main

import (
	"context"
	"fmt"
	"os"

	"github.com/rackless/rackless/tools/home"
	"github.com/rackless/rackless/tools/seed"
)

type seedCmd struct{ databaseFlags }

func (seedCmd) Help() string {
	return `Example:

  rackless seed

Migrates the database and makes a small shop in it, at the hosts localhost and 127.0.0.1: a dozen products with stock, taxes, two
shipping methods, the coupon SAVE10 and the test gateway. A shop that is there already stays as it is. The API key is kept
in the data folder, for your eyes only.`
}

func (c *seedCmd) Run(ctx context.Context, out *os.File) error {
	return c.with(ctx, func(d *home.Database) error {
		if err := d.Migrate(ctx); err != nil {
			return err
		}
		key, fresh, err := seed.Demo(ctx, d)
		if err != nil {
			return err
		}
		made := "is there already"
		if fresh {
			made = "is made"
		}
		_, err = fmt.Fprintf(out, "the demo shop %s %s; its API key is kept in %s\n", key.Shop, made, d.Home.KeyPath())
		return err
	})
}
