package rackless_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rackless/rackless"

// listed is what "go list" tells of a package.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

// list returns the packages of the module at dir, without tests.
func list(t *testing.T, dir string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps=false", "-json=ImportPath,Dir,GoFiles,Imports,Deps", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, err.(*exec.ExitError).Stderr)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// The layers. A package may import those of its own list and, of this module,
// nothing else; the lists of domains are their edges in the graph of domains.
var (
	vocabulary = []string{"fault", "money", "clock", "ident", "page", "principal"}
	cores      = []string{"perlnum", "tax/rate", "shipping/quote", "promotion", "catalog/option", "catalog/schedule", "cart/line", "cart/price", "payment/status", "payment/card", "order/state"}
	domains    = map[string][]string{
		"shop":      {"auth"},
		"catalog":   {"shop"},
		"customer":  {"session", "shop"}, // whose ledgers a customer's accounts are
		"session":   {"auth"},
		"inventory": {"catalog"},
		"cart":      {"catalog", "shop", "session", "customer"},
		"payment":   {"shop"},
		"order":     {"cart", "payment", "inventory", "customer", "shop"},
		"notify":    {},
		"webhook":   {},
		"ebay":      {"catalog", "inventory", "cart", "order", "payment", "ebay/client"}, // the client is its own, and told apart for its size
	}
	domainPlatform = []string{"events", "postgres", "outbox", "txn", "seal"}
	// adapters may talk to the world; they know their domain.
	adapters = []string{"payment/testgateway", "payment/gateways", "payment/authorizenet", "payment/stripe", "ebay/client", "ebay/reach", "webhook/post", "notify/smtp", "notify/ses"}
	// world is what domains and cores must not touch.
	world = []string{"net/http", "os", "log", "log/slog", "database/sql", "encoding/xml", "github.com/cloudevents/", "github.com/aws/",
		"github.com/kelseyhightower/", "knative.dev/", "k8s.io/"}
)

// violations returns what in the packages breaks the layers.
func violations(packages []listed) []string {
	var found []string
	for _, p := range packages {
		name, ok := strings.CutPrefix(p.ImportPath, module+"/shared/")
		if strings.HasPrefix(p.ImportPath, module+"/functions/") && !strings.HasPrefix(p.ImportPath, module+"/functions/cmd/") {
			for _, dep := range p.Imports {
				if strings.HasPrefix(dep, module+"/functions/") || slices.Contains([]string{module + "/shared/testkit", module + "/shared/topology"}, dep) {
					found = append(found, fmt.Sprintf("%s imports %s: functions import only shared packages, and neither topology nor testkit", p.ImportPath, dep))
				}
			}
			for _, dep := range p.Deps {
				if strings.HasPrefix(dep, "k8s.io/") || dep == "testing" || strings.HasPrefix(dep, module+"/shared/topology") || strings.HasPrefix(dep, module+"/shared/postgres/local") {
					found = append(found, fmt.Sprintf("%s depends on %s, which must not be in a function", p.ImportPath, dep))
				}
			}
		}
		if !ok {
			continue
		}
		for _, dep := range p.Imports {
			if reason := refuse(name, dep); reason != "" {
				found = append(found, fmt.Sprintf("shared/%s imports %s: %s", name, dep, reason))
			}
		}
		found = append(found, floats(name, p)...)
	}
	return found
}

// refuse says why a shared package must not import another, "" if it may.
func refuse(name, dep string) string {
	ours, own := strings.CutPrefix(dep, module+"/shared/")
	switch {
	case slices.Contains(vocabulary, name):
		if own && !slices.Contains(vocabulary, ours) {
			return "the vocabulary imports nothing of ours"
		}
	case name == "events":
		if own && !slices.Contains(vocabulary, ours) || strings.HasPrefix(dep, "github.com/cloudevents/") {
			return "the published language imports the vocabulary only"
		}
	case slices.Contains(cores, name):
		if own && !slices.Contains(vocabulary, ours) && !slices.Contains(cores, ours) || dep == "context" || strings.HasPrefix(dep, "github.com/jackc/") || touchesWorld(dep) {
			return "cores are pure functions over the vocabulary and other cores"
		}
	case slices.Contains(adapters, name):
		return ""
	case domains[name] != nil:
		if touchesWorld(dep) {
			return "domains know neither HTTP nor the environment"
		}
		if own && !slices.Contains(vocabulary, ours) && !slices.Contains(domainPlatform, ours) && !slices.Contains(cores, ours) && !slices.Contains(domains[name], ours) {
			return "there is no such edge in the graph of domains"
		}
	}
	switch {
	case dep == "github.com/kelseyhightower/envconfig" && name != "config":
		return "only config reads the environment"
	case strings.HasPrefix(dep, "knative.dev/") && name != "runtime" && name != "topology":
		return "only runtime and topology use Knative's packages"
	case dep == module+"/shared/testkit" || strings.HasPrefix(dep, module+"/shared/testkit/") && !strings.HasPrefix(name, "testkit"):
		return "only tests import the test kit"
	case strings.HasPrefix(dep, module+"/functions/"):
		return "shared packages do not know the functions"
	}
	return ""
}

func touchesWorld(dep string) bool {
	return slices.ContainsFunc(world, func(w string) bool { return dep == w || strings.HasSuffix(w, "/") && strings.HasPrefix(dep, w) })
}

// floats finds floating-point types where amounts are handled. Only perlnum,
// which repeats CommerceRack's arithmetic, has them.
func floats(name string, p listed) []string {
	root, _, _ := strings.Cut(name, "/")
	if name == "perlnum" || domains[root] == nil && !slices.Contains(cores, name) && !slices.Contains(vocabulary, name) {
		return nil
	}
	var found []string
	for _, file := range p.GoFiles {
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, filepath.Join(p.Dir, file), nil, 0)
		if err != nil {
			return []string{err.Error()}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
				found = append(found, fmt.Sprintf("shared/%s: %s: %s exists in perlnum only", name, set.Position(id.Pos()), id.Name))
			}
			return true
		})
	}
	return found
}

