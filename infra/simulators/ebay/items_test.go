package ebay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/infra/simulators/ebay"
)

func TestItemIsCheckedAgainstItsSchema(t *testing.T) {
	t.Parallel()
	s := open(t)
	item := inventory + "/inventory_item/B"
	product := func(body string) string { return js(`{'product':{` + body + `}}`) }
	long := func(n int) string { return strings.Repeat("x", n) }
	s.refuse(t,
		refused{"unknown field", "PUT", item, js(`{'colour':'red'}`), 400, 2004},
		refused{"unknown field inside", "PUT", item, product(`'colour':'red'`), 400, 2004},
		refused{"no body", "PUT", item, "", 400, 2004},
		refused{"no object", "PUT", item, "[]", 400, 2004},
		refused{"no JSON", "PUT", item, "{", 400, 2004},
		refused{"bare aspect", "PUT", item, product(`'aspects':{'Size':'L'}`), 400, 2004},
		refused{"aspect's name", "PUT", item, product(`'aspects':{'` + long(41) + `':['L']}`), 400, 25502},
		refused{"aspect's value", "PUT", item, product(`'aspects':{'Size':['` + long(51) + `']}`), 400, 25502},
		refused{"condition", "PUT", item, js(`{'condition':'USED'}`), 400, 2004},
		refused{"title", "PUT", item, product(`'title':'` + long(81) + `'`), 400, 25503},
		refused{"subtitle", "PUT", item, product(`'subtitle':'` + long(56) + `'`), 400, 25503},
		refused{"description", "PUT", item, product(`'description':'` + long(4001) + `'`), 400, 25503},
		refused{"brand", "PUT", item, product(`'brand':'` + long(66) + `','mpn':'1'`), 400, 25503},
		refused{"brand alone", "PUT", item, product(`'brand':'b'`), 400, 25503},
		refused{"condition text", "PUT", item, js(`{'conditionDescription':'` + long(1001) + `'}`), 400, 25709},
		refused{"no picture", "PUT", item, product(`'imageUrls':[]`), 400, 25717},
		refused{"http picture", "PUT", item, product(`'imageUrls':['http://x/i.jpg']`), 400, 25501},
		refused{"25 pictures", "PUT", item, product(`'imageUrls':['https://x/i'` + strings.Repeat(`,'https://x/i'`, 24) + `]`), 400, 25501},
		refused{"negative quantity", "PUT", item, js(`{'availability':{'shipToLocationAvailability':{'quantity':-1}}}`), 400, 25004},
		refused{"half a quantity", "PUT", item, js(`{'availability':{'shipToLocationAvailability':{'quantity':1.5}}}`), 400, 2004},
		refused{"half a weight", "PUT", item, js(`{'packageWeightAndSize':{'weight':{'value':2}}}`), 400, 25715},
		refused{"package type", "PUT", item, js(`{'packageWeightAndSize':{'packageType':'BAG'}}`), 400, 2004},
		refused{"long SKU", "PUT", inventory + "/inventory_item/" + long(51), "{}", 400, 25707},
		refused{"malformed before invalid", "PUT", item, product(`'brand':7,'title':'` + long(81) + `'`), 400, 2004},
	)
	r := s.call(t, "PUT", item, product(`'aspects':{'Size':'L'}`))
	if r.at("errors", 0, "parameters", 0, "name") != "reason" || r.at("errors", 0, "parameters", 0, "value") != "product.aspects.Size" {
		t.Errorf("the reason is %v", r)
	}
	s.do(t, 201, "PUT", item, js(`{'packageWeightAndSize':{'weight':{'value':2.5,'unit':'POUND'},'dimensions':{'length':1.5,'width':2,'height':3,'unit':'INCH'},'packageType':'MAILING_BOX'},
		'product':{'title':'`+long(80)+`','brand':'b','mpn':'m','aspects':{'Size':['L','XL']}}}`))
}

func TestStrictSKUs(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.do(t, 201, "PUT", inventory+"/inventory_item/A-1.b_2", "{}")
	s = open(t, func(o *ebay.Options) { o.AlphanumericSKUs = true })
	s.refuse(t, refused{"hyphen", "PUT", inventory + "/inventory_item/A-1", "{}", 400, 25707})
	s.do(t, 201, "PUT", inventory+"/inventory_item/A1", "{}")
}

func TestItemIsReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	s := open(t)
	item := inventory + "/inventory_item/A"
	s.do(t, 201, "PUT", item, itemBody(5, `,'subtitle':'s'`))
	s.do(t, 204, "PUT", item, js(`{'product':{'title':'U'}}`))
	r := s.do(t, 200, "GET", item, "")
	if r.at("product", "title") != "U" || r.at("product", "subtitle") != nil || r.at("availability") != nil || r.at("sku") != "A" || r.at("locale") != "en_US" {
		t.Errorf("replaced it is %v", r)
	}
	r = s.do(t, 200, "PUT", item, js(`{'condition':'NEW','conditionDescription':'good'}`))
	if r.at("warnings", 0, "errorId") != 25504.0 {
		t.Errorf("a text on the condition of a new thing: %v", r)
	}
	s.do(t, 204, "PUT", item, js(`{'condition':'MANUFACTURER_REFURBISHED'}`))
	if r := s.do(t, 200, "GET", item, ""); r.at("condition") != "CERTIFIED_REFURBISHED" {
		t.Errorf("the withdrawn condition became %v", r)
	}
	s.do(t, 204, "DELETE", item, "")
	s.refuse(t, refused{"deleted twice", "DELETE", item, "", 404, 25710}, refused{"gone", "GET", item, "", 404, 25710})
}

// The offset of items is a page number; size is the number of pages.
func TestItemsArePaged(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i := range 5 {
		s.do(t, 201, "PUT", fmt.Sprintf("%s/inventory_item/S%d", inventory, i), "{}")
	}
	path, got, last := inventory+"/inventory_item?limit=2", "", reply{}
	for path != "" {
		last = s.do(t, 200, "GET", path, "")
		for i := range 2 {
			if sku := last.at("inventoryItems", i, "sku"); sku != nil {
				got += sku.(string)
			}
		}
		path, _ = last.at("next").(string)
	}
	if got != "S0S1S2S3S4" || last.at("total") != 5.0 || last.at("size") != 3.0 || last.at("prev") == nil {
		t.Errorf("pages of %s, the last %v", got, last)
	}
	if r := s.do(t, 200, "GET", inventory+"/inventory_item?limit=2&offset=2", ""); r.at("inventoryItems", 0, "sku") != "S4" {
		t.Errorf("page 2 is %v", r)
	}
	s.refuse(t,
		refused{"limit", "GET", inventory + "/inventory_item?limit=201", "", 400, 25706},
		refused{"no limit", "GET", inventory + "/inventory_item?limit=0", "", 400, 25706},
		refused{"offset", "GET", inventory + "/inventory_item?offset=-1", "", 400, 25706},
	)
}

func TestBulkItems(t *testing.T) {
	t.Parallel()
	s := open(t)
	put, get := inventory+"/bulk_create_or_replace_inventory_item", inventory+"/bulk_get_inventory_item"
	rows := func(n int, row string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(row, i))
		}
		return js(`{'requests':[` + strings.Join(all, ",") + `]}`)
	}
	r := s.do(t, 207, "POST", put, jsf(`{'requests':[{'sku':'A','locale':'en_US','condition':'NEW'},{'sku':'B'},{'sku':'C','locale':'en_US','product':{'title':'%s'}}]}`, strings.Repeat("x", 81)))
	for i, want := range []float64{201, 400, 400} {
		if r.at("responses", i, "statusCode") != want {
			t.Errorf("row %d: %v, want %v", i, r, want)
		}
	}
	if r.at("responses", 1, "errors", 0, "errorId") != 25733.0 || r.at("responses", 2, "errors", 0, "errorId") != 25503.0 {
		t.Errorf("the rows: %v", r)
	}
	r = s.do(t, 207, "POST", get, js(`{'requests':[{'sku':'A'},{'sku':'Z'}]}`))
	if r.at("responses", 0, "inventoryItem", "condition") != "NEW" || r.at("responses", 1, "statusCode") != 404.0 {
		t.Errorf("got %v", r)
	}
	s.do(t, 200, "POST", put, rows(25, `{'sku':'R%d','locale':'en_US'}`))
	s.refuse(t,
		refused{"26 rows", "POST", put, rows(26, `{'sku':'R%d','locale':'en_US'}`), 400, 25727},
		refused{"26 SKUs", "POST", get, rows(26, `{'sku':'R%d'}`), 400, 25727},
		refused{"SKU twice", "POST", put, js(`{'requests':[{'sku':'A','locale':'en_US'},{'sku':'A','locale':'en_US'}]}`), 400, 25734},
		refused{"a row that cannot be read", "POST", put, js(`{'requests':[{'sku':'D','locale':'en_US'},{'sku':'E','locale':'en_US','colour':1}]}`), 400, 2004},
		refused{"no rows", "POST", put, "{}", 400, 25709},
		refused{"of which nothing was done", "GET", inventory + "/inventory_item/D", "", 404, 25710},
	)
}

