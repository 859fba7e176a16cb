package ebay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/infra/simulators/ebay"
	"github.com/rackless/rackless/infra/simulators/sim"
)

func TestOfferIsCheckedAgainstItsSchema(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place(t)
	s.do(t, 201, "PUT", inventory+"/inventory_item/A", itemBody(5, ""))
	path := inventory + "/offer"
	fixed := func(more string) string {
		return js(`{'sku':'A','marketplaceId':'EBAY_US','format':'FIXED_PRICE',` + more + `}`)
	}
	auction := func(more string) string {
		return js(`{'sku':'A','marketplaceId':'EBAY_US','format':'AUCTION',` + more + `}`)
	}
	const start = `'listingDuration':'DAYS_7','pricingSummary':{'auctionStartPrice':{'value':'1.00','currency':'USD'}}`
	s.refuse(t,
		refused{"unknown field", "POST", path, fixed(`'colour':'red'`), 400, 2004},
		refused{"format", "POST", path, js(`{'sku':'A','marketplaceId':'EBAY_US','format':'STORE'}`), 400, 2004},
		refused{"no marketplace", "POST", path, js(`{'sku':'A','format':'FIXED_PRICE'}`), 400, 25735},
		refused{"unknown SKU", "POST", path, js(`{'sku':'Z','marketplaceId':'EBAY_US','format':'FIXED_PRICE'}`), 400, 25702},
		refused{"key of location", "POST", path, fixed(`'merchantLocationKey':'` + strings.Repeat("x", 37) + `'`), 400, 25709},
		refused{"number as money", "POST", path, fixed(`'pricingSummary':{'price':{'value':1,'currency':'USD'}}`), 400, 2004},
		refused{"price of nothing", "POST", path, fixed(`'pricingSummary':{'price':{'value':'0.00','currency':'USD'}}`), 400, 25003},
		refused{"price of an auction", "POST", path, fixed(start), 400, 25758},
		refused{"days of a fixed price", "POST", path, fixed(`'listingDuration':'DAYS_7'`), 400, 25032},
		refused{"three store categories", "POST", path, fixed(`'storeCategoryNames':['/A','/B','/C']`), 400, 25709},
		refused{"store category by id", "POST", path, fixed(`'storeCategoryNames':['12']`), 400, 25709},
		refused{"seven policies of compliance", "POST", path, fixed(`'listingPolicies':{'productCompliancePolicyIds':['1','2','3','4','5','6','7']}`), 400, 25091},
		refused{"policy of compliance", "POST", path, fixed(`'listingPolicies':{'productCompliancePolicyIds':['x']}`), 400, 25767},
		refused{"policy of return", "POST", path, fixed(`'listingPolicies':{'takeBackPolicyId':'x'}`), 400, 25766},
		refused{"six responsible persons", "POST", path, fixed(`'regulatory':{'responsiblePersons':[{},{},{},{},{},{}]}`), 400, 25112},
		refused{"repair score", "POST", path, fixed(`'regulatory':{'repairScore':10.1}`), 400, 25079},
		refused{"best offer", "POST", path, fixed(`'pricingSummary':{'price':{'value':'9.00','currency':'USD'}},'listingPolicies':{'bestOfferTerms':{'bestOfferEnabled':true,
			'autoAcceptPrice':{'value':'5.00','currency':'USD'},'autoDeclinePrice':{'value':'6.00','currency':'USD'}}}`), 400, 25016},
		refused{"local time", "POST", path, fixed(`'listingStartDate':'2026-12-01T10:00:00'`), 400, 25752},
		refused{"auction without days", "POST", path, auction(`'listingDuration':'GTC'`), 400, 25755},
		refused{"auction without a start", "POST", path, auction(`'listingDuration':'DAYS_7'`), 400, 25757},
		refused{"auction of two", "POST", path, auction(`'availableQuantity':2,` + start), 400, 25762},
		refused{"auction with a limit", "POST", path, auction(`'quantityLimitPerBuyer':2,` + start), 400, 25763},
		refused{"auction with eBay Plus", "POST", path, auction(`'listingPolicies':{'eBayPlusIfEligible':true},` + start), 400, 25764},
		refused{"auction with a price struck through", "POST", path,
			auction(`'listingDuration':'DAYS_7','pricingSummary':{'auctionStartPrice':{'value':'1.00','currency':'USD'},'originalRetailPrice':{'value':'2.00','currency':'USD'}}`), 400, 25761},
	)
	r := s.do(t, 201, "POST", path, fixed(`'listingPolicies':{'productCompliancePolicyIds':['1','1']}`))
	if r.at("warnings", 0, "errorId") != 25033.0 {
		t.Errorf("a policy twice: %v", r)
	}
}

