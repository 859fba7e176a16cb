package price_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/oracle"
)

// Every recorded cart is derived to the cent under both policies, and survives
// the way through JSON that configuration, products and carts take.
func TestRecordedCartsAreExplained(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{price.CommerceRack, price.Exact} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			f, err := os.Open("../../../testdata/oracle/cart.jsonl")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			cases := 0
			err = oracle.Read(f, func(rec oracle.Record) bool {
				cfg, products, cart, err := oracle.Cart(rec.Input)
				if err != nil {
					t.Fatal(err)
				}
				cfg.General.Policy, cart.Explain = policy, true
				out, err := price.Price(cfg, products, cart, benchNow)
				if err != nil {
					t.Fatal(err)
				}
				addUp(&named{t, rec.Case}, out)
				var again struct {
					Config   *price.Config
					Products map[string]*price.Product
					Cart     price.Cart
				}
				copyOf(t, map[string]any{"Config": cfg, "Products": products, "Cart": cart}, &again)
				second, err := price.Price(again.Config, again.Products, again.Cart, benchNow)
				if err != nil || show(t, second) != show(t, out) {
					t.Errorf("%s: through JSON, the totals are others: %v", rec.Case, err)
				}
				cases++
				return true
			})
			if err != nil || cases < 500 {
				t.Errorf("%d cases: %v", cases, err)
			}
		})
	}
}

// named puts a case's name before what fails.
type named struct {
	*testing.T
	name string
}

func (n *named) Errorf(format string, args ...any) {
	n.T.Helper()
	n.T.Errorf(n.name+": "+format, args...)
}

func copyOf(t *testing.T, from, into any) {
	t.Helper()
	b, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}
