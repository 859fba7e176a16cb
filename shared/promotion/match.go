package promotion

import (
	"regexp"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
)

// Facts is what rules may ask about a cart.
type Facts struct {
	Lines     []line.Line
	Coupons   []string // codes in the cart, sorted
	Country   string   // ISO 3166 alpha-2
	Region    string
	Postal    string
	Address1  string
	Address2  string
	HasStreet bool // an address line is set, be it empty
	Schedule  string
	Referrer  string
	IPAddress string
	Site      string // A or B
	Sandbox   bool
	Shipping  perlnum.Num // the price the rule may change; 0 for coupons
	Now       time.Time
	Weight    perlnum.Num // ounces of all lines, where goods weigh nothing
}

// Result is what a rule's test found.
type Result struct {
	Applies bool

	Lines      int64       // of the filter, or 1 where the test is no filter
	Qty        int64       // pieces, likewise
	Matches    int64       // lines that the filter selects
	Pieces     int64       // their pieces
	TotalItem  perlnum.Num // their price times quantity, not rounded
	TotalLines perlnum.Num // their unit prices
	Matched    []*line.Line
}

// Compiled is a rule that is ready to be tested.
type Compiled struct {
	Rule
	filter  Filter
	text    *regexp.Regexp // the filter as a pattern for names and addresses
	coupons *regexp.Regexp
}

// Compile prepares a rule. The error names what cannot be understood.
func Compile(r Rule) (Compiled, error) {
	c := Compiled{Rule: r}
	var err error
	if c.filter, err = ParseFilter(r.Filter); err != nil {
		return c, err
	}
	switch r.Match {
	case "FILTER_IS_SUBSTRING", "SUBSTRING_MATCH", "IPADDR_MATCH":
		c.text, err = regexp.Compile("(?i)" + alternatives(r.Filter))
	case "COUPON/ANY":
		parts := elements(strings.NewReplacer("\n", "", "\r", "").Replace(r.Filter))
		for i, p := range parts {
			parts[i] = "(^" + p + "$)"
		}
		c.coupons, err = regexp.Compile("(" + strings.Join(parts, "|") + ")")
	}
	return c, err
}

// Test evaluates the rule's condition (cart specification, §7.5). Comparisons
// are strict.
func (c *Compiled) Test(a *perlnum.Arith, f *Facts) Result {
	r := c.find(a, f)
	lines, qty, ok := c.decide(a, f, &r)
	r.Applies, r.Lines, r.Qty = ok, lines, qty
	return r
}

// find collects what the filter selects.
func (c *Compiled) find(a *perlnum.Arith, f *Facts) Result {
	r := Result{TotalItem: a.Int(0), TotalLines: a.Int(0)}
	for i := range f.Lines {
		l := &f.Lines[i]
		if l.Key() == "" || !c.selects(a, l) {
			continue
		}
		r.Matches++
		r.Pieces += l.Qty
		r.TotalLines = r.TotalLines.Add(l.Price)
		r.TotalItem = r.TotalItem.Add(l.Price.Times(l.Qty))
		r.Matched = append(r.Matched, l)
	}
	return r
}

func (c *Compiled) selects(a *perlnum.Arith, l *line.Line) bool {
	if c.Match == "FILTER_IS_SUBSTRING" {
		return c.text.MatchString(l.Description)
	}
	return c.filter.Matches(a, l)
}

