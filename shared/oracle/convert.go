package oracle

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog/option"
	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

// scalar is a JSON string, number, boolean or null, taken as text as Perl
// would.
type scalar string

// UnmarshalJSON reads any scalar.
func (s *scalar) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		*s = ""
	case len(b) > 0 && b[0] == '"':
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		*s = scalar(text)
	case string(b) == "true":
		*s = "1"
	case string(b) == "false":
		*s = "0"
	default:
		var n json.Number
		if err := json.Unmarshal(b, &n); err != nil {
			return err
		}
		*s = scalar(n)
	}
	return nil
}

func (s scalar) int() int64 {
	n, _ := strconv.ParseInt(string(s), 10, 64)
	return n
}

func (s scalar) on() bool { return s.int() > 0 }

// optional returns nil where the field was absent or null.
func optional(s *scalar) *string {
	if s == nil {
		return nil
	}
	text := string(*s)
	return &text
}

// cartInput is a recorded cart.
type cartInput struct {
	Store         map[string]json.RawMessage `json:"store"`
	Items         []itemInput                `json:"items"`
	OtherProducts []json.RawMessage          `json:"other_products"`
	Ship          struct {
		Country  scalar `json:"countrycode"`
		Region   scalar `json:"region"`
		City     scalar `json:"city"`
		Postal   scalar `json:"postal"`
		Address1 scalar `json:"address1"`
		Address2 scalar `json:"address2"`
	} `json:"ship"`
	Is struct {
		TaxExempt scalar `json:"tax_exempt"`
	} `json:"is"`
	Want struct {
		ShippingID scalar `json:"shipping_id"`
		PayBy      scalar `json:"payby"`
		Insurance  scalar `json:"ins_purchased"`
	} `json:"want"`
	Cart struct {
		Refer        scalar `json:"refer"`
		IPAddress    scalar `json:"ip_address"`
		MultiVarSite scalar `json:"multivarsite"`
	} `json:"cart"`
	Coupons          []string          `json:"coupons"`
	Schedule         string            `json:"schedule"`
	PaymentQueue     []tenderInput     `json:"paymentq"`
	GiftcardBalances map[string]scalar `json:"giftcard_balances"`
	Payments         []struct {
		ID     string `json:"uuid"`
		Parent string `json:"puuid"`
		Tender string `json:"tender"`
		Amount scalar `json:"amt"`
		Status scalar `json:"ps"`
		Voided scalar `json:"voided"`
	} `json:"payments"`
	OrderID     string `json:"orderid"`
	Marketplace scalar `json:"marketplace"`
	Surcharges  []struct {
		ID       string `json:"id"`
		Amount   scalar `json:"amount"`
		Title    string `json:"title"`
		Taxable  scalar `json:"taxable"`
		Required scalar `json:"required"`
	} `json:"surcharges"`
}

type itemInput struct {
	Product json.RawMessage   `json:"product"`
	Qty     scalar            `json:"qty"`
	Options map[string]scalar `json:"options"`
	Raw     *rawInput         `json:"raw"`
	Cram    cramInput         `json:"cram"`
}

type cramInput struct {
	ForcePrice *scalar `json:"force_price"`
	ForceQty   *scalar `json:"force_qty"`
}

type rawInput struct {
	STID        string            `json:"stid"`
	SKU         string            `json:"sku"`
	Product     string            `json:"product"`
	Name        string            `json:"prod_name"`
	Description string            `json:"description"`
	Qty         scalar            `json:"qty"`
	Price       scalar            `json:"price"`
	Weight      scalar            `json:"weight"`
	Taxable     *scalar           `json:"taxable"`
	TaxRate     *scalar           `json:"tax_rate"`
	Master      string            `json:"asm_master"`
	Promotion   scalar            `json:"is_promo"`
	Virtual     string            `json:"virtual"`
	Attributes  map[string]scalar `json:"%attribs"`
}

