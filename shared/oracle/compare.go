package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// tolerance is how far two numbers may be apart: the original prints 15 digits.
var tolerance = decimal.New(1, -9)

// fixed are the fields that have two decimals exactly as printed; others are
// compared as numbers.
var fixed = map[string]bool{
	"items_total": true, "items_taxable": true, "items_taxdue": true, "tax_total": true, "order_total": true,
	"balance_due_total": true, "balance_paid_total": true, "balance_auth_total": true, "extended": true,
	"result_2dp": true, "price_2dp": true, "fee_2dp": true, "amount_2dp": true,
}

// compare returns the differences between an answer and what was recorded.
// Only what was recorded is looked at.
func compare(got any, want json.RawMessage) ([]string, error) {
	b, err := json.Marshal(got)
	if err != nil {
		return nil, err
	}
	g, err := decode(b)
	if err != nil {
		return nil, err
	}
	w, err := decode(want)
	if err != nil {
		return nil, err
	}
	var c comparison
	c.value("", "", g, w)
	return c.diffs, nil
}

func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

type comparison struct{ diffs []string }

func (c *comparison) note(path string, got, want any) {
	c.diffs = append(c.diffs, fmt.Sprintf("%s: got %s, want %s", strings.TrimPrefix(path, "/"), show(got), show(want)))
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func (c *comparison) value(path, field string, got, want any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			c.note(path, got, want)
			return
		}
		for _, k := range slices.Sorted(maps.Keys(w)) {
			c.value(path+"/"+k, k, g[k], w[k])
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			c.note(path, got, want)
			return
		}
		for i := range w {
			c.value(fmt.Sprintf("%s/%d", path, i), field, g[i], w[i])
		}
	default:
		if !same(field, got, want) {
			c.note(path, got, want)
		}
	}
}

func same(field string, got, want any) bool {
	if got == nil || want == nil {
		return got == want
	}
	g, w := fmt.Sprint(got), fmt.Sprint(want)
	if g == w {
		return true
	}
	if fixed[field] {
		return false
	}
	x, err1 := decimal.NewFromString(g)
	y, err2 := decimal.NewFromString(w)
	return err1 == nil && err2 == nil && x.Sub(y).Abs().LessThanOrEqual(tolerance)
}
