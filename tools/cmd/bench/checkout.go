package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The request that a buyer's shop page sends at each step. %s is the id of the
// cart, the items of which are five lines.
var (
	// steps is a checkout as a page makes it, one thing at a time.
	steps = []step{
		{http.MethodPost, "/v1/carts", `{"items":[%s]}`},
		{http.MethodPatch, "/v1/carts/%s", `{"coupons":["TENOFF"]}`},
		{http.MethodPatch, "/v1/carts/%s", `{"email":"buyer@example.com","ship":{"country":"US","region":"CA","city":"Encinitas","postal":"92024","address1":"1 Main St"}}`},
		{http.MethodGet, "/v1/carts/%s/price", ``},
		{http.MethodPatch, "/v1/carts/%s", `{"shipping_id":"GROUND"}`},
	}
	// few is the same checkout in as few requests as the API allows.
	few = []step{
		{http.MethodPost, "/v1/carts", `{"items":[%s],"coupons":["TENOFF"],"shipping_id":"GROUND","email":"buyer@example.com","ship":{"country":"US","region":"CA","city":"Encinitas","postal":"92024","address1":"1 Main St"}}`},
		{http.MethodGet, "/v1/carts/%s/price", ``},
	}
)

type step struct{ method, path, body string }

// checkouts measures checkouts of five lines with a coupon through the functions
// and the local broker, each until the order is confirmed: one order at a time,
// many whole ones at once, and the SQL that one takes.
func (b *bench) checkouts(ctx context.Context, out *tabwriter.Writer) error {
	if err := b.stock(ctx); err != nil {
		return err
	}
	if err := b.orders(ctx, out); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := b.wholeCheckouts(ctx, out); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return b.statements(ctx, out)
}

// stock configures the shop: one coupon, a payment method, and pieces enough.
func (b *bench) stock(ctx context.Context) error {
	if _, err := b.carts(ctx, 0); err != nil {
		return err
	}
	return b.withShop(ctx, func(client *http.Client, base string) error {
		var adjustments []any
		for i := range 100 {
			adjustments = append(adjustments, map[string]any{"sku": fmt.Sprintf("P%03d", i), "set": 100_000_000})
		}
		counted, err := json.Marshal(map[string]any{"adjustments": adjustments})
		if err != nil {
			return err
		}
		_, err = call(ctx, client, http.MethodPost, base+"/v1/inventory/adjustments", b.key, string(counted))
		if err == nil {
			_, err = call(ctx, client, http.MethodPatch, base+"/v1/shop", b.key, `{
				"payment_methods": [{"tender": "CREDIT", "gateway": "test", "capture": "on_confirm", "enabled": true}],
				"coupons": [{"code": "TENOFF"}],
				"rule_lists": [{"id": "COUPON-TENOFF", "rules": [{"match": "SOME_IN_FILTER", "filter": "P*", "exec": "ADD*MATCHITEMS", "value": "-10%"}]}]
			}`)
		}
		return err
	})
}

// withShop runs fn against the whole shop as one process, which is warm.
func (b *bench) withShop(ctx context.Context, fn func(client *http.Client, base string) error) error {
	p, err := b.shop(ctx)
	if err != nil {
		return err
	}
	base := "http://" + p.address
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	if err = b.ready(ctx, client, base); err == nil {
		err = fn(client, base)
	}
	return firstError(err, p.stop())
}

// orders measures from the request that places an order until its reply says
// that it is confirmed, one at a time. The carts were filled before.
func (b *bench) orders(ctx context.Context, out *tabwriter.Writer) error {
	return b.withShop(ctx, func(client *http.Client, base string) error {
		const warm = 50
		n := max(b.calls/5, 20)
		fmt.Fprintf(os.Stderr, "filling %d carts …\n", warm+n)
		var carts []string
		for range warm + n {
			id, err := b.fill(ctx, client, base, few)
			if err != nil {
				return err
			}
			carts = append(carts, id)
		}
		fmt.Fprintf(os.Stderr, "ordering them one at a time …\n")
		var t timings
		for i, id := range carts {
			at := time.Now()
			if err := b.order(ctx, client, base, id); err != nil {
				return err
			}
			if i >= warm {
				t.add(time.Since(at))
			}
		}
		fmt.Fprintf(out, "order of 5 lines, placed to confirmed, warm\torders\tp50 ms\tp90 ms\tp99 ms\taim p50\t\n")
		fmt.Fprintf(out, "one at a time\t%d\t%s\t%s\t%s\t20 ms\t\n", n, t.p(50), t.p(90), t.p(99))
		return nil
	})
}

