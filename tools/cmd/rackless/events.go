package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/tools/home"
	"github.com/rackless/rackless/tools/term"
)

type eventsCmd struct {
	List   eventsListCmd   `cmd:"" help:"List events, newest first."`
	Show   eventsShowCmd   `cmd:"" help:"Show an event and what became of it at each consumer."`
	Replay eventsReplayCmd `cmd:"" help:"Have events delivered again to whoever has not consumed them."`
}

// inTx runs fn in a transaction that sees every shop.
func (f databaseFlags) inTx(ctx context.Context, fn func(pgx.Tx) error) error {
	return f.with(ctx, func(d *home.Database) error {
		conn, err := d.Connect(ctx)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		return notMigrated(pgx.BeginFunc(ctx, conn, fn))
	})
}

type eventsListCmd struct {
	databaseFlags
	Shop  string        `help:"Only of this shop." placeholder:"shp_…"`
	Type  string        `help:"Only of this type, e.g. order.placed.v1."`
	State string        `help:"Only in this state: pending, timer, dead or settled." enum:",pending,timer,dead,settled" default:""`
	Since time.Duration `help:"Only those of the last so long, e.g. 1h." default:"0s"`
	Limit int           `help:"How many at most." default:"50"`
}

func (eventsListCmd) Help() string {
	return `Examples:

  rackless events list --since 10m
  rackless events list --state dead

An event is pending until every consumer is done with it, a timer until it is due, dead when its delivery to a consumer was
given up, and settled when all are done.`
}

func (c *eventsListCmd) Run(ctx context.Context, out *os.File) error {
	now := clock.System{}.Now()
	filter := outbox.Filter{Shop: c.Shop, Type: c.Type, State: c.State, Limit: c.Limit}
	if c.Since > 0 {
		filter.Since = now.Add(-c.Since)
	}
	return c.inTx(ctx, func(tx pgx.Tx) error {
		records, err := outbox.List(ctx, tx, filter, now)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "TIME\tID\tTYPE\tSUBJECT\tSTATE\tSWEPT")
		for _, r := range records {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", r.Time.Format(time.DateTime), r.ID, events.Short(r.Type), r.Subject, r.State, r.Attempts)
		}
		return w.Flush()
	})
}

type eventsShowCmd struct {
	databaseFlags
	ID string `arg:"" help:"The event's id, as listed."`
}

func (eventsShowCmd) Help() string {
	return `Example:

  rackless events show 0193f1c2-6f1e-7c52-a7cb-0d2b8a1f6a31`
}

func (c *eventsShowCmd) Run(ctx context.Context, out *os.File) error {
	now := clock.System{}.Now()
	paint := term.Of(out)
	return c.inTx(ctx, func(tx pgx.Tx) error {
		r, deliveries, err := outbox.Show(ctx, tx, c.ID, manifest.Consumers, now)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, line := range [][2]string{
			{"id", r.ID}, {"type", r.Type}, {"shop", r.Shop}, {"subject", r.Subject}, {"stated", r.Time.Format(time.RFC3339Nano)},
			{"due", r.Due.Format(time.RFC3339Nano)}, {"state", r.State}, {"request", r.Correlation}, {"caused by", r.Causation},
		} {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
		if err := w.Flush(); err != nil {
			return err
		}
		var data bytes.Buffer
		if err := json.Indent(&data, r.Data, "  ", "  "); err != nil {
			return fmt.Errorf("the event's data: %w", err)
		}
		fmt.Fprintf(out, "data\n  %s\nconsumers\n", data.String())
		for _, d := range deliveries {
			fmt.Fprintf(out, "  %-24s %s\n", d.Consumer, delivered(d, paint))
		}
		return nil
	})
}

func delivered(d outbox.Delivery, paint term.Paint) string {
	switch {
	case d.ConsumedAt != nil:
		return paint.Green("✓ ") + d.ConsumedAt.UTC().Format(time.RFC3339Nano)
	case d.DiedAt != nil && d.RedrivenAt == nil:
		return paint.Red(fmt.Sprintf("✗ given up %s: %d %s", d.DiedAt.UTC().Format(time.RFC3339), d.Code, d.Detail))
	default:
		return paint.Yellow("… not yet")
	}
}

type eventsReplayCmd struct {
	databaseFlags
	IDs  []string `arg:"" name:"id" help:"The events' ids, as listed."`
	Sink string   `help:"The broker's ingress, to send them at once. Default: they are left to the sweeper of the running shop." env:"K_SINK" placeholder:"URL"`
}

func (eventsReplayCmd) Help() string {
	return `Example:

  rackless events replay 0193f1c2-6f1e-7c52-a7cb-0d2b8a1f6a31

A consumer that has consumed the event before takes it without effect, so that a replay harms nobody.`
}

func (c *eventsReplayCmd) Run(ctx context.Context, out *os.File) error {
	var reopened []events.Envelope
	err := c.inTx(ctx, func(tx pgx.Tx) error {
		reopened = nil
		for _, id := range c.IDs {
			e, err := outbox.Reopen(ctx, tx, id, clock.System{}.Now())
			if err != nil {
				return err
			}
			reopened = append(reopened, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	publisher := outbox.Publisher{Client: http.DefaultClient, Sink: c.Sink}
	for _, e := range reopened {
		if err := publisher.Publish(ctx, e); err != nil {
			return fmt.Errorf("%w; it is left to the sweeper", err)
		}
		how := "is left to the sweeper: a shop that runs here sends it within two minutes, one in a cluster within ten"
		if c.Sink != "" {
			how = "is sent"
		}
		fmt.Fprintf(out, "%s %s %s\n", e.ID, events.Short(e.Type), how)
	}
	return nil
}
