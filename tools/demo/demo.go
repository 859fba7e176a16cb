// Package demo does a shop's main job on real input: for each recorded cart of
// CommerceRack it configures a shop, its products and a cart over HTTP, compares
// the price with the recorded one to the cent, and orders some of them. The
// command "rackless demo" and its tests call it; it knows nothing of how the shop
// is run.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rackless/rackless/shared/oracle"
)

// Options say what to do. All but Keep and Progress are needed.
type Options struct {
	URL     string // of the shop's public API
	Key     string // an API key that may make shops
	Cases   []Case
	Orders  int    // how many of the carts to order
	Workers int    // calls under way at a time
	Done    func() // called after each case; may be nil
}

// Case is a recorded cart.
type Case struct {
	Name     string
	Category string
	input    json.RawMessage
	cents    map[string]int64 // what the original came to
	order    bool             // it is to be ordered
}

// Read adds the records of files in the format of the recorded carts.
func Read(paths ...string) ([]Case, error) {
	var cases []Case
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		more, err := read(file)
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		cases = append(cases, more...)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s: no recorded cart", strings.Join(paths, " "))
	}
	return cases, nil
}

func read(r io.Reader) (cases []Case, err error) {
	var wrong error
	err = oracle.Read(r, func(rec oracle.Record) bool {
		var expected struct {
			Cents map[string]int64 `json:"cents"`
		}
		if wrong = json.Unmarshal(rec.Expected, &expected); wrong == nil && len(expected.Cents) == 0 {
			wrong = errors.New("expected.cents is missing: it is no recorded cart")
		}
		if wrong != nil {
			wrong = fmt.Errorf("%s: %w", rec.Case, wrong)
			return false
		}
		cases = append(cases, Case{Name: rec.Case, Category: rec.Category(), input: rec.Input, cents: expected.Cents})
		return true
	})
	return cases, errors.Join(err, wrong)
}

// choose marks n carts to be ordered, from all categories in turn. A cart that
// comes to nothing needs no payment, and one with recorded payments has been paid.
func choose(cases []Case, n int) {
	byCategory := map[string][]int{}
	for i, c := range cases {
		var in struct {
			Payments []any  `json:"payments"`
			OrderID  string `json:"orderid"`
		}
		if json.Unmarshal(c.input, &in) == nil && c.cents["order_total"] > 0 && len(in.Payments) == 0 && in.OrderID == "" {
			byCategory[c.Category] = append(byCategory[c.Category], i)
		}
	}
	categories := slices.Sorted(maps.Keys(byCategory))
	for round := 0; n > 0; round++ {
		left := false
		for _, category := range categories {
			if round < len(byCategory[category]) && n > 0 {
				cases[byCategory[category][round]].order = true
				n--
				left = true
			}
		}
		if !left {
			return
		}
	}
}

// run is one demonstration under way.
type run struct {
	*client
	Options
	id string // of this run: every Idempotency-Key begins with it

	mu     sync.Mutex
	report Report
}

// Run does it all. An error means that it could not go on; what went wrong with
// the carts and orders themselves is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	choose(o.Cases, o.Orders)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = o.Workers
	defer transport.CloseIdleConnections()
	r := &run{
		client:  &client{http: &http.Client{Transport: transport, Timeout: time.Minute}, url: strings.TrimRight(o.URL, "/")},
		Options: o, id: uuid.NewString(),
	}
	r.report.categories = map[string]*category{}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cases := make(chan Case)
	shops := make([]tenant, o.Workers)
	var workers sync.WaitGroup
	for i := range shops {
		workers.Go(func() {
			if err := r.work(ctx, i, &shops[i], cases); err != nil {
				cancel(err)
			}
		})
	}
	for _, c := range o.Cases {
		select {
		case cases <- c:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(cases)
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	r.follow(ctx)
	if err := r.tally(ctx, shops); err != nil {
		return nil, err
	}
	r.example(ctx)
	return &r.report, nil
}

// tenant is the shop of one worker: each case configures it anew.
type tenant struct {
	ID  string `json:"id"`
	Key string `json:"api_key"`
}

// work takes cases until there are no more.
func (r *run) work(ctx context.Context, number int, s *tenant, cases <-chan Case) error {
	_, err := r.do(ctx, request{
		token: r.Key, method: "POST", path: "/v1/shops", key: fmt.Sprint(r.id, "-shop-", number),
		body: map[string]any{"name": fmt.Sprintf("rackless demo %s, %d", r.id[:8], number+1), "currency": "USD"},
	}, s)
	if err != nil {
		return fmt.Errorf("make a shop: %w", err)
	}
	for c := range cases {
		err := r.one(ctx, *s, c)
		if ctx.Err() != nil {
			return err
		}
		if _, refused := errors.AsType[*refusal](err); err != nil && !refused {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		if err != nil {
			r.differ(c, err.Error())
		}
		if r.Done != nil {
			r.Done()
		}
	}
	return nil
}

// one does one case.
func (r *run) one(ctx context.Context, s tenant, c Case) error {
	bodies, err := bodiesOf(c.input)
	if err != nil {
		r.differ(c, "the record cannot be read: "+err.Error())
		return nil
	}
	key := func(step string) string { return r.id + "-" + c.Name + "-" + step }
	if _, err := r.do(ctx, request{token: s.Key, method: "PATCH", path: "/v1/shop", key: key("configure"), body: bodies.shop}, nil); err != nil {
		return err
	}
	if len(bodies.products.Products) > 0 {
		if _, err := r.do(ctx, request{token: s.Key, method: "PUT", path: "/v1/products", key: key("products"), body: bodies.products}, nil); err != nil {
			return err
		}
	}
	var cart struct {
		ID string `json:"id"`
	}
	if _, err := r.do(ctx, request{token: s.Key, method: "POST", path: "/v1/carts", key: key("cart"), body: bodies.cart}, &cart); err != nil {
		return err
	}
	var priced struct {
		Cents map[string]int64 `json:"cents"`
	}
	took, err := r.do(ctx, request{token: s.Key, method: "GET", path: "/v1/carts/" + cart.ID + "/price"}, &priced)
	if err != nil {
		return err
	}
	r.compare(c, priced.Cents, took)
	if c.order {
		return r.place(ctx, s, c, cart.ID, *bodies.cart.PayBy, priced.Cents["order_total"], key("order"))
	}
	return nil
}
