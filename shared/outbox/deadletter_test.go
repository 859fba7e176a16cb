package outbox_test

import (
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/outbox"
)

const (
	letterID   = "019ab0c5-0000-7000-8000-000000000001"
	letterShop = "shp_06h0c6cxnnsmq9pkbt4e079p6w"
)

func letterFrom(id, shop, dest, code, data string) (outbox.DeadLetter, bool) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(`{}`))
	r.Header.Set("Content-Type", "application/json")
	for name, value := range map[string]string{"Specversion": "1.0", "Type": "dev.rackless.order.placed.v1", "Source": "https://rackless.dev/order",
		"Id": id, "Shop": shop, "Knativeerrordest": dest, "Knativeerrorcode": code, "Knativeerrordata": data} {
		r.Header["Ce-"+name] = []string{value}
	}
	return outbox.DeadLetterFrom(r)
}

func TestDeadLetterNamesItsConsumer(t *testing.T) {
	t.Parallel()
	for dest, want := range map[string]string{
		"http://order-confirm.default.svc.cluster.local":         "order-confirm",
		"http://order-confirm.default.svc.cluster.local/":        "order-confirm",
		"https://order-confirm":                                  "order-confirm",
		"http://127.0.0.1:8000/functions/order-confirm":          "order-confirm",
		"http://127.0.0.1:8000/functions/order-confirm/?x=y#top": "order-confirm",
		"":           "",
		"http://[::": "",
	} {
		d, ok := letterFrom(letterID, letterShop, dest, "422", base64.StdEncoding.EncodeToString([]byte("why")))
		if d.Consumer != want || ok != (want != "") {
			t.Errorf("to %q: consumer %q, %v; want %q", dest, d.Consumer, ok, want)
		}
	}
}

func TestDeadLetterReadsTheReason(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		base64.StdEncoding.EncodeToString([]byte("no such order")): "no such order",
		"no such order": "no such order", // a broker that does not encode it
		"":              "",
		base64.StdEncoding.EncodeToString([]byte("a\x00b")):                  "a?b",
		base64.StdEncoding.EncodeToString([]byte{0xff, 0xfe}):                "//4=", // no text: as it came
		base64.StdEncoding.EncodeToString([]byte(strings.Repeat("ü", 3000))): strings.Repeat("ü", 2000),
	} {
		got, ok := letterFrom(letterID, letterShop, "http://order-confirm", "503", data)
		wanted := outbox.DeadLetter{EventID: letterID, Shop: letterShop, Type: "dev.rackless.order.placed.v1", Consumer: "order-confirm", Code: 503, Detail: want}
		if diff := cmp.Diff(wanted, got); diff != "" || !ok {
			t.Errorf("data %.20q: %v (-want +got):\n%s", data, ok, diff)
		}
	}
}

func TestDeadLetterWithoutAProperIDOrStatus(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "1", "urn:uuid:" + letterID, "{" + letterID + "}", strings.ReplaceAll(letterID, "-", "")} {
		if _, ok := letterFrom(id, letterShop, "http://order-confirm", "500", ""); ok {
			t.Errorf("the id %q is accepted", id)
		}
	}
	for _, code := range []string{"", "-1", "99", "600", "99999999999", "x"} {
		if d, ok := letterFrom(letterID, letterShop, "http://order-confirm", code, ""); !ok || d.Code != 0 {
			t.Errorf("code %q is read as %d, %v", code, d.Code, ok)
		}
	}
}

func FuzzDeadLetterFrom(f *testing.F) {
	f.Add(letterID, letterShop, "http://order-confirm.default.svc.cluster.local", "500", "d2h5")
	f.Add("", "shp_", "://", "-1", "\xff\x00")
	f.Fuzz(func(t *testing.T, id, shop, dest, code, data string) {
		d, ok := letterFrom(id, shop, dest, code, data)
		if !ok {
			return
		}
		if uuid.Validate(d.EventID) != nil || !ident.Valid(ident.Shop, d.Shop) || d.Consumer == "" || strings.ContainsRune(d.Consumer, 0) || d.Code < 0 || d.Code > 599 {
			t.Errorf("accepted %+v", d)
		}
		if !utf8.ValidString(d.Detail) || strings.ContainsRune(d.Detail, 0) || utf8.RuneCountInString(d.Detail) > 2000 {
			t.Errorf("no row can hold the detail %q", d.Detail)
		}
	})
}