func TestOneOfferForEachCombination(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := s.draft(t, "A", 5)
	r := s.call(t, "POST", inventory+"/offer", offerBody("A", 1))
	if r.id != 25002 || r.at("errors", 0, "parameters", 0, "name") != "offerId" || r.at("errors", 0, "parameters", 0, "value") != id || !strings.Contains(r.text, "Offer entity already exists") {
		t.Errorf("a second offer: %v", r)
	}
	s.do(t, 201, "POST", inventory+"/offer", strings.Replace(offerBody("A", 1), "EBAY_US", "EBAY_GB", 1))
	r = s.do(t, 200, "GET", inventory+"/offer?sku=A", "")
	if r.at("total") != 2.0 || r.at("limit") != 100.0 || r.at("offers", 0, "offerId") != id {
		t.Errorf("the offers: %v", r)
	}
	if r := s.do(t, 200, "GET", inventory+"/offer?sku=A&marketplace_id=EBAY_GB", ""); r.at("total") != 1.0 || r.at("offers", 0, "marketplaceId") != "EBAY_GB" {
		t.Errorf("those of a marketplace: %v", r)
	}
	s.refuse(t,
		refused{"no SKU", "GET", inventory + "/offer", "", 400, 25709},
		refused{"no offers", "GET", inventory + "/offer?sku=Z", "", 404, 25713},
		refused{"marketplace", "GET", inventory + "/offer?sku=A&marketplace_id=US", "", 400, 25709},
		refused{"another SKU", "PUT", inventory + "/offer/" + id, js(`{'sku':'B'}`), 400, 25735},
		refused{"another format", "PUT", inventory + "/offer/" + id, js(`{'format':'AUCTION'}`), 400, 25735},
	)
	s.do(t, 200, "PUT", inventory+"/offer/"+id, js(`{'categoryId':'15687'}`))
	if r := s.do(t, 200, "GET", inventory+"/offer/"+id, ""); r.at("pricingSummary") != nil || r.at("availableQuantity") != 5.0 || r.at("status") != "UNPUBLISHED" || r.at("listing") != nil {
		t.Errorf("replaced it is %v", r)
	}
	s.do(t, 204, "DELETE", inventory+"/offer/"+id, "")
	s.refuse(t, refused{"deleted twice", "DELETE", inventory + "/offer/" + id, "", 404, 25713})
}

// What the list of a publication asks for, one thing after the other.
func TestPublicationNeedsEverything(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := s.draft(t, "A", 5)
	item, offer := inventory+"/inventory_item/A", inventory+"/offer/"+id
	for _, c := range []struct {
		name, from, to string
		id             int
	}{
		{"location", `'merchantLocationKey':'main',`, "", 25012},
		{"known location", `'main'`, `'other'`, 25012},
		{"price", `'pricingSummary':{'price':{'value':'10.00','currency':'USD'}},`, "", 25003},
		{"currency of the site", `'USD'`, `'EUR'`, 25003},
		{"category", `'categoryId':'15687',`, "", 25005},
		{"leaf", `'15687'`, `'1059'`, 25005},
		{"known category", `'15687'`, `'99'`, 25005},
		{"duration", `'listingDuration':'GTC',`, "", 25017},
		{"shipping", `'fulfillmentPolicyId':'1000fulfillment',`, "", 25007},
		{"payment", `'paymentPolicyId':'1000payment',`, "", 25008},
		{"return", `,'returnPolicyId':'1000return'`, "", 25009},
		{"known policy", `'1000return'`, `'77'`, 25035},
		{"policy of the kind", `'1000return'`, `'1000payment'`, 25036},
	} {
		s.do(t, 200, "PUT", offer, js(`{`+strings.Replace(rest, c.from, c.to, 1)+`}`))
		s.refuse(t, refused{c.name, "POST", offer + "/publish", "", 400, c.id})
	}
	s.do(t, 200, "PUT", offer, js(`{`+rest+`}`))
	for _, c := range []struct {
		name, from, to string
		id             int
	}{
		{"title", `'title':'T',`, "", 25017},
		{"description", `'description':'d',`, "", 25017},
		{"picture", `,'imageUrls':['https://x/i.jpg']`, "", 25014},
		{"condition", `'condition':'NEW',`, "", 25021},
		{"approval", `'NEW'`, `'GOOD_REFURBISHED'`, 25047},
		{"quantity", `{'shipToLocationAvailability':{'quantity':5}}`, `{}`, 25004},
	} {
		s.do(t, 204, "PUT", item, strings.Replace(itemBody(5, ""), js(c.from), js(c.to), 1))
		s.refuse(t, refused{c.name, "POST", offer + "/publish", "", 400, c.id})
	}
	s.do(t, 204, "PUT", item, itemBody(5, ""))
	s.do(t, 200, "POST", inventory+"/location/main/disable", "")
	s.refuse(t, refused{"enabled location", "POST", offer + "/publish", "", 400, 25012})
	s.do(t, 200, "POST", inventory+"/location/main/enable", "")
	s.do(t, 200, "POST", offer+"/publish", "")
	s.refuse(t, refused{"known offer", "POST", inventory + "/offer/1/publish", "", 400, 25713})
}

