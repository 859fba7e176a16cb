// Package ebay simulates eBay's REST APIs for sellers as far as a shop needs them:
// consent and tokens, items, groups, offers, bulk changes, locations, policies and
// programs, categories, orders, shipments, refunds, quotas and signed notices; with
// faults that can be switched on, buyers, and a seller's own hand at the site. Tests
// start it in their process; the program ebay-sim beside it serves it on a port.
//
// It was written from the facts of the vendor's documents alone, by another hand
// than the shop's client, which its author has not read. It checks requests against
// the schema of those documents: what they do not name is refused as the vendor
// refuses it. It imports nothing of the shop but the clock.
package ebay

import (
	"cmp"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// Options say which application and seller are simulated. The zero value is a
// seller in the USA who has sold for long: opted in to business policies, with one
// policy of each kind for EBAY_US, and with out-of-stock control.
type Options struct {
	sim.Options
	ClientID, ClientSecret, RuName string
	// Accept is where the seller is sent after the consent: the address behind
	// the RuName.
	Accept string
	// Scopes are those the keyset was granted; none: all that the package knows.
	Scopes []string
	// Quotas are the calls a day by API: inventory, fulfillment, account … One
	// that is not named has the vendor's default.
	Quotas map[string]int64
	// Revisions is how often a listing can be revised a day; 0 is 250.
	Revisions int
	// OrderLag is how long it takes until a new order is in the lists; 0 is none.
	OrderLag time.Duration
	// RefundLag is how long a refund is pending; 0 is a minute.
	RefundLag time.Duration
	// OptInLag is how long it takes until a seller who opts in is; 0 is none.
	OptInLag time.Duration
	// Newcomer is a seller who has not opted in to business policies.
	Newcomer bool
	// Refurbisher is a seller who may sell goods as refurbished.
	Refurbisher bool
	// EndsEmpty is a seller without out-of-stock control: a listing with nothing
	// left ends, and one with nothing to sell cannot be published.
	EndsEmpty bool
	// CollectTax makes the tax of orders one that eBay collects and remits, as it
	// does in most states, rather than the seller's.
	CollectTax bool
	// Republish is how a second publication of an offer is answered: "" refuses it
	// with id 25002, "same" repeats the listing, "fault" is status 500, id 25001.
	Republish string
	// SellingLimit is how many pieces can be offered at once; 0 is ten million.
	SellingLimit int64
	// AlphanumericSKUs refuses SKUs with other characters than letters and digits,
	// as the vendor's document words it; the site itself is known to be laxer.
	AlphanumericSKUs bool
	// PlainEndpoints lets destinations of notices have http addresses, as shops
	// without a certificate have them.
	PlainEndpoints bool
}

// An api is one of the vendor's, with its spelling of errors.
type api struct {
	name, context, version, path string
	domain, subdomain            string
	quota                        int64 // calls a day of a new application
	fault                        int   // id of a fault of the system
	missing, invalid             int   // ids of fields, unless an operation has others
	camel                        bool  // spells subDomain and parameter
}

var (
	inventoryAPI    = &api{"inventory", "sell", "v1", "/sell/inventory/v1", "API_INVENTORY", "Selling", 2_000_000, 25001, 25709, 25709, false}
	fulfillmentAPI  = &api{"fulfillment", "sell", "v1", "/sell/fulfillment/v1", "API_FULFILLMENT", "Selling", 100_000, 30500, 32600, 32600, false}
	accountAPI      = &api{"account", "sell", "v1", "/sell/account/v1", "API_ACCOUNT", "Selling", 25_000, 20500, 20401, 20402, false}
	taxonomyAPI     = &api{"taxonomy", "commerce", "v1", "/commerce/taxonomy/v1", "API_TAXONOMY", "Commerce", 5_000, 62000, 62004, 62005, true}
	notificationAPI = &api{"notification", "commerce", "v1", "/commerce/notification/v1", "API_NOTIFICATION", "Commerce", 10_000, 195000, 195005, 195006, false}
	analyticsAPI    = &api{"developer", "developer", "v1_beta", "/developer/analytics/v1_beta", "API_ANALYTICS", "Developer", 5_000, 2003, 2004, 2004, true}

	apis = []*api{inventoryAPI, fulfillmentAPI, accountAPI, taxonomyAPI, notificationAPI, analyticsAPI}
)

// A Simulator is one seller, seen by one application. It is an http.Handler, safe
// for concurrent use.
type Simulator struct {
	*sim.Control
	o   Options
	api *http.ServeMux
	all *http.ServeMux

	mu            sync.Mutex
	random        *rand.Rand
	serial        int64
	codes         map[string]*consent // consents that are not exchanged yet
	consents      map[string]*consent // by refresh token
	access        map[string]*consent // by access token
	items         map[string]*item
	groups        map[string]*group
	offers        map[string]*offer
	bySKU         map[string][]*offer
	places        map[string]*place
	listings      map[string]*listing
	policies      map[string]*policy
	optedIn       time.Time // zero: never
	orders        []*order
	alertMail     string
	destinations  map[string]*destination
	subscriptions map[string]*subscription
	calls         map[string]int64 // by operation, in all
	used          map[string]int64 // by API, of day
	tokens        map[string]int64 // by grant, of day
	day           string
	refused       int64 // for a quota or the limit of revisions
	key           *ecdsa.PrivateKey
	pacific       *time.Location
}

// noticeRetries are the pauses between attempts to deliver a notice: after about a
// day its destination is marked down.
var noticeRetries = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 17 * time.Hour}