type tenderInput struct {
	Tender string `json:"tender"`
	Amount scalar `json:"amount"`
	Charge scalar `json:"charge"`
	Code   string `json:"code"`
}

// Namespace is the merchant in whose name the recorded shops set their own
// attributes.
const Namespace = "oracle"

// Cart converts a record of the target cart into what the engine takes: the
// shop's sections, its products and the cart. Nothing that matters for prices
// is lost. The shop's policy is the original's.
func Cart(input json.RawMessage) (*price.Config, map[string]*price.Product, price.Cart, error) {
	var in cartInput
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, nil, price.Cart{}, err
	}
	cfg, err := config(in.Store)
	if err != nil {
		return nil, nil, price.Cart{}, err
	}
	products := make(map[string]*price.Product)
	c := price.Cart{
		Ship: price.Destination{
			Country: string(in.Ship.Country), Region: string(in.Ship.Region), City: string(in.Ship.City),
			Postal: string(in.Ship.Postal), Address1: string(in.Ship.Address1), Address2: string(in.Ship.Address2),
		},
		Coupons: in.Coupons, Schedule: in.Schedule,
		ShippingID: string(in.Want.ShippingID), PayBy: string(in.Want.PayBy), Insurance: in.Want.Insurance.on(),
		TaxExempt: in.Is.TaxExempt.on(), Referrer: string(in.Cart.Refer), IPAddress: string(in.Cart.IPAddress),
		MultiVarSite: string(in.Cart.MultiVarSite), OrderID: in.OrderID, Marketplace: in.Marketplace.on(),
	}
	for _, raw := range in.OtherProducts {
		p, err := product(raw)
		if err != nil {
			return nil, nil, c, err
		}
		products[p.ID] = p
	}
	for _, it := range in.Items {
		item, p, err := it.item()
		if err != nil {
			return nil, nil, c, err
		}
		if p != nil {
			products[p.ID] = p
		}
		c.Items = append(c.Items, item)
	}
	for _, t := range in.PaymentQueue {
		tender := price.Tender{Tender: t.Tender, Amount: string(t.Amount), Charge: string(t.Charge), Code: t.Code}
		if b, ok := in.GiftcardBalances[t.Code]; ok && t.Code != "" {
			tender.Balance = optional(&b)
		}
		c.PaymentQueue = append(c.PaymentQueue, tender)
	}
	for _, p := range in.Payments {
		c.Payments = append(c.Payments, price.Payment{
			ID: p.ID, Parent: p.Parent, Tender: p.Tender, Amount: string(p.Amount), Status: string(p.Status), Voided: p.Voided.on(),
		})
	}
	for _, s := range in.Surcharges {
		c.Surcharges = append(c.Surcharges, price.Surcharge{
			ID: s.ID, Amount: string(s.Amount), Title: s.Title, Taxable: s.Taxable.on(), Required: int(s.Required.int()),
		})
	}
	return cfg, products, c, nil
}

func (it *itemInput) item() (price.Item, *price.Product, error) {
	if it.Raw != nil {
		return price.Item{Raw: it.Raw.raw()}, nil, nil
	}
	p, err := product(it.Product)
	if err != nil {
		return price.Item{}, nil, err
	}
	item := price.Item{Product: p.ID, Qty: it.Qty.int(), ForcePrice: optional(it.Cram.ForcePrice)}
	if q := it.Cram.ForceQty; q != nil {
		n := q.int()
		item.ForceQty = &n
	}
	if len(it.Options) > 0 {
		item.Options = texts(it.Options)
	}
	return item, p, nil
}

func (r *rawInput) raw() *price.Raw {
	raw := &price.Raw{
		STID: r.STID, SKU: r.SKU, Product: r.Product, Name: r.Name, Description: r.Description,
		Qty: r.Qty.int(), Price: string(r.Price), Weight: string(r.Weight), TaxRate: optional(r.TaxRate),
		Master: r.Master, Promotion: r.Promotion.on(), Virtual: r.Virtual, Attributes: texts(r.Attributes),
	}
	if r.Taxable != nil {
		taxable := *r.Taxable != "" && *r.Taxable != "0"
		raw.Taxable = &taxable
	}
	return raw
}

