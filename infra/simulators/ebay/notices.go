package ebay

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha1" // #nosec: the vendor signs over SHA-1
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// keyID is the id of the key with which notices are signed.
const keyID = "9936261a-7d7b-4621-a0f1-964e5a5ddd5a"

// newKey makes the key of a seed, so that signatures can be repeated.
func newKey(seed uint64) *ecdsa.PrivateKey {
	for n := uint64(0); ; n++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte("ebay"), seed), n))
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:]); err == nil {
			return key
		} // else the sum is beyond the order of the curve: hardly ever
	}
}

// destination is where notices go.
type destination struct {
	id, name, status    string
	endpoint, challenge string // the verification token
	begun               int    // deliveries that there were when it was set up
}

// subscription is a topic that goes to a destination.
type subscription struct {
	id, topic, destination, status string
	payload                        map[string]any
	created                        time.Time
}

// A topic is what notices are about.
type topic struct {
	id, description string
	scope           string // APPLICATION or USER
	scopes          []string
	restricted      bool // to partners
}

var topics = []topic{
	{"AUTHORIZATION_REVOCATION", "A user has revoked an authorization", "APPLICATION", []string{publicScope}, false},
	{"ITEM_AVAILABILITY", "The availability of an item has changed", "APPLICATION", []string{publicScope}, true},
	{"ITEM_MARKED_SHIPPED", "An item was marked as shipped", "USER", []string{fulfillReadScope, fulfillScope}, false},
	{"MARKETPLACE_ACCOUNT_DELETION", "A user has asked for the deletion of their account", "APPLICATION", []string{publicScope}, false},
	{"ORDER_CONFIRMATION", "An order was confirmed", "USER", []string{fulfillReadScope, fulfillScope}, false},
}

