// Package browser tests the console as people use it: in Chromium, in front of a
// whole shop.
package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/shared/console"
	"github.com/rackless/rackless/shared/testkit"
)

// chromium returns the browser's path.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium on PATH, which the tests of the console need: run make deps, or apt-get install chromium")
	return ""
}

// browse returns a context for a fresh browser. What the page complains of, a
// script's error or something that its policy forbids, fails the test.
func browse(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.WindowSize(1440, 1000))
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	var mu sync.Mutex
	var complaints []string
	complain := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		complaints = append(complaints, text)
	}
	err := chromedp.Do(ctx, chromedp.Navigate("about:blank"))
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	err = chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			complain(ev.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if ev.Entry.Level == log.EntryLevelError {
				complain(ev.Entry.Text + " " + ev.Entry.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range complaints {
			t.Errorf("the browser complains: %s", c)
		}
	})
	return ctx
}

// do runs steps in the browser.
func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	for i, step := range steps {
		if err := chromedp.Do(ctx, step); err != nil {
			t.Fatalf("step %d in the browser: %v", i+1, err)
		}
	}
}

// await waits until a condition is true in the page.
func await(ctx context.Context, condition string) (err error) {
	for range 5 { // a page that is being left loses what waits in it
		_, err = chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(time.Minute)))
		if err == nil || errors.Is(err, chromedp.ErrPollingTimeout) || ctx.Err() != nil {
			break
		}
	}
	return err
}

// until waits until an element holds a text.
func until(t *testing.T, ctx context.Context, selector, text string) {
	t.Helper()
	if err := await(ctx, fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.textContent.includes(%q))", selector, text)); err != nil {
		seen, _ := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.textContent).join('|').slice(0, 2000)", selector)))
		t.Fatalf("%s does not show %q but %q: %v", selector, text, seen, err)
	}
}

// press clicks an element of what the page draws again and again.
func press(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	evaluate[bool](t, ctx, fmt.Sprintf("document.querySelector(%q).click(); true", selector))
}

func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// open returns a shop with a stocked product A and the URL of its console.
func open(t *testing.T) (*testkit.Kit, string) {
	t.Helper()
	feed := console.NewFeed()
	k := testkit.New(t, func(o *rackless.Options) { o.Observer = feed.Observe })
	handler, err := console.New(console.Options{Shop: k.Shop, Feed: feed, Key: k.Key})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		feed.Close()
		server.Close()
	})
	k.Call(t, k.Key, "PATCH", "/v1/shop", map[string]any{
		"general":          map[string]any{"policy": "commercerack", "currency": "USD"},
		"shipping_methods": []any{map[string]any{"id": "GROUND", "name": "Ground", "region": "US", "handler": "SIMPLE", "carrier": "SLOW", "enabled": true, "item_price": "5.00", "add_price": "0.00"}},
		"payment_methods":  []any{map[string]any{"tender": "CREDIT", "gateway": "test", "capture": "on_confirm", "enabled": true, "title": "Card"}},
	}).Want(t, http.StatusOK)
	k.Call(t, k.Key, "PUT", "/v1/products", map[string]any{"products": []any{
		map[string]any{"id": "A", "name": "A thing", "base_price": "19.99", "weight": "16", "taxable": true, "active": true, "track_stock": true},
	}}).Want(t, http.StatusOK)
	k.Call(t, k.Key, "POST", "/v1/inventory/adjustments", map[string]any{"adjustments": []any{map[string]any{"sku": "A", "set": 5}}}).Want(t, http.StatusOK)
	return k, server.URL
}

// place orders one piece of A by card and returns the order's id and number.
func place(t *testing.T, k *testkit.Kit, card string) (id, number string) {
	t.Helper()
	var cart struct {
		ID      string `json:"id"`
		Session struct {
			AccessToken string `json:"access_token"`
		} `json:"session"`
	}
	k.Call(t, "", "POST", "/v1/carts", map[string]any{
		"items": []any{map[string]any{"product": "A", "qty": 1}}, "email": "ada@example.com",
		"ship": map[string]any{"country": "US", "region": "CA", "postal": "92024", "city": "Encinitas", "address1": "1 Main St"},
	}).Want(t, http.StatusCreated).Into(t, &cart)
	var order struct{ ID, Number string }
	k.Call(t, cart.Session.AccessToken, "POST", "/v1/orders", map[string]any{
		"cart_id": cart.ID, "payments": []any{map[string]any{"tender": "CREDIT", "token": card}},
	}, "Idempotency-Key: "+cart.ID).Want(t, http.StatusAccepted).Into(t, &order)
	k.Settle(t)
	return order.ID, order.Number
}

