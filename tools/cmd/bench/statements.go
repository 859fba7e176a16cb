package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless"
)

// statements counts the SQL of whole checkouts in few requests, by function, up
// to the last effect: the money captured, the goods off the shelf, the mail. The
// shop runs in this process, with every statement that its functions send seen
// by a tracer. What triggers and functions of the database do within one is not
// counted; BEGIN and COMMIT are.
func (b *bench) statements(ctx context.Context, out *tabwriter.Writer) (err error) {
	fmt.Fprintln(os.Stderr, "counting statements …")
	const orders, aim = 20, 80
	t := &tracer{by: map[string]*counts{}}
	shop, err := rackless.Open(rackless.Options{
		Logins: b.logins,
		Postgres: []func(*pgxpool.Config){func(cfg *pgxpool.Config) {
			name := strings.ReplaceAll(strings.TrimPrefix(cfg.ConnConfig.User, "rackless_"), "_", "-")
			cfg.ConnConfig.Tracer = traced{t, name}
		}},
	})
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, shop.Drain(context.WithoutCancel(ctx))) }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: shop}
	go func() { _ = server.Serve(listener) }() // ends with Close
	defer server.Close()
	base := "http://" + listener.Addr().String()
	client := &http.Client{}
	for i := range 10 + orders {
		if i == 10 { // the first open connections and prepare statements
			if err := shop.Settle(ctx); err != nil {
				return err
			}
			t.reset()
		}
		if err := b.checkout(ctx, client, base, few, nil); err != nil {
			return err
		}
	}
	if err := shop.Settle(ctx); err != nil {
		return err
	}
	names, total := t.result()
	fmt.Fprintf(out, "SQL per checkout, %d on average\tstatements\tround trips\ttransactions committed\taim\t\n", orders)
	per := func(n int) string { return fmt.Sprintf("%.1f", float64(n)/orders) }
	for _, name := range names {
		c := t.by[name]
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t\t\n", name, per(c.statements), per(c.trips), per(c.commits))
	}
	fmt.Fprintf(out, "all\t%s\t%s\t%s\t%d\t\n", per(total.statements), per(total.trips), per(total.commits), aim)
	return nil
}

type counts struct{ statements, trips, commits int }

// tracer counts what the functions send to the database.
type tracer struct {
	mu sync.Mutex
	by map[string]*counts
}

func (t *tracer) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.by)
}

// result returns the functions, those with most statements first, and the sum.
// The sweeper is left out: it works for all orders at once, on a schedule.
func (t *tracer) result() (names []string, total counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, c := range t.by {
		if name == "outbox-relay" {
			continue
		}
		names = append(names, name)
		total.statements += c.statements
		total.trips += c.trips
		total.commits += c.commits
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(t.by[b].statements-t.by[a].statements, strings.Compare(a, b))
	})
	return names, total
}

func (t *tracer) count(name, sql string, trips int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.by[name]
	if c == nil {
		c = &counts{}
		t.by[name] = c
	}
	c.trips += trips
	if sql == "" {
		return
	}
	c.statements++
	if strings.EqualFold(sql, "commit") {
		c.commits++
	}
}

// traced is the tracer at the connections of one function.
type traced struct {
	*tracer
	name string
}

// TraceQueryStart implements pgx.QueryTracer.
func (t traced) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	t.count(t.name, data.SQL, 1)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (traced) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer. A batch is one round trip.
func (t traced) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	t.count(t.name, "", 1)
	for _, q := range data.Batch.QueuedQueries {
		t.count(t.name, q.SQL, 0)
	}
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (traced) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (traced) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
