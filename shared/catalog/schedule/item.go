package schedule

import (
	"strings"

	"github.com/rackless/rackless/shared/perlnum"
)

// Item is a line whose quantity changes after it was added.
type Item struct {
	STID          string
	Qty           int64
	Price         string
	BasePrice     string
	SchedulePrice string
	QtyPrice      string
	OptionsDiff   string // what options added to the price; empty: not known
	MinQty        *string
	IncQty        *string
	MaxQty        *string
	Fixed         bool // a forced quantity, a promotion: it cannot be changed
}

// Break returns the unit price by the quantity table: from base or schedule
// price, and with what options added (CommerceRack cart specification, §3.2).
func (it *Item) Break(a *perlnum.Arith) perlnum.Num {
	price := a.Parse(it.BasePrice)
	if s := a.Parse(it.SchedulePrice); s.Sign() > 0 {
		price = s
	}
	if p, ok := QtyBreak(a, it.QtyPrice, it.Qty); ok {
		price = p
	}
	if it.OptionsDiff != "" {
		price = price.Add(a.Parse(it.OptionsDiff))
	}
	return price
}

// Requantify changes the quantity within the line's limits and returns the unit
// price and the quantity; at most 0 means that the line goes.
func (it *Item) Requantify(a *perlnum.Arith, qty int64) (perlnum.Num, int64) {
	if it.Fixed {
		return a.Parse(it.Price), it.Qty
	}
	if it.MinQty != nil {
		if least := a.Parse(*it.MinQty); a.Int(qty).Less(least) {
			qty = least.Int()
		}
	}
	if it.IncQty != nil {
		if step := a.Parse(*it.IncQty).Int(); step > 0 && modulo(qty, step) > 0 {
			qty += step - modulo(qty, step)
		}
	}
	if it.MaxQty != nil {
		if most := a.Parse(*it.MaxQty).Int(); most < qty && (most > 0 || a.Has(perlnum.EmptyLimits)) {
			qty = most
		}
	}
	changed := *it
	changed.Qty = qty
	if qty <= 0 || qty == it.Qty || it.QtyPrice == "" || strings.Contains(it.STID, "*") {
		return a.Parse(it.Price), qty
	}
	return changed.Break(a), qty
}

// modulo is never negative.
func modulo(x, n int64) int64 { return ((x % n) + n) % n }