// New returns a simulator. It panics if Republish is none of its values.
func New(o Options) *Simulator {
	if !slices.Contains([]string{"", "same", "fault"}, o.Republish) {
		panic("ebay: unknown way to republish " + o.Republish)
	}
	o.Revisions = cmp.Or(o.Revisions, 250)
	o.RefundLag = cmp.Or(o.RefundLag, time.Minute)
	o.SellingLimit = cmp.Or(o.SellingLimit, 10_000_000)
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		pacific = time.FixedZone("PST", -8*3600)
	}
	s := &Simulator{
		o: o, random: rand.New(rand.NewPCG(o.Seed, o.Seed)), serial: 110_000_000_000, pacific: pacific, key: newKey(o.Seed),
		codes: map[string]*consent{}, consents: map[string]*consent{}, access: map[string]*consent{},
		items: map[string]*item{}, groups: map[string]*group{}, offers: map[string]*offer{}, bySKU: map[string][]*offer{},
		places: map[string]*place{}, listings: map[string]*listing{}, policies: map[string]*policy{},
		destinations: map[string]*destination{}, subscriptions: map[string]*subscription{},
		calls: map[string]int64{}, used: map[string]int64{}, tokens: map[string]int64{},
	}
	s.Control = sim.NewControl(o.Options, noticeRetries, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tick()
	})
	s.seedPolicies()
	if !o.Newcomer {
		s.optedIn = s.Clock.Now()
	}
	s.api = http.NewServeMux()
	s.routes()
	s.all = s.Admin()
	s.admin()
	s.all.Handle("/", s.api)
	return s
}

func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.all.ServeHTTP(w, r) }

func (s *Simulator) routes() {
	s.api.HandleFunc("POST /identity/v1/oauth2/token", s.token)
	s.api.HandleFunc("GET /oauth2/authorize", s.consentPage)
	for _, operations := range [][]operation{
		s.itemOperations(), s.groupOperations(), s.offerOperations(), s.locationOperations(), s.accountOperations(), s.taxonomyOperations(),
		s.orderOperations(), s.noticeOperations(), s.analyticsOperations(),
	} {
		for _, op := range operations {
			s.handle(op)
		}
	}
	s.api.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, encode(inventoryAPI, answer{}, access(http.StatusNotFound, 2002, "Resource not found")))
	})
}

// An operation is one the vendor documents.
type operation struct {
	api          *api
	name         string // for faults and counts
	method, path string // below that of the API
	scopes       []string
	application  bool // takes the application's token only
	localized    bool // Content-Language is demanded
	body         shape
	empty        *problem // of a body that is not there; nil: it is malformed
	// missing and invalid are the ids of fields, if not those of the API.
	missing, invalid int
	// rows makes the body {"requests":[…]} with so many rows of the shape body at
	// most; a row that is malformed spoils the call, another flaw only the row.
	rows int
	many int // id of too many rows
	do   func(call) (answer, *problem)
}

// A call is one request of the API.
type call struct {
	r     *http.Request
	body  map[string]any
	rows  []bulkRow
	token *consent
}

func (c call) path(name string) string { return c.r.PathValue(name) }

