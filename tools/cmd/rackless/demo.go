package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/tools/demo"
	"github.com/rackless/rackless/tools/home"
	"github.com/rackless/rackless/tools/run"
	"github.com/rackless/rackless/tools/term"
)

type demoCmd struct {
	Files   []string `arg:"" optional:"" name:"file" help:"Recorded carts, one JSON object a line. Default: those of the repository, testdata/oracle/cart.jsonl." type:"existingfile"`
	URL     string   `help:"A running shop to use. Default: one is started for the run and thrown away." placeholder:"URL"`
	Key     string   `help:"API key that may make shops (platform:write). Default: the one that rackless run has kept on this machine." env:"RACKLESS_KEY" placeholder:"rk_…"`
	Orders  int      `help:"How many of the carts to order." default:"50"`
	Workers int      `help:"How many calls are under way at a time." default:"4"`
	Data    string   `help:"Folder in which this machine keeps a shop." default:"${home}" env:"RACKLESS_DATA" type:"path" placeholder:"DIR"`
}

func (demoCmd) Help() string {
	return `Examples:

  rackless demo
  rackless demo --url http://localhost:8000 --orders 200
  rackless demo my-carts.jsonl

For each recorded cart of CommerceRack it configures a shop, its products and a cart over HTTP, prices the cart, and compares
every cent with what the original came to. Some carts it orders with the test gateway and follows to the end. You may kill
the shop meanwhile and start it again: calls are repeated for two minutes, and in the end no order is lost or doubled.

The exit status is 1 if a category that is meant to be equal is not, or an order did not come to its end.`
}

func (c *demoCmd) Run(ctx context.Context, out *os.File) (err error) {
	if c.Workers < 1 || c.Orders < 0 {
		return errors.New("--workers must be at least 1, --orders at least 0")
	}
	files := c.Files
	if len(files) == 0 {
		path, err := recorded()
		if err != nil {
			return err
		}
		files = []string{path}
	}
	cases, err := demo.Read(files...)
	if err != nil {
		return err
	}
	o := demo.Options{URL: c.URL, Key: c.Key, Cases: cases, Orders: c.Orders, Workers: c.Workers}
	if c.URL == "" {
		stop, err := c.start(ctx, &o)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	} else if o.Key == "" {
		key, ok, err := home.Home{Dir: c.Data}.Key()
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("the shop wants an API key: give --key (or RACKLESS_KEY); rackless keys create demo --scope '*' makes one")
		}
		o.Key = key.Token
	}
	bar := progressbar.NewOptions(len(cases), progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(term.IsTerminal(os.Stderr)),
		progressbar.OptionSetDescription("carts"), progressbar.OptionShowCount(), progressbar.OptionSetWidth(40), progressbar.OptionClearOnFinish())
	o.Done = func() { _ = bar.Add(1) } // it can only fail to draw
	report, err := demo.Run(ctx, o)
	_ = bar.Finish()
	if err != nil {
		return err
	}
	// What is wrong comes before the counts, which are the last line.
	wrong := report.Err()
	if wrong != nil {
		fmt.Fprintln(out, term.Of(out).Red(wrong.Error()))
	}
	if err := report.Write(out, term.Of(out)); err != nil {
		return err
	}
	if wrong != nil {
		return failed{}
	}
	return nil
}

// start opens a shop of the run's own and says how it is reached.
func (c *demoCmd) start(ctx context.Context, o *demo.Options) (stop func() error, err error) {
	shop, err := run.Open(ctx, run.Options{Home: home.Options{Dir: c.Data, Scratch: true}, IdleAfter: time.Minute, Step: steps(os.Stderr)})
	if err != nil {
		return nil, err
	}
	closeShop := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		return shop.Close(ctx)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, closeShop())
	}
	server := runtime.NewServer(shop)
	go func() { _ = server.Serve(listener) }() // ends with Close
	o.URL, o.Key = "http://"+listener.Addr().String(), shop.Key.Token
	return func() error { return errors.Join(server.Close(), closeShop()) }, nil
}

// recorded finds the repository's recorded carts from the working folder or from
// where the program is.
func recorded() (string, error) {
	const path = "testdata/oracle/cart.jsonl"
	var places []string
	if dir, err := os.Getwd(); err == nil {
		places = append(places, dir)
	}
	if program, err := os.Executable(); err == nil {
		places = append(places, filepath.Dir(program))
	}
	for _, dir := range places {
		for ; ; dir = filepath.Dir(dir) {
			file := filepath.Join(dir, path)
			if _, err := os.Stat(file); err == nil {
				return file, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", fmt.Errorf("the recorded carts are not found: name a file, or run this in the repository, which has %s", path)
}