func topicNamed(id string) *topic {
	i := slices.IndexFunc(topics, func(t topic) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return &topics[i]
}

func (t topic) view() map[string]any {
	return map[string]any{
		"topicId": t.id, "description": t.description, "status": "ENABLED", "context": "COMMERCE", "scope": t.scope, "authorizationScopes": t.scopes,
		"supportedPayloads": []any{map[string]any{"schemaVersion": "1.0", "format": []any{"JSON"}, "deliveryProtocol": "HTTPS", "deprecated": false}},
	}
}

var (
	switched         = one("ENABLED", "DISABLED")
	destinationShape = shape{
		"name!": full(64), "status!": switched,
		"deliveryConfig!": object(shape{
			"endpoint!": as(195007, full(2048)), "verificationToken!": as(195008, pattern(`^[A-Za-z0-9_-]{32,80}$`, "must have 32 to 80 letters, digits, _ and -")),
		}),
	}
	payloadShape    = object(shape{"format!": one("JSON"), "schemaVersion!": full(10), "deliveryProtocol!": one("HTTPS")})
	subscriptionPut = shape{"status!": switched, "destinationId!": full(50), "payload!": payloadShape}
	subscriptionNew = subscriptionPut.with(shape{"topicId!": full(100)})
)

func (s *Simulator) noticeOperations() []operation {
	const destinations, subscriptions = "/destination", "/subscription"
	public, own := []string{publicScope}, []string{publicScope, subscriptionScope}
	read := append(own, subscriptionRdScope)
	operations := []operation{
		{name: "getConfig", method: "GET", path: "/config", application: true, scopes: public, do: func(call) (answer, *problem) {
			if s.alertMail == "" {
				return answer{}, absent(195003, "There is no configuration.")
			}
			return ok(map[string]any{"alertEmail": s.alertMail}), nil
		}},
		{name: "putConfig", method: "PUT", path: "/config", application: true, scopes: public, body: shape{"alertEmail!": as(195004, pattern(`^[^@\s]+@[^@\s]+\.[^@\s]+$`, "must be an address of e-mail"))}, do: func(c call) (answer, *problem) {
			s.alertMail = str(c.body["alertEmail"])
			return done, nil
		}},
		{name: "getTopics", method: "GET", path: "/topic", application: true, scopes: public, do: func(c call) (answer, *problem) {
			all := []any{}
			for _, t := range topics {
				all = append(all, t.view())
			}
			return noticePage(c, "topics", all)
		}},
		{name: "getTopic", method: "GET", path: "/topic/{id}", application: true, scopes: public, do: func(c call) (answer, *problem) {
			t := topicNamed(c.path("id"))
			if t == nil {
				return answer{}, absent(195001, "The topic could not be found.").with("topicId", c.path("id"))
			}
			return ok(t.view()), nil
		}},
		{name: "getPublicKey", method: "GET", path: "/public_key/{kid}", application: true, scopes: public, do: func(c call) (answer, *problem) {
			if c.path("kid") != keyID {
				return answer{}, absent(195002, "The key could not be found.")
			}
			der, err := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
			if err != nil {
				return answer{}, &problem{status: http.StatusInternalServerError, id: 195000, message: err.Error()}
			}
			return ok(map[string]any{"key": "-----BEGIN PUBLIC KEY-----" + base64.StdEncoding.EncodeToString(der) + "-----END PUBLIC KEY-----", "algorithm": "ECDSA", "digest": "SHA1"}), nil
		}},
		{name: "createDestination", method: "POST", path: destinations, application: true, scopes: public, body: destinationShape, do: func(c call) (answer, *problem) {
			id := s.next()
			if p := s.setDestination(c, id); p != nil {
				return answer{}, p
			}
			return answer{status: http.StatusCreated, header: map[string]string{"Location": notificationAPI.path + destinations + "/" + id}}, nil
		}},
		{name: "getDestinations", method: "GET", path: destinations, application: true, scopes: public, do: func(c call) (answer, *problem) {
			all := []any{}
			for _, id := range slices.Sorted(maps.Keys(s.destinations)) {
				all = append(all, s.destinationView(s.destinations[id]))
			}
			return noticePage(c, "destinations", all)
		}},
		{name: "getDestination", method: "GET", path: destinations + "/{id}", application: true, scopes: public, do: s.atDestination(func(_ call, d *destination) (answer, *problem) {
			return ok(s.destinationView(d)), nil
		})},
		{name: "putDestination", method: "PUT", path: destinations + "/{id}", application: true, scopes: public, body: destinationShape, do: s.atDestination(func(c call, d *destination) (answer, *problem) {
			if p := s.setDestination(c, d.id); p != nil {
				return answer{}, p
			}
			return done, nil
		})},
		{name: "deleteDestination", method: "DELETE", path: destinations + "/{id}", application: true, scopes: public, do: s.atDestination(func(_ call, d *destination) (answer, *problem) {
			for _, x := range s.subscriptions {
				if x.destination == d.id {
					return answer{}, conflict(195021, "The destination is in use.")
				}
			}
			delete(s.destinations, d.id)
			return done, nil
		})},
		{name: "createSubscription", method: "POST", path: subscriptions, scopes: own, body: subscriptionNew, do: func(c call) (answer, *problem) {
			for _, x := range s.subscriptions {
				if x.topic == str(c.body["topicId"]) {
					return answer{}, conflict(195012, "The topic is subscribed to.").with("subscriptionId", x.id)
				}
			}
			x := &subscription{id: s.next(), topic: str(c.body["topicId"]), created: s.Clock.Now()}
			if p := s.setSubscription(c, x); p != nil {
				return answer{}, p
			}
			s.subscriptions[x.id] = x
			return answer{status: http.StatusCreated, header: map[string]string{"Location": notificationAPI.path + subscriptions + "/" + x.id}}, nil
		}},
		{name: "getSubscriptions", method: "GET", path: subscriptions, scopes: read, do: func(c call) (answer, *problem) {
			all := []any{}
			for _, id := range slices.Sorted(maps.Keys(s.subscriptions)) {
				all = append(all, s.subscriptions[id].view())
			}
			return noticePage(c, "subscriptions", all)
		}},
		{name: "getSubscription", method: "GET", path: subscriptions + "/{id}", scopes: read, do: s.atSubscription(func(_ call, x *subscription) (answer, *problem) { return ok(x.view()), nil })},
		{name: "putSubscription", method: "PUT", path: subscriptions + "/{id}", scopes: own, body: subscriptionPut, do: s.atSubscription(func(c call, x *subscription) (answer, *problem) {
			if p := s.setSubscription(c, x); p != nil {
				return answer{}, p
			}
			return done, nil
		})},
		{name: "deleteSubscription", method: "DELETE", path: subscriptions + "/{id}", scopes: own, do: s.atSubscription(func(_ call, x *subscription) (answer, *problem) {
			delete(s.subscriptions, x.id)
			return done, nil
		})},
		{name: "testSubscription", method: "POST", path: subscriptions + "/{id}/test", scopes: own, do: s.atSubscription(func(_ call, x *subscription) (answer, *problem) {
			d := s.destinations[x.destination]
			if x.status != "ENABLED" || !s.reachable(d) {
				return answer{}, conflict(195015, "The subscription or its destination is not enabled.")
			}
			m, err := s.notice(d.endpoint, x.topic, s.next(), map[string]any{"test": true})
			if err != nil {
				return answer{}, &problem{status: http.StatusInternalServerError, id: 195000, message: err.Error()}
			}
			return answer{status: http.StatusAccepted, messages: []sim.Message{m}}, nil
		})},
	}
	for action, status := range map[string]string{"enable": "ENABLED", "disable": "DISABLED"} {
		operations = append(operations, operation{name: action + "Subscription", method: "POST", path: subscriptions + "/{id}/" + action, scopes: own, do: s.atSubscription(func(_ call, x *subscription) (answer, *problem) {
			if status == "ENABLED" && !s.reachable(s.destinations[x.destination]) {
				return answer{}, conflict(195014, "The destination is not enabled.")
			}
			x.status = status
			return done, nil
		})})
	}
	for i := range operations {
		operations[i].api = notificationAPI
	}
	return operations
}

func (s *Simulator) atDestination(do func(call, *destination) (answer, *problem)) func(call) (answer, *problem) {
	return func(c call) (answer, *problem) {
		d := s.destinations[c.path("id")]
		if d == nil {
			return answer{}, absent(195013, "The destination could not be found.").with("destinationId", c.path("id"))
		}
		return do(c, d)
	}
}

func (s *Simulator) atSubscription(do func(call, *subscription) (answer, *problem)) func(call) (answer, *problem) {
	return func(c call) (answer, *problem) {
		x := s.subscriptions[c.path("id")]
		if x == nil {
			return answer{}, absent(195022, "The subscription could not be found.").with("subscriptionId", c.path("id"))
		}
		if p := tokenFor(c, topicNamed(x.topic)); p != nil {
			return answer{}, p
		}
		return do(c, x)
	}
}

// tokenFor tells whether a token is of the kind that a topic needs: the seller's or
// the application's.
func tokenFor(c call, t *topic) *problem {
	if (t.scope == "APPLICATION") == c.token.application && (c.token.application || c.token.has(subscriptionScope) || c.token.has(subscriptionRdScope)) {
		return nil
	}
	return access(http.StatusForbidden, 1100, "Insufficient permissions to fulfill the request.")
}

// noticePage cuts a list: 10 to 100 a page, with a token for the next.
func noticePage(c call, name string, all []any) (answer, *problem) {
	q, limit, from := c.r.URL.Query(), 20, 0
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 10 || n > 100 {
			return answer{}, bad(195009, "Invalid value for limit: it must be 10 to 100.")
		}
		limit = n
	}
	if token := q.Get("continuation_token"); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		n, bad2 := strconv.Atoi(string(raw))
		if err != nil || bad2 != nil || n < 0 || n > len(all) {
			return answer{}, bad(195010, "Invalid value for continuation_token.")
		}
		from = n
	}
	to := min(from+limit, len(all))
	out := map[string]any{name: all[from:to], "limit": limit, "total": len(all), "href": c.r.URL.String()}
	if to < len(all) {
		q.Set("limit", strconv.Itoa(limit))
		q.Set("continuation_token", base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to))))
		out["next"] = c.r.URL.Path + "?" + q.Encode()
	}
	return ok(out), nil
}

