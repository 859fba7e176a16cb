// Package authorizenet simulates the JSON API of Authorize.Net: cards, eChecks,
// one-time tokens, customer profiles, settlement, lists and webhooks, with the
// trigger values of the vendor's sandbox and with faults that can be switched
// on. Tests start it in their process; the program authorizenet-sim beside it
// serves it on a port. It books no money.
//
// It was written from the facts about the vendor's API alone, by another hand
// than the shop's client, which its author did not read: where both agree, they
// agree because the facts say so. It must not import the client, nor any other
// package of the shop except the clock.
//
// What the vendor's schema does not allow is refused as the vendor does it.
// What is recalled of the vendor rather than documented is an option.
package authorizenet

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// Path is where the API is served.
const Path = "/xml/v1/request.api"

var bom = []byte("\xef\xbb\xbf")

// Options say which merchant account is simulated.
type Options struct {
	sim.Options
	LoginID, TransactionKey string
	// SignatureKey is the 128 hexadecimal digits with which webhooks are signed.
	SignatureKey string
	// Webhooks are the URLs that are told of payments.
	Webhooks []string

	// Currency is the account's only one; "" is USD.
	Currency string
	// FirstTransID is the id of the first transaction; 0 is 60000000001.
	// Ids must not repeat if the shop outlives the simulator.
	FirstTransID int64
	// CutOff is the time of day, in UTC, at which the day's captures settle.
	CutOff time.Duration
	// AuthorizationDays is how long an authorization holds; 0 is 30.
	AuthorizationDays int
	// RefundDays is how long after its settlement a charge can be refunded; 0
	// is 120.
	RefundDays int
	// ListLag is how long it takes until a transaction is in the lists.
	ListLag time.Duration
	// PartialHeld makes a partial approval response code 4 with reason 295,
	// as some processors do, rather than 1.
	PartialHeld bool
	// ExpandedCredits allows refunds without the original transaction.
	ExpandedCredits bool
	// NoDetails switches the account's Transaction Details API off.
	NoDetails bool
	// TestMode is the account's: nothing is stored, and Visa 4222222222222
	// with amount N.00 ends with reason N.
	TestMode bool
	// RejectAVS and RejectCVV are the letters that the account's filters
	// decline.
	RejectAVS, RejectCVV string
}

// A Simulator is one merchant account. It is an http.Handler of the vendor's
// API and, below /_sim/, of its own administration. It is safe for concurrent
// use.
type Simulator struct {
	*sim.Control
	o     Options
	admin *http.ServeMux

	mu           sync.Mutex
	random       *rand.Rand
	lastID       int64
	ticked       time.Time
	transactions []*transaction
	lapsed       int // so many of them are too old to expire any more
	byID         map[string]*transaction
	recent       map[string]*transaction // by what makes a duplicate
	batches      []*batch
	groups       map[string]*splitGroup
	nonces       map[string]nonce
	customers    map[string]*customer
}

// New returns a simulator of a new account.
func New(o Options) *Simulator {
	o.Currency = cmp.Or(o.Currency, "USD")
	o.AuthorizationDays = cmp.Or(o.AuthorizationDays, 30)
	o.RefundDays = cmp.Or(o.RefundDays, 120)
	o.FirstTransID = cmp.Or(o.FirstTransID, 60_000_000_001)
	s := &Simulator{
		o:         o,
		random:    rand.New(rand.NewPCG(o.Seed, 1)),
		lastID:    o.FirstTransID - 1,
		byID:      map[string]*transaction{},
		recent:    map[string]*transaction{},
		groups:    map[string]*splitGroup{},
		nonces:    map[string]nonce{},
		customers: map[string]*customer{},
	}
	s.Control = sim.NewControl(o.Options, retries, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tick(s.Clock.Now())
	})
	s.ticked = s.Clock.Now()
	s.admin = s.Admin()
	s.admin.HandleFunc("POST /_sim/settle", func(w http.ResponseWriter, _ *http.Request) {
		sim.JSON(w, map[string]any{"transactions": s.Settle()})
	})
	s.admin.HandleFunc("POST /_sim/nonces", func(w http.ResponseWriter, r *http.Request) {
		var in Card
		if sim.Decode(w, r, &in) {
			sim.JSON(w, map[string]string{"dataDescriptor": acceptDescriptor, "dataValue": s.Nonce(in)})
		}
	})
	return s
}

// retries is the vendor's schedule: three attempts three minutes apart, three
// eight hours apart, four 48 hours apart, ten in all.
var retries = []time.Duration{
	3 * time.Minute, 3 * time.Minute, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour,
	48 * time.Hour, 48 * time.Hour, 48 * time.Hour, 48 * time.Hour,
}

const maxBody = 1 << 20

// ServeHTTP answers the vendor's API and the administration.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/_sim/"):
		s.admin.ServeHTTP(w, r)
	case r.URL.Path != Path:
		http.NotFound(w, r)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "", http.StatusMethodNotAllowed)
	default:
		s.serveAPI(w, r)
	}
}

func (s *Simulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "", http.StatusRequestEntityTooLarge)
		return
	}
	req, err := parse(body)
	operation := ""
	if err == nil {
		operation = req.name
		if kind := req.at("transactionRequest", "transactionType"); kind != "" {
			operation += "/" + kind
		}
	}
	plan := s.Faults.Plan(operation, string(body))
	s.Answer(w, r, sim.Exchange{
		Plan: plan,
		Work: func() (sim.Reply, []sim.Message) {
			media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
			switch {
			case media != "application/json":
				return reply(nil, req.at("refId"), refuse("E00002", "The content-type specified is not supported.")), nil
			case err != nil:
				return reply(nil, "", refuse("E00003", err.Error())), nil
			}
			c := call{s: s, req: req, plan: plan}
			out, err := c.do()
			return reply(out, req.at("refId"), err), c.messages
		},
		Refuse: func(status int, _ sim.Fault) sim.Reply {
			return sim.Reply{Status: status, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html><body>" + http.StatusText(status) + "</body></html>")}
		},
	})
}

