// Package webhook tells merchants' own programs what happens in their shop. It
// owns the tables webhook_endpoints and webhook_deliveries.
//
// A message is signed as the Standard Webhooks specification says
// (https://www.standardwebhooks.com): the headers webhook-id, webhook-timestamp
// and webhook-signature, and a body {"type", "timestamp", "data"} whose data are
// the event's. It is sent at least once: its delivery is written in the
// transaction that records the event as consumed, and keeps its id over all
// attempts, by which receivers drop a second copy. The order of messages is not
// promised.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/seal"
	"github.com/rackless/rackless/shared/txn"
)

// overlap is how long messages are signed with the old secret as well after it was
// rotated.
const overlap = 24 * time.Hour

// maxEndpoints bounds the endpoints of a shop: each multiplies its messages.
const maxEndpoints = 20

// Endpoint is where messages are sent.
type Endpoint struct {
	ID           string     `json:"id" db:"endpoint_id"`
	URL          string     `json:"url" db:"url"`
	Types        []string   `json:"types" db:"types"` // such as order.confirmed.v1; empty: all
	Enabled      bool       `json:"enabled" db:"enabled"`
	Reason       string     `json:"reason,omitempty" db:"reason"`               // why it is not
	FailingSince *time.Time `json:"failing_since,omitempty" db:"failing_since"` // no delivery has succeeded since
	CreatedAt    time.Time  `json:"created_at" db:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at" db:"updated_at"`
	Secret       string     `json:"secret,omitempty" db:"-"` // whsec_…: shown when it is made, and never again
}

// Location is where the endpoint is changed.
func (e Endpoint) Location() string { return "/v1/endpoints/" + e.ID }

const endpointColumns = `endpoint_id, url, types, enabled, reason, failing_since, created_at, updated_at`

// secret is one with which messages are signed.
type secret struct {
	Key   []byte     `json:"key"`
	Until *time.Time `json:"until,omitempty"` // it was replaced, and signs until then
}

func newSecret() secret {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return secret{Key: key}
}

func (s secret) String() string   { return "secret" }
func (s secret) GoString() string { return "secret" }

// text is the secret as receivers configure it.
func (s secret) text() string { return "whsec_" + base64.StdEncoding.EncodeToString(s.Key) }

// Sign returns the header webhook-signature of a message.
func sign(secrets []secret, id string, at time.Time, body []byte) string {
	var all []string
	for _, s := range secrets {
		if s.Until != nil && !at.Before(*s.Until) {
			continue
		}
		mac := hmac.New(sha256.New, s.Key)
		fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// Endpoints are the operations on endpoints; keys seal their secrets.
type Endpoints struct {
	Keys seal.Keys
	// Insecure allows plain HTTP and any port, for development.
	Insecure bool
}

// CreateInput adds an endpoint.
type CreateInput struct {
	URL   string   `json:"url"`
	Types []string `json:"types,omitempty"` // such as order.confirmed.v1; none: all
}

// Validate refuses types that there are not.
func (in CreateInput) Validate() error {
	var f fault.Fields
	checkTypes(&f, in.Types)
	f.Check(in.URL != "", "/url", "must be an https address")
	return f.Err()
}

func checkTypes(f *fault.Fields, types []string) {
	f.Check(len(types) <= len(Types), "/types", "must not be more than %d", len(Types))
	for i, t := range types {
		f.Check(slices.Contains(Types, t), "/types/"+strconv.Itoa(i), "must be one of %s", strings.Join(Types, ", "))
	}
}

// checkURL refuses addresses to which nothing is sent. Where the name leads is
// checked whenever a message is sent.
func (e Endpoints) checkURL(text string) error {
	var f fault.Fields
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || len(text) > 2000:
		f.Add("/url", "must be an https address, without user and fragment")
	case e.Insecure && u.Scheme == "http":
	case u.Scheme != "https":
		f.Add("/url", "must begin with https://")
	case !e.Insecure && u.Port() != "" && u.Port() != "443":
		f.Add("/url", "must be at the port 443")
	}
	return f.Err()
}

// Create adds an endpoint. Its secret is in the reply, and nowhere else again.
func (e Endpoints) Create(ctx context.Context, tx *txn.Tx, in CreateInput) (Endpoint, error) {
	if err := e.checkURL(in.URL); err != nil {
		return Endpoint{}, err
	}
	var there int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM webhook_endpoints WHERE shop_id = current_shop()`).Scan(&there); err != nil {
		return Endpoint{}, fmt.Errorf("count endpoints: %w", err)
	}
	if there >= maxEndpoints {
		return Endpoint{}, fault.New(fault.Conflict, "the shop has %d endpoints, which is the most", maxEndpoints)
	}
	s := newSecret()
	out := Endpoint{ID: ident.New(ident.Endpoint), URL: in.URL, Types: in.Types, Enabled: true, CreatedAt: tx.Now, UpdatedAt: tx.Now, Secret: s.text()}
	if out.Types == nil {
		out.Types = []string{}
	}
	sealed, err := e.seal(tx, out.ID, []secret{s})
	if err != nil {
		return Endpoint{}, err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO webhook_endpoints (endpoint_id, shop_id, url, types, secrets, created_at, updated_at)
		VALUES ($1, current_shop(), $2, $3, $4, $5, $5)`, out.ID, out.URL, out.Types, sealed, tx.Now)
	if err != nil {
		return Endpoint{}, fmt.Errorf("add an endpoint: %w", err)
	}
	return out, nil
}

