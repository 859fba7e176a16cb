package inventory_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/testkit/txtest"
	"github.com/rackless/rackless/shared/txn"
)

// bench is an inventory and the functions that work on it.
type bench struct {
	*txtest.DB
	reserver, committer, releaser, adjuster *txn.Runner
}

func newBench(tb testing.TB, skus ...string) *bench {
	tb.Helper()
	db := txtest.New(tb)
	b := &bench{db, db.As(tb, "inventory-reserve"), db.As(tb, "inventory-commit"), db.As(tb, "inventory-release"), db.As(tb, "inventory-adjust")}
	b.list(tb, true, skus...)
	return b
}

// list puts SKUs into the catalogue.
func (b *bench) list(tb testing.TB, track bool, skus ...string) {
	tb.Helper()
	for _, sku := range skus {
		_, err := b.Admin.Exec(tb.Context(), `
			INSERT INTO products (shop_id, product_id, active, track_stock, document, content, created_at, updated_at)
			VALUES ($1, $2, true, $3, jsonb_build_object('id', $2::text), '{}', $4, $4)`, b.Shop, sku, track, txtest.Start)
		if err == nil {
			_, err = b.Admin.Exec(tb.Context(), `INSERT INTO skus (shop_id, sku, product_id, track_stock) VALUES ($1, $2, $2, $3)`, b.Shop, sku, track)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

func (b *bench) adjust(tb testing.TB, adjustments ...inventory.Adjustment) ([]inventory.Level, error) {
	tb.Helper()
	who := principal.Principal{Shop: b.Shop, Kind: principal.Staff, ID: "key_1", Scopes: []string{"*"}}
	out, err := txtest.Do(tb, b.adjuster, who, inventory.Adjust, inventory.AdjustInput{Adjustments: adjustments, Reason: "count"})
	return out.Levels, err
}

// stock sets what is on hand.
func (b *bench) stock(tb testing.TB, sku string, n int64) {
	tb.Helper()
	if _, err := b.adjust(tb, inventory.Adjustment{SKU: sku, Set: &n}); err != nil {
		tb.Fatal(err)
	}
}

func (b *bench) reserve(tb testing.TB, order string, lines ...events.OrderLine) {
	tb.Helper()
	e := events.OrderPlaced{OrderID: order, Lines: lines, ExpiresAt: b.Clock.Now().Add(time.Hour)}
	if err := txtest.Handle(tb, b.reserver, b.System(), inventory.Reserve, e); err != nil {
		tb.Fatalf("reserve %s: %v", order, err)
	}
}

func (b *bench) commit(tb testing.TB, order string) {
	tb.Helper()
	if err := txtest.Handle(tb, b.committer, b.System(), inventory.Commit, events.OrderConfirmed{OrderID: order}); err != nil {
		tb.Fatalf("commit %s: %v", order, err)
	}
}

func (b *bench) cancel(tb testing.TB, order string) {
	tb.Helper()
	if err := txtest.Handle(tb, b.releaser, b.System(), inventory.ReleaseCancelled, events.OrderCancelled{OrderID: order}); err != nil {
		tb.Fatalf("release %s: %v", order, err)
	}
}

func (b *bench) wantStock(tb testing.TB, sku string, onHand, reserved int64) {
	tb.Helper()
	var h, r int64
	if err := b.Admin.QueryRow(tb.Context(), `SELECT on_hand, reserved FROM stock WHERE sku = $1`, sku).Scan(&h, &r); err != nil {
		tb.Fatal(err)
	}
	if h != onHand || r != reserved {
		tb.Errorf("%s: %d on hand, %d reserved; want %d and %d", sku, h, r, onHand, reserved)
	}
}

func (b *bench) wantReserved(tb testing.TB, orders ...string) {
	tb.Helper()
	var got []string
	for _, e := range txtest.Emitted[events.InventoryReserved](tb, b.DB) {
		got = append(got, e.OrderID)
	}
	if diff := cmp.Diff(orders, got, cmpopts.EquateEmpty()); diff != "" {
		tb.Errorf("orders reserved (-want +got):\n%s", diff)
	}
}

func (b *bench) wantRejected(tb testing.TB, want ...events.InventoryRejected) {
	tb.Helper()
	if diff := cmp.Diff(want, txtest.Emitted[events.InventoryRejected](tb, b.DB), cmpopts.EquateEmpty()); diff != "" {
		tb.Errorf("orders rejected (-want +got):\n%s", diff)
	}
}

// check compares what is stored twice: stock with its movements, with what is held
// and with what was sold. No piece may be promised twice.
func (b *bench) check(tb rapid.TB) {
	tb.Helper()
	var wrong []string
	err := b.Admin.QueryRow(context.Background(), `
		SELECT array_agg(format('%s: on hand %s, movements %s, adjusted %s, sold %s, reserved %s, held %s', sku, on_hand, moved, adjusted, sold, reserved, held))
		FROM stock, LATERAL (
			SELECT COALESCE(sum(qty), 0) AS moved, COALESCE(sum(qty) FILTER (WHERE kind = 'adjust'), 0) AS adjusted
			FROM stock_movements m WHERE m.sku = stock.sku) AS movements, LATERAL (
			SELECT COALESCE(sum(qty) FILTER (WHERE state = 'held'), 0) AS held, COALESCE(sum(qty) FILTER (WHERE state = 'committed'), 0) AS sold
			FROM reservations r WHERE r.sku = stock.sku) AS orders
		WHERE on_hand <> moved OR on_hand <> adjusted - sold OR reserved <> held OR on_hand < held AND NOT allow_backorder`).Scan(&wrong)
	if err != nil {
		tb.Fatal(err)
	}
	for _, w := range wrong {
		tb.Error(w)
	}
}

func line(sku string, qty int64) events.OrderLine { return events.OrderLine{SKU: sku, Qty: qty} }

func TestReserveSetsAsideAllLinesOrNone(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A", "B")
	b.stock(t, "A", 5)
	b.stock(t, "B", 1)

	b.reserve(t, "ord_1", line("A", 2), line("B", 1), line("A", 1))
	b.wantStock(t, "A", 5, 3)
	b.wantStock(t, "B", 1, 1)

	b.reserve(t, "ord_2", line("A", 2), line("B", 1))
	b.wantStock(t, "A", 5, 3)
	b.wantReserved(t, "ord_1")
	b.wantRejected(t, events.InventoryRejected{OrderID: "ord_2", Lines: []events.Shortage{{SKU: "B", Wanted: 1, Available: 0}}})
	b.check(t)
}

func TestReserveIsDoneOncePerOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A")
	b.stock(t, "A", 5)

	for range 3 {
		b.reserve(t, "ord_1", line("A", 2))
	}
	b.wantStock(t, "A", 5, 2)
	b.wantReserved(t, "ord_1")

	for range 2 {
		b.commit(t, "ord_1")
	}
	b.wantStock(t, "A", 3, 0)
	b.reserve(t, "ord_1", line("A", 2))
	b.wantStock(t, "A", 3, 0)

	for range 2 {
		b.cancel(t, "ord_1")
	}
	b.wantStock(t, "A", 5, 0)
	b.commit(t, "ord_1")
	b.wantStock(t, "A", 5, 0)
	b.check(t)
}

func TestReleaseBeforeReserveLeavesNothingReserved(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A")
	b.stock(t, "A", 1)

	b.cancel(t, "ord_1")
	b.reserve(t, "ord_1", line("A", 1))
	b.wantStock(t, "A", 1, 0)
	b.wantReserved(t)
	b.wantRejected(t)
}

func TestReserveIgnoresWhatIsNotTracked(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A")
	b.list(t, false, "FREE")
	b.stock(t, "FREE", 1)

	b.reserve(t, "ord_1", line("A", 1000), line("FREE", 1000), line("UNKNOWN", 1000))
	b.wantReserved(t, "ord_1")
	b.wantStock(t, "FREE", 1, 0)
	b.commit(t, "ord_1")
	b.cancel(t, "ord_1")
	b.wantStock(t, "FREE", 1, 0)
}

func TestReserveAllowsBackOrders(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A")
	allow := true
	if _, err := b.adjust(t, inventory.Adjustment{SKU: "A", AllowBackorder: &allow}); err != nil {
		t.Fatal(err)
	}
	b.reserve(t, "ord_1", line("A", 3))
	b.wantStock(t, "A", 0, 3)
	b.commit(t, "ord_1")
	b.wantStock(t, "A", -3, 0)

	refuse, five := false, int64(5)
	_, err := b.adjust(t, inventory.Adjustment{SKU: "A", AllowBackorder: &refuse})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("switching back-orders off with pieces owed: %v, want a conflict", err)
	}
	levels, err := b.adjust(t, inventory.Adjustment{SKU: "A", AllowBackorder: &refuse, Add: &five})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]inventory.Level{{SKU: "A", OnHand: 2, Available: 2}}, levels); diff != "" {
		t.Error(diff)
	}
	b.check(t)
}

func TestExpiredReservationNoLongerCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A", "B")
	b.stock(t, "A", 1)
	b.stock(t, "B", 1)
	b.reserve(t, "ord_1", line("A", 1), line("B", 1))

	b.Clock.Advance(time.Hour - time.Microsecond)
	b.reserve(t, "ord_2", line("A", 1))
	b.wantReserved(t, "ord_1")
	b.wantAvailable(t, 0, "A")

	b.Clock.Advance(time.Microsecond)
	b.wantAvailable(t, 1, "A")
	b.wantStock(t, "A", 1, 1)
	b.reserve(t, "ord_3", line("A", 1))
	b.wantReserved(t, "ord_1", "ord_3")
	b.wantStock(t, "A", 1, 1)
	b.wantStock(t, "B", 1, 1)

	b.cancel(t, "ord_1")
	b.wantStock(t, "A", 1, 1)
	b.wantStock(t, "B", 1, 0)
	b.check(t)
}

func (b *bench) wantAvailable(tb testing.TB, want int64, sku string) {
	tb.Helper()
	got, err := txtest.Do(tb, b.reserver, b.System(), inventory.Available, []string{sku, "UNKNOWN"})
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int64{sku: want}, got); diff != "" {
		tb.Errorf("available (-want +got):\n%s", diff)
	}
}

