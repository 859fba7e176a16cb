package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// checkouts measures whole checkouts through the functions and the local broker:
// a cart of five lines with promotions, its price, the order, and the wait until
// it is confirmed. Beside it: how many rows the machine can commit one by one.
func (b *bench) checkouts(ctx context.Context, out *tabwriter.Writer) error {
	if _, err := b.carts(ctx); err != nil { // configures the shop
		return err
	}
	p, err := b.shop(ctx)
	if err != nil {
		return err
	}
	defer p.stop()
	base := "http://" + p.address
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	if err := b.ready(ctx, client, base); err != nil {
		return err
	}
	stock := map[string]any{"payment_methods": []any{map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "on_confirm", "enabled": true}}}
	data, err := json.Marshal(stock)
	if err != nil {
		return err
	}
	if _, err := call(ctx, client, http.MethodPatch, base+"/v1/shop", b.key, string(data)); err != nil {
		return err
	}
	fmt.Fprintf(out, "checkout, 5 lines, 20 promotions\tat once\tplaced to confirmed p50 ms\tp99 ms\twhole p50 ms\tp99 ms\tper s\tcommits per s\t\n")
	for _, concurrency := range []int{1, 16, 64} {
		raw, err := b.rawCommits(ctx, concurrency)
		if err != nil {
			return err
		}
		n := max(b.calls/10, 4*concurrency)
		var whole, confirmed timings
		run := func(count int, record bool) (time.Duration, error) {
			var left atomic.Int64
			left.Store(int64(count))
			failures := make(chan error, concurrency)
			began := time.Now()
			var group sync.WaitGroup
			for range concurrency {
				group.Go(func() {
					for left.Add(-1) >= 0 {
						at := time.Now()
						placed, err := b.checkout(ctx, client, base)
						if err != nil {
							failures <- err
							return
						}
						if record {
							whole.add(time.Since(at))
							confirmed.add(placed)
						}
					}
				})
			}
			group.Wait()
			took := time.Since(began)
			close(failures)
			return took, <-failures
		}
		if _, err := run(2*concurrency, false); err != nil { // the first do not count
			return err
		}
		took, err := run(n, true)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\t%d\t%s\t%s\t%s\t%s\t%.0f\t%.0f\t\n", concurrency, confirmed.p(50), confirmed.p(99), whole.p(50), whole.p(99),
			float64(n)/took.Seconds(), raw)
	}
	return nil
}

var keys atomic.Int64

// checkout is one buyer's. It returns how long the order took from being placed
// to being confirmed.
func (b *bench) checkout(ctx context.Context, client *http.Client, base string) (time.Duration, error) {
	var items []string
	n := keys.Add(1)
	for i := range 5 {
		items = append(items, fmt.Sprintf(`{"product":"P%03d","qty":%d}`, (int(n)+i*7)%100, 1+i%2))
	}
	var c struct {
		ID string `json:"id"`
	}
	text, err := call(ctx, client, http.MethodPost, base+"/v1/carts", b.key,
		`{"items":[`+strings.Join(items, ",")+`],"email":"buyer@example.com","ship":{"country":"US","region":"CA","postal":"92024"}}`)
	if err == nil {
		err = json.Unmarshal([]byte(text), &c)
	}
	if err != nil {
		return 0, err
	}
	if _, err := call(ctx, client, http.MethodGet, base+"/v1/carts/"+c.ID+"/price", b.key, ""); err != nil {
		return 0, err
	}
	at := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/orders", strings.NewReader(
		`{"cart_id":"`+c.ID+`","payments":[{"tender":"CREDIT","token":"tok_approve"}]}`))
	if err != nil {
		return 0, err
	}
	for name, value := range map[string]string{"Authorization": "Bearer " + b.key, "Content-Type": "application/json", "Idempotency-Key": c.ID, "Prefer": "wait=20"} {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	var o struct {
		State string `json:"state"`
	}
	if err := json.Unmarshal(reply, &o); err != nil || o.State != "confirmed" {
		return 0, fmt.Errorf("an order ended as %q: %s %s", o.State, res.Status, reply)
	}
	return time.Since(at), nil
}

// rawCommits returns how many single-row transactions the machine commits in a
// second, at a concurrency.
func (b *bench) rawCommits(ctx context.Context, concurrency int) (float64, error) {
	cfg, err := pgxpool.ParseConfig(b.admin)
	if err != nil {
		return 0, err
	}
	cfg.MaxConns = int32(concurrency)
	db, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if _, err := db.Exec(ctx, `CREATE TABLE IF NOT EXISTS bare_commits (n bigint)`); err != nil {
		return 0, err
	}
	count := b.calls
	var left atomic.Int64
	left.Store(int64(count))
	failures := make(chan error, concurrency)
	began := time.Now()
	var group sync.WaitGroup
	for range concurrency {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
					_, err := tx.Exec(ctx, `INSERT INTO bare_commits VALUES (1)`)
					return err
				})
				if err != nil {
					failures <- err
					return
				}
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	close(failures)
	return float64(count) / took.Seconds(), <-failures
}
