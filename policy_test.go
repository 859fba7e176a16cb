package rackless_test

import (
	"bytes"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// A networkPolicy is what Kubernetes' object of that name says (networking.k8s.io/v1).
// A field that is not here is an error: what the simulation does not know it must
// not overlook.
type networkPolicy struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		PodSelector selector     `json:"podSelector"`
		PolicyTypes []string     `json:"policyTypes"`
		Ingress     []policyRule `json:"ingress"`
		Egress      []policyRule `json:"egress"`
	} `json:"spec"`
}

type selector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

type policyRule struct {
	From  []policyPeer `json:"from"`
	To    []policyPeer `json:"to"`
	Ports []struct {
		Port     int    `json:"port"`
		Protocol string `json:"protocol"`
	} `json:"ports"`
}

type policyPeer struct {
	PodSelector       *selector `json:"podSelector"`
	NamespaceSelector *selector `json:"namespaceSelector"`
	IPBlock           *struct {
		CIDR   netip.Prefix   `json:"cidr"`
		Except []netip.Prefix `json:"except"`
	} `json:"ipBlock"`
}

// end is one end of a connection: a pod, or with no namespace something outside
// of the cluster.
type end struct {
	name      string
	namespace string
	labels    map[string]string // the pod's
	spaces    map[string]string // its namespace's
	address   string
}

func (s selector) selects(labels map[string]string) bool {
	for k, v := range s.MatchLabels {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// covers reports whether a peer of a policy is that end. Whether an address block
// is held against the addresses of pods is left to the network's implementation:
// pods says which way.
func (p policyPeer) covers(e end, own string, pods bool) bool {
	if p.IPBlock != nil {
		address := netip.MustParseAddr(e.address)
		return (pods || e.namespace == "") && p.IPBlock.CIDR.Contains(address) &&
			!slices.ContainsFunc(p.IPBlock.Except, func(x netip.Prefix) bool { return x.Contains(address) })
	}
	if e.namespace == "" {
		return false
	}
	if p.NamespaceSelector == nil && e.namespace != own || p.NamespaceSelector != nil && !p.NamespaceSelector.selects(e.spaces) {
		return false
	}
	return p.PodSelector == nil || p.PodSelector.selects(e.labels)
}

// allows reports whether the policies let a connection through at one of its ends:
// that is so where none selects the pod, or where a rule of one that does names the
// other end and the port.
func allows(policies []networkPolicy, kind string, at, other end, port int, protocol string, pods bool) bool {
	isolated := false
	for _, p := range policies {
		if at.namespace != p.Metadata.Namespace || !p.Spec.PodSelector.selects(at.labels) || !slices.Contains(p.Spec.PolicyTypes, kind) {
			continue
		}
		isolated = true
		rules := p.Spec.Ingress
		if kind == "Egress" {
			rules = p.Spec.Egress
		}
		for _, r := range rules {
			peers := slices.Concat(r.From, r.To)
			named := len(peers) == 0 || slices.ContainsFunc(peers, func(x policyPeer) bool { return x.covers(other, p.Metadata.Namespace, pods) })
			open := len(r.Ports) == 0
			for _, x := range r.Ports {
				open = open || x.Port == port && x.Protocol == protocol
			}
			if named && open {
				return true
			}
		}
	}
	return !isolated
}

// policiesOf reads the network policies of the manifests in folders.
func policiesOf(t *testing.T, dirs ...string) []networkPolicy {
	t.Helper()
	var policies []networkPolicy
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join("infra/knative", dir, "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no manifests in %s: %v", dir, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, document := range bytes.Split(data, []byte("\n---\n")) {
				if !bytes.Contains(document, []byte("\nkind: NetworkPolicy\n")) {
					continue
				}
				var p networkPolicy
				if err := yaml.UnmarshalStrict(document, &p); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				policies = append(policies, p)
			}
		}
	}
	return policies
}

// needs are what a function's func.yaml says that it has to reach.
type needs struct{ database, broker, https, smtp bool }

func needsOf(t *testing.T) map[string]needs {
	t.Helper()
	files, err := filepath.Glob("functions/*/func.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d functions, %v", len(files), err)
	}
	all := map[string]needs{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Name   string
			Run    struct{ Envs []struct{ Name string } }
			Deploy struct{ Annotations map[string]string }
		}
		if err := yaml.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		has := func(env string) bool {
			return slices.ContainsFunc(f.Run.Envs, func(e struct{ Name string }) bool { return e.Name == env })
		}
		egress := strings.Fields(f.Deploy.Annotations["rackless.dev/egress"])
		all[f.Name] = needs{has("DATABASE_URL"), has("K_SINK"), slices.Contains(egress, "https"), slices.Contains(egress, "smtp")}
	}
	return all
}

