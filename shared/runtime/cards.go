package runtime

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/payment/card"
)

// numbered are the operations of staff whose fields are full of numbers, some of which
// look like cards': those of articles, of parcels and of other systems.
var numbered = []string{"catalog-", "inventory-", "ebay-", "shop-"}

// refuseCards refuses a request that has a card number anywhere in it: what is
// refused is not kept, sent on or logged. The bodies of numbered operations are not
// looked through, nor is the number of a parcel.
func refuseCards(function string, r *http.Request, body []byte) error {
	var f fault.Fields
	const refusal = "holds a card number: send the gateway's token, and nobody will see the number"
	f.Check(!card.Written(r.URL.Path), "", "the path "+refusal)
	for name, values := range r.URL.Query() {
		f.Check(!card.Written(strings.Join(values, " ")), "/"+name, refusal)
	}
	f.Check(!card.Written(r.Header.Get("Idempotency-Key")), "/Idempotency-Key", refusal)
	if slices.ContainsFunc(numbered, func(domain string) bool { return strings.HasPrefix(function, domain) }) {
		return f.Err()
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) == nil { // what is not JSON is refused elsewhere
		walk("", v, func(path, text string) { f.Check(path == "/tracking" || !card.Written(text), path, refusal) })
	}
	return f.Err()
}

// walk calls each with every text and number of a JSON value, and with its path.
func walk(path string, v any, each func(path, text string)) {
	switch v := v.(type) {
	case string:
		each(path, v)
	case json.Number:
		each(path, v.String())
	case []any:
		for i, x := range v {
			walk(path+"/"+strconv.Itoa(i), x, each)
		}
	case map[string]any:
		for name, x := range v {
			if card.Written(name) {
				each(path, name)
				continue
			}
			walk(path+"/"+name, x, each)
		}
	}
}
