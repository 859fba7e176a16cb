// Package console is the page at / of a shop that runs on one's own machine: the
// functions and how they fare, the events as they happen, the timeline of an
// order, and the reference of the API. "rackless run" serves it to whoever started
// the shop; it shows what that person may see anyway and changes nothing. It
// needs no build step and nothing from outside: HTML from Go templates, one style
// sheet, one short script.
package console

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/contract"
	"github.com/rackless/rackless/shared/httpapi"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/order"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/topology"
)

//go:embed templates static
var files embed.FS

// Shop is what the console shows: a *rackless.Shop.
type Shop interface {
	http.Handler                    // the public API
	Functions() []topology.Function // how the functions fare
	Transport() http.RoundTripper   // reaches the functions
}

// Options is what a console needs.
type Options struct {
	Shop  Shop
	Feed  *Feed    // its Observe is the shop's observer
	Key   string   // API key with the scope order:read, for the orders and timelines of its shop
	Hosts []string // names, besides those of this machine, under which the console may be opened, from anywhere
}

// console is the handler that New makes.
type console struct {
	Options
	templates *template.Template
	reference *reference
	assets    map[string]asset
}

// asset is a file of the page; its version is a part of its URL.
type asset struct {
	mediaType string
	version   string
	data      []byte
}

// refresh is how often the numbers of an open page are brought up to date.
const refresh = time.Second

// New returns the shop's handler with the console in front: what is not the
// console's goes to the public API, and so does what comes from another machine,
// or under another name than localhost: a page elsewhere that points a name of its
// own here must not read the console (DNS rebinding). Options.Hosts are names
// under which anybody may.
func New(o Options) (http.Handler, error) {
	c := &console{Options: o, assets: map[string]asset{}}
	for name, mediaType := range map[string]string{"console.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		data, err := fs.ReadFile(files, "static/"+name)
		if err != nil {
			return nil, err
		}
		h := fnv.New64a()
		h.Write(data)
		c.assets[name] = asset{mediaType, fmt.Sprintf("%x", h.Sum64()), data}
	}
	var err error
	c.templates, err = template.New("").Funcs(template.FuncMap{
		"asset": func(name string) string { return "/console/static/" + name + "?v=" + c.assets[name].version },
		"clock": func(t time.Time) string { return t.Local().Format("15:04:05") },
		"stamp": func(t time.Time) string { return t.Local().Format("2 Jan 15:04:05") },
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
		"took":  took,
		"money": func(cents int64, currency string) string { return money.FromMinor(cents, currency).String() },
	}).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	document, err := contract.Read(contract.OpenAPI)
	if err != nil {
		return nil, err
	}
	schemas, err := contract.ReadEvents(contract.AsyncAPI)
	if err != nil {
		return nil, err
	}
	c.reference = newReference(document, schemas)
	mux := http.NewServeMux()
	for pattern, handler := range map[string]http.HandlerFunc{
		"GET /{$}":                      c.index,
		"GET /console/stream":           c.stream,
		"GET /console/orders":           c.find,
		"GET /console/orders/{id}":      c.order,
		"GET /console/explain/{id}":     c.explain,
		"GET /console/ebay":             c.ebay,
		"GET /console/ebay/description": c.description,
		"GET /console/static/{name}":    c.static,
		"GET /favicon.ico": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/console/static/icon.svg", http.StatusFound)
		},
		"GET /api":           c.api,
		"GET /openapi.yaml":  offer(contract.OpenAPI),
		"GET /asyncapi.yaml": offer(contract.AsyncAPI),
	} {
		mux.Handle(pattern, guarded(handler))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" && c.trusts(r) {
			mux.ServeHTTP(w, r)
			return
		}
		c.Shop.ServeHTTP(w, r)
	}), nil
}

// trusts reports whether the console may be shown to who asks: from this machine
// by an address, which nobody can point elsewhere, or as localhost.
func (c *console) trusts(r *http.Request) bool {
	name := strings.ToLower((&url.URL{Host: r.Host}).Hostname())
	return (name == "localhost" || net.ParseIP(name) != nil) && fromHere(r) || slices.Contains(c.Hosts, name)
}

// fromHere reports whether a request comes from this machine: over the loopback
// or from the address at which it arrived.
func fromHere(r *http.Request) bool {
	caller, _, _ := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(caller)
	here, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ip != nil && (ip.IsLoopback() || ok && ip.Equal(here.IP))
}

// guarded lets a page load nothing from elsewhere and be framed by nobody.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// offer offers a contract for download.
func offer(text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
		_, _ = w.Write(text) // the client has gone
	}
}

func (c *console) static(w http.ResponseWriter, r *http.Request) {
	a, ok := c.assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.mediaType)
	if r.URL.Query().Get("v") == a.version {
		w.Header().Set("Cache-Control", "max-age=31536000, immutable")
	}
	_, _ = w.Write(a.data) // the client has gone
}

// render writes a template, or the defect that prevented it.
func (c *console) render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := c.templates.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, "the console is defective: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the client has gone
}

// overview is what the page shows besides the stream.
type overview struct {
	Functions []functionRow
	Tiles     []tile
	Orders    []order.Summary
	OrdersErr string
}

// index shows the page as it stands; the stream keeps it up to date.
func (c *console) index(w http.ResponseWriter, r *http.Request) {
	entries, next, _, _ := c.Feed.since(0)
	slices.Reverse(entries)
	o := c.overview()
	o.Orders, o.OrdersErr = c.latest(r.Context())
	c.render(w, http.StatusOK, "index.html", struct {
		overview
		Entries []entry
		Next    int
	}{o, entries[:min(len(entries), shown)], next})
}