// A bulk change judges row by row, and revises a listing no more often than allowed.
func TestBulkUpdateIsJudgedByRow(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *ebay.Options) { o.Revisions = 2 })
	offer, _ := s.list(t, "A", 5)
	path := inventory + "/bulk_update_price_quantity"
	body := func(n int) string {
		return jsf(`{'requests':[{'offers':[{'offerId':'%s','availableQuantity':%d}]},{'offers':[{'offerId':'404','availableQuantity':1}]}]}`, offer, n)
	}
	for i, want := range []float64{200, 200, 400} {
		r := s.do(t, 207, "POST", path, body(i+1))
		if r.at("responses", 0, "statusCode") != want || r.at("responses", 1, "errors", 0, "errorId") != 25713.0 {
			t.Errorf("call %d: %v", i, r)
		}
		if got := s.offered("A").Quantity; got != int64(min(i+1, 2)) {
			t.Errorf("%d are left after call %d", got, i)
		}
	}
	s.refuse(t, refused{"an offer", "PUT", inventory + "/offer/" + offer, js(`{` + rest + `}`), 400, 25019})
	s.clock.Advance(24 * time.Hour)
	s.signIn(t)
	s.do(t, 207, "POST", path, body(4))
	if got := s.offered("A").Quantity; got != 4 {
		t.Errorf("%d are left the next day", got)
	}
}

func TestBulkUpdateOfItemAndOffer(t *testing.T) {
	t.Parallel()
	s := open(t)
	a, _ := s.list(t, "A", 5)
	s.do(t, 201, "PUT", inventory+"/inventory_item/B", itemBody(7, ""))
	b := s.do(t, 201, "POST", inventory+"/offer", js(`{'sku':'B','marketplaceId':'EBAY_US','format':'FIXED_PRICE',`+rest+`}`)).at("offerId").(string)
	s.do(t, 200, "POST", inventory+"/offer/"+b+"/publish", "")
	path := inventory + "/bulk_update_price_quantity"
	r := s.do(t, 200, "POST", path, jsf(`{'requests':[{'sku':'A','shipToLocationAvailability':{'quantity':9},'offers':[{'offerId':'%s','price':{'value':'12.50','currency':'USD'}}]},
		{'sku':'B','shipToLocationAvailability':{'quantity':3}}]}`, a))
	if len(r.body["responses"].([]any)) != 3 {
		t.Errorf("a row for each item and offer: %v", r)
	}
	if o := s.offered("A"); o.Quantity != 5 || o.Price != "12.50" {
		t.Errorf("an offer's own figure wins: %+v", o)
	}
	if o := s.offered("B"); o.Quantity != 3 {
		t.Errorf("an offer without one follows the item: %+v", o)
	}
	draft := s.draft(t, "D", 1)
	row := func(format string, args ...any) string {
		return js(`{'requests':[` + fmt.Sprintf(format, args...) + `]}`)
	}
	many := strings.TrimSuffix(strings.Repeat(`{'offers':[{'offerId':'1','availableQuantity':1}]},`, 26), ",")
	s.refuse(t,
		refused{"26 rows", "POST", path, js(`{'requests':[` + many + `]}`), 400, 25727},
		refused{"26 offers in a row", "POST", path, row(`{'offers':[%s]}`, strings.TrimSuffix(strings.Repeat(`{'offerId':'1','availableQuantity':1},`, 26), ",")), 400, 25727},
		refused{"offer twice", "POST", path, row(`{'offers':[{'offerId':'1','availableQuantity':1},{'offerId':'1','availableQuantity':1}]}`), 400, 25728},
		refused{"nothing to do", "POST", path, row(`{'sku':'A'}`), 400, 25709},
		refused{"number as money", "POST", path, row(`{'offers':[{'offerId':'1','price':{'value':10,'currency':'USD'}}]}`), 400, 2004},
	)
	for body, id := range map[string]float64{
		row(`{'offers':[{'offerId':'%s','availableQuantity':1}]}`, draft):                  25713, // not published
		row(`{'sku':'B','offers':[{'offerId':'%s','availableQuantity':1}]}`, a):            25713, // of another SKU
		row(`{'offers':[{'offerId':'%s'}]}`, a):                                            25709,
		row(`{'sku':'Z','shipToLocationAvailability':{'quantity':1}}`):                     25702,
		row(`{'shipToLocationAvailability':{'quantity':1}}`):                               25709,
		row(`{'offers':[{'offerId':'%s','price':{'value':'0.00','currency':'USD'}}]}`, a):  25003,
		row(`{'offers':[{'offerId':'%s','price':{'value':'1.005','currency':'USD'}}]}`, a): 25003,
		row(`{'sku':'A','shipToLocationAvailability':{'quantity':-1}}`):                    25004,
	} {
		if r := s.call(t, "POST", path, body); r.status != 207 || r.at("responses", 0, "errors", 0, "errorId") != id {
			t.Errorf("%s: %v, want %v", body, r, id)
		}
	}
}