func texts(m map[string]scalar) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = string(v)
	}
	return out
}

// product converts a recorded product: the attributes that the engine knows by
// name, its options and SKUs; the rest stays an attribute.
func product(raw json.RawMessage) (*price.Product, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	p := &price.Product{}
	for name, value := range fields {
		switch name {
		case "@POGS":
			groups, err := groups(value)
			if err != nil {
				return nil, err
			}
			p.Options = groups
			continue
		case "%SKU":
			skus, err := skus(value)
			if err != nil {
				return nil, err
			}
			p.SKUs = skus
			continue
		}
		var s *scalar
		if err := json.Unmarshal(value, &s); err != nil {
			return nil, err
		}
		if s == nil {
			continue
		}
		if set, ok := productFields[name]; ok {
			set(p, string(*s))
			continue
		}
		if p.Attributes == nil {
			p.Attributes = make(map[string]string)
		}
		p.Attributes[name] = string(*s)
	}
	return p, nil
}

var productFields = map[string]func(p *price.Product, v string){
	"pid":               func(p *price.Product, v string) { p.ID = v },
	"zoovy:prod_name":   func(p *price.Product, v string) { p.Name = v },
	"zoovy:base_price":  func(p *price.Product, v string) { p.BasePrice = v },
	"zoovy:base_weight": func(p *price.Product, v string) { p.Weight = v },
	"zoovy:taxable":     func(p *price.Product, v string) { p.Taxable = truth(v) },
	"zoovy:base_cost":   func(p *price.Product, v string) { p.Cost = v },
	"zoovy:prod_msrp":   func(p *price.Product, v string) { p.MSRP = v },
	"zoovy:qty_price":   func(p *price.Product, v string) { p.QtyPrice = v },
	"pid:assembly":      func(p *price.Product, v string) { p.Assembly = v },
	"zoovy:virtual":     func(p *price.Product, v string) { p.Virtual = v },
}

// truth reads a flag as the original does.
func truth(v string) bool {
	n, err := strconv.ParseInt(v, 10, 64)
	return (err == nil && n > 0) || strings.EqualFold(v, "on") || (v != "" && strings.ContainsRune("YyTt", rune(v[0])))
}

