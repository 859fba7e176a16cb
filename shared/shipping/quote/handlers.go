package quote

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
)

// price returns what a method costs before its rules, and whether it is offered
// at all (CommerceRack cart specification, §7.4).
func (q *quoter) price(m *Method) (perlnum.Num, bool) {
	a := q.a
	switch m.Handler {
	case Free:
		if !q.total.Less(a.Parse(m.Total)) {
			return a.Int(0), true
		}
	case Simple:
		return SimplePrice(a, q.sums.Count, m.ItemPrice, m.AddPrice), true
	case Weight:
		least, _ := a.Weight(m.MinWeight)
		if q.weight.Less(least) {
			return perlnum.Num{}, false
		}
		if text, ok := m.Table.find(a, q.weight); ok {
			return a.Parse(text), true
		}
	case Price:
		least := a.Parse(m.MinPrice)
		if least.Sign() > 0 && q.total.Less(least) {
			return perlnum.Num{}, false
		}
		if text, ok := m.Table.find(a, q.total); ok {
			if percent, ok := strings.CutPrefix(text, "%"); ok {
				return a.Parse(percent).Percent().Mul(q.total).Round(), true
			}
			return a.Parse(text), true
		}
	case Fixed:
		return FixedPrice(a, q.pkg, q.in.Product, fixedKeys[m.Region][0], fixedKeys[m.Region][1]), true
	case Local:
		return m.Table.zip(a, q.in.Facts.Postal)
	case LocalCanada:
		return m.Table.prefix(a, q.in.Facts.Postal)
	}
	return perlnum.Num{}, false
}

// fixedKeys are the attributes of a product's own ship costs by region: for
// the first piece and for each further one.
var fixedKeys = map[string][2]string{
	"US":  {"zoovy:ship_cost1", "zoovy:ship_cost2"},
	"CA":  {"zoovy:ship_can_cost1", "zoovy:ship_can_cost2"},
	"INT": {"zoovy:ship_int_cost1", "zoovy:ship_int_cost2"},
}

// find returns the price of the first row, by ascending bound, whose bound is
// at least x.
func (t Table) find(a *perlnum.Arith, x perlnum.Num) (string, bool) {
	for _, row := range t.sorted(a) {
		if !a.Parse(row.Upto).Less(x) {
			return row.Price, true
		}
	}
	return "", false
}

func (t Table) sorted(a *perlnum.Arith) Table {
	byBound := func(x, y Tier) int { return a.Parse(x.Upto).Cmp(a.Parse(y.Upto)) }
	if slices.IsSortedFunc(t, byBound) {
		return t
	}
	t = slices.Clone(t)
	slices.SortStableFunc(t, byBound)
	return t
}

// zip returns the price of the first row, "from-to", that holds the postal
// code, compared as numbers.
func (t Table) zip(a *perlnum.Arith, postal string) (perlnum.Num, bool) {
	zip := a.Parse(postal)
	for _, row := range t.sorted(a) {
		from, to, _ := strings.Cut(row.Upto, "-")
		if !zip.Less(a.Parse(from)) && !a.Parse(to).Less(zip) {
			return a.Parse(row.Price), true
		}
	}
	return perlnum.Num{}, false
}

// prefix returns the price of the last row, in the order of the text, whose
// pattern the postal code begins with. A price may be followed by |instructions.
func (t Table) prefix(a *perlnum.Arith, postal string) (perlnum.Num, bool) {
	code := strings.Map(func(r rune) rune {
		if (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') {
			return r
		}
		return -1
	}, strings.ToUpper(postal))
	rows := slices.Clone(t)
	slices.SortStableFunc(rows, func(x, y Tier) int { return strings.Compare(x.Upto, y.Upto) })
	text, found := "", false
	for _, row := range rows {
		if re, err := regexp.Compile("^(?:" + row.Upto + ")"); err == nil && re.MatchString(code) {
			text, found = row.Price, true
		}
	}
	text, _, _ = strings.Cut(text, "|")
	return a.Parse(text), found
}

// SimplePrice is the price of the first piece and, for each further one, the
// additional price. A dollar sign may precede either.
func SimplePrice(a *perlnum.Arith, count int64, first, additional string) perlnum.Num {
	price := a.Int(0).Add(a.Parse(strings.Replace(first, "$", "", 1)))
	if count > 1 {
		price = price.Add(a.Parse(strings.Replace(additional, "$", "", 1)).Times(count - 1))
	}
	return price
}

// FixedPrice adds the highest first-piece cost among the products, that
// product's other pieces and all pieces of the others at their second cost, and
// the mark-up for pieces sold outside the shop; rounded. Of products with the
// same first cost the one with the lower second cost counts as the first.
// product returns the attributes of a product.
func FixedPrice(a *perlnum.Arith, lines []*line.Line, product func(id string) map[string]string, first, second string) perlnum.Num {
	type part struct {
		id           string
		qty, claimed int64
		cost1, cost2 perlnum.Num
	}
	var parts []part
	for _, l := range lines {
		id := ProductID(l.STID)
		if strings.HasPrefix(id, "%") {
			continue
		}
		i := slices.IndexFunc(parts, func(p part) bool { return p.id == id })
		if i < 0 {
			attrs := product(id)
			i = len(parts)
			parts = append(parts, part{id: id, cost1: a.Parse(attrs[first]), cost2: a.Parse(attrs[second])})
		}
		parts[i].qty += l.Qty
		if claimed(l.STID) {
			parts[i].claimed += l.Qty
		}
	}
	slices.SortFunc(parts, func(x, y part) int { return strings.Compare(x.id, y.id) })
	if len(parts) == 0 {
		return a.Int(0)
	}
	top := 0
	for i := range parts {
		switch c := parts[i].cost1.Cmp(parts[top].cost1); {
		case c > 0, c == 0 && parts[i].cost2.Less(parts[top].cost2):
			top = i
		}
	}
	price := parts[top].cost1
	parts[top].qty--
	for _, p := range parts {
		if p.qty > 0 {
			price = price.Add(p.cost2.Times(p.qty))
		}
	}
	for _, p := range parts {
		if p.claimed > 0 {
			price = price.Add(a.Parse(product(p.id)["zoovy:ship_markup"]).Times(p.claimed))
		}
	}
	return price.Round()
}

func claimed(stid string) bool {
	before, _, ok := strings.Cut(stid, "*")
	return ok && before != ""
}

// ProductID returns the product of a line's identifier:
// [kit@][claim*]PID[:options][/options] (CommerceRack product specification, §3).
func ProductID(stid string) string {
	if _, after, ok := strings.Cut(stid, "@"); ok {
		stid = after
	}
	stid, _, _ = strings.Cut(stid, "/")
	if _, after, ok := strings.Cut(stid, "*"); ok {
		stid = after
	}
	stid, _, _ = strings.Cut(stid, ":")
	return stid
}
