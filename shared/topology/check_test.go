package topology_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/topology"
)

// A small shop: order-place emits placed, on which stock-reserve emits reserved,
// on which order-confirm emits confirmed, which mail consumes.
const delivery = "delivery: {retry: 3, backoffPolicy: exponential, backoffDelay: PT1S, deadLetterSink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: quarantine}}}"

func shop() (manifest string, g topology.Graph) {
	return serviceYAML("order-place", "stock-reserve", "order-confirm", "mail", "quarantine") + brokerYAML +
			triggerYAML("t1", "stock-reserve", "placed", delivery) +
			triggerYAML("t2", "order-confirm", "reserved", delivery) +
			triggerYAML("t3", "mail", "confirmed", delivery),
		topology.Graph{
			Types: []string{"placed", "reserved", "confirmed", "audited"},
			Emits: map[string][]string{
				"order-place": {"placed"}, "stock-reserve": {"reserved"}, "order-confirm": {"confirmed"}, "mail": {"audited"},
			},
			NoConsumer: map[string]string{"audited": "for other systems"},
		}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	at := func(doc, trigger string) string {
		return `shop.yaml, document ` + doc + `, Trigger "` + trigger + `": `
	}
	dead := strings.ReplaceAll(brokerYAML, "main", "dead")
	tests := map[string]struct {
		plant func(manifest string, g *topology.Graph) string
		want  []string
	}{
		"sound": {func(m string, _ *topology.Graph) string { return m }, nil},
		"event_without_consumer": {
			func(m string, g *topology.Graph) string {
				g.Types = append(g.Types, "lost")
				g.Emits["mail"] = append(g.Emits["mail"], "lost")
				return m
			},
			[]string{"no trigger asks for lost; add one or declare why it needs none"},
		},
		"event_with_onlooker_only": {
			func(m string, g *topology.Graph) string {
				delete(g.NoConsumer, "audited")
				return m + strings.Replace(triggerYAML("log", "quarantine", "x", delivery), "filter: {attributes: {type: x}}, ", "", 1)
			},
			[]string{"no trigger asks for audited; add one or declare why it needs none"},
		},
		"event_of_unknown_type": {
			func(m string, g *topology.Graph) string {
				g.Emits["mail"] = append(g.Emits["mail"], "audietd")
				return m
			},
			[]string{"function mail emits audietd, which is not a known type; register it or correct the name"},
		},
		"type_without_producer": {
			func(m string, g *topology.Graph) string {
				delete(g.Emits, "mail")
				return m
			},
			[]string{"no function emits audited; remove the type or declare who emits it"},
		},
		"producer_is_no_service": {
			func(m string, g *topology.Graph) string {
				g.Emits["ghost"] = []string{"placed"}
				return m
			},
			[]string{"function ghost emits events but is no Service; add its manifest"},
		},
		"declared_sink_is_consumed": {
			func(m string, g *topology.Graph) string {
				g.NoConsumer["placed"] = "why not"
				return m
			},
			[]string{"placed is declared to need no consumer but has one; remove the declaration"},
		},
		"declared_sink_without_reason": {
			func(m string, g *topology.Graph) string {
				g.NoConsumer["audited"] = ""
				return m
			},
			[]string{"audited is declared to need no consumer without a reason; give it"},
		},
		"declared_sink_of_unknown_type": {
			func(m string, g *topology.Graph) string {
				g.NoConsumer["nosuch"] = "x"
				return m
			},
			[]string{"nosuch is declared to need no consumer but is not a known type; remove the declaration"},
		},
		"trigger_without_producer": {
			func(m string, _ *topology.Graph) string { return m + triggerYAML("t4", "mail", "palced", delivery) },
			[]string{at("10", "t4") + "spec.filter: no function emits what it asks for; correct the filter or remove the trigger"},
		},
		"trigger_twice": {
			func(m string, _ *topology.Graph) string { return m + triggerYAML("t4", "mail", "confirmed", delivery) },
			[]string{at("10", "t4") + "mail already gets confirmed by trigger t3; remove one"},
		},
		"subscriber_that_does_not_exist": {
			func(m string, _ *topology.Graph) string {
				return strings.Replace(m, "kind: Service, name: mail", "kind: Service, name: mial", 1)
			},
			[]string{at("9", "t3") + `spec.subscriber.ref: there is no Service "mial" in namespace "default"; write the name of one`},
		},
		"no_delivery": {
			func(m string, _ *topology.Graph) string { return m[:strings.LastIndex(m, delivery)] + "}\n" },
			[]string{at("9", "t3") + "spec.delivery: neither it nor its broker says how to deliver; write retry, backoffPolicy, backoffDelay and deadLetterSink"},
		},
		"delivery_of_the_broker": {
			func(m string, _ *topology.Graph) string {
				m = strings.ReplaceAll(m, delivery, "")
				return strings.Replace(m, "metadata: {name: main}", "metadata: {name: main}\nspec: {"+delivery+"}", 1)
			}, nil,
		},
		"no_retry": {
			func(m string, _ *topology.Graph) string { return strings.Replace(m, "retry: 3, ", "", 1) },
			[]string{at("7", "t1") + "spec.delivery.retry: it is missing; write how often to try again"},
		},
		"no_backoff": {
			func(m string, _ *topology.Graph) string {
				return strings.Replace(m, "backoffPolicy: exponential, backoffDelay: PT1S, ", "", 1)
			},
			[]string{at("7", "t1") + "spec.delivery.backoffPolicy: it is missing; write exponential or linear, and backoffDelay"},
		},
		"no_dead_letter_sink": {
			func(m string, _ *topology.Graph) string {
				return strings.Replace(m, ", deadLetterSink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: quarantine}}", "", 1)
			},
			[]string{at("7", "t1") + "spec.delivery.deadLetterSink: it is missing; name who keeps what cannot be delivered"},
		},
		"retries_for_days": {
			func(m string, _ *topology.Graph) string { return strings.Replace(m, "retry: 3", "retry: 20", 1) },
			[]string{at("7", "t1") + "spec.delivery.retry: 20 times are too many or take longer than 24h0m0s; write a smaller number"},
		},
		"retries_without_end": {
			func(m string, _ *topology.Graph) string {
				return strings.Replace(m, "retry: 3, backoffPolicy: exponential, backoffDelay: PT1S", "retry: 2000000000, backoffPolicy: linear, backoffDelay: PT0S", 1)
			},
			[]string{at("7", "t1") + "spec.delivery.retry: 2000000000 times are too many or take longer than 24h0m0s; write a smaller number"},
		},
		"dead_letters_to_a_broker": {
			func(m string, _ *topology.Graph) string {
				return strings.Replace(m, "deadLetterSink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: quarantine}}", "deadLetterSink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: dead}}", 1) +
					dead + strings.Replace(triggerYAML("t4", "quarantine", "placed", "delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT1S}"), "broker: main", "broker: dead", 1)
			}, nil,
		},
		"dead_letters_are_no_consumption": {
			func(m string, g *topology.Graph) string {
				delete(g.NoConsumer, "audited")
				m = strings.Replace(m, "deadLetterSink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: quarantine}}", "deadLetterSink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: dead}}", 1)
				return m + dead + strings.Replace(triggerYAML("t4", "quarantine", "audited", "delivery: {retry: 1, backoffPolicy: linear, backoffDelay: PT1S}"), "broker: main", "broker: dead", 1)
			},
			[]string{"no trigger asks for audited; add one or declare why it needs none"},
		},
		"dead_letters_come_back": {
			func(m string, _ *topology.Graph) string {
				return strings.Replace(m, "{apiVersion: serving.knative.dev/v1, kind: Service, name: quarantine}", "{apiVersion: eventing.knative.dev/v1, kind: Broker, name: main}", 1)
			},
			[]string{at("7", "t1") + "spec.delivery.deadLetterSink: it is the trigger's own broker, which brings the event back; name another"},
		},
		"loop": {
			func(m string, g *topology.Graph) string {
				g.Emits["order-confirm"] = append(g.Emits["order-confirm"], "placed")
				return m
			},
			[]string{"functions cause each other without end: order-confirm -placed-> stock-reserve -reserved-> order-confirm; break the loop, or list what bounds it with order-confirm, stock-reserve"},
		},
		"loop_of_one": {
			func(m string, g *topology.Graph) string {
				g.Emits["mail"] = append(g.Emits["mail"], "confirmed")
				return m
			},
			[]string{"functions cause each other without end: mail -confirmed-> mail; break the loop, or list what bounds it with mail"},
		},
		"loop_by_prefix": {
			func(m string, g *topology.Graph) string {
				g.Emits["mail"] = append(g.Emits["mail"], "confirmed")
				return strings.Replace(m, "filter: {attributes: {type: confirmed}}", "filters: [{prefix: {type: conf}}, {exact: {source: /x}}]", 1)
			},
			[]string{"functions cause each other without end: mail -confirmed-> mail; break the loop, or list what bounds it with mail"},
		},
		"loop_that_is_listed": {
			func(m string, g *topology.Graph) string {
				g.Emits["order-confirm"] = append(g.Emits["order-confirm"], "placed")
				g.Emits["mail"] = append(g.Emits["mail"], "confirmed")
				g.Loops = [][]string{{"mail"}, {"stock-reserve", "order-confirm"}}
				return m
			}, nil,
		},
		"loop_wider_than_listed": {
			func(m string, g *topology.Graph) string {
				g.Emits["order-confirm"] = append(g.Emits["order-confirm"], "placed")
				g.Loops = [][]string{{"stock-reserve"}}
				return m
			},
			[]string{
				"functions cause each other without end: order-confirm -placed-> stock-reserve -reserved-> order-confirm; break the loop, or list what bounds it with order-confirm, stock-reserve",
				"the loop of stock-reserve is listed but is none; remove it from the list",
			},
		},
		"ping_feeds_the_broker": {
			func(m string, _ *topology.Graph) string {
				return m + strings.ReplaceAll(pingYAML(""), "{apiVersion: serving.knative.dev/v1, kind: Service, name: f}", "{apiVersion: eventing.knative.dev/v1, kind: Broker, name: main}") +
					triggerYAML("t4", "mail", "dev.knative.sources.ping", delivery)
			}, nil,
		},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt := tests[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifest, g := shop()
			manifest = tt.plant(manifest, &g)
			m, err := topology.Load(fstest.MapFS{"shop.yaml": {Data: []byte(manifest)}})
			if err == nil {
				err = topology.Check(m, g)
			}
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}