// A message is one of the outer messages.
type message struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// reply makes the envelope: status 200 whatever happened, and a byte-order mark.
func reply(out map[string]any, refID string, err error) sim.Reply {
	if out == nil {
		out = map[string]any{}
	}
	result, text := "Ok", message{"I00001", "Successful."}
	if m, ok := out["messages"].(message); ok {
		text = m
	}
	var refused *apiError
	if errors.As(err, &refused) {
		result, text = "Error", message{refused.code, refused.text}
	}
	out["messages"] = map[string]any{"resultCode": result, "message": []message{text}}
	if refID != "" {
		out["refId"] = refID
	}
	body, err := json.Marshal(out)
	if err != nil {
		panic(err) // everything in a reply can be marshalled
	}
	return sim.Reply{
		Status: http.StatusOK,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		Body:   append(bom[:len(bom):len(bom)], body...),
	}
}

// A call is a request that is being done, with the lock held.
type call struct {
	s        *Simulator
	req      *node
	plan     sim.Plan
	now      time.Time
	messages []sim.Message
}

// do checks the request against the schema and the credentials and runs it.
func (c *call) do() (map[string]any, error) {
	schema, ok := methods[c.req.name]
	if !ok {
		return nil, refuse("E00004", "The name of the requested API method is invalid.")
	}
	if wrong := validate(c.req, schema); wrong != "" {
		return nil, refuse("E00003", wrong)
	}
	if err := c.authenticate(); err != nil {
		return nil, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.now = c.s.Clock.Now()
	c.s.tick(c.now)
	switch c.req.name {
	case "createTransactionRequest":
		return c.createTransaction()
	case "updateHeldTransactionRequest":
		return c.updateHeld()
	case "updateSplitTenderGroupRequest":
		return c.updateSplitGroup()
	case "getTransactionDetailsRequest", "getUnsettledTransactionListRequest", "getSettledBatchListRequest",
		"getTransactionListRequest", "getTransactionListForCustomerRequest":
		if c.s.o.NoDetails {
			return nil, errNoAccess
		}
		return c.report()
	case "authenticateTestRequest":
		return nil, nil
	}
	return c.profile()
}

func (c *call) authenticate() error {
	auth := c.req.child("merchantAuthentication")
	switch {
	case auth.at("name") == "":
		return refuse("E00006", "Either the API user name is invalid or not present.")
	case auth.at("transactionKey") == "":
		return refuse("E00005", "The transaction key is invalid or not present.")
	case !same(auth.at("name"), c.s.o.LoginID) || !same(auth.at("transactionKey"), c.s.o.TransactionKey):
		return errSignature
	}
	return nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// nextID returns the next id of any kind.
func (s *Simulator) nextID() string {
	s.lastID++
	return fmt.Sprint(s.lastID)
}

// word returns n random letters and digits.
func (s *Simulator) word(n int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[s.random.IntN(len(letters))]
	}
	return string(b)
}

func (s *Simulator) uuid() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", s.random.Uint32(), s.random.IntN(1<<16), s.random.IntN(1<<12), s.random.IntN(1<<12), s.random.Int64N(1<<48))
}

// notify queues a webhook about a transaction.
func (c *call) notify(event string, t *transaction, amount cents) {
	if len(c.s.o.Webhooks) == 0 {
		return
	}
	payload := map[string]any{
		"responseCode": t.responseCode, "authCode": t.authCode, "avsResponse": t.avs, "authAmount": amount,
		"merchantReferenceId": c.req.at("refId"), "invoiceNumber": t.invoice, "entityName": "transaction", "id": t.id,
	}
	if t.reason == 252 || t.reason == 253 || t.reason == 254 {
		payload["fraudList"] = []map[string]string{{"fraudFilter": filterName, "fraudAction": t.filterAction()}}
	}
	id := c.s.uuid()
	for _, url := range c.s.o.Webhooks {
		body, err := json.Marshal(map[string]any{
			"notificationId": id, "eventType": "net.authorize.payment." + event, "eventDate": c.now.Format("2006-01-02T15:04:05.0000000Z"),
			"webhookId": webhookID(url), "payload": payload,
		})
		if err != nil {
			panic(err) // all of it can be marshalled
		}
		c.messages = append(c.messages, sim.Message{ID: id, Type: event, URL: url, Body: body, Sign: func(time.Time) http.Header {
			return http.Header{"X-Anet-Signature": {"sha512=" + c.s.sign(body)}, "X-Request-Id": {id}}
		}})
	}
}

// sign makes the signature of a webhook: the key is the hexadecimal digits
// themselves, and nothing of the time is signed.
func (s *Simulator) sign(body []byte) string {
	mac := hmac.New(sha512.New, []byte(s.o.SignatureKey))
	mac.Write(body)
	return fmt.Sprintf("%X", mac.Sum(nil))
}

// webhookID is the id of the webhook with that URL.
func webhookID(url string) string {
	sum := sha512.Sum512([]byte(url))
	return fmt.Sprintf("%x-%x-4%03x-8%03x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
