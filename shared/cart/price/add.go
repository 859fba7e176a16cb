package price

import (
	"fmt"
	"maps"
	"strings"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/catalog/option"
	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/shipping/quote"
)

// add prices an item and appends its line, and the lines of a kit's components
// (CommerceRack cart specification, §3). What cannot be added is noted in
// Totals.Errors.
func (e *engine) add(it *Item) {
	if it.Raw != nil {
		e.addRaw(it.Raw)
		return
	}
	p := e.products[it.Product]
	if p == nil {
		e.problem("Product '%s' is not valid", it.Product)
		return
	}
	n := newItem{e: e, p: p, it: it}
	if problem := n.price(nil); problem != "" {
		e.problem("%s", problem)
		return
	}
	if same := e.find(n.line.STID); same >= 0 {
		// the same line again: all quantity rules run with the sum
		merged := *it
		if it.ForceQty == nil {
			merged.Qty += e.lines[same].Qty
		}
		e.remove(n.line.STID)
		n = newItem{e: e, p: p, it: &merged}
		if problem := n.price(nil); problem != "" {
			e.problem("%s", problem)
			return
		}
	}
	components, problem := n.components()
	if problem != "" {
		e.problem("%s", problem)
		return
	}
	e.put(&n)
	for i := range components {
		e.put(&components[i])
	}
}

func (e *engine) problem(format string, args ...any) {
	e.out.Errors = append(e.out.Errors, fmt.Sprintf(format, args...))
}

func (e *engine) put(n *newItem) {
	e.lines = append(e.lines, n.line)
	if e.details == nil {
		e.details = make(map[string]detail)
	}
	e.details[n.line.STID] = n.detail
}

func (e *engine) find(stid string) int {
	for i := range e.lines {
		if e.lines[i].STID == stid {
			return i
		}
	}
	return -1
}

// remove drops a line and its components.
func (e *engine) remove(stid string) {
	kept := e.lines[:0]
	for _, l := range e.lines {
		if l.STID != stid && l.Master != stid {
			kept = append(kept, l)
		}
	}
	e.lines = kept
}

func (e *engine) addRaw(r *Raw) {
	l := line.Line{
		STID: r.STID, SKU: r.SKU, Product: r.Product, Name: r.Name, Description: r.Name,
		Qty: r.Qty, Price: e.a.Parse(r.Price), Weight: e.a.Parse(r.Weight),
		NotTaxable: r.Taxable != nil && !*r.Taxable, Master: r.Master, Promotion: r.Promotion,
		Virtual: r.Virtual, Attributes: r.Attributes,
	}
	if r.Description != "" {
		l.Description = r.Description
	}
	if r.TaxRate != nil {
		rate := e.a.Parse(*r.TaxRate)
		l.TaxRate = &rate
	}
	e.lines = append(e.lines, l)
}

// newItem is an item on its way into the cart.
type newItem struct {
	e      *engine
	p      *Product
	it     *Item
	line   line.Line
	detail detail
	priced bool // the price is known
	table  string
	min    *string
	inc    *string
}

// price works out unit price, quantity and identifiers. master is the kit that
// the item is a component of, with the quantity per kit.
func (n *newItem) price(master *component) string {
	e, p, it := n.e, n.p, n.it
	l := &n.line
	*l = line.Line{
		Product: strings.ToUpper(p.ID), Name: p.Name, Description: p.Name,
		Qty: it.Qty, NotTaxable: !p.Taxable, Weight: e.a.Int(0),
	}
	n.detail.basePrice = p.BasePrice
	n.setPrice(p.BasePrice)
	if w, ok := e.a.Weight(p.Weight); ok {
		l.Weight = w
	}
	inventoried := option.HasInventory(p.Options)
	l.SKU = l.Product
	if inventoried {
		l.SKU = option.SKU(l.Product, p.Options, it.Options)
		n.skuOverrides()
	}
	forced := it.ForcePrice != nil || master != nil
	switch {
	case master != nil:
		l.Price, n.priced = e.a.Int(0), true
	case it.ForcePrice != nil:
		n.setPrice(*it.ForcePrice)
	}
	if it.ForceQty != nil && *it.ForceQty != 0 {
		l.Qty = *it.ForceQty
	}
	if master == nil && !inventoried && (it.ForcePrice == nil || l.Price.Sign() <= 0) {
		n.wholesale()
	}
	if it.ForceQty == nil && master == nil && !inventoried {
		n.limitQty()
	}
	if !forced && it.ForceQty == nil && n.table != "" {
		if each, ok := schedule.QtyBreak(e.a, n.table, l.Qty); ok {
			l.Price, n.priced = each, true
		}
	}
	n.detail.qtyPrice = n.table
	if problem := n.choose(forced); problem != "" {
		return problem
	}
	if master != nil {
		l.Master = master.master
		l.STID = master.master + "@" + l.STID
	}
	n.attributes()
	switch {
	case l.Qty < 0:
		return "Cram failed: Negative quantities not allowed in cart"
	case l.Qty == 0:
		return fmt.Sprintf("Item %s removed from cart", l.STID)
	case !n.priced:
		return "price not set"
	}
	return ""
}

