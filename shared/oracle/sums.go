package oracle

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/catalog/option"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/tax/rate"
)

// answers maps the fields of an answer; number leaves out the arithmetic.
type answers = map[string]any

func optionalNumber(x *perlnum.Num) any {
	if x == nil {
		return nil
	}
	return x.String()
}

// lines converts raw lines.
func lines(a *perlnum.Arith, raw []rawInput) []line.Line {
	out := make([]line.Line, len(raw))
	for i := range raw {
		r := raw[i].raw()
		out[i] = line.Line{
			STID: r.STID, SKU: r.SKU, Product: r.Product, Name: r.Name, Description: r.Description, Qty: r.Qty,
			Price: a.Parse(r.Price), Weight: a.Parse(r.Weight), NotTaxable: r.Taxable != nil && !*r.Taxable,
			Master: r.Master, Promotion: r.Promotion, Virtual: r.Virtual, Attributes: r.Attributes,
		}
		if r.TaxRate != nil {
			own := a.Parse(*r.TaxRate)
			out[i].TaxRate = &own
		}
	}
	return out
}

var filters = map[string]func(*line.Line) bool{
	"": line.All, "real": line.Real, "real+nogift": line.RealNoGift, "real+noasm": line.RealNoAssembly,
}

func runItemSums(a *perlnum.Arith, input json.RawMessage, _ time.Time) (any, error) {
	var in struct {
		Items   []rawInput `json:"items"`
		Show    string     `json:"show"`
		TaxRate *scalar    `json:"tax_rate"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	all := lines(a, in.Items)
	var r *perlnum.Num
	if in.TaxRate != nil {
		x := a.Parse(string(*in.TaxRate))
		r = &x
	}
	s := line.Sum(a, all, filters[in.Show], line.Taxation{Rate: r})
	extended := []string{}
	for i := range all {
		if filters[in.Show](&all[i]) {
			extended = append(extended, all[i].Price.Times(all[i].Qty).Money())
		}
	}
	return answers{
		"extended": extended, "items_count": s.Count, "items_total": s.ItemsTotal(a).Money(),
		"items_taxable": a.Minor(s.Taxable).Money(), "items_taxdue": s.TaxDue.Money(),
		"pkg_weight": s.Weight.String(), "pkg_weight_194": s.Weight194.String(), "pkg_weight_166": s.Weight166.String(),
		"legacy_usps_weight_194": s.Legacy194.String(), "legacy_usps_weight_166": s.Legacy166.String(),
		"pkg_cubic_inches": s.CubicInches,
	}, nil
}

func runTaxes(a *perlnum.Arith, input json.RawMessage, now time.Time) (any, error) {
	var in struct {
		TaxRules    string `json:"tax_rules"`
		Destination struct {
			Country scalar `json:"country"`
			State   scalar `json:"state"`
			City    scalar `json:"city"`
			Zip     scalar `json:"zip"`
		} `json:"destination"`
		Amounts map[string]scalar `json:"amounts"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	rules := TaxRules(in.TaxRules)
	to := rate.Destination{
		Country: string(in.Destination.Country), Region: string(in.Destination.State),
		City: string(in.Destination.City), Postal: string(in.Destination.Zip),
	}
	amount := func(name string) perlnum.Num { return a.Parse(string(in.Amounts[name])) }
	e := rate.Evaluate(a, rules, to, rate.Amounts{
		Subtotal: amount("subtotal"), Shipping: amount("shp_total"), Handling: amount("hnd_total"),
		Insurance: amount("ins_total"), Special: amount("spc_total"),
	}, now)
	out := answers{"state_rate": e.State, "local_rate": e.Local, "tax_zone": e.Zone, "tax_rate": e.Rate.Fixed(3)}
	if e.Apply != 0 {
		out["tax_applyto"] = e.Apply
	}
	if _, ok := in.Amounts["subtotal"]; ok {
		out["state_total"], out["local_total"] = optionalNumber(e.StateTotal), optionalNumber(e.LocalTotal)
		out["tax_subtotal"], out["tax_total"] = optionalNumber(e.Base), e.Total.Money()
	}
	return out, nil
}

func runModifier(a *perlnum.Arith, input json.RawMessage, _ time.Time) (any, error) {
	var in struct {
		Fn       string  `json:"fn"`
		Price    scalar  `json:"price"`
		Modifier scalar  `json:"modifier"`
		Add      *scalar `json:"add"`
		Value    scalar  `json:"value"`
		Weight   scalar  `json:"weight"`
		Keep     scalar  `json:"keep_modifier"`
		Base     scalar  `json:"base_weight"`
		Type     string  `json:"type"`
		Text     scalar  `json:"text"`
		FeeChar  scalar  `json:"fee_char"`
		FeeWord  scalar  `json:"fee_word"`
		FeeLine  scalar  `json:"fee_line"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	mod := string(in.Modifier)
	switch in.Fn {
	case "calc_modifier":
		base, diff := a.Modify(a.Parse(signed(string(in.Price))), mod)
		result := diff
		if in.Add == nil || in.Add.on() {
			result = base.Add(diff)
		}
		return answers{"result": result.String(), "result_2dp": result.Fixed(2), "pretty": a.ModifierNumber(mod).Fixed(2)}, nil
	case "calc_pog_modifier":
		result := a.ModifiedByOption(a.Parse(string(in.Value)), mod).String()
		if mod != "" && !strings.ContainsAny(mod, "0123456789.+-=") {
			result = "" // a modifier without any number is an empty price, which counts as 0
		}
		return answers{"result": result}, nil
	case "pog_price_modifier_clean":
		return answers{"result": a.ShowModifier(mod)}, nil
	case "smart_weight":
		return answers{"ounces": ounces(a, string(in.Weight), in.Keep.on())}, nil
	case "weight_modifier":
		base, _ := a.Weight(string(in.Base))
		sign, w, ok := a.WeightModifier(mod)
		if ok {
			base = a.ModifiedWeight(base, sign+w.String())
		}
		return answers{"ounces": base.String()}, nil
	}
	g := &option.Group{FeePerChar: string(in.FeeChar), FeePerWord: string(in.FeeWord), FeePerLine: string(in.FeeLine)}
	fee, text := a.Int(0), ""
	if s := string(in.Text); s != "" && s != "##" && (in.Type == "text" || in.Type == "textarea") {
		fee, text = option.TextFees(a, g, s)
	}
	return answers{"fee": fee.String(), "fee_2dp": fee.Fixed(2), "text": text}, nil
}

// signed drops what no price has: all but digits, dots and minus signs.
func signed(s string) string {
	return strings.Map(func(r rune) rune {
		if (r >= '0' && r <= '9') || r == '.' || r == '-' {
			return r
		}
		return -1
	}, s)
}

func ounces(a *perlnum.Arith, weight string, keep bool) any {
	if keep {
		sign, w, ok := a.WeightModifier(weight)
		if !ok {
			return nil
		}
		return sign + w.String()
	}
	w, ok := a.Weight(weight)
	if !ok {
		return nil
	}
	return w.String()
}
