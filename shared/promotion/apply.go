package promotion

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
)

// Apply runs a coupon's rules and adds its discount line to f.Lines
// (CommerceRack cart specification, §10). A coupon that cannot be stacked first
// removes the discount lines of those before it. It reports why the coupon gave
// nothing, "" if it gave something.
func Apply(a *perlnum.Arith, f *Facts, c *Coupon, rules []Compiled) string {
	if !c.Stackable && !c.Auto {
		f.Lines = slices.DeleteFunc(f.Lines, func(l line.Line) bool { return l.Discount() })
	}
	code := strings.ToUpper(c.Code)
	reason := "its rule list is empty"
	for i := range rules {
		r := &rules[i]
		found := r.Test(a, f)
		exec := r.Exec
		switch {
		case !found.Applies && exec == "GOGO":
			exec = "STOP"
		case !found.Applies:
			reason = "its condition " + r.Match + " does not hold"
			continue
		}
		d := discount{a: a, f: f, rule: r, found: &found, line: f.discountLine(c, code)}
		switch exec {
		case "GOGO":
		case "STOP":
			return cmp.Or(reason, "stopped by "+r.Match)
		case "DISABLE", "REMOVE":
			if !a.Has(perlnum.KeepRemoved) {
				f.drop(code)
			}
			if exec == "DISABLE" {
				return "removed by its rule"
			}
			reason = "removed by its rule"
			continue
		default:
			d.run(exec)
		}
		f.put(d.line)
		reason = ""
	}
	f.limit(a, code)
	return reason
}

const maxSTID = 20 // characters of a discount line's identifier

func discountSTID(code string) string {
	stid := "%" + code
	return stid[:min(len(stid), maxSTID)]
}

// discountLine returns a copy of the coupon's line, or a new one.
func (f *Facts) discountLine(c *Coupon, code string) line.Line {
	stid := discountSTID(code)
	for i := range f.Lines {
		if f.Lines[i].STID == stid {
			return f.Lines[i]
		}
	}
	return line.Line{
		STID: stid, SKU: stid, Product: stid, Name: c.Title, Description: c.Title,
		Qty: 1, NotTaxable: c.NotTaxable, Promotion: true,
	}
}

func (f *Facts) put(l line.Line) {
	for i := range f.Lines {
		if f.Lines[i].STID == l.STID {
			f.Lines[i] = l
			return
		}
	}
	f.Lines = append(f.Lines, l)
}

func (f *Facts) drop(code string) {
	stid := discountSTID(code)
	f.Lines = slices.DeleteFunc(f.Lines, func(l line.Line) bool { return l.STID == stid })
}

// limit keeps a discount from exceeding the goods, and from raising them.
func (f *Facts) limit(a *perlnum.Arith, code string) {
	if a.Has(perlnum.UncappedCoupons) {
		return
	}
	stid := discountSTID(code)
	own := slices.IndexFunc(f.Lines, func(l line.Line) bool { return l.STID == stid })
	if own < 0 {
		return
	}
	room := line.Room(a, f.Lines, func(l *line.Line) bool { return l.STID != stid })
	l := &f.Lines[own]
	amount := l.Amount(a).Cents()
	if capped := min(0, max(amount, -room)); capped != amount || a.Level == perlnum.PerOrder {
		l.Price, l.Qty = a.Minor(capped), 1
	}
}

// discount is one action on one discount line.
type discount struct {
	a     *perlnum.Arith
	f     *Facts
	rule  *Compiled
	found *Result
	line  line.Line
}

var dividedItems = regexp.MustCompile(`^ADD\*MATCHITEMS([0-9]+)$`)

