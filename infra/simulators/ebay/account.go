package ebay

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" // #nosec: the vendor signs over SHA-1
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// policyID is the id of the one policy of a kind.
func policyID(kind string) string { return "1000" + kind }

// keyID is the id of the key with which notices are signed.
const keyID = "9936261a-7d7b-4621-a0f1-964e5a5ddd5a"

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // the system has no randomness left
	}
	return key
}

func (s *Simulator) accountRoutes() {
	for _, kind := range []string{"fulfillment", "payment", "return"} {
		s.handle("account", "get"+kind+"Policies", "GET /sell/account/v1/"+kind+"_policy", false, func(c call) (answer, *problem) {
			if c.r.URL.Query().Get("marketplace_id") == "" {
				return answer{}, bad(20401, "marketplace_id is missing")
			}
			return ok(map[string]any{"total": 1, kind + "Policies": []any{map[string]any{kind + "PolicyId": policyID(kind), "name": "Standard", "marketplaceId": c.r.URL.Query().Get("marketplace_id")}}}), nil
		})
	}
	s.handle("notification", "getPublicKey", "GET /commerce/notification/v1/public_key/{kid}", false, func(c call) (answer, *problem) {
		if c.r.PathValue("kid") != keyID {
			return answer{}, &problem{status: http.StatusNotFound, id: 195002, message: "no such key"}
		}
		der, err := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
		if err != nil {
			return answer{}, bad(195000, "%v", err)
		}
		return ok(map[string]any{"key": "-----BEGIN PUBLIC KEY-----" + base64.StdEncoding.EncodeToString(der) + "-----END PUBLIC KEY-----", "algorithm": "ECDSA", "digest": "SHA1"}), nil
	})
	s.handle("developer", "getUserRateLimits", "GET /developer/analytics/v1_beta/user_rate_limit/", false, func(c call) (answer, *problem) {
		api := c.r.URL.Query().Get("api_name")
		now := s.Clock.Now().In(s.pacific)
		midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, s.pacific)
		return ok(map[string]any{"rateLimits": []any{map[string]any{"apiContext": "sell", "apiName": api, "apiVersion": "v1", "resources": []any{
			map[string]any{"name": "sell." + api, "rates": []any{map[string]any{
				"limit": s.quota(api), "remaining": s.quota(api) - s.used[api], "reset": stamp(midnight), "timeWindow": 86400,
			}}},
		}}}}), nil
	})
}

// Notify sends a signed notice to an address and returns the status of the reply.
func (s *Simulator) Notify(ctx context.Context, address, topic, id string, data map[string]any) (int, error) {
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"topic": topic, "schemaVersion": "1.0", "deprecated": false},
		"notification": map[string]any{
			"notificationId": id, "eventDate": stamp(s.Clock.Now()), "publishDate": stamp(s.Clock.Now()), "publishAttemptCount": 1, "data": data,
		},
	})
	if err != nil {
		return 0, err
	}
	sum := sha1.Sum(body) // #nosec: as above
	signature, err := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	if err != nil {
		return 0, err
	}
	header, err := json.Marshal(map[string]any{"alg": "ecdsa", "kid": keyID, "signature": base64.StdEncoding.EncodeToString(signature), "digest": "SHA1"})
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-EBAY-SIGNATURE", base64.StdEncoding.EncodeToString(header))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

// Usage is what the application has called.
type Usage struct {
	Calls   int64            `json:"calls"`   // of the APIs, in all
	By      map[string]int64 `json:"by"`      // by operation
	Today   map[string]int64 `json:"today"`   // by API
	Limit   int64            `json:"limit"`   // of all APIs, a day
	Refused int64            `json:"refused"` // for a quota or the limit of revisions
}

// Usage returns what the application has called.
func (s *Simulator) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := Usage{By: map[string]int64{}, Today: map[string]int64{}, Refused: s.refused}
	for operation, n := range s.calls {
		u.By[operation] = n
		u.Calls += n
	}
	for api, n := range s.used {
		u.Today[api] = n
	}
	for api := range defaultQuotas {
		u.Limit += s.quota(api)
	}
	return u
}

// Sold returns how many pieces of each SKU are in orders that were not called off.
func (s *Simulator) Sold() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int64{}
	for _, o := range s.orders {
		if o.cancel == "NONE_REQUESTED" {
			for _, l := range o.lines {
				out[l.sku] += l.qty
			}
		}
	}
	return out
}

// Orders returns the ids of all orders that are paid, and how many shipments each
// has.
func (s *Simulator) Orders() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for _, o := range s.orders {
		if o.payment != "PENDING" {
			out[o.id] = len(o.shipments)
		}
	}
	return out
}

// admin adds what tests and operators handle below /_sim/.
func (s *Simulator) admin() {
	s.all.HandleFunc("GET /_sim/listings", func(w http.ResponseWriter, _ *http.Request) { sim.JSON(w, map[string]any{"listings": s.Offered()}) })
	s.all.HandleFunc("GET /_sim/usage", func(w http.ResponseWriter, _ *http.Request) { sim.JSON(w, s.Usage()) })
	s.all.HandleFunc("GET /_sim/orders", func(w http.ResponseWriter, _ *http.Request) { sim.JSON(w, map[string]any{"orders": s.Orders()}) })
	s.all.HandleFunc("POST /_sim/consent", func(w http.ResponseWriter, _ *http.Request) { sim.JSON(w, map[string]any{"code": s.Grant()}) })
	s.all.HandleFunc("DELETE /_sim/consent", func(w http.ResponseWriter, _ *http.Request) {
		s.Revoke()
		w.WriteHeader(http.StatusNoContent)
	})
	s.all.HandleFunc("POST /_sim/orders", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Buyer  string   `json:"buyer"`
			Unpaid bool     `json:"unpaid"`
			Lines  []Wanted `json:"lines"`
		}
		if !sim.Decode(w, r, &in) {
			return
		}
		id, err := s.Buy(in.Buyer, !in.Unpaid, in.Lines...)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		sim.JSON(w, map[string]any{"orderId": id})
	})
	for action, fn := range map[string]func(string){"pay": s.Pay, "cancel": s.Cancel} {
		s.all.HandleFunc(fmt.Sprintf("POST /_sim/orders/{id}/%s", action), func(w http.ResponseWriter, r *http.Request) {
			fn(r.PathValue("id"))
			w.WriteHeader(http.StatusNoContent)
		})
	}
	s.all.HandleFunc("DELETE /_sim/listings/{sku}", func(w http.ResponseWriter, r *http.Request) {
		s.EndListing(r.PathValue("sku"))
		w.WriteHeader(http.StatusNoContent)
	})
}
