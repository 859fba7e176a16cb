//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/topology/topologytest"
)

// conformance holds Knative's broker to the suite that the local broker keeps:
// what the shop relies on is what both do.
func conformance(t *testing.T) {
	topologytest.Run(t, knative{}, map[string]string{
		"data_plane_reply_in_202_is_ignored":           "Knative 0.50 publishes such a reply; our functions reply 202 without a body",
		"event_delivery_dead_letter_data_is_cut":       "the dispatcher of Knative 0.50 dies of a refusal of more than 768 bytes; our functions' are shorter, see httpapi.WriteBriefProblem",
		"filter_handler_reply_that_is_no_event_is_502": "Knative 0.50 dead-letters without the code; our functions reply nothing but problems",
	})
}

// knative brings manifests to life in the cluster, each in a namespace of its own.
type knative struct{}

var namespaces atomic.Int32

func (knative) Apply(t *testing.T, manifest string) string {
	t.Helper()
	ns := fmt.Sprintf("conformance-%d", namespaces.Add(1))
	file := filepath.Join(t.TempDir(), "manifest.yaml")
	own := "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + ns + "}\n---\n"
	if err := os.WriteFile(file, []byte(own+manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second) {
		_, err := s.kubectl(t.Context(), "-n", ns, "apply", "-f", file)
		if err == nil {
			break
		}
		// On a machine that is too busy the API server gives Knative's webhook up.
		if !strings.Contains(err.Error(), "failed calling webhook") || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	kinds, triggers := "broker", strings.Count(manifest, "kind: Trigger")
	if triggers > 0 {
		kinds = "broker,trigger"
	}
	if _, err := s.kubectl(t.Context(), "-n", ns, "wait", kinds, "--all", "--for=condition=Ready", "--timeout=120s"); err != nil {
		t.Fatal(err)
	}
	// Ready says that the triggers are accepted. The dispatcher hears of them later, and
	// then says so in the channel's status.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(300 * time.Millisecond) {
		out, err := s.kubectl(t.Context(), "-n", ns, "get", "inmemorychannels.messaging.knative.dev", "-o", "jsonpath={.items[*].status.subscribers[*].ready}")
		if err == nil && strings.Count(out, "True") == triggers {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the dispatcher knows of %q, want %d triggers: %v", out, triggers, err)
		}
	}
	awaitFilter(t, ns)
	return "http://" + s.broker + "/" + ns + "/main"
}

// awaitFilter waits until the filter knows a namespace's triggers and where they lead, of
// which it hears by a watch of its own; until then it answers 404. Who serves a
// subscriber takes the probe for itself.
func awaitFilter(t *testing.T, namespace string) {
	t.Helper()
	out, err := s.kubectl(t.Context(), "-n", namespace, "get", "inmemorychannels.messaging.knative.dev", "-o", "jsonpath={.items[*].spec.subscribers[*].subscriberUri}")
	if err != nil {
		t.Fatal(err)
	}
	for _, trigger := range fields(out) {
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, trigger, nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{"specversion": "1.0", "id": "probe", "type": probe, "source": "/probe", "knativebrokerttl": "1"} {
				req.Header.Set("Ce-"+name, value)
			}
			res, err := s.filter.http.Do(req)
			if err == nil {
				res.Body.Close()
				if res.StatusCode/100 == 2 {
					break
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("the filter does not know %s: %v, %v", trigger, res, err)
			}
		}
	}
}

// probe is the type of the event that asks the filter whether it is ready.
const probe = "rackless.probe"

func (knative) Serve(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", s.env["CLUSTER_HOST"]+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Ce-Type") == probe {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		h.ServeHTTP(w, r)
	})}}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}
