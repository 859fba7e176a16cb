package promotion_test

import (
	"testing"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/promotion"
)

// Offers one after another see what is left of each line.
func TestLedger(t *testing.T) {
	t.Parallel()
	f := facts()
	ledger := promotion.NewLedger(exact, f.Lines)
	for _, c := range []struct {
		offer  promotion.Offer
		reason string
		total  string // of all lines, 45.00 at first
	}{
		{promotion.Offer{ID: "A", Kind: promotion.Percent, Value: "10"}, "", "40.5"},
		{promotion.Offer{ID: "B", Kind: promotion.Across, Value: "10", Products: "MUG"}, "", "30.5"},
		{promotion.Offer{ID: "C", Kind: promotion.Each, Value: "3", MaxPieces: 1}, "", "27.5"},
		{promotion.Offer{ID: "D", Kind: promotion.Sale, Value: "20", Products: "LAMP*"}, "", "25"},
		{promotion.Offer{ID: "E", Kind: promotion.BuyGet, Buy: 1, Get: 1, Value: "50", Products: "MUG"}, "", "23.75"},
		{promotion.Offer{ID: "F", Kind: promotion.Percent, Value: "0"}, "it would lower nothing", "23.75"},
		{promotion.Offer{ID: "G", Kind: promotion.Percent, Value: "1", Products: "SOFA"}, "no goods match", "23.75"},
		{promotion.Offer{ID: "H", Kind: promotion.Percent, Value: "100", MaxDiscount: "3.75"}, "", "20"},
		{promotion.Offer{ID: "I", Kind: promotion.Across, Value: "1", Tiers: []promotion.Tier{{Amount: "20", Value: "1000"}}}, "", "0"},
	} {
		c.offer.On = promotion.OnGoods
		if err := c.offer.Validate(); err != nil {
			t.Fatal(err)
		}
		compiled, err := promotion.CompileOffer(c.offer)
		if err != nil {
			t.Fatal(err)
		}
		reason := ledger.Apply(f, &compiled)
		if got := line.Total(exact, f.Lines, line.All).String(); reason != c.reason || got != c.total {
			t.Errorf("%s: %s left (%q), want %s (%q)", c.offer.ID, got, reason, c.total, c.reason)
		}
	}
}

func TestOffersWait(t *testing.T) {
	t.Parallel()
	f := facts()
	now := f.Now.Unix()
	for want, o := range map[string]promotion.Offer{
		"":                         {Code: "SAVE10", Begins: now, Expires: now, If: []promotion.Condition{{Match: "STATE_MATCH", Filter: "CA"}}},
		"it is disabled":           {Disabled: true},
		"it has not begun":         {Begins: now + 1},
		"it has expired":           {Expires: now - 1},
		"its code was not entered": {Code: "OTHER"},
		"its condition STATE_MATCH does not hold": {If: []promotion.Condition{{Match: "STATE_MATCH", Filter: "NY"}}},
	} {
		compiled, err := promotion.CompileOffer(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := compiled.Idle(exact, f, []string{"SAVE10"}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, o := range []promotion.Offer{{Products: "["}, {If: []promotion.Condition{{Match: "TRUE", Filter: "["}}}} {
		if _, err := promotion.CompileOffer(o); err == nil {
			t.Errorf("%+v is understood", o)
		}
	}
}

func TestOffersOnShipping(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]promotion.Offer{
		"0": {Kind: promotion.Percent, Value: "100"}, "7.5": {Kind: promotion.Percent, Value: "100", MaxDiscount: "2.50"}, "6": {Kind: promotion.Across, Value: "4"},
		"4.95": {Kind: promotion.Sale, Value: "4.95"}, "10": {Kind: promotion.Sale, Value: "12"}, "8": {Kind: promotion.Percent, Value: "1", Tiers: []promotion.Tier{{Amount: "10", Value: "20"}}},
	} {
		o.ID, o.On = "O", promotion.OnShipping
		if err := o.Validate(); err != nil {
			t.Fatal(err)
		}
		compiled, err := promotion.CompileOffer(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := compiled.Shipping(exact, exact.Int(10)).String(); got != want {
			t.Errorf("%s %s: %s, want %s", o.Kind, o.Value, got, want)
		}
	}
}