func (n *newItem) setPrice(text string) {
	n.line.Price, n.priced = n.e.a.Parse(text), text != ""
}

// sku returns the product's entry for a SKU.
func (p *Product) sku(id string) *SKU {
	for i := range p.SKUs {
		if p.SKUs[i].ID == id {
			return &p.SKUs[i]
		}
	}
	return nil
}

// skuPrice returns the price of a SKU and whether it has one: its own, or the
// product's with the modifiers of its options.
func (n *newItem) skuPrice() (perlnum.Num, bool) {
	if !strings.Contains(n.line.SKU, ":") {
		return n.e.a.Parse(n.p.BasePrice), n.p.BasePrice != ""
	}
	s := n.p.sku(n.line.SKU)
	if s == nil {
		return perlnum.Num{}, false
	}
	if s.Price != nil {
		return n.e.a.Parse(*s.Price), *s.Price != ""
	}
	price, _ := n.derived()
	return price, true
}

func (n *newItem) derived() (price, weight perlnum.Num) {
	w, _ := n.e.a.Weight(n.p.Weight)
	return option.Derive(n.e.a, n.line.SKU, n.p.Options, n.e.a.Parse(n.p.BasePrice).Round(), w)
}

// set reports whether a text counts as a value: neither empty nor "0".
func set(s string) bool { return s != "" && s != "0" }

func (n *newItem) skuOverrides() {
	if price, ok := n.skuPrice(); ok && !price.IsZero() {
		n.line.Price, n.priced = price, true
	}
	s := n.p.sku(n.line.SKU)
	if s == nil {
		return
	}
	if s.Weight == nil {
		if _, w := n.derived(); !w.IsZero() {
			n.line.Weight = w
		}
	} else if set(*s.Weight) {
		n.skuWeight(*s.Weight)
	}
}

func (n *newItem) skuWeight(text string) {
	if n.e.a.Has(perlnum.LosePounds) {
		n.line.Weight, n.detail.weight = n.e.a.Parse(text), text
	} else if w, ok := n.e.a.Weight(text); ok {
		n.line.Weight = w
	}
}

// wholesale applies the cart's schedule, or the product's own quantity prices.
func (n *newItem) wholesale() {
	id := n.e.cart.Schedule
	if id == "" && !set(n.p.QtyPrice) {
		return
	}
	terms := schedule.For(n.e.a, &schedule.Product{
		BasePrice: n.p.BasePrice, Cost: n.p.Cost, MSRP: n.p.MSRP, QtyPrice: n.p.QtyPrice, Attribute: n.p.attribute,
	}, id, n.e.schedule)
	n.table = terms.QtyPrice
	if id == "" {
		return
	}
	n.priced = terms.Price != nil
	if terms.Price != nil {
		n.line.Price = *terms.Price
	}
	n.min, n.inc = terms.MinQty, terms.IncQty
}

func (p *Product) attribute(name string) (string, bool) {
	v, ok := p.Attributes[name]
	return v, ok
}