// A bulkRow is a row of a bulk call; flaw is why it cannot be done.
type bulkRow struct {
	body map[string]any
	flaw *problem
}

// answer is what an operation replies.
type answer struct {
	status   int
	body     any
	header   map[string]string
	messages []sim.Message
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

var done = answer{status: http.StatusNoContent}

// problem is one error of the vendor, or a warning.
type problem struct {
	status     int
	id         int
	domain     string // other than the API's
	message    string
	parameters [][2]string
}

func bad(id int, format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, id: id, message: fmt.Sprintf(format, args...)}
}

func absent(id int, format string, args ...any) *problem {
	return &problem{status: http.StatusNotFound, id: id, message: fmt.Sprintf(format, args...)}
}

func conflict(id int, format string, args ...any) *problem {
	return &problem{status: http.StatusConflict, id: id, message: fmt.Sprintf(format, args...)}
}

// access is a problem that all APIs have in common.
func access(status, id int, message string) *problem {
	domain := "ACCESS"
	if id < 2000 {
		domain = "OAuth"
	}
	return &problem{status: status, id: id, domain: domain, message: message}
}

func (p *problem) with(name, value string) *problem {
	p.parameters = append(p.parameters, [2]string{name, value})
	return p
}

// view is how an API writes errors and warnings.
func (p *problem) view(a *api) map[string]any {
	category := "REQUEST"
	switch {
	case p.status >= http.StatusInternalServerError:
		category = "APPLICATION"
	case p.status == http.StatusConflict:
		category = "BUSINESS"
	}
	e := map[string]any{"errorId": p.id, "domain": cmp.Or(p.domain, a.domain), "category": category, "message": p.message, "longMessage": p.message}
	subdomain, parameters := "subdomain", "parameters"
	if a.camel {
		subdomain, parameters = "subDomain", "parameter"
	}
	if p.domain == "" {
		e[subdomain] = a.subdomain
	}
	var all []map[string]string
	for _, x := range p.parameters {
		all = append(all, map[string]string{"name": x[0], "value": x[1]})
	}
	if all != nil {
		e[parameters] = all
	}
	return e
}

func views(a *api, all []*problem) []any {
	out := make([]any, 0, len(all))
	for _, p := range all {
		out = append(out, p.view(a))
	}
	return out
}

// problem makes the vendor's error of a flaw.
func (op operation) problem(f *flaw) *problem {
	if f == nil {
		return nil
	}
	message := fmt.Sprintf("Invalid value for %s: it %s.", f.field, f.why)
	if f.kind == malformed {
		return (&problem{status: http.StatusBadRequest, id: 2004, domain: "ACCESS", message: "Invalid request. " + message}).with("reason", f.field)
	}
	id := cmp.Or(f.id, op.invalid, op.api.invalid)
	if f.kind == missing {
		id = cmp.Or(f.id, op.missing, op.api.missing)
	}
	return bad(id, "%s", message).with("field", f.field)
}

// read checks the body of a request.
func (op operation) read(r *http.Request, raw []byte, c *call) *problem {
	if op.body == nil {
		return nil
	}
	if len(raw) == 0 {
		if op.empty != nil {
			return op.empty
		}
		return access(http.StatusBadRequest, 2004, "Invalid request. The body is empty.").with("reason", "body")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return access(http.StatusUnsupportedMediaType, 2004, "The body must be application/json.").with("reason", "Content-Type")
	}
	if json.Unmarshal(raw, &c.body) != nil || c.body == nil {
		return access(http.StatusBadRequest, 2004, "Invalid request. The body is no JSON object.").with("reason", "body")
	}
	if op.rows == 0 {
		return op.problem(op.body.check(c.body))
	}
	if f := (shape{"requests!": some(1<<20, anything)}).check(c.body); f != nil {
		return op.problem(f)
	}
	rows := objects(c.body["requests"])
	if len(rows) > op.rows {
		return bad(op.many, "The number of rows in the request cannot exceed %d.", op.rows)
	}
	for i, row := range rows {
		f := op.body.check(row)
		if f != nil && f.kind == malformed {
			return op.problem(f.inside(fmt.Sprintf("requests[%d]", i)))
		}
		c.rows = append(c.rows, bulkRow{row, op.problem(f)})
	}
	return nil
}

