package demo

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	sharedorder "github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/tools/term"
	"github.com/rackless/rackless/tools/timeline"
)

// meantEqual are the categories in which a single cent of difference is a defect:
// all that were recorded.
var meantEqual = []string{
	"basic", "cart_options", "cart_schedule", "coupon", "coupon_auto", "coupon_edge", "coupon_ship", "coupon_stack",
	"coupon_threshold", "edge_misc", "edge_negative", "edge_price", "edge_shiptax", "fixedprice_pkg", "freeship_coupon",
	"giftcard_product", "handling", "kit", "largeqty", "marketplace", "order_payments", "payfee", "paymentq", "payments",
	"payments_std", "shipmethod", "shiprule", "tax",
}

// Report is what came of a run.
type Report struct {
	categories  map[string]*category
	differences []string
	orders      []*order
	refused     []string // carts that could not be ordered, with the reason
	listed      int      // orders that the shops have on their lists
	lost        []string
	doubled     []string
	history     *sharedorder.History
}

// category is what came of the carts of one category.
type category struct {
	cases, equal int
	times        []time.Duration // of the price calls
}

// compare notes whether a price is the recorded one, every cent of it.
func (r *run) compare(c Case, got map[string]int64, took time.Duration) {
	var diffs []string
	for _, name := range slices.Sorted(maps.Keys(c.cents)) {
		if cents, ok := got[name]; !ok || cents != c.cents[name] {
			diffs = append(diffs, fmt.Sprintf("%s is %d, recorded %d", name, cents, c.cents[name]))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	entry := r.report.category(c.Category)
	entry.cases++
	entry.times = append(entry.times, took)
	if len(diffs) == 0 {
		entry.equal++
	} else {
		r.report.differences = append(r.report.differences, c.Name+": "+strings.Join(diffs, ", "))
	}
}

// differ notes a case that could not be priced at all.
func (r *run) differ(c Case, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.category(c.Category).cases++
	r.report.differences = append(r.report.differences, c.Name+": "+why)
	if c.order {
		r.report.refused = append(r.report.refused, c.Name+": it has no price")
	}
}

func (r *Report) category(name string) *category {
	if r.categories[name] == nil {
		r.categories[name] = &category{}
	}
	return r.categories[name]
}

func (r *Report) total() (t category) {
	for _, c := range r.categories {
		t.cases += c.cases
		t.equal += c.equal
		t.times = append(t.times, c.times...)
	}
	return t
}

func (r *Report) confirmed() (n int) {
	for _, o := range r.orders {
		if o.Order.State == state.Confirmed {
			n++
		}
	}
	return n
}

// Err says what must not be, nil if all is well.
func (r *Report) Err() error {
	var errs []error
	for _, name := range meantEqual {
		if c := r.categories[name]; c != nil && c.equal < c.cases {
			errs = append(errs, fmt.Errorf("%d of %d carts of category %s are different", c.cases-c.equal, c.cases, name))
		}
	}
	for _, o := range r.orders {
		switch {
		case o.err != nil:
			errs = append(errs, fmt.Errorf("order %s of %s: %w", o.Order.ID, o.Case, o.err))
		case !o.Order.State.Settled():
			errs = append(errs, fmt.Errorf("order %s of %s is stuck: see rackless orders timeline %[1]s", o.Order.ID, o.Case))
		case o.Order.State != state.Confirmed:
			errs = append(errs, fmt.Errorf("order %s of %s is %s: %s", o.Order.ID, o.Case, o.Order.State, cmp.Or(o.Order.Reason, "no reason is known")))
		}
	}
	for _, why := range r.refused {
		errs = append(errs, fmt.Errorf("not ordered: %s", why))
	}
	for _, o := range r.lost {
		errs = append(errs, fmt.Errorf("order lost: %s", o))
	}
	for _, o := range r.doubled {
		errs = append(errs, fmt.Errorf("ordered twice: %s", o))
	}
	return errors.Join(errs...)
}

// shown bounds the differences that are listed.
const shown = 20

// Write tells a person: differences, a table by category, an example of an
// order's history, and in the last line the counts.
func (r *Report) Write(w io.Writer, paint term.Paint) error {
	slices.Sort(r.differences)
	for _, d := range r.differences[:min(len(r.differences), shown)] {
		fmt.Fprintln(w, paint.Red("different"), d)
	}
	if n := len(r.differences) - shown; n > 0 {
		fmt.Fprintf(w, "… and %d more\n", n)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "category\tcases\tequal\tdifferent\tp50 ms\tp99 ms\t")
	for _, name := range slices.Sorted(maps.Keys(r.categories)) {
		r.categories[name].write(t, name)
	}
	total := r.total()
	total.write(t, "all")
	if err := t.Flush(); err != nil {
		return err
	}
	if r.history != nil {
		fmt.Fprintln(w, "\nOne of the orders:")
		if err := timeline.Write(w, *r.history, paint); err != nil {
			return err
		}
	}
	if len(r.orders) > 0 {
		fmt.Fprintf(w, "\nThe shops list %d orders for %d placed: %d lost, %d doubled.\n", r.listed, len(r.orders), len(r.lost), len(r.doubled))
	}
	_, err := fmt.Fprintf(w, "demo: %d carts, %d equal, %d different, %d placed, %d confirmed\n",
		total.cases, total.equal, total.cases-total.equal, len(r.orders), r.confirmed())
	return err
}

func (c *category) write(w io.Writer, name string) {
	slices.Sort(c.times)
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\t\n", name, c.cases, c.equal, c.cases-c.equal, percentile(c.times, 50), percentile(c.times, 99))
}

// percentile returns, in milliseconds, the time that p per cent of the sorted
// times do not exceed.
func percentile(sorted []time.Duration, p int) string {
	if len(sorted) == 0 {
		return "-"
	}
	d := sorted[(len(sorted)*p+99)/100-1]
	return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000)
}
