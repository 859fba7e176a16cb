package chaos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/ident"
)

// Point is a place at which a function dies in a run, and the gateway behind the
// shop at which it is reached.
type Point struct {
	Name    string // function and place
	Gateway string
	Times   int // how often a calm run reaches it
	Hits    int
}

// function returns who dies.
func (p Point) function() string {
	name, _, _ := strings.Cut(p.Name, " ")
	return name
}

// gateways are those that runs take turns with.
var gateways = []string{"test", "stripe", "authorizenet"}

// chain are the functions between a buyer's order and its end: those that die.
var chain = []string{
	"inventory-commit", "inventory-release", "inventory-reserve", "notify-email", "order-cancel", "order-confirm", "order-hold", "order-place",
	"outbox-relay", "payment-approve", "payment-authorize", "payment-capture", "payment-refund", "payment-void",
}

// discover runs the wishes in peace and returns the points that they pass.
func (w *world) discover(ctx context.Context) ([]*Point, error) {
	w.recording = true
	defer func() { w.recording = false; w.restart() }()
	var all []*Point
	for i, gateway := range gateways {
		w.restart()
		if err := os.Remove(w.file("points")); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		r, err := w.run(ctx, run{index: -1 - i, gateway: gateway, calm: true, random: rand.New(rand.NewPCG(w.options.Seed, uint64(i)))})
		if err != nil {
			return nil, err
		}
		if r.Found() > 0 {
			return nil, fmt.Errorf("in peace, with %s: %s", gateway, strings.Join(r.Findings, "; "))
		}
		data, err := fs.ReadFile(os.DirFS(w.dir), "points")
		if err != nil {
			return nil, err
		}
		times := map[string]int{}
		for line := range strings.Lines(string(data)) {
			times[strings.TrimSpace(line)]++
		}
		for name, n := range times {
			p := &Point{Name: name, Gateway: gateway, Times: n}
			switch known := slices.IndexFunc(all, func(q *Point) bool { return q.Name == name }); {
			case !slices.Contains(chain, p.function()):
			case known < 0:
				all = append(all, p)
			case all[known].Times == 1 && n > 1: // reached by more than one buyer there
				all[known] = p
			}
		}
	}
	slices.SortFunc(all, func(a, b *Point) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// run is what is to happen in one run.
type run struct {
	index   int
	gateway string
	point   *Point // nil: nobody dies
	spare   int    // how often it is passed before
	calm    bool   // nor is anything lost
	random  *rand.Rand
}

// run lets buyers shop while a function dies, lets time pass, and compares the
// books.
func (w *world) run(ctx context.Context, r run) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	c := &calls{spans: map[string]span{}}
	shop, err := w.cluster(rand.New(rand.NewPCG(r.random.Uint64(), 0)), c, r.calm)
	if err != nil {
		return Result{}, err
	}
	defer func() {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = shop.Drain(drain)
	}()
	s := shopper{shop: shop, host: fmt.Sprintf("run%d.chaos.test", r.index+10), gateway: r.gateway}
	shopID, err := w.addShop(ctx, &s)
	if err != nil {
		return Result{}, err
	}
	w.seed.Store(r.random.Uint64() >> 1)
	w.restart("stripe", "authorizenet")
	if err := s.furnish(ctx, w.account(&s)); err != nil {
		return Result{}, fmt.Errorf("furnish the shop: %w", err)
	}
	type visit struct{ cart, token string }
	visits := make([]visit, len(wishes))
	for i, wish := range wishes {
		w.clock.advance(time.Second) // all come from one address, which may open only so many carts at a time
		if visits[i].cart, visits[i].token, err = s.cart(ctx, wish); err != nil {
			return Result{}, fmt.Errorf("open a cart: %w", err)
		}
	}
	if err := w.trouble(ctx, r); err != nil {
		return Result{}, err
	}

	h := history{shop: shopID, began: time.Now(), calls: c}
	var mu sync.Mutex
	var group sync.WaitGroup
	var failed error
	for i, wish := range wishes {
		group.Go(func() {
			told, err := s.buy(ctx, wish, visits[i].cart, visits[i].token)
			mu.Lock()
			defer mu.Unlock()
			h.told = append(h.told, told...)
			if err != nil && failed == nil {
				failed = err
			}
		})
	}
	group.Go(func() {
		from := time.Now()
		err := s.must(ctx, s.key, "POST", "/v1/inventory/adjustments", "restock",
			object{"adjustments": list{object{"sku": "SCARCE", "add": restocked}}, "reason": "delivery"}, nil)
		mu.Lock()
		defer mu.Unlock()
		h.restock = span{from, time.Now()}
		if err != nil && failed == nil {
			failed = err
		}
	})
	group.Wait()
	if failed != nil {
		return Result{}, failed
	}
	if err := w.quieten(ctx, s, shopID); err != nil {
		return Result{}, err
	}
	if err := w.staff(ctx, s, h.told); err != nil {
		return Result{}, err
	}
	if err := w.quieten(ctx, s, shopID); err != nil {
		return Result{}, err
	}
	for _, d := range []time.Duration{31 * time.Minute, 73 * time.Hour} { // past the life of an order, and of a review
		if err := w.advance(ctx, d, r.gateway); err != nil {
			return Result{}, err
		}
		if err := w.quieten(ctx, s, shopID); err != nil {
			return Result{}, err
		}
	}
	return w.check(ctx, r, h)
}

// addShop makes the shop of a run, with staff's key.
func (w *world) addShop(ctx context.Context, s *shopper) (shopID string, err error) {
	shopID = ident.New(ident.Shop)
	token, hash := auth.NewToken(auth.KeyToken)
	now := w.clock.Now()
	_, err = w.db.Exec(ctx, `INSERT INTO shops (shop_id, name, currency, created_at, updated_at) VALUES ($1, 'Chaos', 'USD', $2, $2)`, shopID, now)
	if err == nil {
		_, err = w.db.Exec(ctx, `INSERT INTO shop_hosts (host, shop_id) VALUES ($1, $2)`, s.host, shopID)
	}
	if err == nil {
		_, err = w.db.Exec(ctx, `INSERT INTO api_keys (key_id, shop_id, name, hash, scopes, created_at) VALUES ($1, $2, 'chaos', $3, '{*}', $4)`,
			ident.New(ident.Key), shopID, hash, now)
	}
	s.key = token
	return shopID, err
}

// account says what the shop is connected with, and how its buyers get tokens.
func (w *world) account(s *shopper) object {
	fixed := func(tokens map[string]string) func(context.Context, string) (string, error) {
		return func(_ context.Context, card string) (string, error) { return tokens[card], nil }
	}
	switch s.gateway {
	case "stripe":
		s.token = fixed(map[string]string{"approve": "pm_card_visa", "decline": "pm_card_visa_chargeDeclined", "hold": "pm_card_authenticationRequired"})
		return object{"gateway": "stripe", "secret_key": stripeKey}
	case "authorizenet":
		s.token = func(ctx context.Context, card string) (string, error) {
			var nonce struct{ Nonce string }
			err := w.administer(ctx, "authorizenet", http.MethodPost, "/_sim/nonces",
				object{"cardNumber": "4111111111111111", "expirationDate": "2040-12", "cardCode": "900"}, &nonce)
			return "COMMON.ACCEPT.INAPP.PAYMENT|" + nonce.Nonce, err
		}
		return object{"gateway": "authorizenet", "login": authorizeNetLogin, "transaction_key": authorizeNetKey, "sandbox": true}
	}
	s.token = fixed(map[string]string{"approve": "tok_approve", "decline": "tok_decline", "hold": "tok_hold"})
	return nil
}

// trouble arms the point and has the gateway lose replies.
func (w *world) trouble(ctx context.Context, r run) error {
	if r.point != nil {
		w.process(r.point.function()).arm("CHAOS_POINT="+r.point.Name, fmt.Sprint("CHAOS_SPARE=", r.spare))
	}
	if r.calm || r.gateway == "test" {
		return nil
	}
	return w.administer(ctx, r.gateway, http.MethodPost, "/_sim/faults", object{"seed": r.random.Uint64() >> 1, "faults": []sim.Fault{
		{Kind: sim.DropBefore, Percent: 4}, {Kind: sim.DropAfter, Percent: 6}, {Kind: sim.BreakAfter, Percent: 3},
		{Kind: sim.ErrorAfter, Percent: 3, Status: http.StatusBadGateway}, {Kind: sim.RateLimit, Percent: 3},
		{Kind: sim.Slow, Percent: 10, Delay: sim.Duration(20 * time.Millisecond)},
	}}, nil)
}

// staff do what they do to some orders once the dust has settled.
func (w *world) staff(ctx context.Context, s shopper, history []told) error {
	for _, t := range history {
		if t.orderID == "" {
			continue
		}
		switch t.wish.fate {
		case "cancel":
			r, err := s.insist(ctx, s.key, "POST", "/v1/orders/"+t.orderID+"/cancel", "staff", nil)
			if err != nil || r.status != http.StatusOK && r.status != http.StatusConflict {
				return errors.Join(fmt.Errorf("cancel: status %d: %s", r.status, r.body), err)
			}
		case "approve":
			var paymentID string
			err := w.db.QueryRow(ctx, `SELECT payment_id FROM payments WHERE order_id = $1`, t.orderID).Scan(&paymentID)
			if err != nil {
				return err
			}
			r, err := s.insist(ctx, s.key, "POST", "/v1/payments/"+paymentID+"/approve", "staff", nil)
			if err != nil || r.status >= 500 {
				return errors.Join(fmt.Errorf("approve: status %d: %s", r.status, r.body), err)
			}
		}
	}
	return nil
}

// maxSweeps bounds how often the sweeper wakes up until all is quiet: as often as
// it delivers one event.
const maxSweeps = 40

// quieten lets minutes pass, and the sweeper wake up in each, until the shop has
// no event left that is due.
func (w *world) quieten(ctx context.Context, s shopper, shopID string) error {
	for range maxSweeps {
		settle, cancel := context.WithTimeout(ctx, 30*time.Second)
		err := s.shop.Settle(settle)
		cancel()
		if err != nil {
			return fmt.Errorf("events do not come to rest: %w", err)
		}
		var left bool
		err = w.db.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM outbox WHERE shop_id = $1 AND settled_at IS NULL AND due_at <= $2)`, shopID, w.clock.Now()).Scan(&left)
		if err != nil || !left {
			return err
		}
		if err := w.advance(ctx, 61*time.Second, s.gateway); err != nil {
			return err
		}
		r := requestTo(ctx, w.process("outbox-relay"))
		for r.status == 0 && ctx.Err() == nil { // it dies over it, or still does: the next wake-up finds another
			time.Sleep(10 * time.Millisecond)
			r = requestTo(ctx, w.process("outbox-relay"))
		}
		if r.status/100 != 2 {
			fmt.Fprintf(w.logs, "a sweep ended with status %d: %s\n", r.status, r.body)
		}
	}
	fmt.Fprintf(w.logs, "%d sweeps were not enough\n", maxSweeps)
	return nil // what is left is found by the check
}

// requestTo posts nothing to a function's own URL, as a schedule does; status 0 if
// it died over it.
func requestTo(ctx context.Context, h http.Handler) (out reply) {
	defer func() {
		if recover() != nil {
			out = reply{}
		}
	}()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
	return reply{w.Code, w.Body.Bytes()}
}
