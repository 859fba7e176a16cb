// Package stripe simulates the part of Stripe's API that a shop with manual
// capture needs: PaymentIntents, refunds, payment methods, customers, events
// and signed webhooks, with the vendor's test cards and with faults that can be
// switched on. Tests start it in their process; the program stripe-sim beside
// it serves it on a port. It books no money.
//
// It was written from the facts about the vendor's API alone, by another hand
// than the shop's client, which its author did not read: where both agree, they
// agree because the facts say so. It must not import the client, nor the
// vendor's library, nor any other package of the shop except the clock.
//
// A parameter that the vendor does not document, or that the simulator does not
// know, is refused as the vendor refuses an unknown one.
package stripe

import (
	"cmp"
	"crypto/subtle"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// APIVersion is the version of the API that the simulator follows.
const APIVersion = "2026-07-29.dahlia"

// Options say which account is simulated.
type Options struct {
	sim.Options
	// SecretKey is the server's key, sk_test_…; PublishableKey the browser's,
	// pk_test_…, with which only payment methods can be created.
	SecretKey, PublishableKey string
	// Webhooks are the endpoints that are there from the start.
	Webhooks []Webhook
	// AuthorizationLife is how long an authorization holds; 0 is seven days.
	AuthorizationLife time.Duration
	// Multicapture gives the account the feature of several captures of one
	// authorization.
	Multicapture bool
	// RawCards lets the secret key send card numbers.
	RawCards bool
	// SearchLag is how long it takes until a search finds an object; 0 is a
	// minute.
	SearchLag time.Duration
	// RefundDelay is how long a refund is pending or seems to succeed, with
	// the test cards for that; 0 is a day.
	RefundDelay time.Duration
}

// A Simulator is one account in test mode. It is an http.Handler of the
// vendor's API and, below /_sim/, of its own administration. It is safe for
// concurrent use.
type Simulator struct {
	*sim.Control
	o   Options
	mux *http.ServeMux

	mu        sync.Mutex
	random    *rand.Rand
	nextDue   time.Time // nothing comes due before; zero if nothing ever does
	intents   store[*intent]
	charges   store[*charge]
	refunds   store[*refund]
	methods   store[*method]
	customers store[*customer]
	endpoints store[*endpoint]
	events    store[*event]
	keys      map[string]*keyed
}

// A store keeps objects in the order in which they were made.
type store[T any] struct {
	ids  []string
	byID map[string]T
}

func (s *store[T]) add(id string, o T) {
	if s.byID == nil {
		s.byID = map[string]T{}
	}
	s.ids = append(s.ids, id)
	s.byID[id] = o
}

// A keyed is what is kept of a request with an idempotency key.
type keyed struct {
	request string // method, path and parameters
	done    bool
	at      time.Time
	reply   sim.Reply
}

// keyLife is how long an idempotency key is kept.
const keyLife = 24 * time.Hour

// New returns a simulator of a new account.
func New(o Options) *Simulator {
	o.AuthorizationLife = cmp.Or(o.AuthorizationLife, 7*24*time.Hour)
	o.SearchLag = cmp.Or(o.SearchLag, time.Minute)
	o.RefundDelay = cmp.Or(o.RefundDelay, 24*time.Hour)
	s := &Simulator{o: o, random: rand.New(rand.NewPCG(o.Seed, 1)), keys: map[string]*keyed{}}
	s.Control = sim.NewControl(o.Options, retries, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := call{s: s, now: s.Clock.Now(), form: &form{}}
		c.tick()
		s.Webhooks.Add(c.messages...)
	})
	for _, w := range o.Webhooks {
		s.addEndpoint(w)
	}
	s.mux = s.Admin()
	s.mux.HandleFunc("GET /_sim/3ds/{id}", s.challengePage)
	s.mux.HandleFunc("POST /_sim/3ds/{id}", s.challengeAnswer)
	for _, r := range routes {
		s.mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, q *http.Request) { s.serve(w, q, r) })
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		s.serve(w, q, route{name: "unknown", do: func(*call) (object, *apiError) {
			err := invalid("", "", "Unrecognized request URL (%s: %s).", q.Method, q.URL.Path)
			err.status = http.StatusNotFound
			return nil, err
		}, unknown: true})
	})
	return s
}

