package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	ebaysim "github.com/rackless/rackless/infra/simulators/ebay"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/testkit"
)

// connectEbay connects the shop with a simulated seller, as the seller's browser
// would. The functions read the environment when they start, so the test runs alone.
func connectEbay(t *testing.T, k *testkit.Kit) (account string) {
	t.Helper()
	site := httptest.NewServer(ebaysim.New(ebaysim.Options{Options: sim.Options{Clock: k.Clock}, ClientID: "id", ClientSecret: "secret", RuName: "ru"}))
	t.Cleanup(site.Close)
	for name, value := range map[string]string{
		"EBAY_URL": site.URL, "EBAY_CONSENT_URL": site.URL + "/oauth2/authorize", "EBAY_CLIENT_ID": "id", "EBAY_CLIENT_SECRET": "secret", "EBAY_RU_NAME": "ru",
		"EBAY_NOTICE_URL": k.URL + "/v1/ebay/notifications", "EBAY_NOTICE_TOKEN": strings.Repeat("t", 32),
	} {
		t.Setenv(name, value)
	}
	var c ebay.Connection
	k.Call(t, k.Key, "POST", "/v1/ebay/accounts", map[string]any{"name": "main"}, "Idempotency-Key: 1").Want(t, http.StatusOK).Into(t, &c)
	stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := stay.Get(c.ConsentURL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	k.Call(t, k.Key, "POST", "/v1/ebay/accounts", map[string]any{"name": "main", "state": back.Query().Get("state"), "code": back.Query().Get("code")}, "Idempotency-Key: 2").Want(t, http.StatusOK)
	k.Call(t, k.Key, "POST", "/v1/ebay/accounts", map[string]any{
		"name": "main", "place": map[string]any{"country": "US", "postalCode": "92024"},
		"settings": map[string]any{"location": "main", "fulfillment_policy": "1000fulfillment", "payment_policy": "1000payment", "return_policy": "1000return"},
	}, "Idempotency-Key: 3").Want(t, http.StatusOK)
	return c.ID
}

func TestSellingAtEbay(t *testing.T) {
	k, url := open(t)
	account := connectEbay(t, k)
	k.Call(t, k.Key, "PUT", "/v1/ebay/profiles/STD", map[string]any{"category": "15687", "template": "<h1>{{.Title}}</h1>"}, "Idempotency-Key: 4").Want(t, http.StatusOK)
	k.Call(t, k.Key, "PUT", "/v1/products", map[string]any{"products": []any{
		map[string]any{"id": "GOOD", "name": "Blue shirt", "base_price": "19.99", "images": []string{"https://img.example/1.jpg"}, "description": "Soft."},
		map[string]any{"id": "BARE", "name": "Nobody took a picture", "base_price": "9.99", "description": "None."},
	}}).Want(t, http.StatusOK)
	k.Call(t, k.Key, "POST", "/v1/inventory/adjustments", map[string]any{"adjustments": []any{
		map[string]any{"sku": "GOOD", "set": 8}, map[string]any{"sku": "BARE", "set": 8},
	}}).Want(t, http.StatusOK)
	k.Call(t, k.Key, "POST", "/v1/ebay/listings", map[string]any{"account_id": account, "profile": "STD", "products": []string{"GOOD", "BARE"}}, "Idempotency-Key: 5").Want(t, http.StatusAccepted)
	k.Settle(t)

	ctx := browse(t)
	do(t, ctx, chromedp.Navigate(url+"/console/ebay"))
	until(t, ctx, "h2", "main connected")
	until(t, ctx, "td", "of 2000000") // calls left today
	row := func(sku string) string {
		return evaluate[string](t, ctx, fmt.Sprintf(`[...document.querySelectorAll("tr")].filter(r => r.querySelector("th a")?.textContent === %q).map(r => r.textContent).join("")`, sku))
	}
	if got := row("GOOD"); !strings.Contains(got, "19.99") || !strings.Contains(got, "live") {
		t.Errorf("the listing that is up shows %q", got)
	}
	until(t, ctx, "h3", "Commands that failed")
	failed := evaluate[string](t, ctx, `[...document.querySelectorAll("tr")].filter(r => r.querySelector("th")?.textContent === "BARE").map(r => r.textContent).join("")`)
	if !strings.Contains(strings.ToLower(failed), "image") {
		t.Errorf("the product without a picture shows %q, want what to do", failed)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(`a[href="/console/ebay?troubled=1"]`)))
	until(t, ctx, "p", "Show all")
	if got := row("GOOD"); got != "" {
		t.Errorf("among the troubled is %q", got)
	}
	do(t, ctx, chromedp.SendKeys(chromedp.CSS(`input[name="product"]`), "GOOD"), chromedp.SendKeys(chromedp.CSS(`input[name="profile"]`), "STD"), chromedp.Click(chromedp.CSS(`#preview button`)))
	do(t, ctx, chromedp.WaitReady(chromedp.CSS("iframe.preview")))
	if src := evaluate[string](t, ctx, `document.querySelector("iframe.preview")?.getAttribute("src") ?? ""`); !strings.Contains(src, "product=GOOD") {
		t.Errorf("the preview shows %q", src)
	}
	if wide := evaluate[bool](t, ctx, `document.documentElement.scrollWidth > innerWidth`); wide {
		t.Error("the page is wider than its window")
	}
}