// A revision that could not be published leaves the live listing as it is.
func TestRevisionIsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.list(t, "A", 5)
	s.refuse(t, refused{"without a title", "PUT", inventory + "/inventory_item/A", js(`{'condition':'NEW','product':{'description':'d','imageUrls':['https://x/i']}}`), 400, 25017})
	if r := s.do(t, 200, "GET", inventory+"/inventory_item/A", ""); r.at("product", "title") != "T" {
		t.Errorf("after the refusal: %v", r)
	}
}

func TestDeletedItemLeavesItsListings(t *testing.T) {
	t.Parallel()
	s := open(t)
	offer, _ := s.list(t, "A", 5)
	s.do(t, 204, "DELETE", inventory+"/inventory_item/A", "")
	if len(s.Offered()) != 0 {
		t.Errorf("still up: %v", s.Offered())
	}
	s.refuse(t, refused{"its offer", "GET", inventory + "/offer/" + offer, "", 404, 25713})
}

func TestVehicles(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.do(t, 201, "PUT", inventory+"/inventory_item/A", "{}")
	path := inventory + "/inventory_item/A/product_compatibility"
	s.refuse(t,
		refused{"none yet", "GET", path, "", 404, 25710},
		refused{"both styles", "PUT", path, js(`{'compatibleProducts':[{'productFamilyProperties':{'make':'a'},'compatibilityProperties':[{'name':'Make','value':'a'}]}]}`), 400, 25742},
		refused{"name", "PUT", path, jsf(`{'compatibleProducts':[{'compatibilityProperties':[{'name':'%s','value':'a'}]}]}`, strings.Repeat("x", 41)), 400, 25740},
		refused{"value", "PUT", path, jsf(`{'compatibleProducts':[{'compatibilityProperties':[{'name':'Make','value':'%s'}]}]}`, strings.Repeat("x", 51)), 400, 25741},
		refused{"no SKU", "PUT", inventory + "/inventory_item/Z/product_compatibility", js(`{'compatibleProducts':[]}`), 400, 25702},
	)
	body := js(`{'compatibleProducts':[{'compatibilityProperties':[{'name':'Make','value':'Honda'}]}]}`)
	s.do(t, 201, "PUT", path, body)
	s.do(t, 204, "PUT", path, body)
	if r := s.do(t, 200, "GET", path, ""); r.at("compatibleProducts", 0, "compatibilityProperties", 0, "value") != "Honda" || r.at("sku") != "A" {
		t.Errorf("it fits %v", r)
	}
	s.do(t, 204, "DELETE", path, "")
}