// retries is a schedule in the vendor's manner, which ends after three days.
var retries = []time.Duration{
	5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
	12 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour,
}

// ServeHTTP answers the vendor's API and the administration.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// A route is an operation of the API.
type route struct {
	name, method, path string
	params             map[string]param
	do                 func(*call) (object, *apiError)
	// public operations are for the browser's key too.
	public  bool
	unknown bool
}

// A call is a request that is being done, with the lock held.
type call struct {
	s        *Simulator
	r        *http.Request
	form     *form
	plan     sim.Plan
	now      time.Time
	public   bool // with the browser's key
	version  string
	reqID    string
	key      string
	messages []sim.Message
}

const maxBody = 1 << 20

func (s *Simulator) serve(w http.ResponseWriter, r *http.Request, to route) {
	encoded, refused := parameters(w, r)
	s.mu.Lock()
	reqID := s.id("req")
	s.mu.Unlock()
	w.Header().Set("Request-Id", reqID)
	w.Header().Set("Stripe-Version", APIVersion)

	c := &call{s: s, r: r, reqID: reqID, key: r.Header.Get("Idempotency-Key")}
	if refused == nil {
		refused = s.authenticate(c, to)
	}
	if refused == nil {
		var err error
		if c.form, err = decode(encoded); err != nil {
			refused = invalid("", "", "Invalid request: %v", err)
		}
	}
	if r.Method != http.MethodPost {
		c.key = ""
	}

	c.plan = s.Faults.Plan(to.name, encoded)
	var kept *keyed
	var known *sim.Reply
	if refused == nil && c.key != "" {
		kept, known = s.begin(c)
	}
	worked := false
	defer func() {
		if kept != nil && !worked {
			s.forget(c.key, kept)
		}
	}()
	s.Answer(w, r, sim.Exchange{
		Plan: c.plan,
		Work: func() (sim.Reply, []sim.Message) {
			worked = true
			switch {
			case refused != nil:
				return refused.reply(), nil
			case known != nil:
				return *known, nil
			}
			return s.work(c, to, kept), c.messages
		},
		Refuse: refuse,
	})
}

