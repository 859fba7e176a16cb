// Package ebay simulates eBay's REST APIs for sellers as far as a shop needs them:
// consent and tokens, items, offers, groups, bulk changes, orders, shipments,
// policies, locations, quotas and signed notices; with faults that can be switched
// on, buyers, and a seller's own hand at the site. Tests start it in their process;
// the program ebay-sim beside it serves it on a port.
//
// It was written from the facts of the vendor's documents and checks requests
// against them: what they do not name is refused as the vendor refuses it. It
// imports nothing of the shop but the clock.
package ebay

import (
	"cmp"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// Options say which application and seller are simulated.
type Options struct {
	sim.Options
	ClientID, ClientSecret, RuName string
	// Accept is where the seller is sent after the consent: the address behind
	// the RuName.
	Accept string
	// Quotas are the calls a day by API: inventory, fulfillment, account … One
	// that is not named has the vendor's default.
	Quotas map[string]int64
	// Revisions is how often a listing can be revised a day; 0 is 250.
	Revisions int
	// OrderLag is how long it takes until a new order is in the lists; 0 is none.
	OrderLag time.Duration
}

// defaultQuotas are the calls a day that the vendor grants a new application.
var defaultQuotas = map[string]int64{
	"inventory": 2_000_000, "fulfillment": 100_000, "account": 25_000, "notification": 10_000, "developer": 5_000, "taxonomy": 5_000,
}

// A Simulator is one seller, seen by one application. It is an http.Handler, safe
// for concurrent use.
type Simulator struct {
	*sim.Control
	o   Options
	api *http.ServeMux
	all *http.ServeMux

	mu       sync.Mutex
	random   *rand.Rand
	serial   int64
	codes    map[string]bool // consents that are not exchanged yet
	consents map[string]bool // refresh tokens; false: revoked
	access   map[string]time.Time
	items    map[string]*item
	groups   map[string]*group
	offers   map[string]*offer
	places   map[string]map[string]any
	listings map[string]*listing
	orders   []*order
	calls    map[string]int64 // by operation, in all
	used     map[string]int64 // by API, of day
	day      string
	refused  int64 // for a quota or the limit of revisions
	key      *ecdsa.PrivateKey
	pacific  *time.Location
}

// New returns a simulator of a seller who has two business policies of each kind
// less one: one to choose, as most have.
func New(o Options) *Simulator {
	o.Revisions = cmp.Or(o.Revisions, 250)
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		pacific = time.FixedZone("PST", -8*3600)
	}
	s := &Simulator{
		o: o, random: rand.New(rand.NewPCG(o.Seed, o.Seed)), serial: 110_000_000_000, pacific: pacific, key: newKey(),
		codes: map[string]bool{}, consents: map[string]bool{}, access: map[string]time.Time{}, items: map[string]*item{}, groups: map[string]*group{},
		offers: map[string]*offer{}, places: map[string]map[string]any{}, listings: map[string]*listing{}, calls: map[string]int64{}, used: map[string]int64{},
	}
	s.Control = sim.NewControl(o.Options, nil, func() {})
	s.api = http.NewServeMux()
	s.routes()
	s.all = s.Admin()
	s.admin()
	s.all.Handle("/", s.api)
	return s
}

func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.all.ServeHTTP(w, r) }

// call is one request of the API.
type call struct {
	r    *http.Request
	body map[string]any
	raw  []byte
}

// answer is what an operation replies.
type answer struct {
	status int
	body   any
	header map[string]string
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// problem is one error of the vendor.
type problem struct {
	status     int
	id         int
	message    string
	parameters map[string]string
}

func (p *problem) Error() string { return fmt.Sprintf("%d %d %s", p.status, p.id, p.message) }

func bad(id int, format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, id: id, message: fmt.Sprintf(format, args...)}
}

func (p *problem) with(name, value string) *problem {
	p.parameters = map[string]string{name: value}
	return p
}