func TestReserveComesTooLate(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A")
	b.stock(t, "A", 1)
	e := events.OrderPlaced{OrderID: "ord_1", Lines: []events.OrderLine{line("A", 1)}, ExpiresAt: b.Clock.Now()}
	if err := txtest.Handle(t, b.reserver, b.System(), inventory.Reserve, e); err != nil {
		t.Fatal(err)
	}
	b.wantStock(t, "A", 1, 0)
	b.wantReserved(t)
	b.wantRejected(t)
}

func TestCommitTakesExpiredLinesAnewOrRejects(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A", "B")
	b.stock(t, "A", 2)
	b.stock(t, "B", 1)
	b.reserve(t, "ord_1", line("A", 1), line("B", 1))
	b.reserve(t, "ord_2", line("A", 1))
	b.Clock.Advance(time.Hour)

	b.reserve(t, "ord_3", line("A", 2)) // takes back both lines of A
	b.cancel(t, "ord_3")
	b.commit(t, "ord_1")
	b.wantStock(t, "A", 1, 0)
	b.wantStock(t, "B", 0, 0)

	b.reserve(t, "ord_4", line("A", 1))
	b.commit(t, "ord_2")
	b.wantRejected(t, events.InventoryRejected{OrderID: "ord_2", Lines: []events.Shortage{{SKU: "A", Wanted: 1, Available: 0}}})
	b.cancel(t, "ord_2")
	b.wantStock(t, "A", 1, 1)
	b.check(t)
}