// limitQty raises the quantity to the minimum and to a multiple of the
// increment, and cuts it at the maximum, in this order.
func (n *newItem) limitQty() {
	a, l := n.e.a, &n.line
	if lowest, ok := n.limit(n.min, "minqty"); ok && a.Int(l.Qty).Less(lowest) {
		l.Qty = lowest.Int()
	}
	if step, ok := n.limit(n.inc, "incqty"); ok && step.Int() > 0 {
		l.Qty = stepUp(l.Qty, step.Int())
	}
	if highest, ok := n.limit(nil, "maxqty"); ok && highest.Less(a.Int(l.Qty)) {
		if highest.Sign() > 0 || a.Has(perlnum.EmptyLimits) {
			l.Qty = highest.Int()
		}
	}
}

// stepUp returns the next multiple of step from qty on.
func stepUp(qty, step int64) int64 {
	switch rest := qty % step; {
	case rest == 0 || qty < 0:
		return qty
	case qty < step:
		return step
	default:
		return qty + step - rest
	}
}

// limit returns a limit that the schedule sets, or else the product, in the
// merchant's own namespace.
func (n *newItem) limit(scheduled *string, name string) (perlnum.Num, bool) {
	if scheduled != nil {
		return n.e.a.Parse(*scheduled), *scheduled != ""
	}
	v, ok := n.p.Attributes[strings.ToLower(n.e.cfg.General.Namespace)+":"+name]
	return n.e.a.Int(n.e.a.Parse(v).Int()), ok
}

// choose takes the options into price, identifiers and description.
func (n *newItem) choose(forced bool) string {
	e, l := n.e, &n.line
	choices, problems := option.Choose(e.a, &option.Input{
		Product: l.Product, Groups: n.p.Options, Chosen: n.it.Options, Price: l.Price,
		NoFees: forced || !n.priced, Today: e.now,
	})
	if len(problems) > 0 {
		return problems[0]
	}
	l.STID = l.Product
	l.SKU = l.Product
	if len(choices) == 0 {
		return ""
	}
	fees, text, inventory := e.a.Int(0), false, false
	for _, c := range choices {
		if c.Inventory {
			l.SKU += ":" + c.Key()
			inventory = true
		} else if !c.Fee.IsZero() {
			fees = fees.Add(c.Fee)
		}
		text = text || c.Value == "##"
		l.Description += " / " + c.Prompt + ": " + c.Text
		n.detail.options = append(n.detail.options, ChosenOption{ID: c.Group, Value: c.Value, Key: c.Key(), Data: c.Text, Fee: c.Fee.String()})
	}
	if inventory && n.it.ForcePrice == nil && !forced {
		n.inventoryPrice()
	}
	if !fees.IsZero() {
		l.Price = l.Price.Add(fees)
	}
	l.STID += option.Suffix(choices)
	if text {
		return n.unique()
	}
	return ""
}

// inventoryPrice sets the price of a SKU: that of the cart's schedule, or its
// own. It overrides any quantity price.
func (n *newItem) inventoryPrice() {
	if id := n.e.cart.Schedule; id != "" {
		if s := n.p.sku(n.line.SKU); s != nil {
			if v := s.Attributes["zoovy:schedule_"+strings.ToLower(id)]; set(v) {
				n.setPrice(v)
				return
			}
		}
	}
	price, ok := n.skuPrice()
	if !ok && !n.e.a.Has(perlnum.SKUPriceNeeded) {
		n.setPrice(n.p.BasePrice)
		return
	}
	n.line.Price, n.priced = price, ok
}

// unique appends /##NN, so that lines with a buyer's text never merge.
func (n *newItem) unique() string {
	for i := range 100 {
		stid := fmt.Sprintf("%s/##%02d", n.line.STID, i)
		if n.e.find(stid) < 0 {
			n.line.STID = stid
			return ""
		}
	}
	return fmt.Sprintf("No more of item %s can be added to the cart (99 max)", n.line.STID)
}

