package catalog_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/catalog/option"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/testkit/txtest"
	"github.com/rackless/rackless/shared/txn"
)

// bench is a catalogue and the functions that work on it.
type bench struct {
	*txtest.DB
	staff, visitor principal.Principal
	upserter       *txn.Runner
	reader         *txn.Runner
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	db := txtest.New(tb)
	return &bench{
		DB:       db,
		staff:    principal.Principal{Shop: db.Shop, Kind: principal.Staff, ID: "key_1", Scopes: []string{"*"}},
		visitor:  principal.Principal{Shop: db.Shop, Kind: principal.Anonymous},
		upserter: db.As(tb, "catalog-upsert"),
		reader:   db.As(tb, "catalog-get"),
	}
}

func (b *bench) upsert(tb testing.TB, products ...catalog.ProductInput) catalog.Upserted {
	tb.Helper()
	in := catalog.UpsertInput{Products: products}
	if err := in.Validate(); err != nil {
		tb.Fatal(err)
	}
	out, err := txtest.Do(tb, b.upserter, b.staff, catalog.Upsert, in)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func (b *bench) skus(tb testing.TB, product string) map[string]string {
	tb.Helper()
	var data []byte
	err := b.Admin.QueryRow(tb.Context(), `SELECT COALESCE(json_object_agg(sku, upc || CASE WHEN track_stock THEN '' ELSE ' untracked' END), '{}') FROM skus WHERE product_id = $1`, product).Scan(&data)
	if err != nil {
		tb.Fatal(err)
	}
	got := map[string]string{}
	if err := json.Unmarshal(data, &got); err != nil {
		tb.Fatal(err)
	}
	return got
}

func product(id string) catalog.ProductInput {
	return catalog.ProductInput{Product: price.Product{ID: id, Name: "Name of " + id, BasePrice: "9.99", Taxable: true}}
}

// shirt has everything that a product can have.
func shirt() catalog.ProductInput {
	twelve := "12.50"
	p := product("SHIRT")
	p.Weight, p.Cost, p.MSRP, p.QtyPrice, p.Virtual = "2#8", "4.00", "19.99", "3=8.99", "SUPPLIER:ACME"
	p.Options = []option.Group{{ID: "A0", Prompt: "Size", Type: "select", Inventory: 1, Values: []option.Value{{ID: "01", Prompt: "S"}, {ID: "02", Prompt: "L", Price: "+2"}}}}
	p.SKUs = []price.SKU{
		{ID: "SHIRT:A001", Price: &twelve, Cost: "4.10", Attributes: map[string]string{"zoovy:prod_upc": "0123456789012", "sku:cost": "4.10"}},
		{ID: "SHIRT:A002"},
	}
	p.Attributes = map[string]string{
		"zoovy:prod_upc": "999", "zoovy:base_cost": "4.00", "zoovy:schedule_ws": "BASE*0.5", "zoovy:prod_supplierid": "X1", "zoovy:prod_mfg": "Acme", "zoovy:ship_cost1": "2",
	}
	p.Content = catalog.Content{Title: "A shirt", Description: "<p>Cotton</p>", Images: []string{"https://img.example.com/shirt.jpg"}}
	return p
}

func TestProductReadsBackAsWritten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := shirt()
	if diff := cmp.Diff(catalog.Upserted{Created: 1}, b.upsert(t, want)); diff != "" {
		t.Error(diff)
	}
	got, err := txtest.Do(t, b.reader, b.staff, catalog.Get, catalog.GetInput{ID: "SHIRT"})
	if err != nil {
		t.Fatal(err)
	}
	full := catalog.Product{Product: want.Product, Content: want.Content, Active: true, TrackStock: true, Version: 1}
	if diff := cmp.Diff(full, got, cmpopts.IgnoreFields(catalog.Product{}, "CreatedAt", "UpdatedAt")); diff != "" {
		t.Errorf("staff see (-want +got):\n%s", diff)
	}
	if !got.CreatedAt.Equal(txtest.Start) || got.ETag() != `"1"` || got.Location() != "/v1/products/SHIRT" {
		t.Errorf("created at %v, %s, %s", got.CreatedAt, got.ETag(), got.Location())
	}
	if diff := cmp.Diff(map[string]string{"SHIRT:A001": "0123456789012", "SHIRT:A002": ""}, b.skus(t, "SHIRT")); diff != "" {
		t.Errorf("skus (-want +got):\n%s", diff)
	}

	got, err = txtest.Do(t, b.reader, b.visitor, catalog.Get, catalog.GetInput{ID: "SHIRT"})
	if err != nil {
		t.Fatal(err)
	}
	full.Cost, full.Virtual, full.Attributes = "", "", map[string]string{"zoovy:prod_upc": "999", "zoovy:prod_mfg": "Acme", "zoovy:ship_cost1": "2"}
	full.SKUs = []price.SKU{{ID: "SHIRT:A001", Price: want.SKUs[0].Price, Attributes: map[string]string{"zoovy:prod_upc": "0123456789012"}}, {ID: "SHIRT:A002"}}
	if diff := cmp.Diff(full, got, cmpopts.IgnoreFields(catalog.Product{}, "CreatedAt", "UpdatedAt")); diff != "" {
		t.Errorf("visitors see (-want +got):\n%s", diff)
	}
}

