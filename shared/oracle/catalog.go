package oracle

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/perlnum"
)

// runOptions answers the target options: one product is added to a cart.
func runOptions(a *perlnum.Arith, input json.RawMessage, now time.Time) (any, error) {
	var in itemInput
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	item, p, err := in.item()
	if err != nil {
		return nil, err
	}
	cfg := &price.Config{General: price.General{Policy: price.CommerceRack, Currency: "USD", Namespace: Namespace}}
	t, err := price.PriceWith(a, cfg, map[string]*price.Product{p.ID: p}, price.Cart{Items: []price.Item{item}}, now)
	if err != nil {
		return nil, err
	}
	if len(t.Errors) > 0 {
		return answers{"ok": false, "error": t.Errors[0]}, nil
	}
	l := t.Lines[0]
	if l.Options == nil {
		l.Options = []price.ChosenOption{}
	}
	return answers{
		"ok": true, "price": l.Price, "base_price": l.BasePrice, "weight": l.Weight, "qty": l.Qty, "extended": l.Extended,
		"sku": l.SKU, "stid": l.STID, "taxable": l.Taxable, "description": l.Description, "qty_price": l.QtyPrice, "options": l.Options,
	}, nil
}

func runSchedules(a *perlnum.Arith, input json.RawMessage, _ time.Time) (any, error) {
	var in struct {
		Fn            string             `json:"fn"`
		Product       json.RawMessage    `json:"product"`
		Schedule      string             `json:"schedule"`
		Config        map[string]scalar  `json:"schedule_config"`
		Variant       string             `json:"variant"`
		Formula       scalar             `json:"formula"`
		Qty           scalar             `json:"qty"`
		QtyPrice      scalar             `json:"qty_price"`
		BasePrice     scalar             `json:"base_price"`
		SchedulePrice scalar             `json:"schedule_price"`
		OptionsDiff   *scalar            `json:"pogs_price_diff"`
		Item          map[string]*scalar `json:"item"`
		NewQty        scalar             `json:"new_qty"`
		PerParent     scalar             `json:"component_qty_per_parent"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	switch in.Fn {
	case "formula":
		f := string(in.Formula)
		_, err := schedule.ParseFormula(f)
		return answers{"sanitized": schedule.Sanitize(f), "valid": err == nil}, nil
	case "qty_break":
		item := schedule.Item{Qty: in.Qty.int(), BasePrice: string(in.BasePrice), SchedulePrice: string(in.SchedulePrice), QtyPrice: string(in.QtyPrice)}
		if in.OptionsDiff != nil {
			item.OptionsDiff = string(*in.OptionsDiff)
		}
		p := item.Break(a)
		return answers{"price": p.String(), "price_2dp": p.Fixed(2)}, nil
	case "update_qty":
		return updateQty(a, in.Item, in.NewQty.int(), in.PerParent.int()), nil
	}
	return schedulePrice(a, in.Product, in.Schedule, in.Config, in.Variant)
}

// updateQty changes the quantity of a line and of a component that hangs on it.
func updateQty(a *perlnum.Arith, fields map[string]*scalar, qty, perParent int64) any {
	get := func(name string) string {
		if s := fields[name]; s != nil {
			return string(*s)
		}
		return ""
	}
	item := schedule.Item{
		STID: get("stid"), Qty: a.Parse(get("qty")).Int(), Price: get("price"), BasePrice: get("base_price"), SchedulePrice: get("schedule_price"),
		QtyPrice: get("qty_price"), OptionsDiff: get("pogs_price_diff"),
		Fixed:  a.Parse(get("force_qty")).Sign() != 0 || a.Parse(get("claim")).Sign() > 0 || a.Parse(get("asm_master")).Sign() > 0 || a.Parse(get("is_promo")).Sign() > 0,
		MinQty: optional(fields["minqty"]), IncQty: optional(fields["incqty"]), MaxQty: optional(fields["maxqty"]),
	}
	p, n := item.Requantify(a, qty)
	if n <= 0 {
		return answers{"removed": true}
	}
	out := answers{"removed": false, "qty": n, "price": p.String(), "extended": nil, "component_qty": n * perParent}
	if !item.Fixed {
		out["extended"] = p.Times(n).Money()
	}
	return out
}

// schedulePrice answers schedule_price. The product variant is what carts use;
// the legacy one differs in when it keeps the price before.
func schedulePrice(a *perlnum.Arith, raw json.RawMessage, id string, config map[string]scalar, variant string) (any, error) {
	p, err := product(raw)
	if err != nil {
		return nil, err
	}
	s := scheduleOf(id, config)
	terms := schedule.For(a, &schedule.Product{
		BasePrice: p.BasePrice, Cost: p.Cost, MSRP: p.MSRP, QtyPrice: p.QtyPrice,
		Attribute: func(name string) (string, bool) { v, ok := p.Attributes[name]; return v, ok },
	}, id, &s)
	out := answers{"qty_price": nil, "minqty": terms.MinQty, "incqty": terms.IncQty, "price": nil, "orig_price": nil}
	if terms.QtyPrice != "" {
		out["qty_price"] = terms.QtyPrice
	}
	if terms.Price != nil {
		out["price"] = terms.Text
	}
	plain := strings.Trim(terms.Formula, "0123456789.") == ""
	_, bad := schedule.ParseFormula(terms.Formula)
	switch {
	case terms.Formula == "":
	case variant == "legacy" && (plain || bad == nil), variant != "legacy" && !plain:
		out["orig_price"] = p.BasePrice
	}
	if variant == "legacy" && p.BasePrice == "" {
		out["price"] = ""
	}
	return out, nil
}
