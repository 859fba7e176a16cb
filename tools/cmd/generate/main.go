// Command generate makes from functions/*/func.yaml what would otherwise have to
// be kept in step by hand: the manifest table, one main per function, the
// registry of the root package, the database grants, the Knative manifests and
// the table of functions. Run it at the root of the repository ("make generate");
// a test runs it again and fails when the files committed differ.
package main

import (
	"bytes"
	"embed"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/rackless/rackless/shared/payment/status"
)

//go:embed templates/*
var templates embed.FS

func main() {
	root := flag.String("root", ".", "the repository to read and write")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	functions, err := load(root)
	if err != nil {
		return err
	}
	t, err := template.New("").Funcs(template.FuncMap{
		"quote": func(s string) string { return fmt.Sprintf("%q", s) },
		"join":  strings.Join,
		"short": func(t string) string { return strings.TrimPrefix(t, eventPrefix) },
		"dash": func(t string) string {
			return strings.NewReplacer(".", "-", "_", "-").Replace(strings.TrimPrefix(t, eventPrefix))
		},
	}).ParseFS(templates, "templates/*")
	if err != nil {
		return err
	}
	files := map[string]string{
		"shared/manifest/table.go": "table.go.tmpl",
		"registry.go":              "registry.go.tmpl",
		"migrations/grants.sql":    "grants.sql.tmpl",
		"functions/README.md":      "README.md.tmpl",
	}
	for path, name := range files {
		if err := render(t, name, functions, filepath.Join(root, path)); err != nil {
			return err
		}
	}
	for _, dir := range []string{"functions/cmd", "infra/knative/functions", "infra/knative/overlays"} {
		if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
			return err
		}
	}
	if err := render(t, "shop.go.tmpl", nil, filepath.Join(root, "functions/cmd/shop/main.go")); err != nil {
		return err
	}
	if err := write(filepath.Join(root, "shared/payment/status/README.md"), []byte(status.Markdown())); err != nil {
		return err
	}
	if err := render(t, "domain.go.tmpl", nil, filepath.Join(root, "functions/cmd/domain/main.go")); err != nil {
		return err
	}
	for name, services := range overlays(functions) {
		for _, s := range services {
			if err := render(t, "domain.yaml.tmpl", s, filepath.Join(root, "infra/knative/overlays", name, s.Name+".yaml")); err != nil {
				return err
			}
		}
	}
	for _, f := range functions {
		if err := render(t, "main.go.tmpl", f, filepath.Join(root, "functions/cmd", f.Name, "main.go")); err != nil {
			return err
		}
		if err := render(t, "service.yaml.tmpl", f, filepath.Join(root, "infra/knative/functions", f.Name+".yaml")); err != nil {
			return err
		}
	}
	return nil
}

// service is several functions in one Service.
type service struct {
	Name        string
	Image       string // the command below functions/cmd
	Min, Max    int
	Concurrency int
	Egress      []int
	Functions   []function // whose events and schedules it gets from outside
}

// Reaches reports whether the Service connects to the functions, the database or
// the broker.
func (s service) Reaches(what string) bool {
	whole := s.Image == "shop" // it calls its functions itself, and has its own broker
	switch what {
	case "functions":
		return s.Name == "gateway"
	case "database":
		return whole || s.Name != "gateway"
	}
	return !whole && slices.ContainsFunc(s.Functions, func(f function) bool { return len(f.Emits) > 0 || f.Sweeper })
}

// overlays are the topologies beside that of one Service per operation: one per
// domain, and one for the whole shop, which is its own broker and wakes itself.
func overlays(functions []function) map[string][]service {
	whole := service{Name: "shop", Image: "shop", Min: 1, Max: 4}
	var domains []service
	for _, f := range functions {
		whole.Egress = append(whole.Egress, f.Egress...)
		domain, _, _ := strings.Cut(f.Name, "-")
		i := slices.IndexFunc(domains, func(s service) bool { return s.Name == domain })
		if i < 0 {
			image := "domain"
			if f.Name == "gateway" {
				image = "gateway"
			}
			domains = append(domains, service{Name: domain, Image: image, Max: 4, Concurrency: 80})
			i = len(domains) - 1
		}
		domains[i].Functions = append(domains[i].Functions, f)
		domains[i].Egress = append(domains[i].Egress, f.Egress...)
	}
	for i := range domains {
		slices.Sort(domains[i].Egress)
		domains[i].Egress = slices.Compact(domains[i].Egress)
	}
	slices.Sort(whole.Egress)
	whole.Egress = slices.Compact(whole.Egress)
	return map[string][]service{"domain": domains, "shop": {whole}}
}

// render writes a file made from a template, formatted if it is Go.
func render(t *template.Template, name string, data any, path string) error {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	out := b.Bytes()
	if strings.HasSuffix(path, ".go") {
		formatted, err := format.Source(out)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		out = formatted
	}
	return write(path, out)
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