func TestUpsertIsIdempotent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.upsert(t, shirt(), product("A"), product("B"))

	changed := product("A")
	changed.BasePrice = "10"
	no := false
	hidden := product("B")
	hidden.Active, hidden.TrackStock = &no, &no
	got := b.upsert(t, product("C"), hidden, changed, shirt())
	if diff := cmp.Diff(catalog.Upserted{Created: 1, Updated: 2, Unchanged: 1}, got); diff != "" {
		t.Error(diff)
	}
	got = b.upsert(t, product("C"), hidden, changed, shirt())
	if diff := cmp.Diff(catalog.Upserted{Unchanged: 4}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"B": " untracked"}, b.skus(t, "B")); diff != "" {
		t.Error(diff)
	}
	p, err := txtest.Do(t, b.reader, b.staff, catalog.Get, catalog.GetInput{ID: "A"})
	if err != nil || p.Version != 2 || p.BasePrice != "10" {
		t.Errorf("got version %d at %s, %v", p.Version, p.BasePrice, err)
	}
}

func TestUpsertFollowsTheOptions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.upsert(t, shirt(), product("SHIRT2"))
	fewer := shirt()
	fewer.SKUs = fewer.SKUs[1:]
	b.upsert(t, fewer)
	if diff := cmp.Diff(map[string]string{"SHIRT:A002": ""}, b.skus(t, "SHIRT")); diff != "" {
		t.Errorf("one combination less (-want +got):\n%s", diff)
	}
	fewer.SKUs = nil
	b.upsert(t, fewer)
	if diff := cmp.Diff(map[string]string{"SHIRT": "999"}, b.skus(t, "SHIRT")); diff != "" {
		t.Errorf("no combinations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"SHIRT2": ""}, b.skus(t, "SHIRT2")); diff != "" {
		t.Errorf("another product (-want +got):\n%s", diff)
	}
}

