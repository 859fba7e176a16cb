package promotion

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
)

// Ledger keeps what is left of each line's amount while offers run, in the
// smallest unit, and which offer took how much.
type Ledger struct {
	a      *perlnum.Arith
	lines  []line.Line // goods; promotions have nothing left
	left   []int64
	Shares []Share
}

// Share is the part of an offer's discount that falls on a line.
type Share struct {
	Offer string
	Line  int // index
	Units int64
}

// NewLedger starts with the amounts of the lines.
func NewLedger(a *perlnum.Arith, lines []line.Line) *Ledger {
	l := &Ledger{a: a, lines: lines, left: line.Amounts(a, lines)}
	for i := range lines {
		if !line.RealNoGift(&lines[i]) || lines[i].Master != "" {
			l.left[i] = 0
		}
		l.left[i] = max(0, l.left[i])
	}
	return l
}

// Apply runs an offer on goods and adds its discount lines to f.Lines: one, or
// one for each kind of taxation among the goods, so that tax is lowered where
// the discount is. It reports why the offer gave nothing, "" if it gave
// something.
func (l *Ledger) Apply(f *Facts, c *CompiledOffer) string {
	pieces, total := l.pieces(c)
	if total == 0 {
		return "no goods match"
	}
	parts := l.parts(c, pieces)
	sum := l.a.Int(0)
	for _, p := range parts {
		sum = sum.Add(p)
	}
	most := line.Room(l.a, f.Lines, line.All)
	if c.MaxDiscount != "" {
		most = min(most, l.a.Parse(c.MaxDiscount).Cents())
	}
	units := sum.Cents()
	if units > most {
		units = most
		share := l.a.Minor(most).Div(sum)
		for i := range parts {
			parts[i] = parts[i].Mul(share)
		}
	}
	if units <= 0 {
		return "it would lower nothing"
	}
	l.book(f, c, line.Spread(l.a, l.lines, units, parts))
	return ""
}

// pieces returns how many pieces of each line are discounted: the cheapest
// ones, up to a maximum.
func (l *Ledger) pieces(c *CompiledOffer) (pieces []int64, total int64) {
	pieces = make([]int64, len(l.lines))
	var order []int
	for i := range l.lines {
		if x := &l.lines[i]; l.left[i] > 0 && x.Qty > 0 && (c.Products == "" || c.products.Matches(l.a, x)) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(l.lines[j].Price.Cmp(l.lines[i].Price), strings.Compare(l.lines[i].STID, l.lines[j].STID))
	})
	var before int64
	for _, i := range order {
		n := l.lines[i].Qty
		if c.Kind == BuyGet {
			pieces[i] = c.free(before+n) - c.free(before)
			before += n
		} else {
			pieces[i] = n
		}
		total += pieces[i]
	}
	if over := total - c.MaxPieces; c.MaxPieces > 0 && over > 0 {
		for _, i := range order { // the dearest lose their discount first
			cut := min(over, pieces[i])
			pieces[i] -= cut
			over -= cut
		}
		total = c.MaxPieces
	}
	return pieces, total
}

// free is how many of the first n pieces are discounted.
func (c *CompiledOffer) free(n int64) int64 {
	group := c.Buy + c.Get
	return n/group*c.Get + max(0, n%group-c.Buy)
}

// parts is the discount of each line before rounding.
func (l *Ledger) parts(c *CompiledOffer, pieces []int64) []perlnum.Num {
	a := l.a
	base, each := make([]perlnum.Num, len(pieces)), make([]perlnum.Num, len(pieces))
	total, count := a.Int(0), int64(0)
	for i, n := range pieces {
		if n > 0 {
			each[i] = a.Minor(l.left[i]).Div(a.Int(l.lines[i].Qty))
			base[i] = a.Minor(l.left[i])
			if n < l.lines[i].Qty {
				base[i] = each[i].Times(n)
			}
			total, count = total.Add(base[i]), count+n
		}
	}
	value := a.Parse(c.value(a, count, total))
	parts := make([]perlnum.Num, len(pieces))
	for i, n := range pieces {
		if n == 0 {
			continue
		}
		switch c.Kind {
		case Percent, BuyGet:
			parts[i] = base[i].Mul(value.Percent())
		case Each:
			parts[i] = least(value.Times(n), base[i])
		case Across:
			parts[i] = base[i].Mul(least(value, total).Div(total))
		case Sale:
			if value.Less(each[i]) {
				parts[i] = base[i].Sub(value.Times(n))
			}
		}
	}
	return parts
}

func least(x, y perlnum.Num) perlnum.Num {
	if y.Less(x) {
		return y
	}
	return x
}

// value is the offer's value at a number of pieces and their total.
func (c *CompiledOffer) value(a *perlnum.Arith, pieces int64, total perlnum.Num) string {
	value := c.Value
	for _, t := range c.Tiers {
		if t.Pieces > 0 && pieces >= t.Pieces || t.Amount != "" && !total.Less(a.Parse(t.Amount)) {
			value = t.Value
		}
	}
	return value
}

// book takes the parts off the lines and writes the discount lines.
func (l *Ledger) book(f *Facts, c *CompiledOffer, parts []int64) {
	type class struct {
		exempt bool
		rate   string
	}
	lines := make(map[class]int)
	for i, units := range parts {
		if units == 0 {
			continue
		}
		l.left[i] -= units
		l.Shares = append(l.Shares, Share{c.ID, i, units})
		key := class{exempt: l.lines[i].NotTaxable}
		if r := l.lines[i].TaxRate; r != nil && !key.exempt {
			key.rate = r.String()
		}
		at, known := lines[key]
		if !known {
			at = len(f.Lines)
			lines[key] = at
			stid := "%" + c.ID
			if n := len(lines); n > 1 {
				stid = fmt.Sprintf("%s-%d", stid, n)
			}
			f.Lines = append(f.Lines, line.Line{
				STID: stid, SKU: stid, Product: stid, Name: c.Title, Description: c.Title, Qty: 1,
				NotTaxable: key.exempt, TaxRate: l.lines[i].TaxRate, Promotion: true,
			})
		}
		f.Lines[at].Price = f.Lines[at].Price.Sub(l.a.Minor(units))
	}
}

// Shipping returns the price of shipping under an offer on it.
func (c *CompiledOffer) Shipping(a *perlnum.Arith, price perlnum.Num) perlnum.Num {
	value := a.Parse(c.value(a, 0, price))
	off := a.Int(0)
	switch c.Kind {
	case Percent:
		off = price.Mul(value.Percent()).Round()
	case Across:
		off = value
	case Sale:
		if value.Less(price) {
			off = price.Sub(value)
		}
	}
	if c.MaxDiscount != "" {
		off = least(off, a.Parse(c.MaxDiscount))
	}
	return price.Sub(least(off, price))
}
