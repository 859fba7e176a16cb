package console

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/ident"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	const derivation = `"currency": "USD", "explanation": {"label": "Order total", "amount": "12.99", "steps": [
		{"label": "Goods", "amount": "7.99", "detail": "1 × 7.99"},
		{"label": "Express <next day>", "amount": "0.00", "not_applied": true, "detail": "offered, not selected", "rule": "method EXPRESS"}]}`
	orderID, cartID := ident.New(ident.Order), ident.New(ident.Cart)
	h, _ := open(t, shop{replies: map[string]string{
		"/v1/orders/" + orderID + "?explain=true":     `{"number": "2026-11-1000", "totals": {` + derivation + `}}`,
		"/v1/carts/" + cartID + "/price?explain=true": `{` + derivation + `}`,
	}})
	for _, id := range []string{orderID, cartID} {
		body := get(t, h, "http://localhost/console/explain/"+id).Body.String()
		for _, want := range []string{"Order total", "12.99", "1 × 7.99", "not applied", "Express &lt;next day&gt;", "method EXPRESS"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q", id, want)
			}
		}
	}
	if w := get(t, h, "http://localhost/console/explain/crt_unknown"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown cart: status %d", w.Code)
	}
}