func TestRequiredAspects(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := s.draft(t, "A", 5)
	offer := inventory + "/offer/" + id
	s.do(t, 200, "PUT", offer, js(`{`+strings.Replace(rest, "15687", "57990", 1)+`}`))
	for _, c := range []struct {
		aspects string
		id      int
	}{
		{`{}`, 25029},
		{`{'Brand':['b'],'Size':['M']}`, 25029},
		{`{'Brand':['b'],'Size':['M'],'Size Type':['Tiny']}`, 25022},
		{`{'Brand':['b','c'],'Size':['M'],'Size Type':['Regular']}`, 25022},
	} {
		s.do(t, 204, "PUT", inventory+"/inventory_item/A", itemBody(5, js(`,'aspects':`+c.aspects)))
		s.refuse(t, refused{c.aspects, "POST", offer + "/publish", "", 400, c.id})
	}
	s.do(t, 204, "PUT", inventory+"/inventory_item/A", itemBody(5, js(`,'aspects':{'Brand':['b'],'Size':['M'],'Size Type':['Regular'],'Features':['Stretch','Warm']}`)))
	s.do(t, 200, "POST", offer+"/publish", "")
}

func TestPublishedOfferIsNotPublishedAgain(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]refused{"": {status: 400, id: 25002}, "same": {status: 200}, "fault": {status: 500, id: 25001}} {
		s := open(t, func(o *ebay.Options) { o.Republish = how })
		offer, listing := s.list(t, "A", 5)
		r := s.call(t, "POST", inventory+"/offer/"+offer+"/publish", "")
		if r.status != want.status || r.id != want.id || r.status == 200 && r.at("listingId") != listing {
			t.Errorf("%q: %v", how, r)
		}
	}
}

func TestWithdrawnOfferStays(t *testing.T) {
	t.Parallel()
	s := open(t)
	offer, listing := s.list(t, "A", 5)
	path := inventory + "/offer/" + offer
	if r := s.do(t, 200, "GET", path, ""); r.at("status") != "PUBLISHED" || r.at("listing", "listingId") != listing || r.at("listing", "listingStatus") != "ACTIVE" {
		t.Errorf("published: %v", r)
	}
	if r := s.do(t, 200, "POST", path+"/withdraw", ""); r.at("listingId") != listing {
		t.Errorf("withdrawn: %v", r)
	}
	s.refuse(t, refused{"withdrawn twice", "POST", path + "/withdraw", "", 400, 25713})
	if r := s.do(t, 200, "GET", path, ""); r.at("status") != "UNPUBLISHED" || r.at("listing") != nil {
		t.Errorf("after it: %v", r)
	}
	if r := s.do(t, 200, "POST", path+"/publish", ""); r.at("listingId") == listing {
		t.Errorf("published again it has the old listing: %v", r)
	}
}

// Listings end by themselves, by the seller at the site and by eBay; their offers
// tell how, and can be published anew.
func TestListingsEnd(t *testing.T) {
	t.Parallel()
	s := open(t)
	for sku, how := range map[string]string{"A": "EBAY_ENDED", "B": "ENDED"} {
		offer, listing := s.list(t, sku, 5)
		by := map[string]string{"EBAY_ENDED": "ebay", "ENDED": "seller"}[how]
		s.do(t, 204, "DELETE", "/_sim/listings/"+sku+"?by="+by, "")
		path := inventory + "/offer/" + offer
		if r := s.do(t, 200, "GET", path, ""); r.at("listing", "listingStatus") != how || r.at("listing", "listingId") != listing {
			t.Errorf("ended by %s: %v", by, r)
		}
		r := s.do(t, 207, "POST", inventory+"/bulk_update_price_quantity", jsf(`{'requests':[{'offers':[{'offerId':'%s','availableQuantity':1}]}]}`, offer))
		if r.at("responses", 0, "errors", 0, "errorId") != 25713.0 {
			t.Errorf("a change of what has ended: %v", r)
		}
		if r := s.do(t, 200, "POST", path+"/publish", ""); r.at("listingId") == listing {
			t.Errorf("published again it has the old listing: %v", r)
		}
	}
}

