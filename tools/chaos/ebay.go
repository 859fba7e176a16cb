package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	ebaysim "github.com/rackless/rackless/infra/simulators/ebay"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/clock"
)

// The application at the simulated eBay.
const (
	ebayClient = "demo"
	ebaySecret = "demo-secret"
	ebayName   = "demo-ru"
)

// What the demonstration of eBay does.
const (
	ebayProducts = 1000 // with three variations each
	ebayChanges  = 10_000
	ebayOrders   = 500
	ebayStock    = 8   // pieces of each SKU at first: few, so that both sides fight for them
	ebayBuyers   = 400 // orders in the shop for the same goods
	ebayHot      = 60  // products that nearly all buyers want
)

var ebaySizes = []string{"A001", "A002", "A003"}

// EbaySummary is what came of the demonstration.
type EbaySummary struct {
	Listings, Changes, Calls, Limit, Imported int64
	Oversold, Missed, Doubled                 int64
	Unequal                                   int64 // SKUs of which both sides do not know the same
	Findings                                  []string
}

// Failed reports whether it shows a defect, or was not as large as it has to be.
func (s EbaySummary) Failed() bool {
	return s.Oversold+s.Missed+s.Doubled+s.Unequal > 0 || s.Calls > s.Limit || s.Listings < ebayProducts || s.Changes < ebayChanges || s.Imported < ebayOrders
}

// String is the last line of the command.
func (s EbaySummary) String() string {
	return fmt.Sprintf("ebay-demo: listings=%d changes=%d calls=%d limit=%d imported=%d oversold=%d missed=%d doubled=%d",
		s.Listings, s.Changes, s.Calls, s.Limit, s.Imported, s.Oversold, s.Missed, s.Doubled)
}

// ebayShow is the demonstration under way.
type ebayShow struct {
	*world
	shopper
	site    *ebaysim.Simulator
	shopID  string
	account string
	out     io.Writer
	began   time.Time
	faults  bool

	mu    sync.Mutex
	added map[string]int64 // pieces by SKU, by staff
	paid  []string         // eBay's ids of paid orders
}

// Ebay publishes products at a simulated eBay, changes their stock while buyers on
// both sides fight for it, and compares the books. With faults a fifth of the
// calls fail and functions are killed at random.
func Ebay(ctx context.Context, o Options, faults bool) (EbaySummary, error) {
	d := &ebayShow{out: o.Out, began: time.Now(), faults: faults, added: map[string]int64{}}
	o.Ebay = func(c clock.Clock) http.Handler {
		d.site = ebaysim.New(ebaysim.Options{Options: sim.Options{Clock: c, Seed: o.Seed}, ClientID: ebayClient, ClientSecret: ebaySecret, RuName: ebayName})
		return d.site
	}
	var err error
	if d.world, err = open(ctx, o); err != nil {
		return EbaySummary{}, err
	}
	defer d.world.close(context.WithoutCancel(ctx))
	random := rand.New(rand.NewPCG(o.Seed, 7))
	if d.shop, err = d.cluster(rand.New(rand.NewPCG(o.Seed, 8)), &calls{spans: map[string]span{}}, !faults); err != nil {
		return EbaySummary{}, err
	}
	d.host, d.shopper.gateway = "ebay.chaos.test", "test"
	if d.shopID, err = d.addShop(ctx, &d.shopper); err != nil {
		return EbaySummary{}, err
	}
	d.world.account(&d.shopper)
	steps := []struct {
		name string
		do   func(context.Context, *rand.Rand) error
	}{
		{"open the shop and connect it", d.connect}, {"publish", d.publish}, {"sell on both sides", d.sell}, {"come to rest", d.rest},
	}
	for _, step := range steps {
		d.say("%s", step.name)
		if err := step.do(ctx, random); err != nil {
			return EbaySummary{}, fmt.Errorf("%s: %w\n%s", step.name, err, d.jobs(context.WithoutCancel(ctx)))
		}
	}
	return d.compare(ctx)
}