func (s *Simulator) destinationView(d *destination) map[string]any {
	status := d.status
	if s.down(d) {
		status = "MARKED_DOWN"
	}
	return map[string]any{
		"destinationId": d.id, "name": d.name, "status": status,
		"deliveryConfig": map[string]any{"endpoint": d.endpoint, "verificationToken": d.challenge},
	}
}

// down reports whether a notice has found no way to a destination since it was set
// up, for as long as the vendor tries.
func (s *Simulator) down(d *destination) bool {
	all := s.Webhooks.Deliveries()
	return slices.ContainsFunc(all[min(d.begun, len(all)):], func(x sim.Delivery) bool { return x.URL == d.endpoint && x.State == sim.Failed })
}

func (s *Simulator) reachable(d *destination) bool {
	return d != nil && d.status == "ENABLED" && !s.down(d)
}

// setDestination sets a destination up, if it passes the challenge.
func (s *Simulator) setDestination(c call, id string) *problem {
	endpoint, token := str(at(c.body, "deliveryConfig", "endpoint")), str(at(c.body, "deliveryConfig", "verificationToken"))
	address, err := url.Parse(endpoint)
	switch {
	case s.alertMail == "":
		return bad(195003, "There is no configuration: an address for alerts is needed first.")
	case err != nil || address.Host == "" || address.Scheme != "https" && (address.Scheme != "http" || !s.o.PlainEndpoints):
		return bad(195007, "Invalid value for endpoint: it must be an https address.").with("field", "endpoint")
	}
	for _, d := range s.destinations {
		if d.id != id && d.endpoint == endpoint {
			return conflict(195024, "There is a destination with this endpoint.").with("destinationId", d.id)
		}
	}
	code := s.next()
	s.mu.Unlock() // the endpoint may call the APIs
	err = challenge(c.r.Context(), address, endpoint, code, token)
	s.mu.Lock()
	if err != nil {
		return conflict(195020, "The challenge has failed: %v", err).with("endpoint", endpoint)
	}
	s.destinations[id] = &destination{id, str(c.body["name"]), str(c.body["status"]), endpoint, token, len(s.Webhooks.Deliveries())}
	return nil
}