func groups(raw json.RawMessage) ([]option.Group, error) {
	var in []struct {
		ID       string  `json:"id"`
		Prompt   string  `json:"prompt"`
		Type     string  `json:"type"`
		Inv      scalar  `json:"inv"`
		Optional *scalar `json:"optional"`
		FeeChar  scalar  `json:"fee_char"`
		FeeWord  scalar  `json:"fee_word"`
		FeeLine  scalar  `json:"fee_line"`
		FeeRush  scalar  `json:"fee_rush"`
		RushDays scalar  `json:"rush_days"`
		Options  []struct {
			V      scalar `json:"v"`
			Prompt string `json:"prompt"`
			P      scalar `json:"p"`
			W      scalar `json:"w"`
		} `json:"@options"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	out := make([]option.Group, len(in))
	for i, g := range in {
		out[i] = option.Group{
			ID: g.ID, Prompt: g.Prompt, Type: g.Type, Inventory: int(g.Inv.int()),
			FeePerChar: string(g.FeeChar), FeePerWord: string(g.FeeWord), FeePerLine: string(g.FeeLine),
			RushFee: string(g.FeeRush), RushDays: int(g.RushDays.int()),
		}
		if g.Optional != nil {
			on := g.Optional.on()
			out[i].Optional = &on
		}
		for _, v := range g.Options {
			out[i].Values = append(out[i].Values, option.Value{ID: string(v.V), Prompt: v.Prompt, Price: string(v.P), Weight: string(v.W)})
		}
	}
	return out, nil
}

func skus(raw json.RawMessage) ([]price.SKU, error) {
	var in map[string]map[string]*scalar
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	var out []price.SKU
	for _, id := range slices.Sorted(maps.Keys(in)) {
		s := price.SKU{ID: id}
		for name, v := range in[id] {
			switch {
			case v == nil:
			case name == "sku:price":
				s.Price = optional(v)
			case name == "sku:weight":
				s.Weight = optional(v)
			case name == "sku:cost":
				s.Cost = string(*v)
			case name == "sku:assembly":
				s.Assembly = string(*v)
			default:
				if s.Attributes == nil {
					s.Attributes = make(map[string]string)
				}
				s.Attributes[name] = string(*v)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// config converts a recorded shop.
func config(store map[string]json.RawMessage) (*price.Config, error) {
	get := func(name string) string {
		var s scalar
		if raw, ok := store[name]; ok {
			if json.Unmarshal(raw, &s) != nil {
				return ""
			}
		}
		return string(s)
	}
	qs := scalar(get("cart_quoteshipping")).int()
	cfg := &price.Config{
		General: price.General{
			Policy: price.CommerceRack, Currency: "USD", Namespace: Namespace,
			QuoteWithoutPostal: qs == 1 || qs == 3 || qs == 4,
		},
		TaxRules:  TaxRules(get("tax_rules")),
		Handling:  charges(get, "handling", "hand"),
		Insurance: charges(get, "insurance", "ins"),
	}
	cfg.Insurance.Optional = scalar(get("ins_optional")).on()
	for _, tender := range []string{"COD", "CHKOD", "CHECK", "WIRE"} {
		if fee := get("pay_" + strings.ToLower(tender) + "_fee"); fee != "" {
			cfg.PaymentFees = append(cfg.PaymentFees, price.PaymentFee{Tender: tender, Amount: fee})
		}
	}
	var lists struct {
		Methods []struct {
			ID        string `json:"id"`
			Name      string `json:"name"`
			Carrier   string `json:"carrier"`
			Region    string `json:"region"`
			Handler   string `json:"handler"`
			Enable    scalar `json:"enable"`
			Rules     scalar `json:"rules"`
			ItemPrice scalar `json:"itemprice"`
			AddPrice  scalar `json:"addprice"`
			Total     scalar `json:"total"`
			MinWeight scalar `json:"min_wt"`
			MinPrice  scalar `json:"min_price"`
			Data      string `json:"data"`
		} `json:"shipping_methods"`
		Rules     map[string][]ruleInput       `json:"rules"`
		Coupons   map[string]map[string]scalar `json:"coupons"`
		Schedules map[string]map[string]scalar `json:"schedules"`
	}
	whole, err := json.Marshal(store)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(whole, &lists); err != nil {
		return nil, err
	}
	for _, m := range lists.Methods {
		cfg.ShippingMethods = append(cfg.ShippingMethods, quote.Method{
			ID: m.ID, Name: m.Name, Carrier: m.Carrier, Region: m.Region, Handler: m.Handler,
			Enabled: m.Enable.on(), UseRules: m.Rules.on(),
			ItemPrice: string(m.ItemPrice), AddPrice: string(m.AddPrice), Total: string(m.Total),
			MinWeight: string(m.MinWeight), MinPrice: string(m.MinPrice), Table: table(m.Data),
		})
	}
	for _, id := range slices.Sorted(maps.Keys(lists.Rules)) {
		cfg.RuleLists = append(cfg.RuleLists, promotion.RuleList{ID: id, Rules: rules(lists.Rules[id])})
	}
	for _, code := range slices.Sorted(maps.Keys(lists.Coupons)) {
		c := lists.Coupons[code]
		taxable, said := c["taxable"]
		cfg.Coupons = append(cfg.Coupons, promotion.Coupon{
			Code: code, Title: string(c["title"]), NotTaxable: said && !taxable.on(), Stackable: c["stackable"].on(),
			Auto: c["auto"].on(), Begins: c["begins_gmt"].int(), Expires: c["expires_gmt"].int(),
			Disabled: c["disabled"].on(), LimitedUse: c["limiteduse"].on(),
		})
	}
	for _, id := range slices.Sorted(maps.Keys(lists.Schedules)) {
		cfg.Schedules = append(cfg.Schedules, scheduleOf(id, lists.Schedules[id]))
	}
	return cfg, nil
}

type ruleInput struct {
	Name       string `json:"NAME"`
	Match      string `json:"MATCH"`
	Filter     scalar `json:"FILTER"`
	MatchValue scalar `json:"MATCHVALUE"`
	Exec       string `json:"EXEC"`
	Value      scalar `json:"VALUE"`
	Schedule   string `json:"SCHEDULE"`
}

func rules(in []ruleInput) []promotion.Rule {
	out := make([]promotion.Rule, len(in))
	for i, r := range in {
		out[i] = promotion.Rule{
			Name: r.Name, Match: r.Match, Filter: string(r.Filter), MatchValue: string(r.MatchValue),
			Exec: r.Exec, Value: string(r.Value), Schedule: r.Schedule,
		}
	}
	return out
}

func scheduleOf(id string, s map[string]scalar) schedule.Schedule {
	return schedule.Schedule{
		ID: strings.ToUpper(id), DiscountDefault: s["discount_default"].on(), DiscountFormula: string(s["discount_amount"]),
		Currency: string(s["currency"]), PromotionMode: int(s["promotion_mode"].int()), ShippingRules: s["shiprule_mode"].int() != 0,
	}
}

func charges(get func(string) string, mode, prefix string) quote.Charges {
	area := func(a string) quote.AreaCharges {
		return quote.AreaCharges{
			FirstLine: get(prefix + "_" + a + "_item1"), NextLine: get(prefix + "_" + a + "_item2"),
			Weight: table(get(prefix + "_weight_" + a)), Price: table(get(prefix + "_price_" + a)),
		}
	}
	on := func(name string) bool { return scalar(get(prefix + "_" + name)).on() }
	return quote.Charges{
		Mode: int(scalar(get(mode)).int()), PerLine: on("flat"), PerProduct: on("product"), ByWeight: on("weight"), ByPrice: on("price"),
		Domestic: area(quote.Domestic), Canada: area(quote.Canada), Elsewhere: area(quote.Elsewhere),
	}
}

// table reads "upto=price&upto=price", URL-encoded. Of rows with the same bound
// the last one stays.
func table(text string) quote.Table {
	var t quote.Table
	for pair := range strings.SplitSeq(text, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if pair == "" {
			continue
		}
		value, _, _ = strings.Cut(value, "=")
		row := quote.Tier{Upto: unescape(key), Price: unescape(value)}
		if at := slices.IndexFunc(t, func(x quote.Tier) bool { return x.Upto == row.Upto }); at >= 0 {
			t[at] = row
			continue
		}
		t = append(t, row)
	}
	return t
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// TaxRules reads a tax table: one rule a line, method,match,rate,apply,zone,
// expires; # begins a comment. What is no CSV is left out.
func TaxRules(text string) []rate.Rule {
	var out []rate.Rule
	for row := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if strings.HasPrefix(row, "#") {
			continue
		}
		reader := csv.NewReader(bytes.NewReader([]byte(row)))
		fields, err := reader.Read()
		if err != nil {
			continue
		}
		fields = append(fields, make([]string, 6)...)
		out = append(out, rate.Rule{
			Method: fields[0], Match: fields[1], Rate: fields[2], Apply: int(scalar(fields[3]).int()), Zone: fields[4], Expires: fields[5],
		})
	}
	return out
}