// shown is how many entries a page begins with.
const shown = 200

func (c *console) overview() overview {
	functions := rows(c.Shop.Functions())
	return overview{Functions: functions, Tiles: tiles(functions, c.Feed.totals())}
}

// stream sends what changes to an open page as server-sent events: entries of
// the feed as they come, the numbers about once a second. A reader that was cut
// off goes on where it was.
func (c *console) stream(w http.ResponseWriter, r *http.Request) {
	from := cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("from"))
	next := 0
	_, _ = fmt.Sscan(from, &next) // 0 without a number
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	out := &sender{w: w, control: http.NewResponseController(w), templates: c.templates, sent: map[string]string{}}
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	due, ordersMoved := true, true
	for {
		entries, now, changed, closed := c.Feed.since(next)
		if next = now; closed {
			return
		}
		if len(entries) > 0 {
			slices.Reverse(entries)
			out.send("entries", next, entries)
			ordersMoved = ordersMoved || slices.ContainsFunc(entries, func(e entry) bool { return e.Order() != "" })
		}
		if due {
			o := c.overview()
			out.send("functions", next, o.Functions)
			out.send("tiles", next, o.Tiles)
			if ordersMoved {
				o.Orders, o.OrdersErr = c.latest(r.Context())
				out.send("orders", next, o)
			}
			due, ordersMoved = false, false
		}
		if out.flush() != nil {
			return
		}
		select { // what comes in a burst is sent together
		case <-time.After(pace):
		case <-r.Context().Done():
			return
		}
		select {
		case <-changed:
		case <-ticker.C:
			due = true
		case <-r.Context().Done():
			return
		}
	}
}

// pace is the least time between two messages to a page.
const pace = 100 * time.Millisecond

// sender writes server-sent events whose data are HTML.
type sender struct {
	w         http.ResponseWriter
	control   *http.ResponseController
	templates *template.Template
	sent      map[string]string // by name, what was sent last
	err       error
}

// send writes an event with the fragment of its name, unless the page has just
// that already.
func (s *sender) send(name string, id int, data any) {
	var b strings.Builder
	if err := s.templates.ExecuteTemplate(&b, name, data); err != nil {
		s.err = errors.Join(s.err, err)
		return
	}
	html := strings.Join(strings.Fields(b.String()), " ") // one line
	if name != "entries" && s.sent[name] == html {
		return
	}
	s.sent[name] = html
	_, err := fmt.Fprintf(s.w, "event: %s\nid: %d\ndata: %s\n\n", name, id, html)
	s.err = errors.Join(s.err, err)
}

// flush sends what was written; a page that does not read for long is given up.
func (s *sender) flush() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(10 * time.Second)) // where it can be set
	_, err := io.WriteString(s.w, ": \n\n")                          // tells a dead connection from a quiet one
	return errors.Join(s.err, err, s.control.Flush())
}

// latest returns the shop's latest orders, or why there are none to be shown.
func (c *console) latest(ctx context.Context) ([]order.Summary, string) {
	var orders page.Page[order.Summary]
	if err := c.get(ctx, "/v1/orders?limit=8", &orders); err != nil {
		return nil, err.Error()
	}
	return orders.Items, ""
}

// find leads to the order whose id or number is given.
func (c *console) find(w http.ResponseWriter, r *http.Request) {
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	id := q
	if !strings.HasPrefix(q, "ord_") {
		var orders page.Page[order.Summary]
		if err := c.get(r.Context(), "/v1/orders?number="+url.QueryEscape(q), &orders); err != nil {
			c.refuse(w, q, err)
			return
		}
		if q == "" || len(orders.Items) == 0 {
			c.refuse(w, q, problem{Status: http.StatusNotFound, Detail: "there is no order " + q})
			return
		}
		id = orders.Items[0].ID
	}
	http.Redirect(w, r, "/console/orders/"+url.PathEscape(id), http.StatusSeeOther)
}

// order draws the timeline of one order.
func (c *console) order(w http.ResponseWriter, r *http.Request) {
	var h order.History
	if err := c.get(r.Context(), "/v1/orders/"+url.PathEscape(r.PathValue("id"))+"/timeline", &h); err != nil {
		c.refuse(w, r.PathValue("id"), err)
		return
	}
	c.render(w, http.StatusOK, "order.html", newTimeline(h))
}

func (c *console) refuse(w http.ResponseWriter, what string, err error) {
	status := http.StatusBadGateway
	if p, ok := errors.AsType[problem](err); ok && p.Status != 0 {
		status = p.Status
	}
	c.render(w, status, "refused.html", struct{ What, Why string }{what, err.Error()})
}

// problem is why the shop refused.
type problem httpapi.Problem

func (p problem) Error() string { return p.Detail }

// get reads from the public API, within this process.
func (c *console) get(ctx context.Context, path string, out any) error {
	if c.Key == "" {
		return errors.New("the console was started without an API key, which it needs to see orders")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gateway"+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	res, err := c.Shop.Transport().RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask the shop: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		var p problem
		if err := json.NewDecoder(res.Body).Decode(&p); err != nil || p.Detail == "" {
			return fmt.Errorf("the shop replied %s", res.Status)
		}
		return p
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// api shows the reference.
func (c *console) api(w http.ResponseWriter, r *http.Request) {
	c.render(w, http.StatusOK, "api.html", struct {
		*reference
		Base string
	}{c.reference, "http://" + r.Host})
}
