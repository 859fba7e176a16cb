package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/manifest"
)

// bench is one run.
type bench struct {
	bin    string
	admin  string
	logins migrations.Logins
	calls  int
	starts int
	key    string // an API key of the shop measured
	known  string // a customer of it
}

func signalContext() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	return ctx
}

func (b *bench) seed(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, b.admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	shop := ident.New(ident.Shop)
	b.known = ident.New(ident.Customer)
	token, hash := auth.NewToken(auth.KeyToken)
	b.key = token
	var batch pgx.Batch
	batch.Queue(`CREATE TABLE bare_customers (id text PRIMARY KEY, email text NOT NULL UNIQUE)`)
	batch.Queue(`INSERT INTO shops (shop_id, name, currency, created_at, updated_at) VALUES ($1, 'Bench', 'USD', now(), now())`, shop)
	batch.Queue(`INSERT INTO api_keys (key_id, shop_id, name, hash, scopes, created_at) VALUES ($1, $2, 'bench', $3, '{*}', now())`, ident.New(ident.Key), shop, hash)
	batch.Queue(`INSERT INTO customers (customer_id, shop_id, email, created_at, updated_at) VALUES ($1, $2, 'known@example.com', now(), now())`, b.known, shop)
	return conn.SendBatch(ctx, &batch).Close()
}

// sizes lists the binaries' sizes; the largest ones, and all over budget.
func (b *bench) sizes(_ context.Context, out *tabwriter.Writer) error {
	const budget, budgetGzip = 24.0, 8.0 // MB
	type size struct {
		name      string
		raw, gzip float64
	}
	var all []size
	for _, f := range manifest.Functions {
		raw, packed, err := measureFile(filepath.Join(b.bin, f.Name))
		if err != nil {
			return fmt.Errorf("%w (run make build first)", err)
		}
		all = append(all, size{f.Name, raw, packed})
	}
	slices.SortFunc(all, func(a, b size) int { return int((b.raw - a.raw) * 1e6) })
	fmt.Fprintf(out, "function binary\tMB\tMB gzipped\tbudget %.0f / %.0f MB\t\n", budget, budgetGzip)
	for i, s := range all {
		verdict := "kept"
		if s.raw > budget || s.gzip > budgetGzip {
			verdict = "EXCEEDED"
		}
		if i == 0 || i == len(all)/2 || i == len(all)-1 || verdict != "kept" {
			fmt.Fprintf(out, "%s\t%.1f\t%.1f\t%s\t\n", s.name, s.raw, s.gzip, verdict)
		}
	}
	return nil
}

func measureFile(path string) (raw, packed float64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	var counter counter
	w, _ := gzip.NewWriterLevel(&counter, gzip.BestCompression) // the level is valid
	n, err := io.Copy(w, file)
	if err == nil {
		err = w.Close()
	}
	return float64(n) / 1e6, float64(counter) / 1e6, err
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// coldStarts measures from exec to the first connection, and to the first reply
// that needed the database; the bare server in turn with the function.
func (b *bench) coldStarts(ctx context.Context, out *tabwriter.Writer) error {
	conn, err := pgx.Connect(ctx, b.admin)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `INSERT INTO bare_customers VALUES ($1, 'known@example.com')`, b.known)
	if err = firstError(err, conn.Close(ctx)); err != nil {
		return err
	}
	var listens, replies [2]timings
	for range b.starts {
		for i, launch := range []func(context.Context) (*process, error){b.function("customer-get"), b.bare} {
			p, err := launch(ctx)
			if err != nil {
				return err
			}
			_, err = call(ctx, &http.Client{Transport: &http.Transport{}}, http.MethodGet, "http://"+p.address+"/v1/customers/"+b.known, b.key, "")
			replied := time.Since(p.started)
			if err = firstError(err, p.stop()); err != nil {
				return err
			}
			listens[i].add(p.listens)
			replies[i].add(replied)
		}
	}
	fmt.Fprintf(out, "cold start, %d each, in turn\tp50 ms\tp99 ms\tbare p50\tbare p99\tbudget\t\n", b.starts)
	fmt.Fprintf(out, "exec to listening\t%s\t%s\t%s\t%s\t50 ms\t\n", listens[0].p(50), listens[0].p(99), listens[1].p(50), listens[1].p(99))
	fmt.Fprintf(out, "exec to first reply from the database\t%s\t%s\t%s\t%s\t150 ms\t\n", replies[0].p(50), replies[0].p(99), replies[1].p(50), replies[1].p(99))
	return nil
}