// patience is how long an endpoint may take to answer a challenge.
const patience = 3 * time.Second

// challenge asks an endpoint to prove that it knows the token: it must answer the
// hash of code, token and endpoint.
func challenge(ctx context.Context, address *url.URL, endpoint, code, token string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := address.Query()
	q.Set("challenge_code", code)
	asked := *address
	asked.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, asked.String(), nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return err
	}
	var reply struct {
		Response string `json:"challengeResponse"`
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	sum := sha256.Sum256([]byte(code + token + endpoint))
	switch {
	case res.StatusCode != http.StatusOK || kind != "application/json":
		return fmt.Errorf("status %d, type %q", res.StatusCode, kind)
	case json.Unmarshal(raw, &reply) != nil || reply.Response != hex.EncodeToString(sum[:]):
		return fmt.Errorf("the response is wrong")
	}
	return nil
}

// setSubscription takes what a subscription is to be.
func (s *Simulator) setSubscription(c call, x *subscription) *problem {
	t, d := topicNamed(x.topic), s.destinations[str(c.body["destinationId"])]
	switch {
	case t == nil:
		return absent(195001, "The topic could not be found.").with("topicId", x.topic)
	case t.restricted:
		return (&problem{status: http.StatusForbidden, id: 195011, message: "The application is not granted the topic."}).with("topicId", t.id)
	case tokenFor(c, t) != nil:
		return tokenFor(c, t)
	case s.alertMail == "":
		return bad(195003, "There is no configuration: an address for alerts is needed first.")
	case d == nil:
		return absent(195013, "The destination could not be found.").with("destinationId", str(c.body["destinationId"]))
	case at(c.body, "payload", "schemaVersion") != "1.0":
		return bad(195017, "Invalid value for schemaVersion.").with("field", "schemaVersion")
	case c.body["status"] == "ENABLED" && !s.reachable(d):
		return conflict(195014, "The destination is not enabled.")
	}
	x.destination, x.status = d.id, str(c.body["status"])
	x.payload, _ = c.body["payload"].(map[string]any)
	return nil
}

func (x *subscription) view() map[string]any {
	return map[string]any{
		"subscriptionId": x.id, "topicId": x.topic, "destinationId": x.destination, "status": x.status, "payload": x.payload, "creationDate": stamp(x.created),
	}
}

