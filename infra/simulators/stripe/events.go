package stripe

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// A Webhook is an endpoint that is there from the start.
type Webhook struct {
	URL string
	// Secrets sign: the current one and, while it is replaced, the one before.
	Secrets []string
	// Events are the types that are sent; none or "*" are all.
	Events []string
}

// An endpoint is where events are sent.
type endpoint struct {
	id, version, description string
	webhook                  Webhook
	metadata                 map[string]string
	created                  time.Time
	deleted                  bool
}

// An event is what happened to an object, which it has as it was then.
type event struct {
	id, kind string
	created  time.Time
	body     object
	sent     bool // to any endpoint
}

// eventLife is how long events can be read.
const eventLife = 30 * 24 * time.Hour

func (s *Simulator) addEndpoint(w Webhook) *endpoint {
	e := &endpoint{id: s.id("we"), webhook: w, version: APIVersion, created: s.Clock.Now(), metadata: map[string]string{}}
	s.endpoints.add(e.id, e)
	return e
}

// emit records an event about an object and queues it for the endpoints that
// want it.
func (c *call) emit(kind string, about object) {
	s := c.s
	e := &event{id: s.id("evt"), kind: kind, created: c.now}
	s.events.add(e.id, e)
	var to []*endpoint
	for _, id := range s.endpoints.ids {
		p := s.endpoints.byID[id]
		if !p.deleted && (len(p.webhook.Events) == 0 || slices.Contains(p.webhook.Events, "*") || slices.Contains(p.webhook.Events, kind)) {
			to = append(to, p)
		}
	}
	e.sent = len(to) > 0
	e.body = object{
		"id": e.id, "object": "event", "type": kind, "api_version": APIVersion, "created": c.now.Unix(), "livemode": false,
		"data": object{"object": about}, "request": object{"id": orNull(c.reqID), "idempotency_key": orNull(c.key)}, "pending_webhooks": len(to),
	}
	for _, p := range to {
		copied := object{}
		for name, value := range e.body {
			copied[name] = value
		}
		copied["api_version"] = p.version
		body, err := json.MarshalIndent(copied, "", "  ")
		if err != nil {
			panic(err) // everything in an event can be marshalled
		}
		c.messages = append(c.messages, sim.Message{ID: e.id, Type: kind, URL: p.webhook.URL, Body: body, Sign: func(now time.Time) http.Header {
			return http.Header{"Stripe-Signature": {signature(p.webhook.Secrets, now, body)}}
		}})
	}
}

// signature signs a body with every secret, the time included.
func signature(secrets []string, now time.Time, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "t=%d", now.Unix())
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.", now.Unix())
		mac.Write(body)
		b.WriteString(",v1=" + hex.EncodeToString(mac.Sum(nil)))
	}
	return b.String()
}

func (e *endpoint) object() object {
	return object{
		"id": e.id, "object": "webhook_endpoint", "api_version": e.version, "created": e.created.Unix(), "description": orNull(e.description),
		"enabled_events": e.webhook.Events, "livemode": false, "metadata": e.metadata, "status": "enabled", "url": e.webhook.URL,
	}
}

func (c *call) createEndpoint() (object, *apiError) {
	f := c.form
	metadata, err := merge(map[string]string{}, f.at("metadata"))
	if err != nil {
		return nil, err
	}
	version := cmp.Or(f.get("api_version"), APIVersion)
	if !versionRE.MatchString(version) || version > APIVersion {
		return nil, invalid("", "api_version", "Invalid API version: %s.", version)
	}
	secret := "whsec_" + c.s.word(32)
	e := c.s.addEndpoint(Webhook{URL: f.get("url"), Secrets: []string{secret}, Events: f.list("enabled_events")})
	e.version, e.description, e.metadata = version, f.get("description"), metadata
	o := e.object()
	o["secret"] = secret // is never shown again
	return o, nil
}

func (c *call) listEndpoints() (object, *apiError) {
	return page(c, &c.s.endpoints, "/v1/webhook_endpoints", func(e *endpoint) bool { return !e.deleted }, (*endpoint).object)
}

func (c *call) deleteEndpoint() (object, *apiError) {
	id := c.r.PathValue("id")
	e := c.s.endpoints.byID[id]
	if e == nil || e.deleted {
		return nil, missing("webhook_endpoint", id, "")
	}
	e.deleted = true
	return object{"id": id, "object": "webhook_endpoint", "deleted": true}, nil
}

// view is an event as it is now: with the number of deliveries to be made.
func (c *call) view(e *event) object {
	o := object{}
	for name, value := range e.body {
		o[name] = value
	}
	o["pending_webhooks"] = c.s.Webhooks.Undelivered(e.id)
	return o
}

func (c *call) retrieveEvent() (object, *apiError) {
	id := c.r.PathValue("id")
	e := c.s.events.byID[id]
	if e == nil || c.now.Sub(e.created) > eventLife {
		return nil, missing("event", id, "")
	}
	return c.view(e), nil
}

func (c *call) listEvents() (object, *apiError) {
	f := c.form
	kinds := f.list("types")
	if f.has("type") {
		kinds = append(kinds, f.get("type"))
	}
	return page(c, &c.s.events, "/v1/events", func(e *event) bool {
		if c.now.Sub(e.created) > eventLife || !c.within(e.created) {
			return false
		}
		if kinds != nil && !slices.ContainsFunc(kinds, func(k string) bool {
			prefix, all := strings.CutSuffix(k, "*")
			return k == e.kind || all && strings.HasPrefix(e.kind, prefix)
		}) {
			return false
		}
		return !f.has("delivery_success") || e.sent && (c.s.Webhooks.Undelivered(e.id) == 0) == (f.get("delivery_success") == "true")
	}, c.view)
}