func TestShopAtAGlance(t *testing.T) {
	t.Parallel()
	k, url := open(t)
	ctx := browse(t)
	do(t, ctx, chromedp.Navigate(url+"/"))
	until(t, ctx, "#live", "live")
	until(t, ctx, "#functions tr.zero", "order-place")
	until(t, ctx, "#functions tr", "POST /v1/orders")
	until(t, ctx, "#functions tr.up", "catalog-upsert")

	id, number := place(t, k, "tok_approve")
	until(t, ctx, "#entries .fact", "order.placed")
	until(t, ctx, "#entries .fact", "order.confirmed")
	until(t, ctx, "#entries .delivery", "inventory-reserve")
	until(t, ctx, "#entries .life", "order-place is up")
	until(t, ctx, "#functions tr.up", "order-place")
	until(t, ctx, "#orders tr", number)

	press(t, ctx, `#entries .fact a[data-order="`+id+`"]`)
	until(t, ctx, "#timeline h2", number)
	until(t, ctx, "#timeline tr.request", "order-place")
	until(t, ctx, "#timeline tr.effect", "payment-capture")
	until(t, ctx, "#timeline tr.fact", "payment.captured")
	if marks := evaluate[int](t, ctx, `document.querySelectorAll("#timeline svg rect.at").length`); marks < 10 {
		t.Errorf("the timeline has %d marks", marks)
	}
	if at := evaluate[string](t, ctx, `location.hash`); at != "#"+id {
		t.Errorf("the address says %q, want the order, so that a reload shows it again", at)
	}

	// What happens to the order meanwhile comes into the open timeline.
	k.Call(t, k.Key, "POST", "/v1/orders/"+id+"/cancel", nil, "Idempotency-Key: cancel").Want(t, http.StatusOK)
	until(t, ctx, "#timeline tr.undo", "order.cancelled")
	until(t, ctx, "#timeline tr.undo", "payment.refunded")
	k.Settle(t)
	press(t, ctx, "#timeline .close")
	if !evaluate[bool](t, ctx, `document.getElementById("timeline").hidden`) {
		t.Error("the timeline does not close")
	}

	if wide := evaluate[bool](t, ctx, `document.documentElement.scrollWidth > innerWidth`); wide {
		t.Error("the page is wider than its window")
	}
}

// A timeline that is closed stays closed, whatever was about to draw it again.
func TestTimelineStaysClosed(t *testing.T) {
	t.Parallel()
	k, url := open(t)
	ctx := browse(t)
	do(t, ctx, chromedp.Navigate(url+"/"))
	until(t, ctx, "#live", "live")
	id, _ := place(t, k, "tok_approve")
	order := `a[data-order="` + id + `"]`
	until(t, ctx, "#entries .fact", "order.confirmed")
	press(t, ctx, order)
	until(t, ctx, "#timeline tr.fact", "payment.captured")

	// The page holds back its drawing again until it is told to go on, and notes
	// what it asks for.
	evaluate[bool](t, ctx, `(() => {
		const real = { setTimeout, clearTimeout, fetch };
		window.setTimeout = (f, ms) => ms === 250 ? (window.again = f, -1) : real.setTimeout.call(window, f, ms);
		window.clearTimeout = (id) => id === -1 ? window.again = null : real.clearTimeout.call(window, id);
		window.asked = window.drawn = 0;
		window.fetch = async (path) => {
			window.asked++;
			const text = await (await real.fetch.call(window, path)).text();
			return { text: async () => { real.setTimeout.call(window, () => window.drawn++, 0); return text; } };
		};
		return true;
	})()`)
	k.Call(t, k.Key, "POST", "/v1/orders/"+id+"/cancel", nil, "Idempotency-Key: cancel").Want(t, http.StatusOK)
	if err := await(ctx, "!!window.again"); err != nil {
		t.Fatalf("what happens to the order does not draw it again: %v", err)
	}
	press(t, ctx, "#timeline .close")
	if evaluate[bool](t, ctx, "(() => { const before = window.asked; window.again?.(); return window.asked > before; })()") {
		t.Error("a timeline that was closed is asked for again")
	}
	evaluate[bool](t, ctx, `document.querySelector('`+order+`').click(); document.querySelector("#timeline .close").click(); true`)
	if err := await(ctx, "window.drawn === window.asked"); err != nil {
		t.Fatalf("what was asked for does not come: %v", err)
	}
	if !evaluate[bool](t, ctx, `document.getElementById("timeline").hidden`) {
		t.Error("a timeline that was closed before it came is shown")
	}
}

func TestTimelineByNumber(t *testing.T) {
	t.Parallel()
	k, url := open(t)
	_, number := place(t, k, "tok_decline")
	ctx := browse(t)
	do(t, ctx, chromedp.Navigate(url+"/"), chromedp.SendKeys(chromedp.CSS(".find input"), number), chromedp.Click(chromedp.CSS(".find button")))
	until(t, ctx, "h2", "Order "+number)
	until(t, ctx, "tr.refusal", "payment.declined")
	until(t, ctx, "tr.waiting", "order-cancel")
	if got := evaluate[string](t, ctx, "location.pathname"); !strings.HasPrefix(got, "/console/orders/ord_") {
		t.Errorf("the address is %s", got)
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	_, url := open(t)
	ctx := browse(t)
	do(t, ctx, chromedp.Navigate(url+"/"), chromedp.Click(chromedp.CSS(`nav a[href="/api"]`)))
	until(t, ctx, "#order-place", "Idempotency-Key")
	until(t, ctx, "#order-place pre", "curl -X POST "+url+"/v1/orders")

	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#search"), "post payment refund"))
	shown := func() []string {
		return evaluate[[]string](t, ctx, `[...document.querySelectorAll(".operations article")].filter(a => !a.hidden).map(a => a.id)`)
	}
	if got := shown(); len(got) != 1 || got[0] != "payment-refund" {
		t.Errorf("the search shows %v, want payment-refund", got)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(`.toc a[href="#payment-refund"]`)))
	if top := evaluate[float64](t, ctx, `document.getElementById("payment-refund").getBoundingClientRect().top`); top < 0 || top > 400 {
		t.Errorf("the operation chosen is %v pixels away", top)
	}
}