func TestLayers(t *testing.T) {
	t.Parallel()
	for _, v := range violations(list(t, ".")) {
		t.Error(v)
	}
}

// A rule that nothing can break is none: each kind of violation is planted in a
// copy of a package and must be found.
func TestLayersFindPlantedViolations(t *testing.T) {
	t.Parallel()
	planted := []listed{
		{ImportPath: module + "/shared/money", Imports: []string{module + "/shared/postgres"}},
		{ImportPath: module + "/shared/events", Imports: []string{"github.com/cloudevents/sdk-go/v2/event"}},
		{ImportPath: module + "/shared/cart/price", Imports: []string{"context"}},
		{ImportPath: module + "/shared/cart", Imports: []string{"net/http"}},
		{ImportPath: module + "/shared/cart", Imports: []string{module + "/shared/order"}},
		{ImportPath: module + "/shared/auth", Imports: []string{"github.com/kelseyhightower/envconfig"}},
		{ImportPath: module + "/shared/auth", Imports: []string{"knative.dev/pkg/signals"}},
		{ImportPath: module + "/shared/idem", Imports: []string{module + "/shared/testkit"}},
		{ImportPath: module + "/shared/outbox", Imports: []string{module + "/functions/cart-get"}},
		{ImportPath: module + "/functions/cart-get", Imports: []string{module + "/functions/cart-price"}},
		{ImportPath: module + "/functions/cart-get", Deps: []string{"k8s.io/api/core/v1"}},
	}
	for _, p := range planted {
		if len(violations([]listed{p})) == 0 {
			t.Errorf("not found: %s importing %v %v", p.ImportPath, p.Imports, p.Deps)
		}
	}
	dir := t.TempDir()
	file := "package order\n\nvar total float64\n"
	if err := os.WriteFile(filepath.Join(dir, "total.go"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := violations([]listed{{ImportPath: module + "/shared/order", Dir: dir, GoFiles: []string{"total.go"}}}); len(found) != 1 {
		t.Errorf("a float in shared/order: found %v", found)
	}
}
