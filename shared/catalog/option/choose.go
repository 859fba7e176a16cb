package option

import (
	"fmt"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/perlnum"
)

// Choice is a value chosen in a group.
type Choice struct {
	Group     string // id
	Prompt    string
	Value     string // two characters; ## for a buyer's text; empty for an option left out
	Text      string // as shown
	Fee       perlnum.Num
	Inventory bool
}

// Key identifies the choice within its line.
func (c *Choice) Key() string { return c.Group + c.Value }

// Input is what is to be chosen for one product.
type Input struct {
	Product string
	Groups  []Group
	Chosen  map[string]string // group id to value id, or text
	Price   perlnum.Num       // per unit, before options
	NoFees  bool              // of chosen values: the price is forced
	Market  bool              // a marketplace's order: checkboxes may be left blank
	Today   time.Time
}

// Inventoried reports whether a group decides the SKU.
func (g *Group) Inventoried() bool { return g.Inventory > 0 }

// HasInventory reports whether any group decides the SKU.
func HasInventory(groups []Group) bool {
	for i := range groups {
		if groups[i].Inventoried() && groups[i].Type != "attribs" {
			return true
		}
	}
	return false
}

// Choose checks the buyer's choices against the groups, in their order, and
// prices each from the price before options; fees do not build on each other.
// The texts say what is wrong, in the words of the original
// (CommerceRack cart specification, §3.3).
func Choose(a *perlnum.Arith, in *Input) (choices []Choice, problems []string) {
	for i := range in.Groups {
		g := &in.Groups[i]
		switch {
		case g.ID == "", g.Type == "attribs", g.Type == "assembly", g.Type == "readonly":
			continue
		}
		c, problem := choose(a, in, g)
		if problem != "" {
			problems = append(problems, problem)
			continue
		}
		choices = append(choices, c)
	}
	return choices, problems
}

func choose(a *perlnum.Arith, in *Input, g *Group) (Choice, string) {
	value := in.Chosen[g.ID]
	c := Choice{Group: g.ID, Prompt: g.Prompt, Value: value, Fee: a.Int(0), Inventory: g.Inventoried()}
	if value == "" {
		switch {
		case g.Inventoried():
			return c, fmt.Sprintf("Product '%s' variation %s (%s) impacts inventory/sku, and was not selected", in.Product, g.ID, g.Prompt)
		case g.mayBeLeftOut():
			return c, ""
		case g.Type == "cb" && in.Market:
			c.Value, c.Text = "##", "Not Set"
			return c, ""
		}
		return c, fmt.Sprintf("Product '%s' variation %s (%s) must be selected.", in.Product, g.ID, g.Prompt)
	}
	switch g.Type {
	case "text", "textarea":
		c.Value, c.Text = "##", value
		if value != "##" {
			var note string
			if c.Fee, note = TextFees(a, g, value); c.Fee.Sign() > 0 && note != "" {
				c.Text += " (" + note + ")"
			}
		}
	case "number", "hidden":
		c.Value, c.Text = "##", value
	case "calendar":
		c.Value, c.Text, c.Fee = "##", value, rushFee(a, g, value, in.Today)
	case "cb":
		switch value {
		case "ON":
			c.Text = "Yes"
		case "NO":
			c.Text = "No"
		default:
			return c, fmt.Sprintf("Pog %s (%s) value:%s mkt: - badly formatted, checkboxes can only specify values ON and NO", g.ID, g.Prompt, value)
		}
	default:
		return c.selected(a, in, g)
	}
	return c, ""
}

// mayBeLeftOut is true for optional groups and for texts that do not say.
func (g *Group) mayBeLeftOut() bool {
	if g.Optional != nil {
		return *g.Optional
	}
	return g.Type == "text" || g.Type == "textarea"
}

// selected prices a choice from a list.
func (c Choice) selected(a *perlnum.Arith, in *Input, g *Group) (Choice, string) {
	if !wellFormed(c.Value) {
		return c, fmt.Sprintf("Pog %s (%s) mismatch badly formatted pog value '%s'", g.ID, g.Prompt, c.Value)
	}
	v := g.value(c.Value)
	if v == nil {
		return c, fmt.Sprintf("Pog %s (%s) specified option '%s' not found/no longer available", g.ID, g.Prompt, c.Value)
	}
	c.Text = v.Prompt
	if v.Price != "" && !in.NoFees {
		c.Fee = a.ModifiedByOption(in.Price, v.Price).Sub(in.Price).Round()
	}
	return c, ""
}

func (g *Group) value(id string) *Value {
	for i := range g.Values {
		if g.Values[i].ID == id {
			return &g.Values[i]
		}
	}
	return nil
}

// wellFormed reports whether a value id is two letters or digits; the first
// may be $ or #.
func wellFormed(id string) bool {
	if len(id) != 2 {
		return false
	}
	alnum := func(c byte) bool {
		return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
	}
	return (alnum(id[0]) || id[0] == '$' || id[0] == '#') && alnum(id[1])
}

// SKU returns the product with the chosen inventory options: PID:IDVV…
// Values that do not exist are left out.
func SKU(product string, groups []Group, chosen map[string]string) string {
	var b strings.Builder
	b.WriteString(product)
	for i := range groups {
		g := &groups[i]
		if v := chosen[g.ID]; g.ID != "" && g.Inventoried() && g.value(v) != nil {
			b.WriteString(":" + g.ID + v)
		}
	}
	return b.String()
}

// maxOptionText is the length at which a line's option text stops growing.
const maxOptionText = 50

// Suffix returns the part of a line's identifier that its choices form: :IDVV
// for inventory options, /IDVV for others.
func Suffix(choices []Choice) string {
	var b strings.Builder
	for i := range choices {
		if b.Len() > maxOptionText {
			break
		}
		if choices[i].Inventory {
			b.WriteByte(':')
		} else {
			b.WriteByte('/')
		}
		b.WriteString(choices[i].Key())
	}
	return b.String()
}

// Derive applies the price and weight modifiers of a SKU's options to the base,
// each to the result of the one before (CommerceRack cart specification, §3,
// step 2). A price without sign replaces; a weight without sign is added.
func Derive(a *perlnum.Arith, sku string, groups []Group, price, weight perlnum.Num) (perlnum.Num, perlnum.Num) {
	_, options, _ := strings.Cut(sku, ":")
	for part := range strings.SplitSeq(options, ":") {
		if len(part) < 4 {
			continue
		}
		for i := range groups {
			g := &groups[i]
			if g.ID != part[:2] || g.Type == "attribs" || g.Type == "assembly" {
				continue
			}
			v := g.value(part[2:4])
			if v == nil {
				continue
			}
			if p := v.Price; p != "" {
				if p[0] != '+' && p[0] != '-' {
					p = "=" + p
				}
				price = a.Modified(price, p)
			}
			if v.Weight != "" {
				if sign, w, ok := a.WeightModifier(v.Weight); ok {
					weight = a.ModifiedWeight(weight, sign+w.String())
				}
			}
		}
	}
	return price, weight
}
