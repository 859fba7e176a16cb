package ebay

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/catalog/option"
	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/perlnum"
)

// draft is a product as eBay is to list it. Every value comes from the product's
// attribute ebay:…, else from its zoovy:… attribute or field, else from the
// profile (CommerceRack eBay specification, §4).
type draft struct {
	title, description, category, condition string
	images                                  []string
	aspects                                 map[string][]string // common to all SKUs
	axes                                    []client.Specification
	items                                   []draftItem
	group                                   bool
}

// draftItem is one SKU of a draft.
type draftItem struct {
	sku     string
	upc     string
	cents   int64
	aspects map[string][]string // of the axes
}

// preflight is why a product is not sent, with CommerceRack's source PREFLIGHT.
type preflight struct{ text string }

func (p preflight) Error() string { return p.text }

func refuse(format string, args ...any) error { return preflight{fmt.Sprintf(format, args...)} }

// The bounds that eBay documents.
const (
	maxTitle   = 80
	maxImages  = 24
	maxSKUs    = 250
	maxAxes    = 5
	maxName    = 40
	maxValue   = 50
	maxEbaySKU = 50
)

// title is what buyers read first.
func title(p catalog.Product) string {
	for _, t := range []string{p.Attributes["ebay:title"], p.Attributes["zoovy:prod_name"], p.Name} {
		if t = strings.TrimSpace(t); t != "" {
			return t
		}
	}
	return ""
}

// compose makes the draft of a product, or says why eBay cannot list it.
func compose(p catalog.Product, pr Profile, currency string) (draft, error) {
	d := draft{title: title(p), category: p.Attributes["ebay:category"], images: secure(p.Images), aspects: specifics(p.Attributes["ebay:specifics"])}
	if d.category == "" {
		d.category = pr.Category
	}
	known := false
	for _, c := range []string{p.Attributes["ebay:conditionid"], p.Attributes["ebay:prod_condition"], p.Attributes["zoovy:prod_condition"], pr.Condition, "NEW"} {
		if c != "" {
			d.condition, known = condition(c)
			break
		}
	}
	switch {
	case d.title == "" || len([]rune(d.title)) > maxTitle:
		return d, refuse("the title must have 1 to %d characters: set ebay:title", maxTitle)
	case d.category == "" || !categoryShape.MatchString(d.category):
		return d, refuse("there is no category: set ebay:category, or a category in the profile")
	case !known:
		return d, refuse("the condition is none of eBay's: set ebay:conditionid")
	case len(d.images) == 0:
		return d, refuse("there is no image with an https address: eBay demands one")
	}
	if err := d.addSKUs(p, pr, currency); err != nil {
		return d, err
	}
	var err error
	if d.description, err = pr.describe(p, amount(d.items[0].cents, currency).Value); err != nil {
		return d, refuse("%v", err)
	}
	return d, nil
}

// addSKUs adds the product itself or, if it has options that are kept on shelves,
// each of its SKUs, the options being the axes of the variations (§5).
func (d *draft) addSKUs(p catalog.Product, pr Profile, currency string) error {
	var axes []option.Group
	for _, g := range p.Options {
		if g.Inventoried() && g.Type != "attribs" && g.Type != "assembly" {
			axes = append(axes, g)
		}
	}
	d.group = len(axes) > 0
	all := variants(p.Product)
	if len(all) == 0 || len(all) > maxSKUs || len(axes) > maxAxes {
		return refuse("eBay takes 1 to %d variations on at most %d axes, not %d on %d", maxSKUs, maxAxes, len(all), len(axes))
	}
	for _, s := range all {
		cents, err := cents(p.Product, s, pr, currency)
		if err != nil {
			return err
		}
		item := draftItem{sku: s.ID, cents: cents, upc: s.Attributes["zoovy:prod_upc"], aspects: map[string][]string{}}
		if len(item.sku) > maxEbaySKU {
			return refuse("SKU %s is longer than eBay's %d characters", item.sku, maxEbaySKU)
		}
		for _, g := range axes {
			name, value := axis(g, s.ID)
			if value == "" {
				return refuse("SKU %s has no value of %s", s.ID, name)
			}
			item.aspects[name] = []string{value}
			d.addValue(name, value)
		}
		d.items = append(d.items, item)
	}
	return nil
}