func TestKeepOutlastsTheExpiry(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A")
	b.stock(t, "A", 1)
	keep := func(order string) error {
		return txtest.Handle(t, b.As(t, "order-confirm"), b.System(), func(ctx context.Context, tx *txn.Tx, e events.OrderDue) error {
			return inventory.Keep(ctx, tx, e.OrderID)
		}, events.OrderDue{OrderID: order})
	}
	b.reserve(t, "ord_1", line("A", 1))
	if err := keep("ord_1"); err != nil {
		t.Fatal(err)
	}
	b.Clock.Advance(24 * time.Hour)
	b.reserve(t, "ord_2", line("A", 1))
	b.wantReserved(t, "ord_1")
	b.commit(t, "ord_1")
	b.wantStock(t, "A", 0, 0)

	b.stock(t, "A", 1)
	b.reserve(t, "ord_3", line("A", 1))
	b.Clock.Advance(24 * time.Hour)
	b.reserve(t, "ord_4", line("A", 1))
	for _, order := range []string{"ord_2", "ord_3", "ord_9"} {
		if err := keep(order); !fault.Is(err, fault.Conflict) {
			t.Errorf("keep %s: %v, want a conflict", order, err)
		}
	}
}

func TestAdjust(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A", "B")
	five, minus := int64(5), int64(-2)
	levels, err := b.adjust(t, inventory.Adjustment{SKU: "B", Set: &five}, inventory.Adjustment{SKU: "A", Add: &five})
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Level{{SKU: "B", OnHand: 5, Available: 5}, {SKU: "A", OnHand: 5, Available: 5}}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Error(diff)
	}
	b.reserve(t, "ord_1", line("A", 4))

	t.Run("less_than_reserved", func(t *testing.T) {
		_, err := b.adjust(t, inventory.Adjustment{SKU: "B", Set: new(int64)}, inventory.Adjustment{SKU: "A", Add: &minus})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		b.wantStock(t, "A", 5, 4)
		b.wantStock(t, "B", 5, 0)
	})
	t.Run("unknown_sku", func(t *testing.T) {
		_, err := b.adjust(t, inventory.Adjustment{SKU: "A", Add: &five}, inventory.Adjustment{SKU: "NONE", Add: &five})
		if !fault.Is(err, fault.Unprocessable) || err.Error() != "the catalogue does not have every SKU; /adjustments/1/sku: is no SKU of the catalogue" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("expired_reservations_do_not_count", func(t *testing.T) {
		b.Clock.Advance(time.Hour)
		levels, err := b.adjust(t, inventory.Adjustment{SKU: "A", Add: &minus})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]inventory.Level{{SKU: "A", OnHand: 3, Available: 3}}, levels); diff != "" {
			t.Error(diff)
		}
	})
	b.check(t)
}

func TestAdjustInputIsValidated(t *testing.T) {
	t.Parallel()
	one, negative := int64(1), int64(-1)
	in := inventory.AdjustInput{Adjustments: []inventory.Adjustment{
		{SKU: "A", Set: &one, Add: &one}, {SKU: "A", Set: &negative}, {SKU: "B"}, {Add: &one},
	}}
	want := "the request has invalid fields; /adjustments/0: must not have both set and add; /adjustments/1/sku: is given twice; " +
		"/adjustments/1/set: must be 0 to 1000000000; /adjustments/2: must have set, add or allow_backorder; /adjustments/3/sku: must have 1 to 35 characters"
	if err := in.Validate(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// The database keeps the books whoever writes.
func TestOnHandFollowsMovementsOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A")
	b.stock(t, "A", 2)
	for _, sql := range []string{
		`UPDATE stock SET on_hand = 9`,
		`INSERT INTO stock (shop_id, sku, on_hand) SELECT shop_id, 'Z', 1 FROM stock`,
		`UPDATE stock_movements SET qty = 9`,
		`UPDATE stock SET reserved = 3`,
		`UPDATE stock SET reserved = -1`,
		`INSERT INTO stock_movements (shop_id, sku, qty, kind, created_at) SELECT shop_id, sku, -3, 'adjust', now() FROM stock`,
	} {
		if _, err := b.Admin.Exec(t.Context(), sql); err == nil {
			t.Errorf("the database accepts: %s", sql)
		}
	}
	b.wantStock(t, "A", 2, 0)
}

func TestFiveHundredOrdersForOnePiece(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A")
	b.stock(t, "A", 1)
	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() {
			e := events.OrderPlaced{OrderID: fmt.Sprintf("ord_%d", i), Lines: []events.OrderLine{line("A", 1)}, ExpiresAt: b.Clock.Now().Add(time.Hour)}
			if err := txtest.Handle(t, b.reserver, b.System(), inventory.Reserve, e); err != nil {
				t.Errorf("reserve: %v", err)
			}
		})
	}
	all.Wait()
	if n := len(txtest.Emitted[events.InventoryReserved](t, b.DB)); n != 1 {
		t.Errorf("%d orders got the one piece", n)
	}
	if n := len(txtest.Emitted[events.InventoryRejected](t, b.DB)); n != 499 {
		t.Errorf("%d orders were rejected, want 499", n)
	}
	b.wantStock(t, "A", 1, 1)
	b.check(t)
}

