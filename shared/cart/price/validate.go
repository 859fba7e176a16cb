package price

import (
	"fmt"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
)

// maxQty bounds a line's pieces, so that no sum leaves the range of whole
// cents.
const maxQty = 1_000_000

// validate refuses what no cart can have.
func (c *Cart) validate() error {
	var f fault.Fields
	for i := range c.Items {
		it := &c.Items[i]
		qty := it.Qty
		if it.Raw != nil {
			qty = it.Raw.Qty
		}
		f.Check(qty >= -maxQty && qty <= maxQty, path("/items", i, "/qty"), "must be at most %d", maxQty)
	}
	return f.Err()
}

// decimal notes a text that is no decimal number.
func decimal(f *fault.Fields, path, s string) {
	if _, err := money.ParseDecimal(s); err != nil {
		f.Merge(path, err)
	}
}

func path(list string, i int, field string) string { return fmt.Sprintf("%s/%d%s", list, i, field) }