func (d *ebayShow) say(format string, args ...any) {
	fmt.Fprintf(d.out, "%6.1f s  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// jobs tells what the account's work is at, for whoever looks for a defect.
func (d *ebayShow) jobs(ctx context.Context) (text string) {
	for _, query := range []string{
		`SELECT string_agg(j::text, E'\n') FROM ebay_jobs j`,
		`SELECT string_agg(n || ' ' || type || ' ' || attempts, E'\n') FROM (SELECT count(*) AS n, type, max(attempts) AS attempts FROM outbox WHERE settled_at IS NULL GROUP BY type) AS t`,
		`SELECT string_agg(l::text, E'\n') FROM (SELECT * FROM ebay_listings WHERE settling > 0 OR telling IS NOT NULL OR told < changes LIMIT 10) AS l`,
	} {
		var lines *string
		if err := d.db.QueryRow(ctx, query).Scan(&lines); err != nil {
			return text + err.Error()
		}
		if lines != nil {
			text += *lines + "\n"
		}
	}
	return text + string(d.saidSince(max(0, d.said()-4000)))
}

func product(i int) string { return fmt.Sprintf("EB%04d", i) }

func sku(i, size int) string { return product(i) + ":" + ebaySizes[size] }

// connect writes the products and their stock and connects the account as a seller
// does.
func (d *ebayShow) connect(ctx context.Context, _ *rand.Rand) error {
	if err := d.furnish(ctx, nil); err != nil {
		return err
	}
	for from := 0; from < ebayProducts; from += 100 {
		var products, stock list
		for i := from; i < from+100; i++ {
			var skus list
			for s := range ebaySizes {
				skus = append(skus, object{"id": sku(i, s)})
				stock = append(stock, object{"sku": sku(i, s), "set": ebayStock})
			}
			products = append(products, object{
				"id": product(i), "name": "Shirt " + product(i), "base_price": "19.99", "weight": "8", "taxable": true, "images": list{"https://img.example/shirt.jpg"},
				"options": list{object{"id": "A0", "prompt": "Size", "type": "select", "inventory": 1, "values": list{
					object{"id": "01", "prompt": "Small"}, object{"id": "02", "prompt": "Medium"}, object{"id": "03", "prompt": "Large", "price": "+1.00"},
				}}},
				"skus": skus,
			})
		}
		if err := d.must(ctx, d.key, "PUT", "/v1/products", fmt.Sprint("products", from), object{"products": products}, nil); err != nil {
			return err
		}
		if err := d.must(ctx, d.key, "POST", "/v1/inventory/adjustments", fmt.Sprint("stock", from), object{"adjustments": stock, "reason": "count"}, nil); err != nil {
			return err
		}
	}
	var begun struct {
		ID      string
		Consent string `json:"consent_url"`
	}
	if err := d.must(ctx, d.key, "POST", "/v1/ebay/accounts", "begin", object{"name": "main"}, &begun); err != nil {
		return err
	}
	d.account = begun.ID
	state, code, err := consent(ctx, begun.Consent)
	if err != nil {
		return err
	}
	if err := d.must(ctx, d.key, "POST", "/v1/ebay/accounts", "end", object{"name": "main", "state": state, "code": code}, nil); err != nil {
		return err
	}
	settings := object{"location": "main", "fulfillment_policy": "1000fulfillment", "payment_policy": "1000payment", "return_policy": "1000return"}
	place := object{"country": "US", "postalCode": "92024"}
	if err := d.must(ctx, d.key, "POST", "/v1/ebay/accounts", "settings", object{"name": "main", "settings": settings, "place": place}, nil); err != nil {
		return err
	}
	if err := d.must(ctx, d.key, "PUT", "/v1/ebay/profiles/STD", "profile", object{"category": "15687"}, nil); err != nil {
		return err
	}
	if !d.faults {
		return nil
	}
	return d.site.Faults.Set(d.options.Seed,
		sim.Fault{Kind: sim.ErrorBefore, Operation: "", Percent: 8}, sim.Fault{Kind: sim.ErrorAfter, Percent: 8, Status: http.StatusBadGateway},
		sim.Fault{Kind: sim.DropAfter, Percent: 4})
}

// consent does what a seller does on eBay's page.
func consent(ctx context.Context, page string) (state, code string, err error) {
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return "", "", err
	}
	res, err := browser.Do(r)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || back.RawQuery == "" {
		return "", "", errors.Join(err, fmt.Errorf("the seller was not sent back: status %d", res.StatusCode))
	}
	return back.Query().Get("state"), back.Query().Get("code"), nil
}

// publish puts all products up and waits until they are.
func (d *ebayShow) publish(ctx context.Context, _ *rand.Rand) error {
	for from := 0; from < ebayProducts; from += 500 {
		var ids list
		for i := from; i < from+500; i++ {
			ids = append(ids, product(i))
		}
		body := object{"account_id": d.account, "profile": "STD", "products": ids}
		if err := d.must(ctx, d.key, "POST", "/v1/ebay/listings", fmt.Sprint("publish", from), body, nil); err != nil {
			return err
		}
	}
	stop := d.killers(ctx)
	defer stop()
	return d.until(ctx, "published", ebayProducts, time.Minute, func(ctx context.Context) (n int64, err error) {
		err = d.db.QueryRow(ctx, `SELECT count(DISTINCT product_id) FROM ebay_listings WHERE state = 'live'`).Scan(&n)
		return n, err
	})
}

// killers kill functions at random until they are stopped.
func (d *ebayShow) killers(ctx context.Context) (stop func()) {
	if !d.faults {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	random := rand.New(rand.NewPCG(d.options.Seed, 9))
	victims := []string{"ebay-publish", "ebay-sync", "ebay-order-import", "inventory-reserve", "inventory-release", "order-place", "outbox-relay"}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Duration(200+random.IntN(400)) * time.Millisecond):
				d.process(victims[random.IntN(len(victims))]).kill()
			}
		}
	})
	return func() { cancel(); group.Wait() }
}

