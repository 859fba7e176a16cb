// Command rackless runs a whole shop on one machine and looks after its
// database, its events and its keys. What it needs it finds or starts itself;
// everything it keeps is in one folder.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/rackless/rackless/tools/home"
)

type cli struct {
	Run     runCmd     `cmd:"" help:"Start a whole shop on this machine."`
	Demo    demoCmd    `cmd:"" help:"Price recorded carts over HTTP, compare every cent, and order them."`
	Oracle  oracleCmd  `cmd:"" help:"Run recorded calculations of CommerceRack through the pricing engine."`
	Explain explainCmd `cmd:"" help:"Draw how every total of a cart or an order comes about."`
	Migrate migrateCmd `cmd:"" help:"Bring the database's schema up to date, or take it back."`
	Logins  loginsCmd  `cmd:"" help:"Print the functions' logins and the key that seals secrets, for OpenTofu."`
	Seed    seedCmd    `cmd:"" help:"Put the demo shop into the database."`
	Events  eventsCmd  `cmd:"" help:"Look at the events of the outbox, or send one again."`
	Orders  ordersCmd  `cmd:"" help:"Look at what has happened to an order."`
	Ebay    ebayCmd    `cmd:"" help:"Sell at eBay: see how it goes, publish, tell quantities, import orders."`
	Keys    keysCmd    `cmd:"" help:"Make, list and revoke API keys."`
	Doctor  doctorCmd  `cmd:"" help:"Check this machine and the database, and say how to mend what is wrong."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	// After the first signal the default comes back: a second Ctrl-C ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)

	var c cli
	k := kong.Parse(&c,
		kong.Name("rackless"),
		kong.Description("A shop's back end as small functions. Start with: rackless run"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Vars{"home": home.DefaultDir()},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(os.Stdout),
	)
	err := k.Run()
	if _, told := errors.AsType[failed](err); told {
		os.Exit(1)
	}
	k.FatalIfErrorf(err)
}

// failed ends the program with status 1; what failed has been told.
type failed struct{}

func (failed) Error() string { return "failed" }

// databaseFlags say where a shop is kept.
type databaseFlags struct {
	Data        string `help:"Folder in which this machine keeps a shop: data, secrets, API key." default:"${home}" env:"RACKLESS_DATA" type:"path" placeholder:"DIR"`
	DatabaseURL string `help:"Existing database to use, as its owner: postgres://user:password@host:5432/name. Default: a server of this machine's own, kept in DIR." env:"DATABASE_URL" placeholder:"URL"`
	LoginSecret string `help:"Secret from which the functions' logins are derived. Default: the URL's password, else one kept in DIR." env:"LOGIN_SECRET" placeholder:"TEXT"`
}

func (f databaseFlags) options() home.Options {
	return home.Options{Dir: f.Data, URL: f.DatabaseURL, LoginSecret: f.LoginSecret}
}

// with runs fn with the open database.
func (f databaseFlags) with(ctx context.Context, fn func(*home.Database) error) error {
	d, err := home.Open(ctx, f.options())
	if err != nil {
		return err
	}
	err = fn(d)
	if stopErr := d.Stop(ctx); err == nil {
		err = stopErr
	}
	return err
}