func TestAuctionEndsByTime(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place(t)
	s.do(t, 201, "PUT", inventory+"/inventory_item/A", itemBody(5, ""))
	body := strings.NewReplacer("FIXED_PRICE", "AUCTION", "GTC", "DAYS_3", js(`'price':`), js(`'auctionStartPrice':`)).Replace(offerBody("A", 1))
	offer := s.do(t, 201, "POST", inventory+"/offer", body).at("offerId").(string)
	s.do(t, 200, "POST", inventory+"/offer/"+offer+"/publish", "")
	status := func() any {
		s.signIn(t)
		return s.do(t, 200, "GET", inventory+"/offer/"+offer, "").at("listing", "listingStatus")
	}
	if r := s.do(t, 200, "GET", inventory+"/inventory_item/A", ""); r.at("availability", "shipToLocationAvailability", "allocationByFormat", "auction") != 1.0 {
		t.Errorf("the auction reserves nothing: %v", r)
	}
	s.refuse(t, refused{"stock below the auction", "PUT", inventory + "/inventory_item/A", itemBody(0, ""), 400, 25759})
	s.clock.Advance(72*time.Hour - time.Second)
	if got := status(); got != "ACTIVE" {
		t.Errorf("before its end: %v", got)
	}
	s.clock.Advance(time.Second)
	if got := status(); got != "ENDED" {
		t.Errorf("after its end: %v", got)
	}
}

func TestScheduledListing(t *testing.T) {
	t.Parallel()
	s := open(t)
	offer := s.draft(t, "A", 5)
	s.do(t, 200, "PUT", inventory+"/offer/"+offer, js(`{'listingStartDate':'2026-11-28T20:00:00.000Z',`+rest+`}`))
	s.do(t, 200, "POST", inventory+"/offer/"+offer+"/publish", "")
	if _, err := s.Buy("b", true, ebay.Wanted{SKU: "A", Qty: 1}); err == nil {
		t.Error("it was bought before its start")
	}
	s.clock.Advance(24 * time.Hour)
	if _, err := s.Buy("b", true, ebay.Wanted{SKU: "A", Qty: 1}); err != nil {
		t.Error(err)
	}
	s.signIn(t)
	second := s.draft(t, "B", 5)
	s.do(t, 200, "PUT", inventory+"/offer/"+second, js(`{'listingStartDate':'2026-11-28T19:00:00.000Z',`+rest+`}`))
	if r := s.do(t, 200, "POST", inventory+"/offer/"+second+"/publish", ""); r.at("warnings", 0, "errorId") != 25753.0 {
		t.Errorf("with a start that is past: %v", r)
	}
}

// With nothing left a listing hides, or ends for a seller without that control.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	for _, ends := range []bool{false, true} {
		s := open(t, func(o *ebay.Options) { o.EndsEmpty = ends })
		offer, _ := s.list(t, "A", 1)
		empty := s.draft(t, "B", 0)
		if _, err := s.Buy("b", true, ebay.Wanted{SKU: "A", Qty: 1}); err != nil {
			t.Fatal(err)
		}
		status := s.do(t, 200, "GET", inventory+"/offer/"+offer, "").at("listing", "listingStatus")
		publish := s.call(t, "POST", inventory+"/offer/"+empty+"/publish", "")
		if ends && (status != "ENDED" || publish.id != 25004) || !ends && (status != "OUT_OF_STOCK" || publish.status != 200) {
			t.Errorf("ends %t: %v; %v", ends, status, publish)
		}
	}
}

func TestSellersAccount(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *ebay.Options) { o.Newcomer, o.OptInLag = true, 24*time.Hour })
	offer := s.draft(t, "A", 5)
	publish := refused{"not opted in", "POST", inventory + "/offer/" + offer + "/publish", "", 400, 25018}
	s.refuse(t, publish)
	s.do(t, 200, "POST", account+"/program/opt_in", js(`{'programType':'SELLING_POLICY_MANAGEMENT'}`))
	s.refuse(t, publish, refused{"opted in twice", "POST", account + "/program/opt_in", js(`{'programType':'SELLING_POLICY_MANAGEMENT'}`), 409, 25803})
	if r := s.do(t, 200, "GET", account+"/program/get_opted_in_programs", ""); r.at("programs", 0) != nil {
		t.Errorf("opted in at once: %v", r)
	}
	s.clock.Advance(24 * time.Hour)
	s.signIn(t)
	if r := s.do(t, 200, "GET", account+"/program/get_opted_in_programs", ""); r.at("programs", 0, "programType") != "SELLING_POLICY_MANAGEMENT" {
		t.Errorf("a day later: %v", r)
	}
	s.do(t, 200, "POST", inventory+"/offer/"+offer+"/publish", "")

	s = open(t, func(o *ebay.Options) { o.SellingLimit = 7 })
	s.list(t, "A", 5)
	second := s.draft(t, "B", 3)
	s.refuse(t, refused{"beyond the limit", "POST", inventory + "/offer/" + second + "/publish", "", 400, 25026})
	if r := s.do(t, 200, "GET", account+"/privilege", ""); r.at("sellingLimit", "quantity") != 7.0 || r.at("sellerRegistrationCompleted") != true {
		t.Errorf("the privilege is %v", r)
	}
}

