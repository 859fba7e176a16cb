// Package run opens a whole shop on this machine, for the commands "rackless run"
// and "rackless demo": database, migrations, logins, demo shop, functions.
package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/shared/topology"
	"github.com/rackless/rackless/tools/home"
	"github.com/rackless/rackless/tools/seed"
)

// Options say what shop to open. The zero value is good.
type Options struct {
	Home      home.Options
	Database  *home.Database // already open, in place of Home
	Manifests fs.FS          // those in the program
	Chaos     topology.Chaos
	IdleAfter time.Duration // how long a function stays up without a call; for ever
	Log       *slog.Logger  // none
	Observer  func(topology.Observation)

	// Step is told of each step: its name when it begins, and through what Step
	// returns its outcome when it has ended well.
	Step func(name string) (done func(outcome string))
}

// Shop is an open shop.
type Shop struct {
	*rackless.Shop
	Key  home.Key // of the demo shop
	db   *home.Database
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// Open brings up everything, in the order in which one needs the other.
func Open(ctx context.Context, o Options) (_ *Shop, err error) {
	if o.Step == nil {
		o.Step = func(string) func(string) { return func(string) {} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Shop{db: o.Database}
	if s.db == nil {
		done := o.Step("postgres")
		if s.db, err = home.Open(ctx, o.Home); err != nil {
			return nil, err
		}
		done(s.db.Words)
	}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.db.Stop(ctx))
	}
	return s, nil
}

func (s *Shop) open(ctx context.Context, o Options) (err error) {
	done := o.Step("migrate")
	if err := s.db.Migrate(ctx); err != nil {
		return err
	}
	done("schema and logins are current")

	done = o.Step("seed")
	key, fresh, err := seed.Demo(ctx, s.db)
	if err != nil {
		return err
	}
	s.Key = key
	if fresh {
		done("made the demo shop " + key.Shop)
	} else {
		done("the demo shop " + key.Shop + " is there")
	}

	done = o.Step("open")
	left, err := wake(ctx, s.db)
	if err != nil {
		return err
	}
	s.Shop, err = rackless.Open(rackless.Options{
		Logins: s.db.Logins, Key: s.db.Key, Manifests: o.Manifests, Log: o.Log, Observer: o.Observer, Chaos: o.Chaos, IdleAfter: o.IdleAfter,
	})
	if err != nil {
		return fmt.Errorf("open the shop: %w", err)
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.wg.Go(func() { s.watch(watch, o.Log) })
	outcome := fmt.Sprintf("%d functions, each at zero until it is called", len(s.Functions()))
	if left > 0 {
		outcome += fmt.Sprintf("; %d events of the last run are taken up", left)
	}
	done(outcome)
	return nil
}

// Close lets what is under way end, for as long as ctx allows, stops the
// functions and then the server, if it is this machine's own.
func (s *Shop) Close(ctx context.Context) error {
	s.stop()
	s.wg.Wait()
	return errors.Join(s.Drain(ctx), s.db.Stop(ctx))
}

// wake makes every unsettled event due that is not a timer, and returns how
// many: what the broker of the last run held in memory ended with it, whatever
// the outbox expects of it.
func wake(ctx context.Context, d *home.Database) (int64, error) {
	conn, err := d.Connect(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tag, err := conn.Exec(ctx, `
		UPDATE outbox
		SET next_attempt = now()
		WHERE settled_at IS NULL AND due_at <= now()`)
	if err != nil {
		return 0, fmt.Errorf("take up the events of the last run: %w", err)
	}
	return tag.RowsAffected(), nil
}

// watchPeriod is how often watch looks. A sweep is cheap here, and people wait.
const watchPeriod = 30 * time.Second

// watch has the outbox swept at once, and from then on whenever something in it
// is overdue. A cluster's schedule sweeps every ten minutes, whether or not there
// is anything to do: good enough where brokers seldom lose events, too late for a
// person who tries out chaos. Looking first lets an idle shop stay at zero.
func (s *Shop) watch(ctx context.Context, log *slog.Logger) {
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "sweep the outbox", "error", err)
		}
		select {
		case <-time.After(watchPeriod):
		case <-ctx.Done():
			return
		}
	}
}

// sweep calls the relay if an event is overdue.
func (s *Shop) sweep(ctx context.Context) error {
	conn, err := s.db.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var overdue bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM outbox WHERE settled_at IS NULL AND next_attempt <= now())`).Scan(&overdue)
	if err != nil || !overdue {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://outbox-relay/", strings.NewReader(""))
	if err != nil {
		return err
	}
	res, err := s.Transport().RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("outbox-relay replied %s", res.Status)
	}
	return nil
}
