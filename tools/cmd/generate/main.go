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
	"strings"
	"text/template"
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
	for _, dir := range []string{"functions/cmd", "infra/knative/functions"} {
		if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
			return err
		}
	}
	if err := render(t, "shop.go.tmpl", nil, filepath.Join(root, "functions/cmd/shop/main.go")); err != nil {
		return err
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
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, out, 0o644)
}