func TestBulkOffers(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place(t)
	for _, sku := range []string{"A", "B"} {
		s.do(t, 201, "PUT", inventory+"/inventory_item/"+sku, itemBody(5, ""))
	}
	create, publish := inventory+"/bulk_create_offer", inventory+"/bulk_publish_offer"
	r := s.do(t, 207, "POST", create, `{"requests":[`+offerBody("A", 5)+`,`+offerBody("Z", 5)+`,`+strings.Replace(offerBody("B", 5), "15687", strings.Repeat("1", 21), 1)+`]}`)
	id, _ := r.at("responses", 0, "offerId").(string)
	if id == "" || r.at("responses", 0, "statusCode") != 201.0 || r.at("responses", 1, "errors", 0, "errorId") != 25702.0 || r.at("responses", 2, "errors", 0, "errorId") != 25709.0 {
		t.Errorf("created: %v", r)
	}
	r = s.do(t, 207, "POST", publish, jsf(`{'requests':[{'offerId':'%s'},{'offerId':'404'}]}`, id))
	if r.at("responses", 0, "listingId") != s.offered("A").ListingID || r.at("responses", 1, "errors", 0, "errorId") != 25713.0 {
		t.Errorf("published: %v", r)
	}
	s.refuse(t,
		refused{"offer twice", "POST", create, `{"requests":[` + offerBody("B", 5) + `,` + offerBody("B", 6) + `]}`, 400, 25729},
		refused{"26 offers", "POST", create, `{"requests":[` + strings.TrimSuffix(strings.Repeat(offerBody("B", 5)+",", 26), ",") + `]}`, 400, 25730},
		refused{"published twice", "POST", publish, js(`{'requests':[{'offerId':'1'},{'offerId':'1'}]}`), 400, 25731},
		refused{"26 publications", "POST", publish, js(`{'requests':[` + strings.TrimSuffix(strings.Repeat(`{'offerId':'1'},`, 26), ",") + `]}`), 400, 25730},
	)
}

func TestListingFees(t *testing.T) {
	t.Parallel()
	s := open(t)
	draft := s.draft(t, "A", 5)
	s.do(t, 204, "PUT", inventory+"/inventory_item/A", itemBody(5, js(`,'subtitle':'s'`)))
	path := inventory + "/offer/get_listing_fees"
	r := s.do(t, 200, "POST", path, jsf(`{'offers':[{'offerId':'%s'}]}`, draft))
	if r.at("feeSummaries", 0, "marketplaceId") != "EBAY_US" || r.at("feeSummaries", 0, "fees", 1, "amount", "value") != "1.50" {
		t.Errorf("the fees are %v", r)
	}
	s.do(t, 200, "POST", inventory+"/offer/"+draft+"/publish", "")
	s.refuse(t,
		refused{"published", "POST", path, jsf(`{'offers':[{'offerId':'%s'}]}`, draft), 400, 25754},
		refused{"unknown", "POST", path, js(`{'offers':[{'offerId':'1'}]}`), 400, 25754},
		refused{"251 offers", "POST", path, js(`{'offers':[` + strings.TrimSuffix(strings.Repeat(`{'offerId':'1'},`, 251), ",") + `]}`), 400, 25754},
	)
}

// shirt makes a group of sizes with an offer each.
func (s *site) shirt(t *testing.T, key string, n int, sizes ...string) {
	t.Helper()
	s.place(t)
	var skus, values []string
	for _, size := range sizes {
		sku := key + size
		s.do(t, 201, "PUT", inventory+"/inventory_item/"+sku, itemBody(n, js(`,'aspects':{'Size':['`+size+`']}`)))
		s.do(t, 201, "POST", inventory+"/offer", offerBody(sku, n))
		skus, values = append(skus, `'`+sku+`'`), append(values, `'`+size+`'`)
	}
	s.do(t, 201, "PUT", inventory+"/inventory_item_group/"+key, groupBody(skus, values))
}

func groupBody(skus, values []string) string {
	return js(`{'title':'Shirt','description':'d','imageUrls':['https://x/g.jpg'],'aspects':{'Brand':['b']},'variantSKUs':[` + strings.Join(skus, ",") + `],
		'variesBy':{'specifications':[{'name':'Size','values':[` + strings.Join(values, ",") + `]}],'aspectsImageVariesBy':['Size']}}`)
}

func (s *site) publishGroup(t *testing.T, key string) reply {
	t.Helper()
	return s.call(t, "POST", inventory+"/offer/publish_by_inventory_item_group", jsf(`{'inventoryItemGroupKey':'%s','marketplaceId':'EBAY_US'}`, key))
}

