package option_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/catalog/option"
	"github.com/rackless/rackless/shared/perlnum"
)

var (
	exact = perlnum.Exact(perlnum.HalfUp, 2)
	today = time.Date(2026, 7, 1, 15, 0, 0, 0, time.UTC)
	yes   = true
	no    = false
)

var groups = []option.Group{
	{ID: "A0", Prompt: "Size", Type: "select", Inventory: 1, Values: []option.Value{{ID: "00", Prompt: "S"}, {ID: "01", Prompt: "XL", Price: "+2.50", Weight: "+4"}, {ID: "02", Price: "20", Weight: "8"}}},
	{ID: "B0", Prompt: "Engraving", Type: "text", FeePerChar: "0.10", FeePerWord: "0.5", FeePerLine: "1"},
	{ID: "C0", Prompt: "Gift", Type: "cb", Optional: &yes},
	{ID: "D0", Prompt: "Date", Type: "calendar", Optional: &yes, RushFee: "9", RushDays: 3},
	{ID: "E0", Prompt: "Number", Type: "number", Optional: &yes},
	{ID: "F0", Type: "attribs"}, {ID: "G0", Type: "readonly"}, {},
}

func TestChoices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		chosen map[string]string
		suffix string
		fees   string
		text   string // of the last choice
	}{
		"least":       {map[string]string{"A0": "00"}, ":A000/B0/C0/D0/E0", "0 0 0 0 0", ""},
		"priced":      {map[string]string{"A0": "01", "E0": "42"}, ":A001/B0/C0/D0/E0##", "2.5 0 0 0 0", "42"},
		"replaced":    {map[string]string{"A0": "02", "C0": "ON"}, ":A002/B0/C0ON/D0/E0", "10 0 0 0 0", ""},
		"engraved":    {map[string]string{"A0": "00", "B0": "Ann Lee\nxx"}, ":A000/B0##/C0/D0/E0", "0 4.3 0 0 0", ""},
		"rush":        {map[string]string{"A0": "00", "D0": "07/04/2026"}, ":A000/B0/C0/D0##/E0", "0 0 0 9 0", ""},
		"no_rush":     {map[string]string{"A0": "00", "D0": "07/05/2026"}, ":A000/B0/C0/D0##/E0", "0 0 0 0 0", ""},
		"no_date":     {map[string]string{"A0": "00", "D0": "soon", "C0": "NO"}, ":A000/B0/C0NO/D0##/E0", "0 0 0 0 0", ""},
		"placeholder": {map[string]string{"A0": "00", "B0": "##"}, ":A000/B0##/C0/D0/E0", "0 0 0 0 0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			choices, problems := option.Choose(exact, &option.Input{Product: "P", Groups: groups, Chosen: c.chosen, Price: exact.Int(10), Today: today})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			var fees []string
			for _, x := range choices {
				fees = append(fees, x.Fee.String())
			}
			if got := option.Suffix(choices); got != c.suffix || strings.Join(fees, " ") != c.fees || choices[len(choices)-1].Text != c.text {
				t.Errorf("%s, fees %v, want %s, %s", got, fees, c.suffix, c.fees)
			}
		})
	}
}

func TestRefusedChoices(t *testing.T) {
	t.Parallel()
	must := []option.Group{{ID: "X0", Prompt: "Color", Type: "cb", Optional: &no}}
	for want, in := range map[string]option.Input{
		"impacts inventory/sku":      {Groups: groups[:1]},
		"badly formatted pog value":  {Groups: groups[:1], Chosen: map[string]string{"A0": "*1"}},
		"pog value 'long'":           {Groups: groups[:1], Chosen: map[string]string{"A0": "long"}},
		"option '09' not found":      {Groups: groups[:1], Chosen: map[string]string{"A0": "09"}},
		"must be selected":           {Groups: must},
		"can only specify values ON": {Groups: must, Chosen: map[string]string{"X0": "maybe"}},
	} {
		in.Product, in.Price = "P", exact.Int(10)
		if _, problems := option.Choose(exact, &in); len(problems) != 1 || !strings.Contains(problems[0], want) {
			t.Errorf("%v, want %s", problems, want)
		}
	}
	choices, problems := option.Choose(exact, &option.Input{Groups: must, Market: true, Price: exact.Int(10)})
	if len(problems) > 0 || choices[0].Text != "Not Set" {
		t.Errorf("a marketplace's order is refused: %v", problems)
	}
}

func TestSKUs(t *testing.T) {
	t.Parallel()
	if got := option.SKU("P", groups, map[string]string{"A0": "01", "B0": "text"}); got != "P:A001" {
		t.Error(got)
	}
	if got := option.SKU("P", groups, map[string]string{"A0": "99"}); got != "P" {
		t.Error(got)
	}
	for sku, want := range map[string]string{"P": "10 16", "P:A001": "12.5 20", "P:A002": "20 24", "P:A0": "10 16", "P:Z900": "10 16"} {
		price, weight := option.Derive(exact, sku, groups, exact.Int(10), exact.Int(16))
		if got := price.String() + " " + weight.String(); got != want {
			t.Errorf("%s: %s, want %s", sku, got, want)
		}
	}
	if !option.HasInventory(groups) || option.HasInventory(groups[1:]) {
		t.Error("inventory options are not found")
	}
	many := make([]option.Choice, 30)
	for i := range many {
		many[i] = option.Choice{Group: "A0", Value: "00"}
	}
	if got := len(option.Suffix(many)); got != 55 {
		t.Errorf("a suffix of %d characters", got)
	}
}
