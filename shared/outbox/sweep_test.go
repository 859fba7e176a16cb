package outbox_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/testkit/txtest"
	"github.com/rackless/rackless/shared/txn"
)

// happened is an event that alpha and beta are to consume.
type happened struct {
	Name string `json:"name"`
}

func (happened) Type() string      { return events.Prefix + "thing.happened.v1" }
func (e happened) Subject() string { return e.Name }

func consumers(eventType string, _ bool) []string {
	if eventType == (happened{}).Type() {
		return []string{"alpha", "beta"}
	}
	return nil
}

// broker takes events, or does not.
type broker struct {
	mu    sync.Mutex
	got   []string // ids, in order
	down  bool
	calls int
}

func (b *broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	b.got = append(b.got, r.Header.Get("Ce-Id"))
	w.WriteHeader(http.StatusAccepted)
}

func (b *broker) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

func (b *broker) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.got
	b.got = nil
	return got
}

// shop is a shop whose producer dies before it publishes.
type shop struct {
	*txtest.DB
	broker    *broker
	publisher outbox.Publisher
	producer  *txn.Runner
	consumer  *txn.Runner
	sweeper   outbox.Sweeper
}

func newShop(t *testing.T) *shop {
	t.Helper()
	db := txtest.New(t)
	s := &shop{DB: db, broker: &broker{}, producer: db.As(t, "customer-create"), consumer: db.As(t, "notify-email")}
	server := httptest.NewServer(s.broker)
	t.Cleanup(server.Close)
	s.publisher = outbox.Publisher{Client: server.Client(), Sink: server.URL}
	s.sweeper = outbox.Sweeper{DB: db.As(t, "outbox-relay").DB, Clock: db.Clock, Publisher: s.publisher, Consumers: consumers, Log: slog.New(slog.DiscardHandler)}
	return s
}

