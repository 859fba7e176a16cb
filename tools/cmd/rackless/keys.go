package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/clock"
)

type keysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Make an API key and print it, once."`
	List   keysListCmd   `cmd:"" help:"List the API keys, without their secrets."`
	Revoke keysRevokeCmd `cmd:"" help:"Revoke an API key, in every function from the next call on."`
}

type keysCreateCmd struct {
	shopFlags
	Name  string   `arg:"" help:"What the key is for."`
	Scope []string `help:"What the key may do: resource:action, resource:* or * for everything." required:"" placeholder:"SCOPE"`
}

func (keysCreateCmd) Help() string {
	return `Example:

  rackless keys create "warehouse scanner" --scope order:read --scope inventory:write

The key goes to standard output, everything else to standard error: KEY=$(rackless keys create …) works.`
}

func (c *keysCreateCmd) Run(ctx context.Context, out *os.File) error {
	return c.inShop(ctx, func(tx pgx.Tx, shop string) error {
		key, token, err := auth.CreateKey(ctx, tx, c.Name, c.Scope, clock.System{}.Now())
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s %q may %s in shop %s. The key itself is shown only now:\n", key.ID, key.Name, strings.Join(key.Scopes, " "), shop)
		_, err = fmt.Fprintln(out, token)
		return err
	})
}

type keysListCmd struct{ shopFlags }

func (keysListCmd) Help() string {
	return `Example:

  rackless keys list`
}

func (c *keysListCmd) Run(ctx context.Context, out *os.File) error {
	return c.inShop(ctx, func(tx pgx.Tx, _ string) error {
		keys, err := auth.Keys(ctx, tx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tSCOPES\tMADE\tREVOKED")
		for _, k := range keys {
			revoked := "-"
			if k.RevokedAt != nil {
				revoked = k.RevokedAt.UTC().Format(minute)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, strings.Join(k.Scopes, " "), k.CreatedAt.UTC().Format(minute), revoked)
		}
		return w.Flush()
	})
}

type keysRevokeCmd struct {
	shopFlags
	ID string `arg:"" help:"The key's id, key_…, as listed."`
}

func (keysRevokeCmd) Help() string {
	return `Example:

  rackless keys revoke key_06djy1ww0te3cbv0h8mzxndf1r`
}

func (c *keysRevokeCmd) Run(ctx context.Context, out *os.File) error {
	return c.inShop(ctx, func(tx pgx.Tx, _ string) error {
		k, err := auth.RevokeKey(ctx, tx, c.ID, clock.System{}.Now())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s %q is revoked\n", k.ID, k.Name)
		return err
	})
}

// minute is how times are shown in tables, UTC.
const minute = "2006-01-02 15:04"