// idleMemory measures the resident set of the whole shop in one process, and of
// one function, before and after their first calls.
func (b *bench) idleMemory(ctx context.Context, out *tabwriter.Writer) error {
	fmt.Fprintf(out, "resident memory\tMB idle\tMB after 200 calls\tbudget idle\t\n")
	for _, row := range []struct {
		name, budget string
		launch       func(context.Context) (*process, error)
	}{
		{"whole shop, one process", "60 MB", b.shop},
		{"customer-get alone", "25 MB", b.function("customer-get")},
		{"bare server", "", b.bare},
	} {
		p, err := row.launch(ctx)
		if err != nil {
			return err
		}
		idle, err := residentMB(p.Process.Pid)
		client := &http.Client{}
		for range 200 {
			if err == nil {
				_, err = call(ctx, client, http.MethodGet, "http://"+p.address+"/v1/customers/"+b.known, b.key, "")
			}
		}
		used, err2 := residentMB(p.Process.Pid)
		if err = firstError(err, err2, p.stop()); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\t%.0f\t%.0f\t%s\t\n", row.name, idle, used, row.budget)
	}
	return nil
}

// customerCalls measures creating and reading customers at two concurrencies,
// the function and the bare server in turn.
func (b *bench) customerCalls(ctx context.Context, out *tabwriter.Writer) error {
	fmt.Fprintf(out, "%d calls, in turn\tat once\tp50 ms\tp99 ms\tper s\tbare p50\tbare p99\tbare per s\t\n", b.calls)
	for _, op := range []string{"customer-create", "customer-get"} {
		for _, concurrency := range []int{1, 16} {
			var t [2]timings
			var took [2]time.Duration
			for range 4 { // rounds: what drifts, drifts for both
				for i, launch := range []func(context.Context) (*process, error){b.function(op), b.bare} {
					d, err := b.load(ctx, launch, op, concurrency, b.calls/4, &t[i])
					if err != nil {
						return err
					}
					took[i] += d
				}
			}
			rate := func(i int) string { return fmt.Sprintf("%.0f", float64(len(t[i].all))/took[i].Seconds()) }
			fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", op, concurrency, t[0].p(50), t[0].p(99), rate(0), t[1].p(50), t[1].p(99), rate(1))
		}
	}
	return nil
}

// load makes calls against a fresh process, after some that do not count.
func (b *bench) load(ctx context.Context, launch func(context.Context) (*process, error), op string, concurrency, calls int, t *timings) (time.Duration, error) {
	p, err := launch(ctx)
	if err != nil {
		return 0, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	one := func() error {
		if op == "customer-create" {
			body, _ := json.Marshal(map[string]string{"email": ident.New("x") + "@example.com"}) // strings always encode
			_, err := call(ctx, client, http.MethodPost, "http://"+p.address+"/v1/customers", b.key, string(body))
			return err
		}
		_, err := call(ctx, client, http.MethodGet, "http://"+p.address+"/v1/customers/"+b.known, b.key, "")
		return err
	}
	for range 50 {
		if err := one(); err != nil {
			return 0, firstError(err, p.stop())
		}
	}
	var left atomic.Int64
	left.Store(int64(calls))
	var group sync.WaitGroup
	failures := make(chan error, concurrency)
	began := time.Now()
	for range concurrency {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				at := time.Now()
				if err := one(); err != nil {
					failures <- err
					return
				}
				t.add(time.Since(at))
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	close(failures)
	return took, firstError(<-failures, p.stop())
}

func (b *bench) function(name string) func(context.Context) (*process, error) {
	return func(ctx context.Context) (*process, error) {
		return start(ctx, filepath.Join(b.bin, name), nil, "DATABASE_URL="+b.logins.URL(name))
	}
}

func (b *bench) bare(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, self, []string{"bare"}, "DATABASE_URL="+b.admin)
}

func (b *bench) shop(ctx context.Context) (*process, error) {
	return start(ctx, filepath.Join(b.bin, "shop"), nil, "DATABASE_URL="+b.admin, "LOGIN_SECRET=bench")
}

// timings are durations, collected by many.
type timings struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *timings) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

// p returns a percentile in milliseconds.
func (t *timings) p(percent int) string {
	slices.Sort(t.all)
	d := t.all[(len(t.all)-1)*percent/100]
	return fmt.Sprintf("%.2f", float64(d.Microseconds())/1000)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