// Orders whose lines cross, settled in every way at once, neither deadlock nor
// lose a piece.
func TestCrossingOrdersDoNotDeadlock(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A", "B", "C")
	for _, sku := range []string{"A", "B", "C"} {
		b.stock(t, sku, 60)
	}
	b.HangOnDeadlock(t)
	var all sync.WaitGroup
	for i := range 120 {
		all.Go(func() {
			order := fmt.Sprintf("ord_%d", i)
			lines := []events.OrderLine{line("A", 1), line("B", 1), line("C", 1)}
			for range i % 3 {
				lines = append(lines[1:], lines[0])
			}
			e := events.OrderPlaced{OrderID: order, Lines: lines, ExpiresAt: b.Clock.Now().Add(time.Duration(i%2) * time.Hour).Add(time.Second)}
			errs := []error{txtest.Handle(t, b.reserver, b.System(), inventory.Reserve, e)}
			if i%20 == 0 {
				b.Clock.Advance(time.Second) // the short ones expire
			}
			if i%3 > 0 {
				errs = append(errs, txtest.Handle(t, b.committer, b.System(), inventory.Commit, events.OrderConfirmed{OrderID: order}))
			}
			if i%4 > 0 {
				errs = append(errs, txtest.Handle(t, b.releaser, b.System(), inventory.ReleaseExpired, events.OrderExpired{OrderID: order}))
			}
			for _, err := range errs {
				if err != nil {
					t.Errorf("%s: %v", order, err)
				}
			}
		})
	}
	all.Wait()
	b.check(t)
}

// Whatever happens in whatever order, stock is the sum of its movements, reserved
// the sum of what is held, and no piece is promised twice.
func TestBooksAddUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, "A", "B", "C")
	for _, sku := range []string{"A", "B", "C"} {
		b.stock(t, sku, 3)
	}
	orders := 0
	rapid.Check(t, func(r *rapid.T) {
		base := orders
		orders += 4
		order := func() string { return fmt.Sprintf("ord_%d", base+rapid.IntRange(0, 3).Draw(r, "order")) }
		sku := rapid.SampledFrom([]string{"A", "B", "C"})
		lines := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) events.OrderLine {
			return line(sku.Draw(r, "sku"), rapid.Int64Range(1, 2).Draw(r, "qty"))
		}), 1, 3)
		r.Repeat(map[string]func(*rapid.T){
			"reserve": func(r *rapid.T) { b.reserve(t, order(), lines.Draw(r, "lines")...) },
			"commit":  func(*rapid.T) { b.commit(t, order()) },
			"release": func(*rapid.T) { b.cancel(t, order()) },
			"wait":    func(*rapid.T) { b.Clock.Advance(20 * time.Minute) },
			"adjust": func(r *rapid.T) {
				n := rapid.Int64Range(-2, 3).Draw(r, "pieces")
				if _, err := b.adjust(t, inventory.Adjustment{SKU: sku.Draw(r, "sku"), Add: &n}); err != nil && !fault.Is(err, fault.Conflict) {
					r.Fatal(err)
				}
			},
			"": func(r *rapid.T) { b.check(r) },
		})
	})
}
