package oracle

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/perlnum"
)

// runCart answers the target cart.
func runCart(a *perlnum.Arith, input json.RawMessage, now time.Time) (any, error) {
	cfg, products, cart, err := Cart(input)
	if err != nil {
		return nil, err
	}
	t, err := price.PriceWith(a, cfg, products, cart, now)
	if err != nil {
		return nil, err
	}
	return Answer(&t), nil
}

// Answer brings totals into the form of a record's expected.
func Answer(t *price.Totals) any {
	lines := slices.Clone(t.Lines)
	components := func(l price.Line) int { return strings.Compare(l.Master, "") }
	slices.SortStableFunc(lines, func(x, y price.Line) int {
		if components(x) != 0 && components(y) != 0 && x.Master == y.Master {
			return cmp.Compare(x.STID, y.STID)
		}
		return 0
	})
	type line struct {
		price.Line
		Master *string `json:"asm_master,omitempty"`
	}
	items := make([]line, len(lines))
	for i, l := range lines {
		items[i].Line = l
		if l.Master != "" {
			items[i].Master = &lines[i].Master
		}
	}
	queue := t.PaymentQueue
	if queue == nil {
		queue = []price.Charge{}
	}
	return map[string]any{
		"cents": t.Cents, "sum": t.Sum, "items": items, "is": t.TaxedCharges,
		"tax_rate": t.TaxRate, "tax_zone": t.TaxZone, "ship_region": t.ShipRegion, "ship_postal": t.ShipPostal,
		"shipmethods": t.ShippingMethods, "shipping_id": t.ShippingID,
		"paymentq": queue, "payment_status": t.PaymentStatus, "payment_method": t.PaymentMethod,
		"errors": t.Errors, "coupon_errors": t.CouponErrors,
	}
}
