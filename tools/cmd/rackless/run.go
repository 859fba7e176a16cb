package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/rackless/rackless/shared/console"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/telemetry"
	"github.com/rackless/rackless/shared/topology"
	"github.com/rackless/rackless/tools/run"
	"github.com/rackless/rackless/tools/term"
)

type runCmd struct {
	databaseFlags
	Port      int           `help:"Port of the shop." default:"8000"`
	Listen    string        `help:"Address to listen on; 0.0.0.0 lets other machines in." default:"127.0.0.1"`
	IdleAfter time.Duration `help:"How long a function stays up without a call." default:"30s"`
	Chaos     chaos         `help:"Make the broker as bad as you like, e.g. lose=0.01,duplicate=0.05." placeholder:"WHAT=SHARE,…"`
	Manifests string        `help:"Folder of Knative manifests to use in place of those in the program." type:"existingdir" placeholder:"DIR"`
	LogLevel  string        `help:"Log lines from this level on: ${enum}." enum:"debug,info,warn,error" default:"info"`
}

func (runCmd) Help() string {
	return `Examples:

  rackless run
  rackless run --port 8080 --chaos lose=0.05,duplicate=0.05,delay=0.2 --log-level warn
  DATABASE_URL=postgres://shop:secret@localhost/shop rackless run

Brings up Postgres, migrates, makes a demo shop, and serves every function behind one gateway, wired by the manifests that a
cluster uses. What it does is told on standard error, requests are logged on standard output. Ctrl-C lets what is under way
end and stops; a second Ctrl-C stops at once, and loses nothing either: the next start takes up what is left.

--chaos takes shares of all deliveries: lose, duplicate, reorder, delay (up to max-delay=100ms), and a seed to repeat it.`
}

// drainTime bounds how long requests, and then events, may take to end.
const drainTime = 15 * time.Second

func (c *runCmd) Run(ctx context.Context) error {
	listener, err := listen(ctx, c.Listen, c.Port)
	if err != nil {
		return err
	}
	defer listener.Close()
	var manifests fs.FS
	if c.Manifests != "" {
		manifests = os.DirFS(c.Manifests)
	}
	began := time.Now()
	feed := console.NewFeed()
	shop, err := run.Open(ctx, run.Options{
		Home: c.options(), Manifests: manifests, Chaos: topology.Chaos(c.Chaos), IdleAfter: c.IdleAfter,
		Log: telemetry.Logger(c.LogLevel), Step: steps(os.Stderr), Observer: feed.Observe,
	})
	if err != nil {
		return err
	}
	handler, err := console.New(console.Options{Shop: shop, Feed: feed, Key: shop.Key.Token})
	if err != nil {
		return errors.Join(err, shop.Close(ctx))
	}
	server := runtime.NewServer(handler)
	server.RegisterOnShutdown(feed.Close)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	c.welcome(time.Since(began))

	select {
	case err = <-served:
	case <-ctx.Done():
		fmt.Fprintln(os.Stderr, "\nstopping: what is under way may end (Ctrl-C again stops at once)")
	}
	return errors.Join(err, c.stop(context.WithoutCancel(ctx), server, shop))
}

// stop refuses new requests, lets those under way and then the events end, and
// stops what was started.
func (c *runCmd) stop(ctx context.Context, server *http.Server, shop *run.Shop) error {
	quiet, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	if err := server.Shutdown(quiet); err != nil {
		_ = server.Close() // whoever has not ended now is cut off
	}
	settled, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	err := shop.Close(settled)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("not all events could be handled in time; the next start takes them up: %w", err)
	}
	return err
}

func (c *runCmd) welcome(took time.Duration) {
	paint := term.Of(os.Stderr)
	host := c.Listen
	if ip := net.ParseIP(host); ip == nil || ip.IsLoopback() || ip.IsUnspecified() {
		host = "localhost" // one of the demo shop's hosts
	}
	url := "http://" + net.JoinHostPort(host, strconv.Itoa(c.Port))
	fmt.Fprintf(os.Stderr, `
%s after %s. Open %s

Try these:
  curl %s/health
  curl -X POST %s/v1/customers -H 'Content-Type: application/json' -d '{"email":"anna-%d@example.com"}'
  curl '%s/v1/products?limit=3'

Fifty orders at once:  rackless demo --url %s
Ctrl-C stops.

`, paint.Bold(paint.Green("The shop is open")), took.Round(10*time.Millisecond), paint.Bold(url), url, url, time.Now().Unix(), url, url)
}

// listen takes the port before anything else is done: it is the likeliest thing
// to be amiss.
func listen(ctx context.Context, host string, port int) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d of %s is taken by another program: see which with: ss -ltnp 'sport = :%d' (or lsof -i :%d), "+
			"stop it, or choose another port: rackless run --port %d", port, host, port, port, port+1)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d needs root: choose one from 1024 on: rackless run --port 8000", port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("this machine has no address %s: give one of its own, 127.0.0.1 or 0.0.0.0", host)
	}
	return listener, err
}

// steps returns how each step is shown: its name while it is under way, then what
// came of it and how long it took.
func steps(out *os.File) func(string) func(string) {
	paint := term.Of(out)
	return func(name string) func(string) {
		began := time.Now()
		if term.IsTerminal(out) {
			fmt.Fprintf(out, "%s %-9s", paint.Yellow("…"), name)
		}
		return func(outcome string) {
			if term.IsTerminal(out) {
				fmt.Fprint(out, "\r")
			}
			fmt.Fprintf(out, "%s %-9s %s %s\n", paint.Green("✓"), name, outcome, paint.Dim(time.Since(began).Round(time.Millisecond).String()))
		}
	}
}
