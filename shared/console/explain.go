package console

import (
	"net/http"
	"net/url"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/ident"
)

// explanation is how a total comes about, as it is drawn.
type explanation struct {
	Title    string
	Subject  string // the id asked for
	Currency string
	Root     *price.Step
}

// explain draws the derivation of a cart's totals, or of an order's as they were
// when it was placed.
func (c *console) explain(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if ident.Valid(ident.Order, id) {
		var o struct {
			Number string
			Totals price.Totals
		}
		if err := c.get(r.Context(), "/v1/orders/"+url.PathEscape(id)+"?explain=true", &o); err != nil {
			c.refuse(w, id, err)
			return
		}
		c.render(w, http.StatusOK, "explain.html", explanation{"Order " + o.Number, id, o.Totals.Currency, o.Totals.Explanation})
		return
	}
	var totals price.Totals
	if err := c.get(r.Context(), "/v1/carts/"+url.PathEscape(id)+"/price?explain=true", &totals); err != nil {
		c.refuse(w, id, err)
		return
	}
	c.render(w, http.StatusOK, "explain.html", explanation{"Cart", id, totals.Currency, totals.Explanation})
}