// envelope is how the vendor writes errors.
func (p *problem) envelope() map[string]any {
	e := map[string]any{"errorId": p.id, "domain": "API_INVENTORY", "subdomain": "Selling", "category": "REQUEST", "message": p.message}
	var parameters []map[string]string
	for name, value := range p.parameters {
		parameters = append(parameters, map[string]string{"name": name, "value": value})
	}
	if parameters != nil {
		e["parameters"] = parameters
	}
	return e
}

// handle adds an operation of an API: who calls is known, the quota is spent, the
// body read, and faults strike.
func (s *Simulator) handle(api, operation, pattern string, writes bool, fn func(call) (answer, *problem)) {
	s.api.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
		if err != nil {
			s.reply(w, answer{}, bad(2004, "the body cannot be read"))
			return
		}
		s.mu.Lock()
		s.calls[operation]++
		p := s.admit(api, r)
		s.mu.Unlock()
		if p != nil {
			s.reply(w, answer{}, p)
			return
		}
		c := call{r: r, raw: raw}
		if len(raw) > 0 {
			if json.Unmarshal(raw, &c.body) != nil {
				s.reply(w, answer{}, bad(2004, "the body is no JSON object"))
				return
			}
		}
		if writes && api == "inventory" && len(raw) > 0 {
			if tag := r.Header.Get("Content-Language"); len(tag) != 5 || tag[2] != '-' {
				s.reply(w, answer{}, bad(25709, "Invalid value for header Content-Language."))
				return
			}
		}
		s.Answer(w, r, sim.Exchange{
			Plan: s.Faults.Plan(operation, string(raw)),
			Work: func() (sim.Reply, []sim.Message) {
				s.mu.Lock()
				defer s.mu.Unlock()
				a, p := fn(c)
				return encode(a, p), nil
			},
			Refuse: func(status int, _ sim.Fault) sim.Reply {
				return encode(answer{}, &problem{status: status, id: map[bool]int{true: 2001, false: 2003}[status == http.StatusTooManyRequests], message: "not now"})
			},
		})
	})
}

// admit checks the token and spends a call of the quota. The lock is held.
func (s *Simulator) admit(api string, r *http.Request) *problem {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	until, known := s.access[token]
	switch {
	case !found:
		return &problem{status: http.StatusUnauthorized, id: 1002, message: "Missing access token"}
	case !known || !s.Clock.Now().Before(until):
		return &problem{status: http.StatusUnauthorized, id: 1001, message: "Invalid access token"}
	}
	if day := s.today(); day != s.day {
		s.day, s.used = day, map[string]int64{}
		for _, l := range s.listings {
			l.revisions = 0
		}
	}
	if s.used[api] >= s.quota(api) {
		s.refused++
		return &problem{status: http.StatusTooManyRequests, id: 2001, message: "The request limit has been reached for the resource."}
	}
	s.used[api]++
	return nil
}

func (s *Simulator) today() string { return s.Clock.Now().In(s.pacific).Format(time.DateOnly) }

func (s *Simulator) quota(api string) int64 {
	if n, ok := s.o.Quotas[api]; ok {
		return n
	}
	return defaultQuotas[api]
}

func (s *Simulator) reply(w http.ResponseWriter, a answer, p *problem) {
	out := encode(a, p)
	for name, values := range out.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(out.Status)
	_, _ = w.Write(out.Body) // the client may be gone
}

func encode(a answer, p *problem) sim.Reply {
	if p != nil {
		a = answer{status: p.status, body: map[string]any{"errors": []any{p.envelope()}}}
	}
	out := sim.Reply{Status: a.status, Header: http.Header{}}
	for name, value := range a.header {
		out.Header.Set(name, value)
	}
	if a.body != nil {
		out.Header.Set("Content-Type", "application/json")
		out.Body, _ = json.Marshal(a.body) // of our own making
	}
	return out
}

// next returns a new number; the lock is held.
func (s *Simulator) next() string {
	s.serial += 1 + s.random.Int64N(7)
	return fmt.Sprint(s.serial)
}
