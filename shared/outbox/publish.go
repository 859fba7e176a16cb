package outbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
)

// publishTimeout bounds one delivery to the broker; what it cuts short, the
// sweeper sends again.
const publishTimeout = 2 * time.Second

// Publisher sends events to a broker.
type Publisher struct {
	Client *http.Client
	Sink   string // the broker's ingress; empty sends nothing and leaves all to the sweeper
}

// Publish sends one event. An error means that it may or may not have arrived.
func (p Publisher) Publish(ctx context.Context, e events.Envelope) error {
	if p.Sink == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	req, err := cehttp.NewHTTPRequestFromEvent(ctx, p.Sink, ToCloudEvent(e))
	if err != nil {
		return fmt.Errorf("publish event %s: %w", e.ID, err)
	}
	res, err := p.Client.Do(req)
	if err != nil {
		return fmt.Errorf("publish event %s: %w", e.ID, err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4096) // let the connection be used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("publish event %s: the broker replied %s", e.ID, res.Status)
	}
	return nil
}

// ToCloudEvent returns the event as it travels: only the data holds more than
// ids. The extension shop tells a consumer under whose row-level security to
// look it up.
func ToCloudEvent(e events.Envelope) cloudevents.Event {
	ce := cloudevents.New()
	ce.SetID(e.ID)
	ce.SetType(e.Type)
	ce.SetSource(e.Source)
	ce.SetSubject(e.Subject)
	ce.SetTime(e.Time)
	ce.SetDataSchema("https://rackless.dev/schemas/" + events.Short(e.Type) + ".json")
	_ = ce.SetData("application/json", []byte(e.Data)) // bytes are taken as they are
	for name, value := range map[string]string{
		"shop":           e.Shop,
		"partitionkey":   e.Subject,
		"correlationid":  e.Correlation,
		"causationid":    e.Causation,
		"traceparent":    e.TraceParent,
		"idempotencykey": e.IdempotencyKey,
	} {
		if value != "" {
			ce.SetExtension(name, value)
		}
	}
	if e.Told {
		ce.SetExtension("told", "true")
	}
	return ce
}

// FromRequest reads the event that a broker delivers: its id and its shop. An
// HTTP request that is not a CloudEvent, or not of ours, is Invalid.
func FromRequest(r *http.Request) (id, shop, eventType string, err error) {
	ce, err := cehttp.NewEventFromHTTPRequest(r)
	if err != nil {
		return "", "", "", fault.From(fault.Invalid, err, "the request is not a CloudEvent")
	}
	if err := ce.Validate(); err != nil {
		return "", "", "", fault.From(fault.Invalid, err, "the CloudEvent is not valid")
	}
	shop, _ = ce.Extensions()["shop"].(string)
	if !strings.HasPrefix(ce.Type(), events.Prefix) || shop == "" {
		return "", "", "", fault.New(fault.Invalid, "the CloudEvent is not one of this shop's")
	}
	return ce.ID(), shop, ce.Type(), nil
}
