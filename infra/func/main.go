// Command func holds the functions' folders against the func project's own
// packages, and builds one as "func build --builder=host" does. Func can build only
// what is the root package of a module, so a function's folder is built from a copy
// of this repository in which it is that.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	fn "knative.dev/func/pkg/functions"
	"knative.dev/func/pkg/oci"
)

const usage = `usage, in the repository's top folder:
  func validate              load and validate every function's folder, and the root
  func build FUNCTION|.      build one, or the whole shop, as func's host builder does
`

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "validate":
		err = validate()
	case len(os.Args) == 3 && os.Args[1] == "build":
		err = build(context.Background(), os.Args[2])
	default:
		err = errors.New("say what to do\n\n" + usage)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "func:", err)
		os.Exit(1)
	}
}

// validate loads every func.yaml as func does.
func validate() error {
	folders, err := filepath.Glob("functions/*/func.yaml")
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range append(folders, "func.yaml") {
		dir := filepath.Dir(path)
		_, ignore := os.Stat(filepath.Join(dir, ".gitignore"))
		f, err := fn.NewFunction(dir)
		if err == nil && ignore != nil {
			err = errors.New("func has just written the .gitignore that it wants beside it: commit that")
		}
		if err == nil {
			err = f.Validate()
		}
		if err == nil && !f.Initialized() {
			err = errors.New("func sees no function there")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	if len(folders) == 0 {
		errs = append(errs, errors.New("there are no functions here: run it in the repository's top folder"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Printf("func: %d folders load and validate\n", len(folders)+1)
	return nil
}

// build builds the function of a folder, or the root.
func build(ctx context.Context, name string) error {
	dir, err := filepath.Abs(filepath.Join(".func-src", strings.ReplaceAll(name, ".", "shop")))
	if err != nil {
		return err
	}
	if err := copyTo(dir, name); err != nil {
		return err
	}
	f, err := fn.NewFunction(dir)
	if err != nil {
		return err
	}
	// The copy is below a workspace that does not know it, and func's scaffolding
	// requires modules that our go.sum does not list.
	if err := errors.Join(os.Setenv("GOWORK", "off"), os.Setenv("GOFLAGS", "-mod=mod")); err != nil {
		return err
	}
	f.Build.Builder = "host"
	if f.Registry == "" {
		f.Registry = "registry.invalid/shop" // nothing is pushed
	}
	client := fn.New(fn.WithBuilder(oci.NewBuilder("host", false)))
	if f, err = client.Build(ctx, f, fn.BuildWithPlatforms([]fn.Platform{{OS: "linux", Architecture: "amd64"}})); err != nil {
		return err
	}
	fmt.Printf("func: built %s as %s\n", f.Name, f.Build.Image)
	return nil
}

// copyTo copies what a function is built of, with the function as the root
// package.
func copyTo(dir, name string) error {
	out, err := exec.Command("git", "ls-files").Output()
	if err != nil {
		return fmt.Errorf("list the repository's files: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		wanted := path == "go.mod" || path == "go.sum" || strings.HasPrefix(path, "shared/") || strings.HasPrefix(path, "migrations/") ||
			strings.HasPrefix(path, "functions/") && !strings.HasPrefix(path, "functions/cmd/")
		if name == "." {
			wanted = wanted || path == "func.yaml" || strings.HasPrefix(path, "infra/knative/") || !strings.Contains(path, "/") && strings.HasSuffix(path, ".go")
		} else {
			wanted = wanted && !strings.HasPrefix(path, "shared/testkit/") // which imports the root package
		}
		if !wanted || strings.HasSuffix(path, "_test.go") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".go") || path == "go.mod" {
			data = renamed(data)
		}
		if err := write(filepath.Join(dir, path), data); err != nil {
			return err
		}
	}
	if name == "." {
		return nil
	}
	spec, err := os.ReadFile(filepath.Join("functions", name, "func.yaml"))
	if err != nil {
		return err
	}
	root := fmt.Sprintf(`// Package function is one function as the root of a module, for func.
package function

import (
	function "github.com/rackless/rackless/functions/%s"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance.
func New() *runtime.Function { return function.New() }
`, name)
	return errors.Join(write(filepath.Join(dir, "func.yaml"), spec), write(filepath.Join(dir, "function.go"), renamed([]byte(root))))
}

// renamed gives our module the name by which func's scaffolding imports it.
func renamed(source []byte) []byte {
	for _, prefix := range []string{"\"", "module "} {
		source = bytes.ReplaceAll(source, []byte(prefix+"github.com/rackless/rackless"), []byte(prefix+"function"))
	}
	return source
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