// parameters returns the encoded parameters of a request.
func parameters(w http.ResponseWriter, r *http.Request) (string, *apiError) {
	if r.Method != http.MethodPost {
		return r.URL.RawQuery, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return "", invalid("", "", "The request is too large.")
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if len(body) > 0 && media != "application/x-www-form-urlencoded" {
		return "", invalid("", "", "Invalid request: check that your POST content type is application/x-www-form-urlencoded.")
	}
	if r.URL.RawQuery != "" {
		return r.URL.RawQuery + "&" + string(body), nil
	}
	return string(body), nil
}

// versionRE is the form of an API version: a date, and since 2024-09-30 the
// name of a release.
var versionRE = regexp.MustCompile(`^20\d\d-[01]\d-[0-3]\d(\.(acacia|basil|clover|dahlia|preview))?$`)

// authenticate checks the key, the account and the version of a request.
func (s *Simulator) authenticate(c *call, to route) *apiError {
	key, _, ok := c.r.BasicAuth()
	if !ok {
		key, ok = strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	}
	same := func(want string) bool {
		return want != "" && subtle.ConstantTimeCompare([]byte(key), []byte(want)) == 1
	}
	switch {
	case !ok || key == "":
		return unauthorized("You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.")
	case same(s.o.SecretKey):
	case same(s.o.PublishableKey):
		c.public = true
		if !to.public {
			err := unauthorized("This API call cannot be made with a publishable API key. Please use a secret API key.")
			err.status, err.code = http.StatusForbidden, "secret_key_required"
			return err
		}
	default:
		return unauthorized("Invalid API Key provided: %s", obscured(key))
	}
	if account := c.r.Header.Get("Stripe-Account"); account != "" {
		err := invalid("account_invalid", "", "The provided key does not have access to account '%s'.", account)
		err.status = http.StatusForbidden
		return err
	}
	c.version = cmp.Or(c.r.Header.Get("Stripe-Version"), APIVersion)
	if !versionRE.MatchString(c.version) || c.version > APIVersion {
		return invalid("", "", "Invalid Stripe API version: %s.", c.version)
	}
	if len(c.key) > 255 {
		return invalid("", "", "Idempotency keys must be at most 255 characters.")
	}
	return nil
}

// obscured hides all but the ends of a key.
func obscured(key string) string {
	if len(key) < 16 {
		return strings.Repeat("*", len(key))
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

// begin looks up the idempotency key. It returns what will keep the reply, or
// the reply that the request gets instead of being done.
func (s *Simulator) begin(c *call) (*keyed, *sim.Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock.Now()
	request := c.r.Method + " " + c.r.URL.Path + " " + c.form.canonical()
	k := s.keys[c.key]
	var r sim.Reply
	switch {
	case k == nil || k.done && now.Sub(k.at) >= keyLife:
		k = &keyed{request: request, at: now}
		s.keys[c.key] = k
		return k, nil
	case k.request != request:
		err := invalid("", "", "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '%s' if you meant to execute a different request.", c.key)
		err.kind = "idempotency_error"
		r = err.reply()
	case !k.done:
		err := invalid("idempotency_key_in_use", "", "There is currently another in-progress request using this Stripe-Idempotency-Key.")
		err.status, err.kind = http.StatusConflict, "idempotency_error"
		r = err.reply()
	default:
		r = k.reply
		r.Header = r.Header.Clone()
		r.Header.Set("Idempotent-Replayed", "true")
	}
	return nil, &r
}

// forget lets a key be used as if it had not been used.
func (s *Simulator) forget(key string, k *keyed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[key] == k {
		delete(s.keys, key)
	}
}

// work does a request and keeps its reply, unless it was refused before it was
// executed.
func (s *Simulator) work(c *call, to route, kept *keyed) sim.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.Clock.Now()
	c.tick()
	o, refused := c.do(to)
	var r sim.Reply
	if refused != nil {
		r = refused.reply()
	} else {
		r = reply(http.StatusOK, o)
	}
	if kept == nil {
		return r
	}
	if refused != nil && !refused.executed {
		delete(s.keys, c.key)
		return r
	}
	kept.done, kept.reply = true, r
	// A server that failed with 500 keeps that; a gateway before it that
	// failed (502, 503, 504) did not see what is kept.
	if f, ok := c.plan.Find(sim.ErrorAfter); ok && f.Status == http.StatusInternalServerError {
		kept.reply = refuse(f.Status, f)
	}
	return r
}

func (c *call) do(to route) (object, *apiError) {
	if !to.unknown {
		schema := map[string]param{"expand": aList}
		for name, p := range to.params {
			schema[name] = p
		}
		if err := check(c.form, schema); err != nil {
			return nil, err
		}
		for _, path := range c.form.list("expand") {
			if strings.Count(path, ".") >= maxExpand {
				return nil, invalid("", "expand", "You cannot expand more than %d levels of a property: %s.", maxExpand, path)
			}
		}
	}
	o, err := to.do(c)
	if err != nil {
		return nil, err
	}
	for _, path := range c.form.list("expand") {
		if err := c.expand(o, strings.Split(path, ".")); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// maxExpand is how many levels can be expanded.
const maxExpand = 4

// expandable are the fields of each kind of object whose id can become the
// object.
var expandable = map[string][]string{
	"payment_intent": {"customer", "latest_charge", "payment_method"},
	"charge":         {"customer", "payment_intent"},
	"refund":         {"charge", "payment_intent"},
	"payment_method": {"customer"},
}

// expand replaces the ids along a path by the objects.
func (c *call) expand(o object, path []string) *apiError {
	if len(path) == 0 {
		return nil
	}
	if data, ok := o["data"].([]object); ok && path[0] == "data" {
		for _, e := range data {
			if err := c.expand(e, path[1:]); err != nil {
				return err
			}
		}
		return nil
	}
	kind, _ := o["object"].(string)
	if !slices.Contains(expandable[kind], path[0]) {
		return invalid("", "expand", "This property cannot be expanded (%s).", path[0])
	}
	if id, ok := o[path[0]].(string); ok {
		o[path[0]] = c.lookup(id)
	}
	next, ok := o[path[0]].(object)
	if !ok {
		return nil // there is none
	}
	return c.expand(next, path[1:])
}

// lookup renders the object with an id.
func (c *call) lookup(id string) object {
	s := c.s
	prefix, _, _ := strings.Cut(id, "_")
	switch prefix {
	case "ch":
		return s.charges.byID[id].object()
	case "cus":
		return s.customers.byID[id].object()
	case "pi":
		return s.intents.byID[id].object()
	}
	return s.methods.byID[id].object()
}

// id returns a new id.
func (s *Simulator) id(prefix string) string { return prefix + "_" + s.word(24) }

// word returns n random letters and digits.
func (s *Simulator) word(n int) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[s.random.IntN(len(letters))]
	}
	return string(b)
}

// due notes that something comes due at t.
func (s *Simulator) due(t time.Time) {
	if s.nextDue.IsZero() || t.Before(s.nextDue) {
		s.nextDue = t
	}
}

// tick does what has come due.
func (c *call) tick() {
	s := c.s
	if s.nextDue.IsZero() || s.nextDue.After(c.now) {
		return
	}
	s.nextDue = time.Time{}
	// What has come due is not the request's doing.
	request, key := c.reqID, c.key
	c.reqID, c.key = "", ""
	defer func() { c.reqID, c.key = request, key }()
	for _, id := range s.intents.ids {
		c.expire(s.intents.byID[id])
	}
	for _, id := range s.refunds.ids {
		c.ripen(s.refunds.byID[id])
	}
}

// page renders the part of a list that a request asks for, newest first.
func page[T any](c *call, s *store[T], url string, want func(T) bool, render func(T) object) (object, *apiError) {
	limit := int64(10)
	if c.form.has("limit") {
		limit = c.form.integer("limit")
	}
	if limit < 1 || limit > 100 {
		return nil, invalid("parameter_invalid_integer", "limit", "This value must be between 1 and 100: limit.")
	}
	if c.form.has("starting_after") && c.form.has("ending_before") {
		return nil, invalid("parameters_exclusive", "ending_before", "You may only specify one of these parameters: starting_after, ending_before.")
	}
	var found []string
	for _, id := range slices.Backward(s.ids) {
		if want(s.byID[id]) {
			found = append(found, id)
		}
	}
	back := c.form.has("ending_before")
	for _, name := range []string{"starting_after", "ending_before"} {
		if !c.form.has(name) {
			continue
		}
		i := slices.Index(found, c.form.get(name))
		switch {
		case i < 0:
			return nil, missing("object", c.form.get(name), name)
		case back:
			found = found[:i]
		default:
			found = found[i+1:]
		}
	}
	more := int64(len(found)) > limit
	if more && back {
		found = found[int64(len(found))-limit:]
	} else if more {
		found = found[:limit]
	}
	data := make([]object, len(found))
	for i, id := range found {
		data[i] = render(s.byID[id])
	}
	return object{"object": "list", "data": data, "has_more": more, "url": url}, nil
}

// within reports whether t is within the bounds of the parameter "created".
func (c *call) within(t time.Time) bool {
	f := c.form.at("created")
	if f == nil {
		return true
	}
	if f.members == nil {
		return f.text == "" || t.Unix() == c.form.integer("created")
	}
	for name := range f.members {
		bound := c.form.integer("created", name)
		ok := map[string]bool{"gt": t.Unix() > bound, "gte": t.Unix() >= bound, "lt": t.Unix() < bound, "lte": t.Unix() <= bound}[name]
		if !ok {
			return false
		}
	}
	return true
}

// merge changes metadata as a request asks: an empty value deletes a key, an
// empty parameter all of them.
func merge(old map[string]string, f *form) (map[string]string, *apiError) {
	if f == nil {
		return old, nil
	}
	merged := map[string]string{}
	if f.members != nil {
		for k, v := range old {
			merged[k] = v
		}
	}
	for k, v := range f.members {
		if v.text == "" {
			delete(merged, k)
		} else {
			merged[k] = v.text
		}
	}
	if len(merged) > maxMetadata {
		return nil, invalid("", "metadata", "You can only have up to %d metadata keys.", maxMetadata)
	}
	return merged, nil
}

// orNull makes "" null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func unixOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

func deref(o object) any {
	if o == nil {
		return nil
	}
	return o
}

// dollars writes an amount for a message.
func dollars(amount int64, currency string) string {
	return fmt.Sprintf("%d %s", amount, currency)
}
