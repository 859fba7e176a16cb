package order

import (
	"context"
	"slices"
	"strconv"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/inventory"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/txn"
)

// maxSeen bounds the lines that a buyer can have seen.
const maxSeen = 1000

// SeenLine is a line of a cart as the buyer saw it.
type SeenLine struct {
	STID     string `json:"stid"`
	Qty      int64  `json:"qty"`
	Extended string `json:"extended"` // what the line came to, a decimal
}

func checkSeen(f *fault.Fields, lines []SeenLine) {
	f.Check(len(lines) <= maxSeen, "/expected_lines", "must not be more than %d", maxSeen)
	for i, l := range lines {
		at := "/expected_lines/" + strconv.Itoa(i)
		f.Check(l.STID != "" && len(l.STID) <= 200, at+"/stid", "must be the stid of a line")
		_, err := money.ParseDecimal(l.Extended)
		f.Merge(at+"/extended", err)
	}
}

// Change is a line that is not as the buyer saw it: Old is absent if it is new,
// New if it has gone.
type Change struct {
	STID string    `json:"stid"`
	Old  *SeenLine `json:"old,omitempty"`
	New  *SeenLine `json:"new,omitempty"`
}

// changed compares what the buyer saw with the lines of now, in the order of now;
// what has gone comes last. Amounts are compared by value: 5 is 5.00.
func changed(seen []SeenLine, lines []price.Line) []Change {
	seen = slices.Clone(seen)
	var out []Change
	for _, l := range lines {
		now := &SeenLine{l.STID, l.Qty, l.Extended}
		i := slices.IndexFunc(seen, func(s SeenLine) bool { return s.STID == l.STID })
		if i < 0 {
			out = append(out, Change{STID: l.STID, New: now})
			continue
		}
		was := seen[i]
		seen = slices.Delete(seen, i, i+1)
		if was.Qty != now.Qty || !sameAmount(was.Extended, now.Extended) {
			out = append(out, Change{l.STID, &was, now})
		}
	}
	for _, was := range seen {
		out = append(out, Change{STID: was.STID, Old: &was})
	}
	return out
}

func sameAmount(a, b string) bool {
	x, errX := money.ParseDecimal(a)
	y, errY := money.ParseDecimal(b)
	return errX == nil && errY == nil && x.Equal(y)
}

// refuseChanged refuses, with kind Conflict, to order anything but what the buyer
// saw: the problem tells line by line what was and what is.
func refuseChanged(in PlaceInput, totals price.Totals) error {
	total := totals.Cents.Order
	var changes []Change
	if in.Lines != nil {
		changes = changed(in.Lines, totals.Lines)
	}
	switch {
	case in.Expected != nil && *in.Expected != total:
		return fault.New(fault.Conflict, "the cart comes to %d cents now, not %d", total, *in.Expected).
			With("expected_total_cents", *in.Expected).With("total_cents", total).With("lines", totals.Lines).With("changes", changes)
	case len(changes) > 0:
		return fault.New(fault.Conflict, "%d lines of the cart have changed since they were seen", len(changes)).
			With("total_cents", total).With("lines", totals.Lines).With("changes", changes)
	}
	return nil
}

// refuseShort refuses, with kind Conflict, goods that cannot be had now. It locks
// nothing: who comes at the same moment is refused by inventory-reserve.
func refuseShort(ctx context.Context, tx *txn.Tx, lines []price.Line) error {
	wanted := goods(lines)
	skus := make([]string, len(wanted))
	for i, l := range wanted {
		skus[i] = l.SKU
	}
	available, err := inventory.Available(ctx, tx, skus)
	if err != nil {
		return err
	}
	var short []events.Shortage
	for _, l := range wanted {
		if left, limited := available[l.SKU]; limited && left < l.Qty {
			short = append(short, events.Shortage{SKU: l.SKU, Wanted: l.Qty, Available: max(left, 0)})
		}
	}
	if len(short) > 0 {
		return fault.New(fault.Conflict, "there is not enough of %d of the goods", len(short)).With("shortages", short)
	}
	return nil
}