// handle adds an operation: who calls is known, the quota is spent, headers and
// body are checked, and faults strike.
func (s *Simulator) handle(op operation) {
	s.api.HandleFunc(op.method+" "+op.api.path+op.path, func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
		if err != nil {
			write(w, encode(op.api, answer{}, access(http.StatusBadRequest, 2004, "The body cannot be read.")))
			return
		}
		s.mu.Lock()
		s.calls[op.name]++
		s.tick()
		token, p := s.admit(op, r)
		s.mu.Unlock()
		c := call{r: r, token: token}
		if p == nil {
			p = op.headers(r)
		}
		if p == nil {
			p = op.read(r, raw, &c)
		}
		if p != nil {
			write(w, encode(op.api, answer{}, p))
			return
		}
		plan := s.Faults.Plan(op.name, string(raw))
		if f, strikes := plan.Find(sim.Outcome); strikes {
			p := named(f.Code)
			if op.rows == 0 {
				write(w, encode(op.api, answer{}, p))
				return
			}
			c.rows[0].flaw = p
		}
		s.Answer(w, r, sim.Exchange{
			Plan: plan,
			Work: func() (sim.Reply, []sim.Message) {
				s.mu.Lock()
				defer s.mu.Unlock()
				a, p := op.do(c)
				return encode(op.api, a, p), a.messages
			},
			Refuse: func(status int, f sim.Fault) sim.Reply { return refuse(op.api, status, f) },
		})
	})
}

// named is the problem that a fault "outcome" asks for by its id.
func named(code string) *problem {
	id, _ := strconv.Atoi(code)
	switch {
	case id == 1001 || id == 1002:
		return access(http.StatusUnauthorized, id, "Invalid access token")
	case id == 1100:
		return access(http.StatusForbidden, id, "Insufficient permissions to fulfill the request.")
	case slices.Contains([]int{2003, 20500, 20501, 25001, 25025, 30500, 34900, 62000, 195000}, id):
		return &problem{status: http.StatusInternalServerError, id: id, message: "A system error has occurred."}
	case id == 34918 || id == 34919 || id >= 34924 && id <= 34930:
		return conflict(id, "The request cannot be done.")
	}
	return bad(id, "The request cannot be done.")
}

// refuse is what faults of the vendor's machines look like: 500 comes from the API
// itself, 502 to 504 from a gateway, as HTML. A rate limit with a delay says after
// how many seconds to come again.
func refuse(a *api, status int, f sim.Fault) sim.Reply {
	switch status {
	case http.StatusTooManyRequests:
		out := encode(a, answer{}, overQuota())
		if f.Delay > 0 {
			out.Header.Set("Retry-After", strconv.Itoa(int(time.Duration(f.Delay).Seconds())))
		}
		return out
	case http.StatusInternalServerError:
		return encode(a, answer{}, &problem{status: status, id: a.fault, message: "A system error has occurred."})
	}
	body := fmt.Sprintf("<html><head><title>%d</title></head><body>%s</body></html>", status, http.StatusText(status))
	return sim.Reply{Status: status, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte(body)}
}

func overQuota() *problem {
	return access(http.StatusTooManyRequests, 2001, "The request limit has been reached for the resource.")
}

// headers checks those that the operation demands, and the language of the answer.
func (op operation) headers(r *http.Request) *problem {
	if op.localized && !slices.Contains(languages, r.Header.Get("Content-Language")) {
		return bad(25709, "Invalid value for header Content-Language.").with("field", "Content-Language")
	}
	if tag := r.Header.Get("Accept-Language"); tag != "" && op.api == inventoryAPI && !slices.Contains(languages, tag) {
		return bad(25709, "Invalid value for header Accept-Language.").with("field", "Accept-Language")
	}
	if site := r.Header.Get("X-EBAY-C-MARKETPLACE-ID"); site != "" && op.api == accountAPI && !slices.Contains(marketplaces, site) {
		return bad(50117, "Invalid value for header X-EBAY-C-MARKETPLACE-ID.")
	}
	return nil
}

// admit checks the token and its scopes and spends a call of the quota. The lock
// is held.
func (s *Simulator) admit(op operation, r *http.Request) (*consent, *problem) {
	text, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	token := s.access[text]
	switch {
	case !found || text == "":
		return nil, access(http.StatusUnauthorized, 1002, "Missing access token")
	case token == nil || token.dead || !s.Clock.Now().Before(token.until):
		return nil, access(http.StatusUnauthorized, 1001, "Invalid access token")
	case op.application && !token.application, len(op.scopes) > 0 && !slices.ContainsFunc(op.scopes, token.has):
		return nil, access(http.StatusForbidden, 1100, "Insufficient permissions to fulfill the request.")
	}
	s.turn()
	if s.used[op.api.name] >= s.quota(op.api) {
		s.refused++
		return nil, overQuota()
	}
	s.used[op.api.name]++
	return token, nil
}

