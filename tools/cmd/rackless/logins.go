package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/tools/home"
)

type loginsCmd struct{ databaseFlags }

func (loginsCmd) Help() string {
	return `It prints secrets: keep what it prints as you keep the database's password. Example:

  rackless logins --database-url postgres://shop:secret@db.example.com/shop > logins.tfvars.json`
}

// Run prints each function's address of the database, and the key that seals
// secrets, as variables of OpenTofu.
func (c *loginsCmd) Run(ctx context.Context, out *os.File) error {
	return c.with(ctx, func(d *home.Database) error {
		urls := map[string]string{}
		for _, f := range manifest.Functions {
			urls[f.Name] = d.Logins.URL(f.Name)
		}
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(map[string]any{
			"database_urls": urls, "credentials_key": d.Key,
			"database": map[string]string{"url": d.URL, "login_secret": d.Secret},
		})
	})
}