// BadSignature is the code of a fault "outcome" on a notice: its signature is of
// something else. Notices are operations called notice/ and their topic; faults of
// webhooks strike them too.
const BadSignature = "bad_signature"

// Publish sends a notice of a topic to the destination that subscribes to it, as
// faults allow, and returns the ids of what it has queued. The deletion of accounts
// goes to all destinations.
func (s *Simulator) Publish(topic string, data map[string]any) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if topicNamed(topic) == nil {
		return nil, fmt.Errorf("there is no topic %q", topic)
	}
	return s.publish(topic, data), nil
}

func (s *Simulator) publish(topic string, data map[string]any) (ids []string) {
	targets := []*destination{}
	for _, id := range slices.Sorted(maps.Keys(s.destinations)) {
		if topic == "MARKETPLACE_ACCOUNT_DELETION" && s.reachable(s.destinations[id]) {
			targets = append(targets, s.destinations[id])
		}
	}
	for _, x := range s.subscriptions {
		if d := s.destinations[x.destination]; x.topic == topic && topic != "MARKETPLACE_ACCOUNT_DELETION" && x.status == "ENABLED" && s.reachable(d) {
			targets = append(targets, d)
		}
	}
	for _, d := range targets {
		m, err := s.notice(d.endpoint, topic, "", data)
		if err != nil {
			continue // of data that is no JSON: it is ours
		}
		plan := s.Faults.Plan("notice/"+topic, string(m.Body))
		if f, strikes := plan.Find(sim.Outcome); strikes && f.Code == BadSignature {
			sign := m.Sign
			m.Sign = func(now time.Time) http.Header {
				h := sign(now)
				h.Set("X-EBAY-SIGNATURE", s.signature([]byte("something else")))
				return h
			}
		}
		s.Webhooks.Send(plan, m)
		ids = append(ids, m.ID)
	}
	return ids
}

// notice makes a signed notice; without an id it gets one.
func (s *Simulator) notice(address, topic, id string, data map[string]any) (sim.Message, error) {
	now := s.Clock.Now()
	if id == "" {
		sum := sha256.Sum256([]byte(s.next()))
		h := hex.EncodeToString(sum[:16])
		id = strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	}
	body := func(attempt int) ([]byte, error) {
		return json.Marshal(map[string]any{
			"metadata": map[string]any{"topic": topic, "schemaVersion": "1.0", "deprecated": false},
			"notification": map[string]any{
				"notificationId": id, "eventDate": stamp(now), "publishDate": stamp(now), "publishAttemptCount": attempt, "data": data,
			},
		})
	}
	raw, err := body(1)
	if err != nil {
		return sim.Message{}, err
	}
	header := func(raw []byte) http.Header { return http.Header{"X-Ebay-Signature": {s.signature(raw)}} }
	return sim.Message{
		ID: id, Type: topic, URL: address, Body: raw,
		Sign: func(time.Time) http.Header { return header(raw) },
		Again: func(attempt int) ([]byte, http.Header) {
			again, _ := body(attempt) // as the first was
			return again, header(again)
		},
	}, nil
}

// signature is the header over a body: it can be repeated.
func (s *Simulator) signature(body []byte) string {
	sum := sha1.Sum(body)                               // #nosec: as above
	signed, err := s.key.Sign(nil, sum[:], crypto.SHA1) // without randomness, by RFC 6979
	if err != nil {
		panic(err) // the key is ours
	}
	header, _ := json.Marshal(map[string]any{"alg": "ecdsa", "kid": keyID, "signature": base64.StdEncoding.EncodeToString(signed), "digest": "SHA1"}) // texts only
	return base64.StdEncoding.EncodeToString(header)
}

// Notify sends a signed notice to an address now, subscribed to or not, and returns
// the status of the reply.
func (s *Simulator) Notify(ctx context.Context, address, topic, id string, data map[string]any) (int, error) {
	s.mu.Lock()
	m, err := s.notice(address, topic, id, data)
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(m.Body))
	if err != nil {
		return 0, err
	}
	r.Header = m.Sign(s.Clock.Now())
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}
