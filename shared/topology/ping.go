package topology

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"github.com/robfig/cron/v3"
)

// pingType is the type of a PingSource's events (knative/eventing,
// pkg/apis/sources/v1).
const pingType = "dev.knative.sources.ping"

// A ping that its sink does not take is sent again as Knative's adapter does it
// (knative/eventing, pkg/adapter/mtping).
var pingPolicy = policy{retries: 5, delay: 50 * time.Millisecond, timeout: defaultTimeout, retryAfterMax: -1}

// schedule reads when the source ticks; the text of its error begins with the
// field.
func (p PingSource) schedule() (cron.Schedule, error) {
	text, zone := p.Spec.Schedule, p.Spec.Timezone
	if text == "" {
		text = "* * * * *"
	}
	if strings.Contains(text, "TZ=") {
		return nil, errors.New("schedule: it names a time zone; write that in timezone")
	}
	if zone == "" {
		zone = "UTC"
	}
	if _, err := time.LoadLocation(zone); err != nil || strings.ContainsAny(zone, " \t\n") {
		return nil, fmt.Errorf("timezone: %q is not known; write a name of the tz database such as Europe/Berlin", zone)
	}
	schedule, err := cron.ParseStandard("CRON_TZ=" + zone + " " + strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("schedule: %w; write five fields such as */10 * * * *", err)
	}
	if schedule.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("schedule: %q never comes; write a date that exists", text)
	}
	return schedule, nil
}

// event returns what the source sends, but for id and time; the text of its
// error begins with the field.
func (p PingSource) event() (event.Event, error) {
	e := event.New()
	e.SetID("-")
	e.SetType(pingType)
	e.SetSource(fmt.Sprintf("/apis/v1/namespaces/%s/pingsources/%s", p.Metadata.Namespace, p.Metadata.Name))
	for name, value := range p.Spec.CEOverrides.Extensions {
		if !attributeName.MatchString(name) {
			return e, fmt.Errorf("ceOverrides.extensions: %q is not the name of an attribute; write lower-case letters and digits", name)
		}
		e.SetExtension(name, value)
	}
	data := []byte(p.Spec.Data)
	switch {
	case p.Spec.Data != "" && p.Spec.DataBase64 != "":
		return e, errors.New("dataBase64: there is data, too; write one of them")
	case p.Spec.DataBase64 != "":
		var err error
		if data, err = base64.StdEncoding.DecodeString(p.Spec.DataBase64); err != nil {
			return e, fmt.Errorf("dataBase64: %w; write standard base64", err)
		}
	case p.Spec.Data != "" && p.Spec.ContentType == event.ApplicationJSON && !json.Valid(data):
		return e, errors.New("data: it is not JSON as contentType says; mend one of them")
	}
	if len(data) > 0 {
		if err := e.SetData(p.Spec.ContentType, data); err != nil {
			return e, fmt.Errorf("contentType: %w", err)
		}
	}
	if err := e.Validate(); err != nil {
		return e, fmt.Errorf("ceOverrides: %w", err)
	}
	return e, nil
}

// tick sends the source's event whenever it is due, until the cluster closes.
func (c *Cluster) tick(p PingSource) {
	// validate has seen that these succeed
	schedule, _ := p.schedule()
	template, _ := p.event()
	target, _ := c.manifest.resolve(p.Spec.Sink, p.Metadata.Namespace)
	t := &trigger{cluster: c, name: p.Metadata.Name, target: target, subscriber: c.subscriber(target), policy: pingPolicy}
	for {
		now := c.clock.Now()
		due := schedule.Next(now)
		timer := time.NewTimer(due.Sub(now))
		select {
		case <-timer.C:
		case <-c.closing:
			timer.Stop()
			return
		}
		e := shallow(template)
		e.SetID(uuid.NewString())
		e.SetTime(c.clock.Now())
		d := &delivery{trigger: t, event: &e}
		c.mu.Lock()
		send := !c.draining && t.pending < c.options.Pending
		if send {
			t.admit(d)
		}
		c.mu.Unlock()
		if send {
			d.push()
		}
	}
}