// sell changes stock, has eBay's buyers and the shop's buy, and lets time pass.
func (d *ebayShow) sell(ctx context.Context, random *rand.Rand) error {
	stop := d.killers(ctx)
	defer stop()
	var changes, sold, bought atomic.Int64
	errs := make([]error, 3)
	var group sync.WaitGroup
	seeds := []uint64{random.Uint64(), random.Uint64(), random.Uint64()}
	group.Go(func() { errs[0] = d.restock(ctx, rand.New(rand.NewPCG(seeds[0], 0)), &changes) })
	group.Go(func() { errs[1] = d.sellThere(ctx, rand.New(rand.NewPCG(seeds[1], 0)), &sold) })
	group.Go(func() { errs[2] = d.sellHere(ctx, rand.New(rand.NewPCG(seeds[2], 0)), &bought) })
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for said := time.Now(); ; {
		select {
		case <-done:
			d.say("%d changes of stock, %d orders at eBay, %d in the shop", changes.Load(), sold.Load(), bought.Load())
			return errors.Join(errs...)
		case <-time.After(100 * time.Millisecond):
			d.clock.advance(3 * time.Second)
			requestTo(ctx, d.process("outbox-relay"))
			if time.Since(said) > 10*time.Second {
				said = time.Now()
				d.say("%d of %d changes of stock, %d of %d orders at eBay, %d in the shop", changes.Load(), ebayChanges, sold.Load(), ebayOrders, bought.Load())
			}
		}
	}
}

// restock has staff add a piece here and there, or find one missing.
func (d *ebayShow) restock(ctx context.Context, random *rand.Rand, changes *atomic.Int64) error {
	for n := 0; changes.Load() < ebayChanges; n++ {
		var all list
		add := map[string]int64{}
		for len(add) < 100 {
			id := sku(random.IntN(ebayProducts), random.IntN(len(ebaySizes)))
			if add[id] == 0 {
				add[id] = int64(1 + random.IntN(4))
				all = append(all, object{"sku": id, "add": add[id]})
			}
		}
		if err := d.must(ctx, d.key, "POST", "/v1/inventory/adjustments", fmt.Sprint("restock", n), object{"adjustments": all, "reason": "delivery"}, nil); err != nil {
			return err
		}
		d.mu.Lock()
		for id, k := range add {
			d.added[id] += k
		}
		d.mu.Unlock()
		changes.Add(100)
	}
	return nil
}

// pick is a SKU that many want.
func pick(random *rand.Rand) string {
	if random.IntN(10) < 8 {
		return sku(random.IntN(ebayHot), random.IntN(len(ebaySizes)))
	}
	return sku(random.IntN(ebayProducts), random.IntN(len(ebaySizes)))
}