func TestUpsertIsValidated(t *testing.T) {
	t.Parallel()
	bad := shirt()
	bad.BasePrice = "1,50"
	bad.Images = []string{""}
	bad.Attributes["zoovy:prod_upc"] = "12-34"
	bad.SKUs = []price.SKU{{ID: "SHIRT:A001"}, {ID: "SHIRT:A001"}, {ID: "PANTS:A001"}, {ID: "SHIRT"}, {ID: "SHIRT:A0"}}
	in := catalog.UpsertInput{Products: []catalog.ProductInput{product("A"), product("a b"), product("A"), bad}}
	want := []string{
		"/products/1/id", "/products/2/id", "/products/3/base_price", "/products/3/images/0", "/products/3/attributes/zoovy:prod_upc",
		"/products/3/skus/1/id", "/products/3/skus/2/id", "/products/3/skus/3/id", "/products/3/skus/4/id",
	}
	var got []string
	if err, ok := in.Validate().(*fault.Error); ok {
		for _, f := range err.Fields {
			got = append(got, f.Path)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused paths (-want +got):\n%s", diff)
	}
	for _, n := range []int{0, 501} {
		if (catalog.UpsertInput{Products: make([]catalog.ProductInput, n)}).Validate() == nil {
			t.Errorf("%d products in one call are accepted", n)
		}
	}
}

func TestInactiveProductsAreForStaff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := false
	hidden := product("A")
	hidden.Active = &no
	b.upsert(t, hidden)
	if _, err := txtest.Do(t, b.reader, b.staff, catalog.Get, catalog.GetInput{ID: "A"}); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"A", "NONE"} {
		if _, err := txtest.Do(t, b.reader, b.visitor, catalog.Get, catalog.GetInput{ID: id}); !fault.Is(err, fault.NotFound) {
			t.Errorf("a visitor gets %s: %v, want not found", id, err)
		}
	}
	foreign := b.staff
	foreign.Shop = b.AddShop(t)
	if _, err := txtest.Do(t, b.reader, foreign, catalog.Get, catalog.GetInput{ID: "A"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("another shop gets it: %v, want not found", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := false
	var all []catalog.ProductInput
	for i := range 5 {
		all = append(all, product(fmt.Sprintf("P%d", i)))
	}
	all[1].Active = &no
	all[3].Name = "blue_100% wool"
	b.upsert(t, all...)
	lister := b.As(t, "catalog-list")
	list := func(who principal.Principal, in catalog.ListInput) (ids []string, next string) {
		t.Helper()
		p, err := txtest.Do(t, lister, who, catalog.List, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range p.Items {
			ids = append(ids, x.ID)
		}
		return ids, p.Next
	}
	first, next := list(b.visitor, catalog.ListInput{Query: page.Query{Limit: 2}})
	second, end := list(b.visitor, catalog.ListInput{Query: page.Query{Limit: 2, Cursor: next}})
	if diff := cmp.Diff([][]string{{"P0", "P2"}, {"P3", "P4"}}, [][]string{first, second}); diff != "" || next == "" || end != "" {
		t.Errorf("pages (-want +got):\n%s next %q, end %q", diff, next, end)
	}
	for q, want := range map[string][]string{"": {"P0", "P1", "P2", "P3", "P4"}, "p": {"P0", "P1", "P2", "P3", "P4"}, "p4": {"P4"}, "Blue_100% W": {"P3"}, "name OF p1": {"P1"}, "%": nil, "_": nil} {
		if got, _ := list(b.staff, catalog.ListInput{Q: q}); !cmp.Equal(want, got) {
			t.Errorf("q=%q finds %v, want %v", q, got, want)
		}
	}
}

func TestLoadBringsTheComponentsOfKits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	no := false
	kit, hidden, part := shirt(), product("HIDDEN"), product("PART1")
	kit.Assembly = "PART1*2, PART2:A001*3,,part3*1"
	kit.SKUs[1].Assembly = "PART3"
	hidden.Active, hidden.Assembly = &no, "PART4"
	part.Active, part.Assembly = &no, "PART4" // not sold by itself; kits do not nest
	b.upsert(t, kit, hidden, part, product("PART2"), product("PART3"), product("PART4"), product("OTHER"))

	got, err := txtest.Do(t, b.reader, b.visitor, catalog.Load, []string{"SHIRT", "HIDDEN", "OTHER", "NONE"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]*price.Product{}
	for _, p := range []catalog.ProductInput{kit, part, product("PART2"), product("PART3"), product("OTHER")} {
		want[p.ID] = &p.Product
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Imports of the same products in any order do not wait for each other in a circle.
func TestOverlappingImports(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.HangOnDeadlock(t)
	var all sync.WaitGroup
	for i := range 20 {
		var in catalog.UpsertInput
		for j := range 50 {
			p := product(fmt.Sprintf("P%d", (j+1)*(i+1)%53)) // a prime: each import has another order
			p.Name = fmt.Sprint("import ", i)
			in.Products = append(in.Products, p)
		}
		all.Go(func() {
			if _, err := txtest.Do(t, b.upserter, b.staff, catalog.Upsert, in); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// BenchmarkUpsert writes 500 products, each with four SKUs, of which a fifth has
// changed. Run: go test -bench Upsert -run - ./shared/catalog
func BenchmarkUpsert(b *testing.B) {
	bench := newBench(b)
	products := make([]catalog.ProductInput, 500)
	for i := range products {
		p := product(fmt.Sprintf("PROD%05d", i))
		p.Description = "A product of which there is something to say, at some length. "
		for j := range 4 {
			p.SKUs = append(p.SKUs, price.SKU{ID: fmt.Sprintf("%s:A00%d", p.ID, j)})
		}
		products[i] = p
	}
	n := 0
	for b.Loop() {
		n++
		for i := range products {
			if i%5 == n%5 {
				products[i].BasePrice = fmt.Sprint(n)
			}
		}
		bench.upsert(b, products...)
	}
	b.ReportMetric(float64(2000*n)/b.Elapsed().Seconds(), "skus/s")
}