// emit commits events that are due and returns their ids, oldest first.
func (s *shop) emit(t *testing.T, due time.Time, names ...string) []string {
	t.Helper()
	var before []string
	for _, r := range s.list(t, outbox.Filter{Limit: 10000}) {
		before = append(before, r.ID)
	}
	err := s.producer.Do(principal.NewContext(t.Context(), s.System()), func(tx *txn.Tx) error {
		for _, name := range names {
			tx.EmitAt(due, happened{name})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range s.list(t, outbox.Filter{Limit: 10000}) {
		if !slices.Contains(before, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *shop) consume(t *testing.T, consumer string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		err := s.consumer.Do(principal.NewContext(t.Context(), s.System()), func(tx *txn.Tx) error {
			_, _, err := outbox.Consume(t.Context(), tx, consumer, id, tx.Now)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (s *shop) sweep(t *testing.T) outbox.Summary {
	t.Helper()
	sum, err := s.sweeper.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func (s *shop) read(t *testing.T, fn func(*postgres.Tx) error) {
	t.Helper()
	if err := postgres.InShop(t.Context(), s.Admin, s.Shop, fn); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) list(t *testing.T, f outbox.Filter) (records []outbox.Record) {
	t.Helper()
	s.read(t, func(tx *postgres.Tx) (err error) {
		records, err = outbox.List(t.Context(), tx, f, s.Clock.Now())
		return err
	})
	return records
}

func (s *shop) show(t *testing.T, id string) (r outbox.Record, deliveries []outbox.Delivery) {
	t.Helper()
	s.read(t, func(tx *postgres.Tx) (err error) {
		r, deliveries, err = outbox.Show(t.Context(), tx, id, consumers, s.Clock.Now())
		return err
	})
	return r, deliveries
}

func want[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestSweepSendsAgainUntilEverybodyHasConsumed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ids := s.emit(t, txtest.Start, "a", "b")
	want(t, "a fresh event is left to who stated it", outbox.Summary{}, s.sweep(t))

	s.Clock.Advance(time.Minute)
	want(t, "first sweep", outbox.Summary{Published: 2}, s.sweep(t))
	want(t, "sent, oldest first", ids, s.broker.taken())
	want(t, "a sweep right after", outbox.Summary{}, s.sweep(t))

	s.consume(t, "alpha", ids...)
	s.consume(t, "beta", ids[0])
	s.Clock.Advance(time.Minute)
	want(t, "second sweep", outbox.Summary{Settled: 1, Published: 1}, s.sweep(t))
	want(t, "sent again", ids[1:], s.broker.taken())

	s.consume(t, "beta", ids[1])
	s.Clock.Advance(time.Minute)
	want(t, "within the back-off of two minutes", outbox.Summary{}, s.sweep(t))
	s.Clock.Advance(time.Minute)
	want(t, "third sweep", outbox.Summary{Settled: 1}, s.sweep(t))
	s.Clock.Advance(24 * time.Hour)
	want(t, "when all is settled", outbox.Summary{}, s.sweep(t))
}

func TestSweepBacksOffAndGivesUp(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.emit(t, txtest.Start, "a")[0]
	s.consume(t, "alpha", id)
	var rests []time.Duration
	last := txtest.Start
	for range 12 {
		r, _ := s.show(t, id)
		rests = append(rests, r.NextAttempt.Sub(last))
		last = r.NextAttempt
		s.Clock.Advance(r.NextAttempt.Sub(s.Clock.Now()))
		want(t, "sweep", outbox.Summary{Published: 1}, s.sweep(t))
	}
	m := time.Minute
	want(t, "rests", []time.Duration{m, m, 2 * m, 4 * m, 8 * m, 16 * m, 32 * m, 60 * m, 60 * m, 60 * m, 60 * m, 60 * m}, rests)
	s.Clock.Advance(time.Hour)
	want(t, "last sweep", outbox.Summary{DeadLetters: 1}, s.sweep(t))
	r, deliveries := s.show(t, id)
	if r.State != outbox.StateDead || r.SettledAt == nil {
		t.Errorf("the event is %s, settled at %v", r.State, r.SettledAt)
	}
	if len(deliveries) != 2 || deliveries[0].ConsumedAt == nil || deliveries[1].DiedAt == nil || deliveries[1].Detail != "not consumed after 12 deliveries" {
		t.Errorf("deliveries are %+v", deliveries)
	}
}

func TestBrokerThatIsDownCostsNoAttempts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprint(i))
	}
	s.emit(t, txtest.Start, names...)
	s.broker.set(true)
	for range 13 {
		s.Clock.Advance(time.Hour)
		before := s.broker.calls
		sum := s.sweep(t)
		if sum.Published != 0 || sum.DeadLetters != 0 || sum.Failed != 100 {
			t.Fatalf("with the broker down: %+v", sum)
		}
		if got := s.broker.calls - before; got != 3 {
			t.Fatalf("%d events were tried, want 3: then the broker counts as down", got)
		}
	}
	s.broker.set(false)
	s.Clock.Advance(time.Hour)
	want(t, "when it is up again", outbox.Summary{Published: 100}, s.sweep(t))
	if got := slices.Compact(slices.Sorted(slices.Values(s.broker.taken()))); len(got) != 100 {
		t.Errorf("%d different events were sent, want 100", len(got))
	}
}

func TestTimerRingsWhenDue(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	due := txtest.Start.Add(3 * time.Hour)
	ids := s.emit(t, due, "a")
	if r, _ := s.show(t, ids[0]); r.State != outbox.StateTimer {
		t.Errorf("the state is %s", r.State)
	}
	s.Clock.Advance(3*time.Hour - time.Microsecond)
	want(t, "too early", outbox.Summary{}, s.sweep(t))
	s.Clock.Advance(time.Microsecond)
	want(t, "when due", outbox.Summary{Published: 1}, s.sweep(t))
	want(t, "sent", ids, s.broker.taken())
}

func TestConcurrentSweepsShareTheWork(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var names []string
	for i := range 350 {
		names = append(names, fmt.Sprint(i))
	}
	ids := s.emit(t, txtest.Start, names...)
	s.Clock.Advance(time.Minute)
	var wg sync.WaitGroup
	var mu sync.Mutex
	published := 0
	for range 5 {
		wg.Go(func() {
			sum, err := s.sweeper.Run(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			published += sum.Published
			mu.Unlock()
		})
	}
	wg.Wait()
	if published != len(ids) {
		t.Errorf("%d publications of %d events", published, len(ids))
	}
	want(t, "sent", ids, slices.Sorted(slices.Values(s.broker.taken())))
}

func TestSweepNeedsABroker(t *testing.T) {
	t.Parallel()
	if _, err := (outbox.Sweeper{}).Run(t.Context()); err == nil {
		t.Error("a sweep without a broker ends well")
	}
}

// An event whose ids lie a month back, as the primary key orders them.
func (s *shop) age(t *testing.T, id string) string {
	t.Helper()
	old := "00000000" + id[8:]
	for _, table := range []string{"outbox", "inbox", "dead_letters"} {
		if _, err := s.Admin.Exec(t.Context(), `UPDATE `+table+` SET event_id = $2 WHERE event_id = $1`, id, old); err != nil {
			t.Fatal(err)
		}
	}
	return old
}

func TestSweepDeletesWhatIsPastItsTime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ids := s.emit(t, txtest.Start, "settled", "dead", "unsettled")
	s.consume(t, "alpha", ids...)
	s.consume(t, "beta", ids[0])
	s.bury(t, ids[1], "beta", 422, true)
	for i := range ids {
		ids[i] = s.age(t, ids[i])
	}
	_, err := s.Admin.Exec(t.Context(), `
		WITH k AS (INSERT INTO idempotency (shop_id, key_hash, request_hash, created_at, lease_until)
		           SELECT $1, decode(lpad(n::text, 8, '0'), 'hex'), '\x00', $2::timestamptz + n * interval '1 hour', $2 FROM generate_series(0, 1) n),
		     l AS (INSERT INTO rate_limits (shop_id, key, arrival) SELECT $1, n::text, $2::timestamptz + n * interval '1 hour' FROM generate_series(0, 1) n)
		INSERT INTO sessions (session_id, shop_id, family, access_hash, created_at, expires_at)
		SELECT n::text, $1, n::text, decode(lpad(n::text, 8, '0'), 'hex'), $2::timestamptz - interval '59 days' + n * interval '1 hour', $2 FROM generate_series(0, 1) n`,
		s.Shop, txtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(time.Minute)
	want(t, "before", outbox.Summary{Settled: 2, Published: 1}, s.sweep(t))
	s.Clock.Advance(24*time.Hour - time.Minute + time.Microsecond)
	want(t, "after a day: a reply, a limit, a session", int64(3), s.sweep(t).Deleted)
	s.Clock.Advance(30 * 24 * time.Hour)
	want(t, "after a month: the others, an event and its two inbox rows", int64(3+3), s.sweep(t).Deleted)
	var left []string
	for _, r := range s.list(t, outbox.Filter{}) {
		left = append(left, r.ID)
	}
	want(t, "kept: the open dead letter and what is not settled", []string{ids[1], ids[2]}, slices.Sorted(slices.Values(left)))
}

func (s *shop) bury(t *testing.T, id, consumer string, code int, wantRecorded bool) {
	t.Helper()
	err := s.As(t, "event-quarantine").Do(principal.NewContext(t.Context(), s.System()), func(tx *txn.Tx) error {
		d := outbox.DeadLetter{EventID: id, Shop: s.Shop, Consumer: consumer, Code: code, Detail: "because"}
		recorded, err := outbox.Bury(t.Context(), tx, d, consumers, tx.Now)
		if recorded != wantRecorded {
			t.Errorf("burying %s for %s: recorded %v", id, consumer, recorded)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSweepGoesOnAfterAPassingFailureOnly(t *testing.T) {
	t.Parallel()
	for code, again := range map[int]bool{0: true, 400: false, 404: true, 408: true, 409: true, 410: false, 422: false, 429: true, 500: true, 503: true} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			id := s.emit(t, txtest.Start, "a")[0]
			s.consume(t, "alpha", id)
			s.bury(t, id, "beta", code, true)
			s.Clock.Advance(time.Minute)
			sum := s.sweep(t)
			want(t, "sweep", outbox.Summary{Settled: btoi(!again), Published: btoi(again)}, sum)
			if !again {
				return
			}
			s.consume(t, "beta", id)
			s.Clock.Advance(time.Minute)
			want(t, "once consumed", outbox.Summary{Settled: 1}, s.sweep(t))
			r, deliveries := s.show(t, id)
			if r.State != outbox.StateSettled || deliveries[1].DiedAt != nil {
				t.Errorf("the event is %s, deliveries %+v", r.State, deliveries)
			}
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestOnlyOutstandingDeliveriesAreBuried(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.emit(t, txtest.Start, "a")[0]
	s.consume(t, "alpha", id)
	s.bury(t, id, "alpha", 500, false)            // it was consumed after all
	s.bury(t, id, "gamma", 500, false)            // not one of its consumers
	s.bury(t, outbox.NewID(), "beta", 500, false) // never emitted
	s.bury(t, id, "beta", 500, true)              // outstanding
	s.bury(t, id, "beta", 422, true)              // and once more
	elsewhere := s.AddShop(t)                     // whose rows those are not
	s.Shop, elsewhere = elsewhere, s.Shop
	s.bury(t, id, "beta", 500, false)
	s.Shop = elsewhere
	_, deliveries := s.show(t, id)
	if len(deliveries) != 2 || deliveries[1].Code != 422 || deliveries[1].Detail != "because" {
		t.Errorf("deliveries are %+v", deliveries)
	}
}

func TestReopenRedrivesADeadLetter(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.emit(t, txtest.Start, "a")[0]
	s.consume(t, "alpha", id)
	s.bury(t, id, "beta", 422, true)
	s.Clock.Advance(time.Minute)
	want(t, "sweep", outbox.Summary{Settled: 1}, s.sweep(t))

	var e events.Envelope
	s.read(t, func(tx *postgres.Tx) (err error) {
		e, err = outbox.Reopen(t.Context(), tx, id, s.Clock.Now())
		return err
	})
	want(t, "envelope", events.Envelope{ID: id, Shop: s.Shop, Type: happened{}.Type(), Source: "https://rackless.dev/thing", Subject: "a",
		Time: txtest.Start, Data: []byte(`{"name": "a"}`)}, e)
	if r, d := s.show(t, id); r.State != outbox.StatePending || d[1].RedrivenAt == nil {
		t.Errorf("the event is %s, deliveries %+v", r.State, d)
	}
	s.Clock.Advance(time.Minute)
	want(t, "sweep of the reopened", outbox.Summary{Published: 1}, s.sweep(t))
	s.bury(t, id, "beta", 500, true)
	if r, d := s.show(t, id); r.State != outbox.StateDead || d[1].RedrivenAt != nil || d[1].Code != 500 {
		t.Errorf("dead again, the event is %s, deliveries %+v", r.State, d)
	}
	for _, id := range []string{outbox.NewID(), "x"} {
		err := postgres.InShop(t.Context(), s.Admin, s.Shop, func(tx *postgres.Tx) error {
			_, reopen := outbox.Reopen(t.Context(), tx, id, s.Clock.Now())
			_, _, show := outbox.Show(t.Context(), tx, id, consumers, s.Clock.Now())
			if !fault.Is(show, fault.NotFound) {
				t.Errorf("show %s: %v", id, show)
			}
			return reopen
		})
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("reopen %s: %v", id, err)
		}
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ids := s.emit(t, txtest.Start, "pending", "settled", "dead")
	s.Clock.Advance(time.Hour)
	timer := s.emit(t, s.Clock.Now().Add(time.Hour), "timer")[0]
	s.consume(t, "alpha", ids[1])
	s.consume(t, "beta", ids[1])
	s.bury(t, ids[2], "beta", 422, true)
	s.sweep(t)
	for name, test := range map[string]struct {
		filter outbox.Filter
		want   []string
	}{
		"all_newest_first": {outbox.Filter{}, []string{timer, ids[2], ids[1], ids[0]}},
		"pending":          {outbox.Filter{State: outbox.StatePending}, ids[:1]},
		"settled":          {outbox.Filter{State: outbox.StateSettled}, ids[1:2]},
		"dead":             {outbox.Filter{State: outbox.StateDead}, ids[2:]},
		"timer":            {outbox.Filter{State: outbox.StateTimer}, []string{timer}},
		"short_type":       {outbox.Filter{Type: "thing.happened.v1", Limit: 1}, []string{timer}},
		"full_type":        {outbox.Filter{Type: happened{}.Type(), Limit: 1}, []string{timer}},
		"other_type":       {outbox.Filter{Type: "thing.else.v1"}, nil},
		"since":            {outbox.Filter{Since: txtest.Start.Add(time.Hour)}, []string{timer}},
		"until":            {outbox.Filter{Until: txtest.Start.Add(time.Hour), Limit: 1}, ids[2:]},
		"page":             {outbox.Filter{Before: ids[2], Limit: 2}, []string{ids[1], ids[0]}},
		"shop":             {outbox.Filter{Shop: s.Shop, Limit: 1}, []string{timer}},
		"another_shop":     {outbox.Filter{Shop: s.AddShop(t)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range s.list(t, test.filter) {
				got = append(got, r.ID)
			}
			want(t, "ids", test.want, got)
		})
	}
	for _, f := range []outbox.Filter{{State: "lost"}, {Before: "x"}} {
		err := postgres.InShop(t.Context(), s.Admin, s.Shop, func(tx *postgres.Tx) error {
			_, err := outbox.List(t.Context(), tx, f, s.Clock.Now())
			return err
		})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("list %+v: %v", f, err)
		}
	}
}