func TestGroupIsOneListing(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shirt(t, "G", 3, "S", "M", "L")
	group := inventory + "/inventory_item_group/G"
	r := s.publishGroup(t, "G")
	listing := r.at("listingId")
	if r.status != 200 || len(s.Offered()) != 3 || s.offered("GS").ListingID != listing || s.offered("GL").ListingID != listing {
		t.Fatalf("published: %v, %v", r, s.Offered())
	}
	if r := s.do(t, 200, "GET", group, ""); r.at("inventoryItemGroupKey") != "G" || r.at("variantSKUs", 2) != "GL" {
		t.Errorf("the group is %v", r)
	}
	if r := s.do(t, 200, "GET", inventory+"/inventory_item/GS", ""); r.at("inventoryItemGroupKeys", 0) != "G" {
		t.Errorf("the item is %v", r)
	}
	s.refuse(t,
		refused{"alone", "POST", inventory + "/offer/" + s.offered("GS").OfferID + "/publish", "", 400, 25732},
		refused{"auction", "POST", inventory + "/offer", js(`{'sku':'GS','marketplaceId':'EBAY_US','format':'AUCTION','listingDuration':'DAYS_7','pricingSummary':{'auctionStartPrice':{'value':'1.00','currency':'USD'}}}`), 400, 25756},
		refused{"unknown group", "POST", inventory + "/offer/publish_by_inventory_item_group", js(`{'inventoryItemGroupKey':'X','marketplaceId':'EBAY_US'}`), 400, 25705},
		refused{"get no group", "GET", inventory + "/inventory_item_group/X", "", 404, 25710},
	)
	// A SKU that is left out leaves the listing, unless some of it were sold.
	s.do(t, 204, "PUT", group, groupBody([]string{`'GS'`, `'GM'`}, []string{`'S'`, `'M'`}))
	if len(s.Offered()) != 2 || s.offered("GL").ListingID != "" {
		t.Errorf("without L: %v", s.Offered())
	}
	if _, err := s.Buy("b", true, ebay.Wanted{SKU: "GM", Qty: 1}); err != nil {
		t.Fatal(err)
	}
	sold := s.offered("GM").OfferID
	s.refuse(t,
		refused{"without what was sold", "PUT", group, groupBody([]string{`'GS'`}, []string{`'S'`, `'M'`}), 400, 25013},
		refused{"the offer of what was sold", "DELETE", inventory + "/offer/" + sold, "", 400, 25002},
	)
	s.do(t, 204, "DELETE", inventory+"/offer/"+s.offered("GS").OfferID, "")
	if r := s.do(t, 200, "GET", group, ""); r.at("variantSKUs", 0) != "GM" || len(s.Offered()) != 1 {
		t.Errorf("without the offer of S: %v, %v", r, s.Offered())
	}
	withdraw := inventory + "/offer/withdraw_by_inventory_item_group"
	s.do(t, 204, "POST", withdraw, js(`{'inventoryItemGroupKey':'G','marketplaceId':'EBAY_US'}`))
	s.refuse(t, refused{"withdrawn twice", "POST", withdraw, js(`{'inventoryItemGroupKey':'G','marketplaceId':'EBAY_US'}`), 400, 25725})
	s.do(t, 204, "DELETE", group, "")
	s.refuse(t, refused{"deleted twice", "DELETE", group, "", 404, 25710})
	if r := s.do(t, 200, "GET", inventory+"/inventory_item/GM", ""); r.at("inventoryItemGroupKeys") != nil {
		t.Errorf("the item is still in the group: %v", r)
	}
}

