//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

func (k knative) Apply(t *testing.T, manifest string) string {
	t.Helper()
	ns := fmt.Sprintf("conformance-%d", namespaces.Add(1))
	apply(t, ns, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+ns+"}\n---\n"+manifest)
	kinds := "broker"
	if strings.Contains(manifest, "kind: Trigger") {
		kinds = "broker,trigger"
	}
	if _, err := s.kubectl(t.Context(), "-n", ns, "wait", kinds, "--all", "--for=condition=Ready", "--timeout=120s"); err != nil {
		t.Fatal(err)
	}
	ingress := "http://" + s.broker + "/" + ns + "/main"
	k.awaitTriggers(t, ns, ingress)
	return ingress
}

// apply applies a manifest. On a machine that is too busy the API server gives Knative's
// webhook up, and is asked again.
func apply(t *testing.T, ns, manifest string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second) {
		_, err := s.kubectl(t.Context(), "-n", ns, "apply", "-f", file)
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "failed calling webhook") || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// awaitTriggers waits until events reach all triggers of a namespace. Ready does not say
// so: the dispatcher of Knative 0.50 reports a channel's subscribers as ready when it has
// seen them, but skips a channel whose controller has not yet observed its new generation,
// and takes events meanwhile and gives them to nobody. So one more trigger is made when
// all others are among the channel's subscribers, and what reaches it would have reached
// them: the dispatcher sets a channel's subscribers all at once, and the filter hears of
// triggers in the order of their changes.
func (k knative) awaitTriggers(t *testing.T, ns, ingress string) {
	t.Helper()
	reached := make(chan struct{})
	var once sync.Once
	url := k.listen(t, func(http.ResponseWriter, *http.Request) { once.Do(func() { close(reached) }) })
	apply(t, ns, fmt.Sprintf(`
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: probe}
spec: {broker: main, filter: {attributes: {type: %s}}, subscriber: {uri: %q}, delivery: {retry: 0}}
`, probe, url))
	for deadline := time.Now().Add(time.Minute); ; {
		answer := sendProbe(t.Context(), ingress)
		select {
		case <-reached:
			return
		case <-time.After(200 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("no event reaches the triggers of %s; the last answer was: %s", ns, answer)
		}
	}
}

// sendProbe returns what the ingress answered.
func sendProbe(ctx context.Context, ingress string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ingress, nil)
	if err != nil {
		return err.Error()
	}
	for name, value := range map[string]string{"specversion": "1.0", "id": "probe", "type": probe, "source": "/probe"} {
		req.Header.Set("Ce-"+name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	_ = res.Body.Close()
	return res.Status
}

// probe is the type of the event that asks whether all triggers are reached. The
// subscribers of tests do not see it.
const probe = "rackless.probe"

func (k knative) Serve(t *testing.T, h http.Handler) string {
	t.Helper()
	return k.listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Ce-Type") == probe {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// listen serves h at an address that pods reach.
func (knative) listen(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", s.env["CLUSTER_HOST"]+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}
