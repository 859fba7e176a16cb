package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

// generated are the files and folders that generate makes.
var generated = []string{"shared/manifest/table.go", "registry.go", "migrations/grants.sql", "functions/README.md", "functions/cmd", "infra/knative/functions", "infra/knative/overlays", "shared/payment/status/README.md"}

func TestCommittedFilesAreTheGenerated(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	for _, pattern := range []string{"functions/*/func.yaml", "functions/*/function.go"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, error %v", pattern, len(paths), err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(out, strings.TrimPrefix(path, root))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := run(out); err != nil {
		t.Fatal(err)
	}
	for _, path := range generated {
		want, got := read(t, filepath.Join(root, path)), read(t, filepath.Join(out, path))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s is not what make generate makes; run it (-committed +made):\n%s", path, diff)
		}
	}
}

// read returns a file, or the files below a folder, by path.
func read(t *testing.T, path string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(at)
		files[strings.TrimPrefix(at, path)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
