package topology_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/topology"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	m, err := topology.Load(fstest.MapFS{
		"base/broker.yaml": {Data: []byte("# the shop's\n" + brokerYAML + `spec:
  config: {apiVersion: v1, kind: ConfigMap, name: c}
`)},
		"base/kustomization.yaml": {Data: []byte("kind: Kustomization\nresources: [broker.yaml]\n")},
		"base/README.md":          {Data: []byte("kind: {")},
		"functions/f.yml": {Data: []byte(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: f, creationTimestamp: null}
---   # the function
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: f
  annotations: {rackless.dev/route: POST /v1/f}
spec:
  template:
    spec:
      containerConcurrency: 80
      containers:
      - image: ko://example.com/f
        readinessProbe: {httpGet: {path: /health/readiness}}
...
---
` + triggerYAML("t", "f", "a", `delivery: {retry: 3, timeout: P1DT1H1M1.5S}`) + "---\n\n---\n# nothing\n" + pingYAML("schedule: '@hourly'") + `---
apiVersion: eventing.knative.dev/v1beta2
kind: EventType
metadata: {name: e}
`)},
		"overlays/x.yaml": {Data: []byte("{{ not yaml")},
	}, "base", "functions")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Services) != 1 || len(m.Brokers) != 1 || len(m.Triggers) != 1 || len(m.PingSources) != 1 {
		t.Fatalf("loaded %d Services, %d Brokers, %d Triggers, %d PingSources", len(m.Services), len(m.Brokers), len(m.Triggers), len(m.PingSources))
	}
	want := topology.Metadata{Name: "f", Namespace: "default", Annotations: map[string]string{"rackless.dev/route": "POST /v1/f"}}
	if diff := cmp.Diff(want, m.Services[0].Metadata); diff != "" {
		t.Errorf("Service (-want +got):\n%s", diff)
	}
	if got := m.Triggers[0].Spec; got.Broker != "main" || got.Subscriber.Ref.Name != "f" || *got.Delivery.Retry != 3 {
		t.Errorf("Trigger %+v", got)
	}
}

func TestLoadTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	trigger := func(spec string) string {
		return serviceYAML("f") + brokerYAML + "---\napiVersion: eventing.knative.dev/v1\nkind: Trigger\nmetadata: {name: t}\nspec: " + spec + "\n"
	}
	toF := "broker: main, subscriber: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: f}}"
	tests := map[string]struct{ manifest, want string }{
		"yaml":                 {"a: [", `a.yaml, document 1: yaml: line 1: did not find expected node content; mend the YAML`},
		"second_document":      {brokerYAML + "---\na: [", `a.yaml, document 2: yaml: line 2: did not find expected node content; mend the YAML`},
		"double_key":           {"a: 1\na: 2", `a.yaml, document 1: yaml: unmarshal errors:`},
		"not_an_object":        {"- 1", `a.yaml, document 1: it is not an object with apiVersion, kind and metadata; write one or remove it`},
		"list":                 {"kind: List\napiVersion: v1", `a.yaml, document 1: kind: a List is not read; write its items as documents of their own`},
		"version":              {"kind: Trigger\napiVersion: eventing.knative.dev/v1beta1\nmetadata: {name: x}", `a.yaml, document 1, Trigger "x": apiVersion: "eventing.knative.dev/v1beta1" is not supported; write version v1 of its group`},
		"kind":                 {"kind: Sequence\napiVersion: flows.knative.dev/v1\nmetadata: {name: x}", `a.yaml, document 1, Sequence "x": kind: the local runtime cannot run flows.knative.dev/v1 Sequence; use Service, Broker, Trigger or PingSource`},
		"unknown_field":        {trigger("{" + toF + ", fliter: {}}"), `a.yaml, document 3, Trigger "t": unknown field "spec.fliter"; correct the spelling or remove the field`},
		"wrong_case":           {trigger("{" + toF + ", Filter: {}}"), `a.yaml, document 3, Trigger "t": unknown field "spec.Filter"; correct the spelling or remove the field`},
		"wrong_type":           {trigger("{" + toF + ", delivery: {retry: often}}"), `a.yaml, document 3, Trigger "t": spec.delivery.retry: a string stands where a value of type int belongs; correct it`},
		"name":                 {"kind: Broker\napiVersion: eventing.knative.dev/v1\nmetadata: {name: My_Broker}", `a.yaml, document 1, Broker "My_Broker": metadata.name: write lower-case letters, digits and hyphens, at most 63`},
		"no_name":              {"kind: Broker\napiVersion: eventing.knative.dev/v1", `a.yaml, document 1, Broker "": metadata.name: write lower-case letters, digits and hyphens, at most 63`},
		"double_name":          {brokerYAML + brokerYAML, `a.yaml, document 2, Broker "main": metadata.name: the name is taken by a.yaml, document 1, Broker "main"; rename or remove one`},
		"no_broker":            {trigger("{" + strings.Replace(toF, "main", "mian", 1) + "}"), `a.yaml, document 3, Trigger "t": spec.broker: there is no Broker "mian" in namespace "default"; write the name of one`},
		"no_subscriber":        {trigger("{broker: main}"), `a.yaml, document 3, Trigger "t": spec.subscriber: there is neither a ref nor an absolute http uri; write one of them`},
		"unknown_subscriber":   {trigger("{" + strings.Replace(toF, "name: f", "name: g", 1) + "}"), `a.yaml, document 3, Trigger "t": spec.subscriber.ref: there is no Service "g" in namespace "default"; write the name of one`},
		"foreign_subscriber":   {trigger("{" + strings.Replace(toF, "name: f", "name: f, namespace: x", 1) + "}"), `a.yaml, document 3, Trigger "t": spec.subscriber.ref: there is no Service "f" in namespace "x"; write the name of one`},
		"core_service":         {trigger("{" + strings.Replace(toF, "serving.knative.dev/v1", "v1", 1) + "}"), `a.yaml, document 3, Trigger "t": spec.subscriber.ref: "v1" "Service" is not supported; write a serving.knative.dev/v1 Service or an eventing.knative.dev/v1 Broker`},
		"ref_and_absolute_uri": {trigger("{" + strings.Replace(toF, "name: f}", "name: f}, uri: 'http://x/'", 1) + "}"), `a.yaml, document 3, Trigger "t": spec.subscriber.uri: beside a ref it must be a path; write one such as /events`},
		"negative_retry":       {trigger("{" + toF + ", delivery: {retry: -1}}"), `a.yaml, document 3, Trigger "t": spec.delivery.retry: it is negative; write how often to try again, 0 or more`},
		"backoff_policy":       {trigger("{" + toF + ", delivery: {backoffPolicy: random, backoffDelay: PT1S}}"), `a.yaml, document 3, Trigger "t": spec.delivery.backoffPolicy: there is no "random"; write linear or exponential`},
		"backoff_half":         {trigger("{" + toF + ", delivery: {backoffPolicy: linear}}"), `a.yaml, document 3, Trigger "t": spec.delivery.backoffPolicy: it has no effect without backoffDelay, nor that without it; write both or neither`},
		"duration":             {trigger("{" + toF + ", delivery: {timeout: 30s}}"), `a.yaml, document 3, Trigger "t": spec.delivery.timeout: "30s" is not an ISO 8601 duration of days, hours, minutes and seconds; write one such as PT0.2S`},
		"duration_empty":       {trigger("{" + toF + ", delivery: {timeout: PT}}"), `a.yaml, document 3, Trigger "t": spec.delivery.timeout: "PT" is not an ISO 8601 duration of days, hours, minutes and seconds; write one such as PT0.2S`},
		"timeout_zero":         {trigger("{" + toF + ", delivery: {timeout: PT0S}}"), `a.yaml, document 3, Trigger "t": spec.delivery.timeout: it is zero; write a duration above zero or remove it`},
		"dead_letter_sink":     {trigger("{" + toF + ", delivery: {deadLetterSink: {uri: /x}}}"), `a.yaml, document 3, Trigger "t": spec.delivery.deadLetterSink: there is neither a ref nor an absolute http uri; write one of them`},
		"filter_two_dialects":  {trigger("{" + toF + ", filters: [{exact: {type: a}, prefix: {type: b}}]}"), `a.yaml, document 3, Trigger "t": spec.filters[0]: it has 2 dialects; write exactly one of exact, prefix, suffix, all, any, not, cesql`},
		"filter_empty":         {trigger("{" + toF + ", filters: [{any: [{exact: {type: a}}, {}]}]}"), `a.yaml, document 3, Trigger "t": spec.filters[0].any[1]: it has 0 dialects; write exactly one of exact, prefix, suffix, all, any, not, cesql`},
		"filter_empty_value":   {trigger("{" + toF + ", filters: [{not: {prefix: {type: ''}}}]}"), `a.yaml, document 3, Trigger "t": spec.filters[0].not.prefix.type: it is empty; write a value`},
		"filter_attribute":     {trigger("{" + toF + ", filter: {attributes: {Type: a}}}"), `a.yaml, document 3, Trigger "t": spec.filter.attributes: "Type" is not the name of an attribute; write lower-case letters and digits`},
		"filter_cesql":         {trigger("{" + toF + ", filters: [{cesql: 'type ='}]}"), `a.yaml, document 3, Trigger "t": spec.filters[0].cesql: `},
		"schedule":             {serviceYAML("f") + pingYAML("schedule: daily"), `a.yaml, document 2, PingSource "p": spec.schedule: expected exactly 5 fields, found 1: [daily]; write five fields such as */10 * * * *`},
		"schedule_never":       {serviceYAML("f") + pingYAML("schedule: '0 0 30 2 *'"), `a.yaml, document 2, PingSource "p": spec.schedule: "0 0 30 2 *" never comes; write a date that exists`},
		"schedule_zone":        {serviceYAML("f") + pingYAML("schedule: 'CRON_TZ=UTC 0 0 1 1 *'"), `a.yaml, document 2, PingSource "p": spec.schedule: it names a time zone; write that in timezone`},
		"timezone":             {serviceYAML("f") + pingYAML("timezone: Mars/Base"), `a.yaml, document 2, PingSource "p": spec.timezone: "Mars/Base" is not known; write a name of the tz database such as Europe/Berlin`},
		"ping_data_twice":      {serviceYAML("f") + pingYAML("data: a, dataBase64: AQID"), `a.yaml, document 2, PingSource "p": spec.dataBase64: there is data, too; write one of them`},
		"ping_base64":          {serviceYAML("f") + pingYAML("dataBase64: '?'"), `a.yaml, document 2, PingSource "p": spec.dataBase64: illegal base64 data at input byte 0; write standard base64`},
		"ping_json":            {serviceYAML("f") + pingYAML("contentType: application/json, data: '{'"), `a.yaml, document 2, PingSource "p": spec.data: it is not JSON as contentType says; mend one of them`},
		"ping_extension":       {serviceYAML("f") + pingYAML("ceOverrides: {extensions: {a-b: c}}"), `a.yaml, document 2, PingSource "p": spec.ceOverrides.extensions: "a-b" is not the name of an attribute; write lower-case letters and digits`},
		"ping_sink":            {pingYAML(""), `a.yaml, document 1, PingSource "p": spec.sink.ref: there is no Service "f" in namespace "default"; write the name of one`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := topology.Load(fstest.MapFS{"a.yaml": {Data: []byte(tt.manifest)}})
			if got := fmt.Sprint(err); !strings.HasPrefix(got, tt.want) {
				t.Errorf("error:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestLoadTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := topology.Load(fstest.MapFS{
		"a.yaml": {Data: []byte("a: [")},
		"b.yaml": {Data: []byte("kind: Broker\napiVersion: eventing.knative.dev/v1\nmetadata: {nmae: x}")},
	})
	if got := fmt.Sprint(err); !strings.Contains(got, "a.yaml") || !strings.Contains(got, `b.yaml, document 1, Broker "": unknown field "metadata.nmae"`) {
		t.Errorf("error %v", err)
	}
	if _, err := topology.Load(fstest.MapFS{}, "nosuch"); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

// FuzzLoad finds manifests that make the loader, a filter or a schedule panic.
func FuzzLoad(f *testing.F) {
	f.Add(serviceYAML("f") + brokerYAML + triggerYAML("t", "f", "a", "delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT0.2S}"))
	f.Add(serviceYAML("f") + brokerYAML + triggerYAML("t", "f", "a", "filters: [{any: [{exact: {type: a}}, {not: {cesql: \"type LIKE 'a%'\"}}]}]"))
	f.Add(serviceYAML("f") + pingYAML("schedule: '*/5 1-3 * JAN MON', timezone: Europe/Berlin, data: x"))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := topology.Load(fstest.MapFS{"a.yaml": {Data: []byte(text)}})
		if err != nil {
			return
		}
		_ = topology.Check(m, topology.Graph{Types: []string{"a"}, Emits: map[string][]string{"f": {"a"}}})
		c, err := topology.New(m, topology.Options{Subscribers: func(string) (topology.Subscriber, bool) {
			return one(replying(202)), true
		}, Outside: nowhere})
		if err != nil {
			t.Fatalf("what Load accepts, New does not: %v", err)
		}
		if sink, ok := c.SinkURL("main"); ok {
			if res, err := c.Transport().RoundTrip(eventRequest(t, sink, "1", "a")); err != nil || res.StatusCode >= 500 {
				t.Errorf("publish: %v %v", res, err)
			}
		}
		_ = c.Drain(canceled())
	})
}
