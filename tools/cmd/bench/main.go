// Command bench measures what the README claims, each figure beside a baseline
// in the same run: sizes and starts of the function binaries, the memory of the
// idle shop, and calls of customer-create and customer-get beside a bare server
// of net/http and pgx. Run it with "make bench" on a machine that does nothing
// else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"text/tabwriter"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/postgres/local"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "bare" { // the baseline runs as a process of its own, as the functions do
		exit(bare())
		return
	}
	bin := flag.String("bin", "bin", "folder of the built binaries (make build)")
	calls := flag.Int("calls", 2000, "calls per measurement")
	starts := flag.Int("starts", 20, "cold starts per binary")
	only := flag.Bool("checkout", false, "measure checkouts only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, *bin, *calls, *starts, *only))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin string, calls, starts int, onlyCheckout bool) (err error) {
	dir, err := os.MkdirTemp("", "rackless-bench-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the server runs as another user
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintln(os.Stderr, "starting Postgres …")
	server, err := local.Start(ctx, local.Options{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	url := server.URL("postgres")
	if err := migrations.Up(ctx, url); err != nil {
		return err
	}
	logins, err := migrations.NewLogins(url, "bench")
	if err != nil {
		return err
	}
	if err := logins.Set(ctx); err != nil {
		return err
	}
	b := bench{bin: bin, admin: url, logins: logins, calls: calls, starts: starts}
	if err := b.seed(ctx); err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight|tabwriter.Debug)
	measures := []func(context.Context, *tabwriter.Writer) error{b.sizes, b.coldStarts, b.idleMemory, b.customerCalls, b.cartPrices, b.checkouts}
	again := "make bench"
	if onlyCheckout {
		measures, again = measures[len(measures)-1:], "make bench-checkout"
	}
	for _, measure := range measures {
		if err := measure(ctx, out); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		fmt.Println()
	}
	fmt.Println("rerun:", again)
	return nil
}
