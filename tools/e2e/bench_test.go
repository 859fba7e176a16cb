//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/rackless/rackless/shared/manifest"
)

// checkoutFunctions are those that an order passes on its way to confirmed, and
// what a buyer calls before.
var checkoutFunctions = []string{
	"gateway", "cart-create", "cart-update", "cart-price", "order-place", "inventory-reserve", "payment-authorize", "order-confirm",
	"inventory-commit", "payment-capture", "notify-email", "order-get",
}

// hello is the smallest Service that there can be, for comparison: limited as the
// functions are, and scaled as the one is that takes the other burst.
const hello = `---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: %s, namespace: rackless}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/max-scale: "10", autoscaling.knative.dev/metric: rps, autoscaling.knative.dev/target: "10"}}
    spec:
      enableServiceLinks: false
      containerConcurrency: 80
      containers:
      - image: dev.local/hello:1
        resources: {requests: {cpu: 20m, memory: 32Mi}, limits: {cpu: 500m, memory: 128Mi}}
`

// hellos are the smallest Service several times over: one cold start alone says little.
var hellos = []string{"hello", "hello-2", "hello-3", "hello-4", "hello-5"}

// figures are the measurements, written for the README as a table and a plot.
type figures struct {
	Cold       map[string][]float64 // ms from a request at zero to its reply, by Service, round by round
	Warm       map[string][]float64 // ms of a request to a pod that is up
	FirstOrder map[string][]float64 // ms from the order's POST to confirmed in a sleeping shop: see firstOrders
	Burst      map[string]float64   // ms from zero to so many pods
	Memory     map[string]float64   // MB of a pod's container
	Topology   map[string]shape     // the same shop as one Service per operation, per domain, and as one
}

// shape is what a topology is like.
type shape struct {
	Services, Pods int       // Services in all; pods after an order
	Memory         float64   // MB of those pods' containers
	FirstOrder     []float64 // ms from an order's POST to confirmed, everything at zero that can be
	Warm           []float64 // the same with everything up
}

// TestBench measures, in parts that can be had alone (ARGS="-test.run TestBench/first").
// What another run has found of the other parts stays in the table. All of it takes an
// hour and a half.
func TestBench(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("ROUNDS"))
	if err != nil {
		rounds = 20
	}
	f := figures{Cold: map[string][]float64{}, Warm: map[string][]float64{}, FirstOrder: map[string][]float64{}, Burst: map[string]float64{}, Memory: map[string]float64{}, Topology: map[string]shape{}}
	if data, err := os.ReadFile(figuresFile()); err == nil {
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
	}
	s.greet(t)
	t.Run("cold", func(t *testing.T) { f.coldStarts(t, rounds) })
	t.Run("first", func(t *testing.T) { f.firstOrders(t, min(3, rounds)) })
	t.Run("burst", func(t *testing.T) {
		for _, name := range []string{"hello", "catalog-list"} {
			f.Burst[name] = s.burst(t, name)
		}
	})
	t.Run("topology", func(t *testing.T) {
		s.keepPods(t, usual)
		for _, name := range topologies {
			f.Topology[name] = s.shape(t, name, min(3, rounds))
			f.save(t)
		}
	})
	f.write(t)
}