// turn begins a new day of quotas and revisions at the vendor's midnight.
func (s *Simulator) turn() {
	day := s.Clock.Now().In(s.pacific).Format(time.DateOnly)
	if day == s.day {
		return
	}
	s.day, s.used, s.tokens = day, map[string]int64{}, map[string]int64{}
	for _, l := range s.listings {
		l.revisions = 0
	}
}

func (s *Simulator) quota(a *api) int64 {
	if n, ok := s.o.Quotas[a.name]; ok {
		return n
	}
	return a.quota
}

// tick does what has come due. The lock is held.
func (s *Simulator) tick() {
	now := s.Clock.Now()
	for _, l := range s.listings {
		if !l.ends.IsZero() && !now.Before(l.ends) {
			l.close(ended)
		}
	}
	for _, o := range s.orders {
		o.settle(now)
	}
}

func write(w http.ResponseWriter, out sim.Reply) {
	for name, values := range out.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(out.Status)
	_, _ = w.Write(out.Body) // the client may be gone
}

func encode(a *api, out answer, p *problem) sim.Reply {
	if p != nil {
		out = answer{status: p.status, body: map[string]any{"errors": []any{p.view(a)}}}
	}
	reply := sim.Reply{Status: out.status, Header: http.Header{}}
	for name, value := range out.header {
		reply.Header.Set(name, value)
	}
	if raw, ok := out.body.([]byte); ok {
		reply.Body = raw
		return reply
	}
	if out.body != nil {
		reply.Header.Set("Content-Type", "application/json")
		reply.Body, _ = json.Marshal(out.body) // of our own making
	}
	return reply
}

// row is one answer of a bulk call.
type row map[string]any

func (r row) fail(p *problem) row {
	r["statusCode"], r["errors"] = p.status, []any{p.view(inventoryAPI)}
	return r
}

func (r row) done(status int, warnings []*problem) row {
	r["statusCode"], r["warnings"], r["errors"] = status, views(inventoryAPI, warnings), []any{}
	return r
}

// mixed answers a bulk call: 207 if some rows failed.
func mixed(rows []row) answer {
	status := http.StatusOK
	for _, r := range rows {
		if n, _ := r["statusCode"].(int); n >= 300 {
			status = http.StatusMultiStatus
		}
	}
	return answer{status: status, body: map[string]any{"responses": rows}}
}

// repeated returns the first text that is there twice, but for "".
func repeated(all []string) (string, bool) {
	seen := map[string]bool{}
	for _, x := range all {
		if x != "" && seen[x] {
			return x, true
		}
		seen[x] = true
	}
	return "", false
}

// page cuts a list of Inventory or Account: by pages, or by records as locations
// and policies do.
func page(c call, usual, most, total int, records bool, id int) (out map[string]any, from, to int, p *problem) {
	limit, offset, q := usual, 0, c.r.URL.Query()
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return nil, 0, 0, bad(id, "Invalid value for limit: it must be 1 to %d.", most)
		}
		limit = n
	}
	if text := q.Get("offset"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 1<<30 {
			return nil, 0, 0, bad(id, "Invalid value for offset: it must not be negative.")
		}
		offset = n
	}
	from, step := offset*limit, 1
	if records {
		from, step = offset, limit
	}
	from = min(from, total)
	to = min(from+limit, total)
	link := func(offset int) string {
		q.Set("limit", strconv.Itoa(limit))
		q.Set("offset", strconv.Itoa(offset))
		return c.r.URL.Path + "?" + q.Encode()
	}
	out = map[string]any{"href": link(offset), "limit": limit, "total": total}
	if records {
		out["offset"] = offset
	}
	if to < total {
		out["next"] = link(offset + step)
	}
	if offset > 0 {
		out["prev"] = link(max(offset-step, 0))
	}
	return out, from, to, nil
}

// next returns a new number; the lock is held.
func (s *Simulator) next() string {
	s.serial += 1 + s.random.Int64N(7)
	return fmt.Sprint(s.serial)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