func (e Endpoints) seal(tx *txn.Tx, id string, secrets []secret) ([]byte, error) {
	document, err := json.Marshal(secrets)
	if err != nil {
		return nil, errors.New("encode the secrets of an endpoint")
	}
	return e.Keys.Seal(document, place(tx.Shop, id))
}

func place(shop, endpoint string) string { return "webhook_endpoints " + shop + " " + endpoint }

func open(keys seal.Keys, shop, id string, sealed []byte) (secrets []secret, err error) {
	document, err := keys.Open(sealed, place(shop, id))
	if err != nil {
		return nil, fmt.Errorf("open the secrets of endpoint %s: %w", id, err)
	}
	if json.Unmarshal(document, &secrets) != nil {
		return nil, fmt.Errorf("the secrets of endpoint %s are not what was kept", id)
	}
	return secrets, nil
}

// UpdateInput changes an endpoint; what is not given stays.
type UpdateInput struct {
	ID      string    `json:"-" path:"id"`
	URL     *string   `json:"url,omitempty"`
	Types   *[]string `json:"types,omitempty"`
	Enabled *bool     `json:"enabled,omitempty"`
	Rotate  bool      `json:"rotate_secret,omitempty"` // a new secret; for a day messages are signed with both
}

// Validate refuses types that there are not.
func (in UpdateInput) Validate() error {
	var f fault.Fields
	if in.Types != nil {
		checkTypes(&f, *in.Types)
	}
	return f.Err()
}

// Update changes an endpoint.
func (e Endpoints) Update(ctx context.Context, tx *txn.Tx, in UpdateInput) (Endpoint, error) {
	out, sealed, err := find(ctx, tx, in.ID)
	if err != nil {
		return Endpoint{}, err
	}
	if in.URL != nil {
		if err := e.checkURL(*in.URL); err != nil {
			return Endpoint{}, err
		}
		out.URL = *in.URL
	}
	if in.Types != nil {
		out.Types = *in.Types
	}
	if in.Enabled != nil {
		out.Enabled, out.Reason, out.FailingSince = *in.Enabled, "", nil
		if !out.Enabled {
			out.Reason = "It was switched off by staff."
		}
	}
	if in.Rotate {
		old, err := open(e.Keys, tx.Shop, out.ID, sealed)
		if err != nil {
			return Endpoint{}, err
		}
		s := newSecret()
		old[0].Until = new(tx.Now.Add(overlap))
		if sealed, err = e.seal(tx, out.ID, []secret{s, old[0]}); err != nil {
			return Endpoint{}, err
		}
		out.Secret = s.text()
	}
	out.UpdatedAt = tx.Now
	_, err = tx.Exec(ctx, `
		UPDATE webhook_endpoints
		SET url = $2, types = $3, enabled = $4, reason = $5, failing_since = $6, secrets = $7, updated_at = $8
		WHERE endpoint_id = $1`, out.ID, out.URL, out.Types, out.Enabled, out.Reason, out.FailingSince, sealed, tx.Now)
	if err != nil {
		return Endpoint{}, fmt.Errorf("change an endpoint: %w", err)
	}
	return out, nil
}