func (d *discount) run(exec string) {
	a, value := d.a, d.rule.Value
	percent := strings.Contains(value, "%")
	price := d.line.Price
	switch exec {
	case "SET":
		if percent {
			d.line.Price = a.Difference(subtotal(a, d.f, line.Real), value)
		} else {
			d.line.Price = a.Parse(signedNumber(value))
		}
	case "ADD*ONE":
		switch {
		case percent:
			d.line.Price = price.Add(a.Difference(subtotal(a, d.f, line.Real), value))
		case a.Has(perlnum.LegacyRuleTexts):
			d.line.Price = price.Add(a.Parse(value))
		default:
			d.line.Price = price.Add(a.Parse(signedNumber(value)))
		}
	case "ADD*MATCHITEM":
		if percent {
			d.add(a.Difference(positive(a, d.found.TotalItem), value), 1)
		} else {
			d.add(a.Difference(price, value), d.found.Matches)
		}
	case "ADD*MATCHSKU":
		switch {
		case !percent:
			d.add(a.Difference(price, value), d.found.Pieces)
		case !a.Has(perlnum.LegacyRuleTexts):
			d.add(a.Difference(d.found.TotalLines, value), 1)
		}
	case "ADD*MATCHLINES":
		if percent {
			d.add(a.Difference(d.found.TotalLines, value), 1)
		} else {
			d.add(a.Difference(price, value), d.found.Matches)
		}
	case "ADD*ALLSKU":
		d.add(d.forAll(price), d.goods())
	case "ADD*ALLITEMS":
		d.add(d.forAll(price), d.pieces())
	case "ADD*EFFECTIVESUBTOTAL":
		d.add(a.Difference(subtotal(a, d.f, line.All), value), 1)
	case "SETQTY*MATCHSKU":
		d.setQty(d.found.Matches)
	case "SETQTY*MATCHITEM":
		d.setQty(d.found.Pieces)
	case "SETQTY*MATCHITEM2":
		d.setQty(d.found.Pieces / 2)
	case "SETQTY*ALLSKU":
		d.setQty(d.goods())
	case "SETQTY*ALLITEMS":
		d.setQty(d.pieces())
	default:
		if style, ok := strings.CutPrefix(exec, "MATCHADD*"); ok {
			d.line.Qty = 1
			d.line.Price = a.Int(0)
			if total := series(a, d.found.Matched, style); total.Sign() > 0 {
				d.line.Price = a.Difference(total, value)
			}
			return
		}
		d.matchItems(exec, percent)
	}
}

// matchItems is ADD*MATCHITEMS and ADD*MATCHITEMS<n>: for every n-th piece.
func (d *discount) matchItems(exec string, percent bool) {
	n := int64(1)
	if m := dividedItems.FindStringSubmatch(exec); m != nil {
		n = max(1, d.a.Parse(m[1]).Int())
	} else if exec != "ADD*MATCHITEMS" {
		return
	}
	if !percent {
		d.add(d.a.Difference(d.line.Price, d.rule.Value), d.found.Pieces/n)
		return
	}
	total := d.found.TotalItem.Div(d.a.Int(n))
	if d.a.Has(perlnum.WholeDollarPercent) {
		total = total.Whole()
	}
	d.add(d.a.Difference(total, d.rule.Value), 1)
}

func (d *discount) add(amount perlnum.Num, times int64) {
	if times == 1 {
		d.line.Price = d.line.Price.Add(amount)
		return
	}
	d.line.Price = d.line.Price.Add(amount.Times(times))
}

// forAll is the amount per line or piece. The original adds the discount so far
// to it.
func (d *discount) forAll(price perlnum.Num) perlnum.Num {
	if d.a.Has(perlnum.LegacyRuleTexts) {
		return d.a.Modified(price, d.rule.Value)
	}
	return d.a.Difference(price, d.rule.Value)
}

func (d *discount) setQty(n int64) {
	if d.rule.Value != "" {
		d.line.Price = d.a.Parse(d.rule.Value)
	}
	d.line.Qty = n
}

// goods counts the lines that are no promotion.
func (d *discount) goods() int64 {
	n := int64(0)
	for i := range d.f.Lines {
		if s := d.f.Lines[i].STID; !strings.HasPrefix(s, "%") && !strings.HasPrefix(s, "!") {
			n++
		}
	}
	return n
}

func (d *discount) pieces() int64 {
	n := int64(0)
	for i := range d.f.Lines {
		if l := &d.f.Lines[i]; line.Real(l) {
			n += l.Qty
		}
	}
	return n
}

func positive(a *perlnum.Arith, x perlnum.Num) perlnum.Num {
	if x.Sign() > 0 {
		return x
	}
	return a.Int(0)
}

// signedNumber drops all but digits, dots and minus signs.
func signedNumber(s string) string {
	return strings.Map(func(r rune) rune {
		if (r >= '0' && r <= '9') || r == '.' || r == '-' {
			return r
		}
		return -1
	}, s)
}