func TestGroupIsChecked(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shirt(t, "G", 3, "S", "M")
	s.list(t, "A", 5)
	group := inventory + "/inventory_item_group/H"
	s.refuse(t,
		refused{"unknown SKU", "PUT", group, groupBody([]string{`'Z'`}, []string{`'S'`, `'M'`}), 400, 25701},
		refused{"SKU of another", "PUT", group, groupBody([]string{`'GS'`}, []string{`'S'`, `'M'`}), 400, 25703},
		refused{"SKU listed alone", "PUT", group, groupBody([]string{`'A'`}, []string{`'S'`, `'M'`}), 400, 25704},
		refused{"no SKUs", "PUT", group, js(`{'title':'t'}`), 400, 25709},
		refused{"six axes", "PUT", group, js(`{'variantSKUs':['GS'],'variesBy':{'specifications':[` + strings.TrimSuffix(strings.Repeat(`{'name':'a','values':['b']},`, 6), ",") + `]}}`), 400, 25013},
		refused{"251 SKUs", "PUT", group, groupBody(strings.Split(strings.TrimSuffix(strings.Repeat("'x',", 251), ","), ","), nil), 400, 25013},
		refused{"long key", "PUT", inventory + "/inventory_item_group/" + strings.Repeat("x", 51), groupBody([]string{`'Z'`}, []string{`'S'`, `'M'`}), 400, 25709},
	)
	publish := inventory + "/offer/publish_by_inventory_item_group"
	body := js(`{'inventoryItemGroupKey':'G','marketplaceId':'EBAY_US'}`)
	for name, b := range map[string]string{
		"one value":          groupBody([]string{`'GS'`, `'GM'`}, []string{`'S'`}),
		"a value of no SKU":  groupBody([]string{`'GS'`, `'GM'`}, []string{`'S'`, `'L'`}),
		"pictures by others": strings.Replace(groupBody([]string{`'GS'`, `'GM'`}, []string{`'S'`, `'M'`}), js(`['Size']`), js(`['Color']`), 1),
	} {
		s.do(t, 204, "PUT", inventory+"/inventory_item_group/G", b)
		s.refuse(t, refused{name, "POST", publish, body, 400, 25013})
	}
	s.do(t, 204, "PUT", inventory+"/inventory_item_group/G", groupBody([]string{`'GS'`, `'GM'`}, []string{`'S'`, `'M'`}))
	id := s.do(t, 200, "GET", inventory+"/offer?sku=GS", "").at("offers", 0, "offerId").(string)
	s.do(t, 200, "PUT", inventory+"/offer/"+id, js(`{`+strings.Replace(rest, "15687", "261186", 1)+`}`))
	s.refuse(t, refused{"another category", "POST", publish, body, 400, 25029}) // a book needs an author first
	s.do(t, 200, "PUT", inventory+"/offer/"+id, js(`{`+strings.Replace(rest, `'listingPolicies':{`, `'listingPolicies':{'bestOfferTerms':{'bestOfferEnabled':true},`, 1)+`}`))
	s.refuse(t, refused{"best offers", "POST", publish, body, 400, 25024})
}

// What lacks data or an offer is left out without a word.
func TestIncompleteVariationIsLeftOut(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shirt(t, "G", 3, "S", "M", "L")
	id := func(sku string) string {
		return s.do(t, 200, "GET", inventory+"/offer?sku="+sku, "").at("offers", 0, "offerId").(string)
	}
	s.do(t, 204, "DELETE", inventory+"/offer/"+id("GM"), "")
	s.do(t, 200, "PUT", inventory+"/offer/"+id("GL"), js(`{'categoryId':'15687','merchantLocationKey':'main'}`))
	if r := s.publishGroup(t, "G"); r.status != 200 || r.at("warnings") != nil || len(s.Offered()) != 1 {
		t.Errorf("published: %v, %v", r, s.Offered())
	}
	listing := s.offered("GS").ListingID
	s.do(t, 201, "POST", inventory+"/offer", offerBody("GM", 3))
	if r := s.publishGroup(t, "G"); r.at("listingId") != listing || s.offered("GM").ListingID != listing {
		t.Errorf("published again: %v, %v", r, s.Offered())
	}
}