// sellThere has eBay's buyers buy; some pay later.
func (d *ebayShow) sellThere(ctx context.Context, random *rand.Rand, sold *atomic.Int64) error {
	var unpaid []string
	for n := 0; sold.Load() < ebayOrders && ctx.Err() == nil; n++ {
		now := random.IntN(10) > 0
		id, err := d.site.Buy(fmt.Sprint("buyer", n), now, ebaysim.Wanted{SKU: pick(random), Qty: int64(1 + random.IntN(2))})
		if err != nil { // sold out there
			time.Sleep(2 * time.Millisecond)
			continue
		}
		sold.Add(1)
		if !now {
			unpaid = append(unpaid, id)
		}
		d.paid = append(d.paid, id)
		time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
	}
	for _, id := range unpaid {
		d.site.Pay(id)
	}
	return ctx.Err()
}

// sellHere has the shop's buyers order the same goods, six at a time.
func (d *ebayShow) sellHere(ctx context.Context, random *rand.Rand, bought *atomic.Int64) error {
	var group sync.WaitGroup
	wanted := make(chan string)
	for range 6 {
		group.Go(func() {
			for id := range wanted {
				if d.order(ctx, id) {
					bought.Add(1)
				}
			}
		})
	}
	for range ebayBuyers {
		wanted <- pick(random)
	}
	close(wanted)
	group.Wait()
	return nil
}

var ebayBuyer atomic.Int64

// order buys one thing in the shop. It may be sold out.
func (d *ebayShow) order(ctx context.Context, id string) bool {
	name := fmt.Sprint("here", ebayBuyer.Add(1))
	productID, size, _ := strings.Cut(id, ":")
	var c struct {
		ID      string
		Session struct {
			AccessToken string `json:"access_token"`
		}
	}
	body := object{
		"items": list{object{"product": productID, "qty": 1, "options": object{"A0": size[2:]}}}, "email": name + "@example.com",
		"ship": object{"country": "US", "region": "CA", "postal": "92024", "city": "Encinitas", "address1": "1 Main St"},
	}
	if err := d.must(ctx, "", "POST", "/v1/carts", name, body, &c); err != nil {
		return false
	}
	r, err := d.insist(ctx, c.Session.AccessToken, "POST", "/v1/orders", name, object{"cart_id": c.ID, "payments": list{object{"tender": "CREDIT", "token": "tok_approve"}}})
	return err == nil && r.status == http.StatusAccepted
}