// wholeCheckouts measures how many checkouts a second there are, beside how many
// rows the machine can commit one by one, both at the same number at once. What
// runs on the machine besides does not change the processor time of one.
func (b *bench) wholeCheckouts(ctx context.Context, out *tabwriter.Writer) error {
	postgres, err := b.postmaster(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "whole checkout, 5 lines, coupon\trequests\tat once\tp50 ms\tp90 ms\tp99 ms\tper s\taim\tcommits per s, bare\tms of processor: functions\tPostgres\tbuyers\t\n")
	for _, way := range []struct {
		name  string
		steps []step
	}{{"step by step", steps}, {"in few requests", few}} {
		for _, concurrency := range []int{1, 16, 64} {
			fmt.Fprintf(os.Stderr, "checkouts %s, %d at once …\n", way.name, concurrency)
			raw, err := b.rawCommits(ctx, concurrency)
			if err != nil {
				return err
			}
			n := max(b.calls/4, 8*concurrency)
			if concurrency > 1 {
				n = max(b.calls, 8*concurrency)
			}
			p, err := b.shop(ctx)
			if err != nil {
				return err
			}
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
			base := "http://" + p.address
			err = b.ready(ctx, client, base)
			var t timings
			one := func() error { return b.checkout(ctx, client, base, way.steps, nil) }
			if err == nil {
				_, err = together(concurrency, 30+4*concurrency, one) // the first do not count
			}
			if err != nil {
				return firstError(err, p.stop())
			}
			functions, server, buyers := cpu(p.Process.Pid), cpuOfTree(postgres), cpu(os.Getpid())
			took, err := together(concurrency, n, func() error { return b.checkout(ctx, client, base, way.steps, &t) })
			if err != nil {
				return firstError(err, p.stop())
			}
			each := func(from, to time.Duration) string {
				return fmt.Sprintf("%.2f", (to-from).Seconds()*1000/float64(n))
			}
			// What follows the confirmation is still under way and belongs to the checkouts.
			buyersThen := cpu(os.Getpid())
			if err := p.stop(); err != nil { // lets it end
				return err
			}
			functionsThen, serverThen := p.ProcessState.UserTime()+p.ProcessState.SystemTime(), cpuOfTree(postgres)
			aim := ""
			if concurrency == 16 {
				aim = "300"
			}
			fmt.Fprintf(out, "%s\t%d\t%d\t%s\t%s\t%s\t%.0f\t%s\t%.0f\t%s\t%s\t%s\t\n", way.name, len(way.steps)+1, concurrency,
				t.p(50), t.p(90), t.p(99), float64(n)/took.Seconds(), aim, raw, each(functions, functionsThen), each(server, serverThen), each(buyers, buyersThen))
		}
	}
	return nil
}

// together makes count calls of one, so many at once, and returns how long it took.
func together(concurrency, count int, one func() error) (time.Duration, error) {
	var left atomic.Int64
	left.Store(int64(count))
	failures := make(chan error, concurrency)
	began := time.Now()
	var group sync.WaitGroup
	for range concurrency {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := one(); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	close(failures)
	return took, <-failures
}

var buyers atomic.Int64

// fill makes a cart of five lines and brings it as far as the order.
func (b *bench) fill(ctx context.Context, client *http.Client, base string, way []step) (cart string, err error) {
	var items []string
	n := int(buyers.Add(1))
	for i := range 5 {
		items = append(items, fmt.Sprintf(`{"product":"P%03d","qty":%d}`, (n*3+i*7)%100, 1+i%2))
	}
	for _, s := range way {
		path, body := s.path, s.body
		if cart == "" {
			body = fmt.Sprintf(body, strings.Join(items, ","))
		} else {
			path = fmt.Sprintf(path, cart)
		}
		text, err := call(ctx, client, s.method, base+path, b.key, body)
		if err != nil {
			return "", err
		}
		if cart == "" {
			var c struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal([]byte(text), &c); err != nil {
				return "", err
			}
			cart = c.ID
		}
	}
	return cart, nil
}

// checkout is one buyer's, from the first line to the confirmed order.
func (b *bench) checkout(ctx context.Context, client *http.Client, base string, way []step, t *timings) error {
	at := time.Now()
	cart, err := b.fill(ctx, client, base, way)
	if err == nil {
		err = b.order(ctx, client, base, cart)
	}
	if err == nil && t != nil {
		t.add(time.Since(at))
	}
	return err
}

// order places the order of a cart and waits until it is confirmed.
func (b *bench) order(ctx context.Context, client *http.Client, base, cart string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/orders", strings.NewReader(
		`{"cart_id":"`+cart+`","payments":[{"tender":"CREDIT","token":"tok_approve"}]}`))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Authorization": "Bearer " + b.key, "Content-Type": "application/json", "Idempotency-Key": cart, "Prefer": "wait=20"} {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	var o struct {
		State string `json:"state"`
	}
	if err := json.Unmarshal(reply, &o); err != nil || o.State != "confirmed" {
		return fmt.Errorf("an order ended as %q: %s %s", o.State, res.Status, reply)
	}
	return nil
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
	took, err := together(concurrency, b.calls, func() error {
		return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO bare_commits VALUES (1)`)
			return err
		})
	})
	return float64(b.calls) / took.Seconds(), err
}