func TestListingsOfOthers(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place(t)
	old := s.do(t, 200, "POST", "/_sim/listings", js(`{'sku':'OLD','title':'Old thing','quantity':3,'price':'5.00'}`)).at("listingId").(string)
	blank := s.do(t, 200, "POST", "/_sim/listings", js(`{'title':'No SKU','quantity':3,'price':'5.00'}`)).at("listingId").(string)
	known := s.do(t, 200, "POST", "/_sim/listings", js(`{'sku':'KNOWN','title':'Theirs','quantity':3,'price':'6.00','known':true}`)).at("listingId")
	if r := s.do(t, 200, "GET", inventory+"/inventory_item", ""); r.at("total") != 1.0 || r.at("inventoryItems", 0, "sku") != "KNOWN" {
		t.Errorf("the items: %v", r)
	}
	if r := s.do(t, 200, "GET", inventory+"/offer?sku=KNOWN", ""); r.at("offers", 0, "listing", "listingId") != known {
		t.Errorf("the offer: %v", r)
	}
	order, err := s.Buy("b", true, ebay.Wanted{SKU: "OLD", Qty: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.do(t, 200, "GET", fulfillment+"/order/"+order, ""); r.at("lineItems", 0, "legacyItemId") != old || r.at("lineItems", 0, "title") != "Old thing" {
		t.Errorf("the order: %v", r)
	}
	path := inventory + "/bulk_migrate_listing"
	r := s.do(t, 207, "POST", path, jsf(`{'requests':[{'listingId':'%s'},{'listingId':'%s'},{'listingId':'404'}]}`, old, blank))
	if r.at("responses", 0, "inventoryItems", 0, "sku") != "OLD" || r.at("responses", 1, "errors", 0, "errorId") != 25718.0 || r.at("responses", 2, "errors", 0, "errorId") != 25718.0 {
		t.Errorf("migrated: %v", r)
	}
	if o := s.offered("OLD"); o.ListingID != old || o.Quantity != 1 || o.OfferID == "" {
		t.Errorf("after it: %+v", o)
	}
	s.refuse(t, refused{"six listings", "POST", path, js(`{'requests':[` + strings.TrimSuffix(strings.Repeat(`{'listingId':'1'},`, 6), ",") + `]}`), 400, 25727})
}

func TestLocations(t *testing.T) {
	t.Parallel()
	s := open(t)
	path := inventory + "/location"
	address := js(`{'location':{'address':{'country':'US','city':'Encinitas','stateOrProvince':'CA'}},'name':'Main'}`)
	s.do(t, 204, "POST", path+"/b", address)
	s.do(t, 204, "POST", path+"/a", js(`{'location':{'address':{'country':'US','postalCode':'92024'}},'locationTypes':['FULFILLMENT_CENTER']}`))
	s.refuse(t,
		refused{"there", "POST", path + "/b", address, 409, 25803},
		refused{"no country", "POST", path + "/c", js(`{'location':{'address':{'postalCode':'1'}}}`), 400, 25801},
		refused{"country alone", "POST", path + "/c", js(`{'location':{'address':{'country':'US','city':'x'}}}`), 400, 25801},
		refused{"country's name", "POST", path + "/c", js(`{'location':{'address':{'country':'USA','postalCode':'1'}}}`), 400, 25800},
		refused{"postal code", "POST", path + "/c", js(`{'location':{'address':{'country':'US','postalCode':'12345678901234567'}}}`), 400, 25800},
		refused{"phone", "POST", path + "/c", strings.Replace(address, js(`'name'`), js(`'phone':'`+strings.Repeat("1", 37)+`','name'`), 1), 400, 25800},
		refused{"unknown field", "POST", path + "/c", js(`{'adress':{}}`), 400, 2004},
		refused{"long key", "POST", path + "/" + strings.Repeat("x", 37), address, 400, 25800},
		refused{"no such", "GET", path + "/z", "", 404, 25805},
		refused{"fulfillment center", "DELETE", path + "/a", "", 400, 25806},
	)
	r := s.do(t, 200, "GET", path+"?limit=1&offset=1", "") // here the offset counts records
	if r.at("total") != 2.0 || r.at("locations", 0, "merchantLocationKey") != "b" || r.at("next") != nil || r.at("prev") == nil {
		t.Errorf("the second location: %v", r)
	}
	s.do(t, 204, "POST", path+"/b/update_location_details", js(`{'name':'Other'}`))
	s.do(t, 200, "POST", path+"/b/disable", "")
	if r := s.do(t, 200, "GET", path+"/b", ""); r.at("name") != "Other" || r.at("merchantLocationStatus") != "DISABLED" || r.at("location", "address", "city") != "Encinitas" || r.at("locationTypes", 0) != "WAREHOUSE" {
		t.Errorf("changed it is %v", r)
	}
	_, listing := s.list(t, "A", 5)
	of := inventory + "/listing/" + listing + "/sku/A/locations"
	s.refuse(t,
		refused{"unknown listing", "PUT", inventory + "/listing/1/sku/A/locations", js(`{'locations':[{'merchantLocationKey':'a'}]}`), 400, 25904},
		refused{"SKU of another", "PUT", inventory + "/listing/" + listing + "/sku/B/locations", js(`{'locations':[{'merchantLocationKey':'a'}]}`), 400, 25905},
		refused{"no location", "PUT", of, js(`{'locations':[]}`), 400, 25901},
		refused{"location twice", "PUT", of, js(`{'locations':[{'merchantLocationKey':'a'},{'merchantLocationKey':'a'}]}`), 400, 25902},
		refused{"unknown location", "PUT", of, js(`{'locations':[{'merchantLocationKey':'z'}]}`), 400, 25900},
		refused{"warehouse", "PUT", of, js(`{'locations':[{'merchantLocationKey':'b'}]}`), 400, 25906},
	)
	s.do(t, 204, "PUT", of, js(`{'locations':[{'merchantLocationKey':'a'}]}`))
	if r := s.do(t, 200, "GET", of, ""); r.at("locations", 0, "merchantLocationKey") != "a" {
		t.Errorf("sent from %v", r)
	}
	s.do(t, 204, "DELETE", of, "")
	s.do(t, 204, "DELETE", path+"/b", "")
}

// A fault after the work leaves the work done, so that it shows when it is read.
func TestPublicationSurvivesALostReply(t *testing.T) {
	t.Parallel()
	s := open(t)
	offer := s.draft(t, "A", 5)
	if err := s.Faults.Set(1, sim.Fault{Kind: sim.ErrorAfter, Operation: "publish", Times: 1, Status: 500}); err != nil {
		t.Fatal(err)
	}
	s.refuse(t, refused{"the reply", "POST", inventory + "/offer/" + offer + "/publish", "", 500, 25001})
	if r := s.do(t, 200, "GET", inventory+"/offer/"+offer, ""); r.at("status") != "PUBLISHED" {
		t.Errorf("read back: %v", r)
	}
}