// The policies are not enforced in the cluster of the tests (see
// infra/testcluster), so what they say is worked out here as Kubernetes specifies
// it: every function reaches what its func.yaml declares and nothing else, in each
// topology, however the network treats address blocks.
func TestNetworkPolicies(t *testing.T) {
	t.Parallel()
	operation := needsOf(t)
	domain := map[string]needs{}
	whole := needs{}
	for name, n := range operation {
		d, _, _ := strings.Cut(name, "-")
		sum := domain[d]
		for _, into := range []*needs{&sum, &whole} {
			*into = needs{into.database || n.database, into.broker || n.broker, into.https || n.https, into.smtp || n.smtp}
		}
		domain[d] = sum
	}
	for name, x := range map[string]struct {
		dirs     []string
		services map[string]needs
	}{
		"operation": {[]string{"base", "functions"}, operation},
		"domain":    {[]string{"base", "overlays/domain"}, domain},
		"shop":      {[]string{"base", "overlays/shop"}, map[string]needs{"shop": {database: true, https: whole.https, smtp: whole.smtp}}}, // it has its own broker
	} {
		t.Run(name, func(t *testing.T) {
			policies := policiesOf(t, x.dirs...)
			for service, n := range x.services {
				for _, pods := range []bool{false, true} {
					connections(t, policies, service, n, pods)
				}
			}
		})
	}
}

// connections tries what a Service's pod may and may not reach, and who it.
func connections(t *testing.T, policies []networkPolicy, service string, n needs, pods bool) {
	t.Helper()
	pod := func(namespace, name, address string, labels map[string]string) end {
		spaces := map[string]string{"kubernetes.io/metadata.name": namespace}
		maps.Copy(spaces, labels)
		return end{name, namespace, map[string]string{"app": name}, spaces, address}
	}
	function := func(name, address string) end {
		e := pod("rackless", name, address, nil)
		e.labels = map[string]string{"serving.knative.dev/service": name}
		return e
	}
	self, other := function(service, "10.100.0.7"), function("another", "10.100.0.8")
	ingress := pod("traefik", "traefik", "10.100.0.20", map[string]string{"rackless.dev/ingress": "true"})
	activator := pod("knative-serving", "activator", "10.100.0.21", nil)
	broker := pod("knative-eventing", "mt-broker-ingress", "10.100.0.22", nil)
	names := pod("kube-system", "coredns", "10.100.0.23", nil)
	database := pod("postgres", "postgres", "10.100.0.24", map[string]string{"rackless.dev/database": "true"})
	traces := pod("observability", "collector", "10.100.0.25", map[string]string{"rackless.dev/observability": "true"})
	stranger := pod("default", "stranger", "10.100.0.30", nil)
	outside := func(name, address string) end { return end{name: name, address: address} }
	for _, c := range []struct {
		from, to end
		port     int
		protocol string
		want     bool
	}{
		{ingress, self, 8012, "TCP", true},
		{activator, self, 8012, "TCP", true},
		{activator, self, 9090, "TCP", true},
		{other, self, 8012, "TCP", false},
		{other, self, 8080, "TCP", false},
		{stranger, self, 8012, "TCP", false},
		{broker, self, 8012, "TCP", false}, // it delivers by way of the ingress
		{outside("the internet", "203.0.113.9"), self, 8012, "TCP", false},
		{self, names, 53, "UDP", true},
		{self, traces, 4318, "TCP", true},
		{self, names, 443, "TCP", false},
		{self, other, 8012, "TCP", false},
		{self, stranger, 80, "TCP", false},
		{self, broker, 80, "TCP", n.broker},
		{self, ingress, 80, "TCP", service == "gateway"},
		{self, activator, 8012, "TCP", service == "gateway"},
		{self, database, 5432, "TCP", n.database},
		{self, database, 22, "TCP", false},
		{self, outside("a database elsewhere", "198.51.100.4"), 5432, "TCP", n.database},
		{self, outside("a vendor", "203.0.113.9"), 443, "TCP", n.https},
		{self, outside("a mail server", "203.0.113.9"), 587, "TCP", n.smtp},
		{self, outside("the internet", "203.0.113.9"), 80, "TCP", false},
		{self, outside("the internet", "203.0.113.9"), 22, "TCP", false},
		{self, outside("the API server's Service", "10.96.0.1"), 443, "TCP", false},
		{self, outside("the API server", "192.168.1.10"), 6443, "TCP", false},
		{self, outside("the kubelet", "172.16.4.2"), 10250, "TCP", false},
		{self, outside("the cloud's metadata", "169.254.169.254"), 80, "TCP", false},
		{self, outside("the cloud's metadata", "169.254.169.254"), 443, "TCP", false},
		{self, outside("the neighbours", "100.64.3.4"), 443, "TCP", false},
		{self, outside("the neighbours", "fd00::1"), 443, "TCP", false},
	} {
		got := allows(policies, "Egress", c.from, c.to, c.port, c.protocol, pods) && allows(policies, "Ingress", c.to, c.from, c.port, c.protocol, pods)
		if got != c.want {
			t.Errorf("%s: %s to %s, %s %d: %s", service, c.from.name, c.to.name, c.protocol, c.port, verdict(got))
		}
	}
}

func verdict(allowed bool) string {
	if allowed {
		return "is allowed, and must not be"
	}
	return "is refused, and is needed"
}