// variants are the SKUs of a product, or the product itself if it has no options
// that are kept on shelves.
func variants(p price.Product) []price.SKU {
	if option.HasInventory(p.Options) {
		return p.SKUs
	}
	return []price.SKU{{ID: p.ID, Attributes: p.Attributes}}
}

func (d *draft) addValue(name, value string) {
	i := slices.IndexFunc(d.axes, func(s client.Specification) bool { return s.Name == name })
	if i < 0 {
		d.axes = append(d.axes, client.Specification{Name: name})
		i = len(d.axes) - 1
	}
	if !slices.Contains(d.axes[i].Values, value) {
		d.axes[i].Values = append(d.axes[i].Values, value)
	}
}

// axis returns the name of an option group and the value that a SKU has of it.
func axis(g option.Group, sku string) (name, value string) {
	name = cut(g.Prompt, maxName)
	if name == "" {
		name = g.ID
	}
	_, suffix, _ := strings.Cut(sku, ":")
	for part := range strings.SplitSeq(suffix, ":") {
		if len(part) != 4 || part[:2] != g.ID {
			continue
		}
		for _, v := range g.Values {
			if v.ID == part[2:] {
				if value = cut(v.Prompt, maxValue); value == "" {
					value = v.ID
				}
			}
		}
	}
	return name, value
}

func cut(s string, n int) string {
	if r := []rune(strings.TrimSpace(s)); len(r) > n {
		return string(r[:n])
	}
	return strings.TrimSpace(s)
}

// cents is the price of a SKU at eBay in the currency's smallest unit, rounded
// half away from zero: ebay:fixed_price, or the shop's price with the profile's
// markup.
func cents(p price.Product, s price.SKU, pr Profile, currency string) (int64, error) {
	text := p.Attributes["ebay:fixed_price"]
	fixed := text != ""
	switch {
	case s.Attributes["ebay:fixed_price"] != "":
		text, fixed = s.Attributes["ebay:fixed_price"], true
	case fixed:
	case s.Price != nil:
		text = *s.Price
	case strings.Contains(s.ID, ":"):
		a := perlnum.CommerceRack()
		n, _ := option.Derive(a, s.ID, p.Options, a.Parse(p.BasePrice).Round(), a.Int(0))
		text = n.String()
	default:
		text = p.BasePrice
	}
	amount, err := money.ParseDecimal(text)
	exponent, known := money.Exponent(currency)
	if err != nil || !known || !amount.IsPositive() {
		return 0, refuse("the price of %s must be a number above zero, not %q", s.ID, text)
	}
	if !fixed && pr.Markup != 0 {
		amount = amount.Mul(decimal.New(100+pr.Markup, -2))
	}
	minor := amount.Shift(int32(exponent)).Round(0)
	if !minor.IsPositive() || minor.GreaterThan(decimal.New(1, 12)) {
		return 0, refuse("the price of %s is not one that eBay takes: %s", s.ID, text)
	}
	return minor.IntPart(), nil
}

// secure returns the images that eBay can fetch.
func secure(images []string) []string {
	var out []string
	for _, i := range images {
		if strings.HasPrefix(i, "https://") && !strings.Contains(i, " ") && len(out) < maxImages {
			out = append(out, i)
		}
	}
	return out
}

var specificLine = regexp.MustCompile(`(?m)^\s*([^:\r\n]{1,40})\s*:\s*([^\r\n]{1,50})\s*$`)

// specifics reads lines of "Name: value"; what is too long for eBay is left out
// (§4, "Item specifics").
func specifics(text string) map[string][]string {
	out := map[string][]string{}
	for _, m := range specificLine.FindAllStringSubmatch(text, -1) {
		out[strings.TrimSpace(m[1])] = append(out[strings.TrimSpace(m[1])], strings.TrimSpace(m[2]))
	}
	return out
}