// greet opens the smallest Services.
func (x *site) greet(t *testing.T) {
	t.Helper()
	var manifests strings.Builder
	for _, name := range hellos {
		fmt.Fprintf(&manifests, hello, name)
	}
	file := filepath.Join(t.TempDir(), "hello.yaml")
	if err := os.WriteFile(file, []byte(manifests.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := x.kubectl(t.Context(), "apply", "-f", file); err != nil {
		t.Fatal(err)
	}
	for _, name := range hellos {
		if _, err := x.kubectl(t.Context(), "-n", "rackless", "wait", "ksvc/"+name, "--for=condition=Ready", "--timeout=60s"); err != nil {
			t.Fatal(err)
		}
	}
}

// batch is how many Services are started before all are at zero again: so few that no
// pod ends while another starts.
const batch = 14

// coldStarts calls Services at zero, and once more, in a new order each round. Before,
// each is started once, so that its image is on the node.
func (f figures) coldStarts(t *testing.T, rounds int) {
	clear(f.Cold)
	clear(f.Warm)
	some := slices.Concat(hellos, checkoutFunctions)
	all := slices.Clone(some)
	for _, m := range manifest.Functions {
		if !slices.Contains(all, m.Name) {
			all = append(all, m.Name)
		}
	}
	for _, name := range all {
		s.answer(t, name)
		_, f.Memory[name] = s.resident(t, name)
	}
	for round := range rounds {
		services := some
		if round < 5 {
			services = all
		}
		services = slices.Clone(services)
		rand.Shuffle(len(services), func(i, j int) { services[i], services[j] = services[j], services[i] })
		for batch := range slices.Chunk(services, batch) {
			idleShopHasNoPods(t)
			for _, service := range batch {
				name := service
				if slices.Contains(hellos, name) {
					name = "hello"
				}
				f.Cold[name] = append(f.Cold[name], s.answer(t, service))
				f.Warm[name] = append(f.Warm[name], s.answer(t, service))
			}
		}
		step("round %d of %d: hello %.0f ms, order-place %.0f ms", round+1, rounds, median(f.Cold["hello"]), median(f.Cold["order-place"]))
	}
	f.save(t)
}

// beside is hello's cold start in the rounds of a Service: who has fewer samples was in
// the first rounds only.
func (f figures) beside(name string) float64 {
	greetings := f.Cold["hello"]
	if name != "hello" {
		greetings = greetings[:min(len(f.Cold[name])*len(hellos), len(greetings))]
	}
	return median(greetings)
}

// The buyers of first orders: how long they look at the price of their cart, with
// their address in it, before they order.
const (
	hasty   = 2 * time.Second
	careful = 20 * time.Second // who types the address and the card
)

// firstOrders orders in a sleeping shop, beside cold starts of one function.
func (f figures) firstOrders(t *testing.T, rounds int) {
	clear(f.FirstOrder)
	s.furnish(t, map[string]int{"BENCH": 1000})
	s.keepPods(t, usual) // or the shop would go to sleep again while its buyer types
	defer s.keepPods(t, brief)
	for range rounds {
		idleShopHasNoPods(t)
		f.FirstOrder["one function"] = append(f.FirstOrder["one function"], s.answer(t, "order-place"))
		for name, look := range map[string]time.Duration{"hasty": hasty, "careful": careful} {
			f.FirstOrder[name] = append(f.FirstOrder[name], s.firstOrder(t, look))
		}
	}
	s.warming(t, false)
	for range rounds {
		f.FirstOrder["not warmed"] = append(f.FirstOrder["not warmed"], s.firstOrder(t, careful))
	}
	s.warming(t, true)
	f.save(t)
}

// topologies are those of OpenTofu's variable of the same name.
var topologies = []string{"operation", "domain", "shop"}

// shape applies a topology and orders in it: first with nothing up, as far as it
// goes to zero at all, then warm.
func (x *site) shape(t *testing.T, topology string, rounds int) (f shape) {
	t.Helper()
	x.arrange(t, topology)
	x.furnish(t, map[string]int{"BENCH": 1000})
	for range rounds {
		if topology != "shop" { // which has its own broker and stays up
			idleShopHasNoPods(t)
		}
		f.FirstOrder = append(f.FirstOrder, x.order(t, careful))
	}
	for range 10 {
		f.Warm = append(f.Warm, x.order(t, 0))
	}
	f.Pods, f.Memory = x.resident(t, "")
	out, err := x.kubectl(t.Context(), "-n", "rackless", "get", "ksvc", "-o", "name")
	if err != nil {
		t.Fatal(err)
	}
	f.Services = len(fields(out)) - len(hellos)
	step("topology %s: %d Services, %d pods, %.0f MB, first order %.0f ms, warm %.0f ms", topology, f.Services, f.Pods, f.Memory, median(f.FirstOrder), median(f.Warm))
	return f
}

// answer is how long a Service takes to answer its probe, in milliseconds.
func (x *site) answer(t *testing.T, service string) float64 {
	t.Helper()
	path := "/health/readiness"
	if slices.Contains(hellos, service) {
		path = "/"
	}
	began := time.Now()
	r, err := x.within.send(t.Context(), "GET", "http://"+service+".rackless.svc.cluster.local"+path, "", "", nil)
	if err != nil || r.status != 200 {
		t.Fatalf("%s: status %d: %v", service, r.status, err)
	}
	return float64(time.Since(began).Microseconds()) / 1000
}

// resident is how many pods a Service has, or all with no name, and what their
// containers hold resident, in MB.
func (x *site) resident(t *testing.T, service string) (pods int, mb float64) {
	t.Helper()
	out, err := x.kubectl(t.Context(), "get", "--raw", "/api/v1/nodes/node1/proxy/stats/summary")
	if err != nil {
		t.Fatal(err)
	}
	var stats struct {
		Pods []struct {
			PodRef     struct{ Name, Namespace string }
			Containers []struct {
				Name   string
				Memory struct{ WorkingSetBytes float64 }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &stats); err != nil {
		t.Fatal(err)
	}
	for _, p := range stats.Pods {
		if p.PodRef.Namespace == "rackless" && (service == "" || strings.HasPrefix(p.PodRef.Name, service+"-0")) {
			for _, c := range p.Containers {
				if c.Name == "user-container" {
					pods++
					mb += c.Memory.WorkingSetBytes / 1e6
				}
			}
		}
	}
	return pods, mb
}

// firstOrder is how long a shop that sleeps takes from the order's POST to
// confirmed, in milliseconds.
func (x *site) firstOrder(t *testing.T, look time.Duration) float64 {
	t.Helper()
	idleShopHasNoPods(t)
	took := x.order(t, look)
	step("first order of a sleeping shop, %s after its price was seen: %.0f ms", look, took)
	return took
}

// order is how long an order takes from its POST to confirmed, in milliseconds. The
// buyer looks at the cart's price for so long before.
func (x *site) order(t *testing.T, look time.Duration) float64 {
	t.Helper()
	v := x.visit(t, "BENCH", 1)
	x.must(t, v.token, "GET", "/v1/carts/"+v.cart+"/price", "", nil, nil)
	time.Sleep(look)
	began := time.Now()
	o := x.place(t, v, "tok_approve")
	x.await(t, o.ID, "confirmed")
	return float64(time.Since(began).Milliseconds())
}

// warming lets the start of a checkout wake the functions that its order will
// need, or not.
func (x *site) warming(t *testing.T, on bool) {
	t.Helper()
	if on {
		if err := x.tofu(t.Context(), "apply", "-auto-approve"); err != nil {
			t.Fatal(err)
		}
		return
	}
	out, err := x.kubectl(t.Context(), "-n", "rackless", "get", "triggers", "-o", "name")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range fields(out) {
		if strings.HasSuffix(name, "cart-checkout-started-v1") {
			if _, err := x.kubectl(t.Context(), "-n", "rackless", "delete", name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// burst is how long it takes from zero to ten pods when 150 requests a second come, of
// which a pod is to have ten, in milliseconds.
func (x *site) burst(t *testing.T, service string) float64 {
	t.Helper()
	const most, rate = 10, 150
	if service != "hello" {
		patch := `{"spec": {"template": {"metadata": {"annotations": {"autoscaling.knative.dev/max-scale": "10", "autoscaling.knative.dev/metric": "rps", "autoscaling.knative.dev/target": "10"}}}}}`
		if _, err := x.kubectl(t.Context(), "-n", "rackless", "patch", "ksvc", service, "--type=merge", "-p", patch); err != nil {
			t.Fatal(err)
		}
	}
	idleShopHasNoPods(t)
	send := func() {
		_, _ = x.api.send(t.Context(), "GET", "http://"+x.host(service)+"/v1/products", x.key, "", nil)
	}
	if service == "hello" {
		send = func() {
			_, _ = x.within.send(t.Context(), "GET", "http://hello.rackless.svc.cluster.local/", "", "", nil)
		}
	}
	began := time.Now()
	end := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(time.Second / rate)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				group.Go(send)
			}
		}
	})
	for len(x.ready(t, service)) < most && time.Since(began) < 2*time.Minute {
		time.Sleep(200 * time.Millisecond)
	}
	took := float64(time.Since(began).Milliseconds())
	n := len(x.ready(t, service))
	close(end)
	group.Wait()
	if n < most {
		t.Errorf("%s has %d pods after %.0f ms, want %d", service, n, took, most)
	}
	step("%s: from zero to %d pods in %.0f ms", service, n, took)
	return took
}

// ready returns the pods of a Service that serve.
func (x *site) ready(t *testing.T, service string) []string {
	t.Helper()
	out, err := x.kubectl(t.Context(), "-n", "rackless", "get", "pods", "-l", "serving.knative.dev/service="+service, "-o",
		`go-template={{range .items}}{{$n := .metadata.name}}{{range .status.conditions}}{{if and (eq .type "Ready") (eq .status "True")}}{{$n}} {{end}}{{end}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	return fields(out)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// write prints the table and keeps the figures for the plot.
func (f figures) write(t *testing.T) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "Service\tcold ms, median\t× hello\tlargest\twarm ms\tMB\t")
	names := append([]string{"hello"}, checkoutFunctions...)
	for _, m := range manifest.Functions {
		if !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	slow := 0
	for _, name := range names {
		if len(f.Cold[name]) == 0 {
			continue
		}
		times := median(f.Cold[name]) / f.beside(name)
		if times > 1.25 {
			slow++
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.0f\t%.1f\t%.0f\t\n", name, median(f.Cold[name]), times, slices.Max(f.Cold[name]), median(f.Warm[name]), f.Memory[name])
	}
	_ = w.Flush()
	fmt.Println("first order of a sleeping shop, POST to confirmed:")
	one := median(f.FirstOrder["one function"])
	for _, name := range []string{"careful", "hasty", "not warmed"} {
		first := median(f.FirstOrder[name])
		fmt.Printf("  %s: %.0f ms, %.2f cold starts of order-place (%.0f ms)\n", name, first, first/one, one)
	}
	fmt.Printf("from zero to ten pods: hello %.0f ms, catalog-list %.0f ms\n", f.Burst["hello"], f.Burst["catalog-list"])
	fmt.Printf("%d of %d functions take longer than 1.25 × hello\n", slow, len(names)-1)
	for _, name := range topologies {
		x := f.Topology[name]
		fmt.Printf("one Service per %s: %d Services, %d pods and %.0f MB after an order; first order %.0f ms, warm %.0f ms\n",
			name, x.Services, x.Pods, x.Memory, median(x.FirstOrder), median(x.Warm))
	}
	f.save(t)
	if err := os.WriteFile(filepath.Join(top(), "bin", "bench-cluster.svg"), []byte(plot(f, names)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// save keeps the figures for a run of another part.
func (f figures) save(t *testing.T) {
	data, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(figuresFile(), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func figuresFile() string { return filepath.Join(top(), "bin", "bench-cluster.json") }

// plot draws the cold starts: a line from the fastest to the slowest, a dot at the
// median, and the limit of 1.25 × hello.
func plot(f figures, names []string) string {
	const row, left, width = 13, 150, 560
	most := 0.0
	for _, values := range f.Cold {
		most = max(most, slices.Max(values))
	}
	x := func(ms float64) float64 { return left + ms/most*width }
	var b strings.Builder
	height := row*len(names) + 44
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="10">`+"\n", left+width+60, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	for i, name := range names {
		y := row*i + 22
		sorted := slices.Sorted(slices.Values(f.Cold[name]))
		if len(sorted) == 0 {
			continue
		}
		limit := x(1.25 * f.beside(name))
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#c33" stroke-dasharray="4 3"/>`, limit, limit, y-row/2, y+row/2)
		if i == 0 {
			fmt.Fprintf(&b, `<text x="%.1f" y="10" fill="#c33" text-anchor="middle">1.25 × hello in the same rounds</text>`, limit)
		}
		color := "#246"
		if name == "hello" {
			color = "#c33"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s" opacity="0.4" stroke-width="3"/><circle cx="%.1f" cy="%d" r="4" fill="%s"/>`+"\n",
			left-8, y+4, name, x(sorted[0]), x(sorted[len(sorted)-1]), y, y, color, x(median(sorted)), y, color)
	}
	for ms := 0.0; ms <= most; ms += 500 {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#666">%.1f s</text>`+"\n", x(ms), height-8, ms/1000)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