func find(ctx context.Context, tx *txn.Tx, id string) (out Endpoint, sealed []byte, err error) {
	err = tx.QueryRow(ctx, `SELECT `+endpointColumns+`, secrets FROM webhook_endpoints WHERE endpoint_id = $1 FOR UPDATE`, id).
		Scan(&out.ID, &out.URL, &out.Types, &out.Enabled, &out.Reason, &out.FailingSince, &out.CreatedAt, &out.UpdatedAt, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return out, nil, fault.New(fault.NotFound, "there is no endpoint %s", id)
	}
	if err != nil {
		return out, nil, fmt.Errorf("load an endpoint: %w", err)
	}
	return out, sealed, nil
}

// DeleteInput names an endpoint.
type DeleteInput struct {
	ID string `json:"-" path:"id"`
}

// Delete removes an endpoint and its deliveries; nothing is sent to it any more.
func Delete(ctx context.Context, tx *txn.Tx, in DeleteInput) (struct{}, error) {
	tag, err := tx.Exec(ctx, `DELETE FROM webhook_endpoints WHERE endpoint_id = $1`, in.ID)
	if err != nil {
		return struct{}{}, fmt.Errorf("remove an endpoint: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return struct{}{}, fault.New(fault.NotFound, "there is no endpoint %s", in.ID)
	}
	return struct{}{}, nil
}

// ListInput asks for the endpoints of the shop.
type ListInput struct{ page.Query }

// List returns a page of endpoints, without their secrets.
func List(ctx context.Context, tx *txn.Tx, in ListInput) (page.Page[Endpoint], error) {
	rows, err := tx.Query(ctx, `
		SELECT `+endpointColumns+`
		FROM webhook_endpoints
		WHERE shop_id = current_shop() AND endpoint_id > $1
		ORDER BY endpoint_id
		LIMIT $2`, in.After(), in.Rows())
	if err != nil {
		return page.Page[Endpoint]{}, fmt.Errorf("list endpoints: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Endpoint])
	if err != nil {
		return page.Page[Endpoint]{}, fmt.Errorf("list endpoints: %w", err)
	}
	return page.Of(in.Query, found, func(e Endpoint) string { return e.ID }), nil
}

// Types are the events that can be told, without the common prefix.
var Types = []string{
	"customer.created.v1", "customer.erased.v1", "inventory.rejected.v1", "order.cancelled.v1", "order.completed.v1", "order.confirmed.v1",
	"order.expired.v1", "order.imported.v1", "order.paid.v1", "order.placed.v1", "order.revised.v1", "order.shipped.v1", "payment.authorized.v1",
	"payment.captured.v1", "payment.declined.v1", "payment.held.v1", "payment.refunded.v1", "payment.voided.v1",
}

// message is the body that receivers get.
type message struct {
	Type      string       `json:"type"`
	Timestamp time.Time    `json:"timestamp"`
	Data      events.Event `json:"data"`
}

// Tell writes a delivery of an event for every endpoint that wants it, in the
// transaction that records the event as consumed.
func Tell[E events.Event](ctx context.Context, tx *txn.Tx, e E) error {
	eventID := tx.Cause().Causation
	short := events.Short(e.Type())
	body, err := json.Marshal(message{short, tx.Now, e})
	if err != nil {
		return fmt.Errorf("encode event %s: %w", eventID, err)
	}
	rows, err := tx.Query(ctx, `
		SELECT endpoint_id
		FROM webhook_endpoints
		WHERE shop_id = current_shop() AND enabled AND (types = '{}' OR $1 = ANY(types))
		ORDER BY endpoint_id`, short)
	if err != nil {
		return fmt.Errorf("look up endpoints: %w", err)
	}
	endpoints, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look up endpoints: %w", err)
	}
	for _, endpoint := range endpoints {
		id := ident.Derive(ident.Delivery, endpoint+" "+eventID)
		_, err := tx.Exec(ctx, `
			INSERT INTO webhook_deliveries (delivery_id, shop_id, endpoint_id, event_id, type, body, due_at, created_at)
			VALUES ($1, current_shop(), $2, $3, $4, $5, $6, $6)
			ON CONFLICT DO NOTHING`, id, endpoint, eventID, short, string(body), tx.Now)
		if err != nil {
			return fmt.Errorf("write a delivery: %w", err)
		}
		tx.Emit(events.WebhookDue{DeliveryID: id})
	}
	return nil
}