// rest lets time pass until nothing is to be done, a day and its comparison of
// listings included.
func (d *ebayShow) rest(ctx context.Context, _ *rand.Rand) error {
	if err := d.site.Faults.Set(0); err != nil {
		return err
	}
	quiet := func(ctx context.Context) (n int64, err error) {
		err = d.db.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM ebay_listings WHERE settling > 0 OR telling IS NOT NULL OR state = 'live' AND told < changes)
			     + (SELECT count(*) FROM listing_commands WHERE result IN ('PENDING', 'RUNNING'))
			     + (SELECT count(*) FROM orders WHERE state = 'pending')
			     + (SELECT $1 - count(*) FROM ebay_orders WHERE imported_at IS NOT NULL)`, len(d.paid)).Scan(&n)
		return -n, err
	}
	for range 2 {
		if err := d.until(ctx, "to be done", 0, 3*time.Minute, quiet); err != nil {
			return err
		}
		d.clock.advance(25 * time.Hour) // the listings are compared
		var compared int64
		if err := d.db.QueryRow(ctx, `SELECT done FROM ebay_jobs WHERE kind = 'reconcile'`).Scan(&compared); err != nil {
			return err
		}
		err := d.until(ctx, "listings compared", compared+ebayProducts, time.Minute, func(ctx context.Context) (n int64, err error) {
			err = d.db.QueryRow(ctx, `SELECT done FROM ebay_jobs WHERE kind = 'reconcile' AND page = 0 AND run_until IS NULL`).Scan(&n)
			if errors.Is(err, pgx.ErrNoRows) {
				err = nil
			}
			return n, err
		})
		if err != nil {
			return err
		}
	}
	return d.until(ctx, "to be done", 0, 3*time.Minute, quiet)
}

// patience is how long something may take that is waited for.
const patience = 15 * time.Minute

// until lets time pass, and the sweeper wake up, until count is what is wanted.
func (d *ebayShow) until(ctx context.Context, what string, want int64, step time.Duration, count func(context.Context) (int64, error)) error {
	deadline, said := time.Now().Add(patience), time.Now()
	for {
		n, err := count(ctx)
		if err != nil || n >= want {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d are %s after %v, not %d", n, what, patience, want)
		}
		if time.Since(said) > 10*time.Second {
			said = time.Now()
			d.say("%d %s", max(n, -n), what)
		}
		settle, cancel := context.WithTimeout(ctx, 2*time.Second)
		err = d.shop.Settle(settle)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // something is at work: time must not run away from it
			d.clock.advance(2 * time.Second)
			continue
		}
		d.clock.advance(step)
		requestTo(ctx, d.process("outbox-relay"))
	}
}

// compare compares the books of both sides.
func (d *ebayShow) compare(ctx context.Context) (s EbaySummary, err error) {
	usage := d.site.Usage()
	s.Calls, s.Limit, s.Changes = usage.Calls, usage.Limit, int64(0)
	find := func(count *int64, format string, args ...any) {
		*count++
		if len(s.Findings) < 50 {
			s.Findings = append(s.Findings, fmt.Sprintf(format, args...))
		}
	}
	listings := map[string]bool{}
	there := map[string]ebaysim.Offered{}
	for _, o := range d.site.Offered() {
		listings[o.ListingID] = true
		there[o.SKU] = o
	}
	s.Listings = int64(len(listings))
	err = d.db.QueryRow(ctx, `SELECT count(*) FROM stock_movements WHERE shop_id = $1 AND reason = 'delivery'`, d.shopID).Scan(&s.Changes)
	if err != nil {
		return s, err
	}
	references := map[string]int{}
	rows, err := d.db.Query(ctx, `SELECT reference FROM orders WHERE shop_id = $1 AND channel = 'ebay'`, d.shopID)
	if err != nil {
		return s, err
	}
	for rows.Next() {
		var reference string
		if err := rows.Scan(&reference); err != nil {
			return s, err
		}
		references[reference]++
		s.Imported++
	}
	if err := rows.Err(); err != nil {
		return s, err
	}
	for id := range d.site.Orders() {
		if references[id] == 0 {
			find(&s.Missed, "order %s of eBay was not imported", id)
		}
	}
	for id, n := range references {
		if n > 1 {
			find(&s.Doubled, "order %s of eBay was imported %d times", id, n)
		}
	}
	return s, d.compareStock(ctx, &s, there, find)
}

// compareStock compares, SKU by SKU, what there was with what was sold on both
// sides, and what each side believes to be left for eBay.
func (d *ebayShow) compareStock(ctx context.Context, s *EbaySummary, there map[string]ebaysim.Offered, find func(*int64, string, ...any)) error {
	soldThere := d.site.Sold()
	rows, err := d.db.Query(ctx, `
		SELECT s.sku, s.on_hand, s.reserved,
		       COALESCE((SELECT l.quantity FROM ebay_listings l WHERE l.shop_id = s.shop_id AND l.sku = s.sku AND l.state = 'live'), 0),
		       COALESCE((SELECT sum(r.qty) FROM reservations r WHERE r.shop_id = s.shop_id AND r.sku = s.sku AND r.state = 'held' AND r.order_id LIKE 'ebl_%'), 0)::bigint,
		       COALESCE((SELECT sum(l.qty) FROM order_lines l JOIN orders o USING (order_id)
		                 WHERE l.shop_id = s.shop_id AND l.sku = s.sku AND o.state = 'confirmed' AND o.channel = ''), 0)::bigint,
		       COALESCE((SELECT sum(w.short) FROM ebay_winners w WHERE w.shop_id = s.shop_id AND w.sku = s.sku), 0)::bigint
		FROM stock s
		WHERE s.shop_id = $1 AND s.sku LIKE 'EB%'`, d.shopID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var onHand, reserved, told, held, here, short int64
		if err := rows.Scan(&id, &onHand, &reserved, &told, &held, &here, &short); err != nil {
			return err
		}
		had := ebayStock + d.added[id]
		if short > 0 || here+soldThere[id] > had || onHand < 0 {
			find(&s.Oversold, "%s: of %d, %d were sold here and %d at eBay; %d on the shelf, %d short", id, had, here, soldThere[id], onHand, short)
		}
		if onHand != had-here-soldThere[id] {
			find(&s.Unequal, "%s: %d on the shelf, %d of %d sold", id, onHand, here+soldThere[id], had)
		}
		if told != there[id].Quantity || held != told || reserved != held {
			find(&s.Unequal, "%s: eBay offers %d, the shop believes %d and holds %d of %d reserved", id, there[id].Quantity, told, held, reserved)
		}
	}
	return rows.Err()
}