// decide returns how many lines and pieces count for the rule's action, and
// whether it runs.
func (c *Compiled) decide(a *perlnum.Arith, f *Facts, r *Result) (lines, qty int64, ok bool) {
	yes := func(ok bool) (int64, int64, bool) {
		if ok {
			return 1, 1, true
		}
		return 0, 0, false
	}
	found := func(ok bool) (int64, int64, bool) {
		if ok {
			return r.Matches, r.Pieces, r.Matches > 0
		}
		return 0, 0, false
	}
	switch c.Match {
	case "IS_TRUE", "TRUE":
		return yes(true)
	case "NOTHING_IN_FILTER":
		return 1, 0, r.Matches == 0
	case "SOME_IN_FILTER":
		return found(true)
	case "TWO_IN_FILTER":
		return found(r.Pieces >= 2)
	case "THREE_IN_FILTER":
		return found(r.Pieces >= 3)
	case "ALL_IN_FILTER":
		return yes(r.Matches == line.Count(f.Lines, line.Real))
	case "ALL_NOT_PRESENT":
		return yes(r.Matches != line.Count(f.Lines, line.Real))
	case "FILTER_IS_SUBSTRING":
		return yes(r.Matches > 0)
	case "CRAZY_FILTER":
		return 1, 0, c.crazy(f, r)
	case "POGMATCH":
		return yes(c.optionMatch(f, r))
	case "STIDMATCH/GT", "STIDMATCH/EQ", "STIDMATCH/LT":
		return yes(compare(c.Match, a.Int(r.Pieces), c.value(a)))
	case "STIDTOTAL/GT", "STIDTOTAL/EQ", "STIDTOTAL/LT":
		return yes(compare(c.Match, r.TotalItem, c.value(a)))
	case "HAS_CLAIM":
		for i := range f.Lines {
			if f.Lines[i].Claimed() {
				return yes(true)
			}
		}
	case "SUBSTRING_MATCH":
		for i := range f.Lines {
			if c.text.MatchString(strings.ReplaceAll(f.Lines[i].Description, " ", "_")) {
				lines++
				qty += f.Lines[i].Qty
			}
		}
		return lines, qty, lines > 0
	case "SUBTOTAL/GT", "SUBTOTAL/LT":
		return yes(compare(c.Match, subtotal(a, f, line.RealNoGift), c.amount(a)))
	case "TRUE_SUBTOTAL/GT", "TRUE_SUBTOTAL/LT":
		return yes(compare(c.Match, subtotal(a, f, line.All), c.amount(a)))
	case "WEIGHT/GT", "WEIGHT/LT":
		return yes(compare(c.Match, weight(a, f), c.weight(a)))
	case "SHIPPING/GT", "SHIPPING/LT":
		return yes(compare(c.Match, magnitude(a, f.Shipping), a.Parse(c.Filter).Round()))
	case "COUPON/ANY":
		for _, code := range f.Coupons {
			if c.coupons.MatchString(code) {
				return yes(true)
			}
		}
	default:
		return yes(c.elsewhere(a, f))
	}
	return 0, 0, false
}

// compare is strict; the operator is the end of the match's name.
func compare(match string, x, y perlnum.Num) bool {
	switch match[len(match)-2:] {
	case "GT":
		return y.Less(x)
	case "LT":
		return x.Less(y)
	default:
		return x.Cmp(y) == 0
	}
}

// value is the number that counts are compared with.
func (c *Compiled) value(a *perlnum.Arith) perlnum.Num {
	return a.Parse(strings.ReplaceAll(c.MatchValue, "$", ""))
}

// amount is the number that subtotals are compared with: coupons have it in
// MatchValue, shipping rules in Filter.
func (c *Compiled) amount(a *perlnum.Arith) perlnum.Num {
	text := strings.ReplaceAll(c.MatchValue, "$", "")
	if text == "" {
		text = c.Filter
	}
	return a.Parse(digitsAndDots(text))
}

func (c *Compiled) weight(a *perlnum.Arith) perlnum.Num {
	w, ok := a.Weight(c.Filter)
	if !ok {
		return a.Int(0)
	}
	return w
}

func digitsAndDots(s string) string {
	return strings.Map(func(r rune) rune {
		if (r >= '0' && r <= '9') || r == '.' {
			return r
		}
		return -1
	}, s)
}

func subtotal(a *perlnum.Arith, f *Facts, filter func(*line.Line) bool) perlnum.Num {
	return line.Total(a, f.Lines, filter)
}

func weight(a *perlnum.Arith, f *Facts) perlnum.Num {
	sum := a.Int(0)
	for i := range f.Lines {
		if l := &f.Lines[i]; line.RealNoGift(l) && l.Master == "" {
			sum = sum.Add(l.Weight.Times(l.Qty))
		}
	}
	if sum.IsZero() {
		return f.Weight
	}
	return sum
}

// magnitude drops the sign: the comparison of a shipping price looks at its
// digits only.
func magnitude(a *perlnum.Arith, x perlnum.Num) perlnum.Num {
	if x.Sign() < 0 {
		return a.Int(0).Sub(x)
	}
	return x
}