// lineAttributes are the product attributes that a line carries, for rules and
// shipping.
var lineAttributes = []string{
	"zoovy:catalog", "zoovy:prod_upc", "zoovy:prod_isbn", "zoovy:prod_mfg", "zoovy:prod_supplier",
	"gc:blocked", "paypalec:blocked", "zoovy:prod_asm", "zoovy:prod_is", "zoovy:ship_latency",
	"zoovy:prod_supplierid", "zoovy:prod_image1", "zoovy:ship_handling", "zoovy:ship_markup", "zoovy:ship_insurance",
	"zoovy:ship_cost1", "zoovy:pkg_depth", "zoovy:pkg_height", "zoovy:pkg_width", "zoovy:pkg_exclusive",
	"zoovy:pkg_multibox_ignore", "zoovy:prod_mfgid", "zoovy:ship_mfgcountry", "zoovy:ship_harmoncode",
	"zoovy:ship_nmfccode", "zoovy:ship_sortclass", "zoovy:prod_promoclass", "zoovy:prod_class", "zoovy:profile",
	"is:shipfree", "is:user1", "is:sale", "user:prod_store_warehouse_loc",
}

func (n *newItem) attributes() {
	attrs := make(map[string]string)
	for _, name := range lineAttributes {
		if v := n.p.Attributes[name]; v != "" {
			attrs[name] = v
		}
	}
	n.line.Virtual = n.p.Virtual
	n.line.VirtualShip = n.p.Attributes["zoovy:virtual_ship"]
	if s := n.p.sku(n.line.SKU); s != nil {
		maps.Copy(attrs, s.Attributes)
		if v, ok := s.Attributes["zoovy:virtual"]; ok {
			n.line.Virtual = v
		}
		if v, ok := s.Attributes["zoovy:virtual_ship"]; ok {
			n.line.VirtualShip = v
		}
	}
	if n.line.Virtual != "" {
		attrs["zoovy:virtual"] = n.line.Virtual
	}
	if n.line.VirtualShip != "" {
		attrs["zoovy:virtual_ship"] = n.line.VirtualShip
	}
	n.line.Attributes = attrs
}

// component is a part of a kit.
type component struct {
	master string // stid of the kit
	stid   string
	each   int64
}

// components prices the parts of a kit: PID*QTY,PID*QTY (CommerceRack cart
// specification, §3.4). They cost nothing, and one that cannot be added refuses
// the kit.
func (n *newItem) components() ([]newItem, string) {
	list := n.p.Assembly
	if option.HasInventory(n.p.Options) {
		list = ""
		if s := n.p.sku(n.line.SKU); s != nil {
			list = s.Assembly
		}
	}
	var parts []component
	for part := range strings.SplitSeq(strings.ReplaceAll(list, " ", ""), ",") {
		if part == "" {
			continue
		}
		stid, qty, counted := strings.Cut(part, "*")
		each := int64(1)
		if counted {
			each = n.e.a.Parse(qty).Int()
		}
		if each < 1 {
			return nil, fmt.Sprintf("ITEM '%s ' contains assembly '%s' which references component '%s'. Detected invalid quantity", n.line.STID, list, stid)
		}
		parts = addPart(parts, component{n.line.STID, stid, each})
	}
	var items []newItem
	for i := range parts {
		c := &parts[i]
		id := quote.ProductID(c.stid)
		p := n.e.products[id]
		switch {
		case id == n.line.Product:
			return nil, fmt.Sprintf("Assembly in %s cannot reference itself", id)
		case p == nil:
			return nil, fmt.Sprintf("Product '%s' which is part of assembly for %s could not be loaded", id, n.line.Product)
		}
		child := newItem{e: n.e, p: p, it: &Item{Product: id, Qty: c.each * n.line.Qty, Options: optionsOf(c.stid)}}
		if problem := child.price(c); problem != "" {
			return nil, problem
		}
		n.e.remove(child.line.STID)
		items = append(items, child)
	}
	return items, ""
}

func addPart(parts []component, c component) []component {
	for i := range parts {
		if parts[i].stid == c.stid {
			parts[i].each += c.each
			return parts
		}
	}
	return append(parts, c)
}

// optionsOf reads the chosen options out of an stid.
func optionsOf(stid string) map[string]string {
	options := make(map[string]string)
	at := strings.IndexAny(stid, ":/")
	if at < 0 {
		return options
	}
	for pair := range strings.FieldsFuncSeq(stid[at:], func(r rune) bool { return r == ':' || r == '/' }) {
		if len(pair) >= 4 {
			options[pair[:2]] = pair[2:4]
		}
	}
	return options
}
