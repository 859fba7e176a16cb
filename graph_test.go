package rackless_test

import (
	"io/fs"
	"testing"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/topology"
)

// Every event has who states it and who acts on it or a reason why nobody does,
// every trigger can fire, every delivery is bounded and ends in a dead letter
// sink, and no functions cause each other without end. That the check finds what
// breaks these rules, shared/topology tests.
func TestGraphOfEvents(t *testing.T) {
	t.Parallel()
	files, err := fs.Sub(rackless.Manifests, "infra/knative")
	if err != nil {
		t.Fatal(err)
	}
	m, err := topology.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	g := topology.Graph{
		Emits: map[string][]string{}, NoConsumer: map[string]string{},
		Loops: [][]string{
			{"payment-refund"},  // payment.overpaid counts its attempts
			{"payment-void"},    // payment.return_due counts its attempts
			{"webhook-deliver"}, // webhook.due counts its attempts
			// One run at a time and account, which asks for another only if something is left to do.
			{"ebay-order-import", "ebay-publish", "ebay-reconcile", "ebay-sync", "inventory-release"},
		},
	}
	for _, r := range events.Registry() {
		g.Types = append(g.Types, r.Example.Type())
		if r.NoConsumer != "" {
			g.NoConsumer[r.Example.Type()] = r.NoConsumer
		}
	}
	for _, f := range manifest.Functions {
		if len(f.Emits) > 0 {
			g.Emits[f.Name] = f.Emits
		}
	}
	if err := topology.Check(m, g); err != nil {
		t.Error(err)
	}
}
