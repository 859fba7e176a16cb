package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// open starts a registry of the test's own.
func open(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// run runs a command in a folder and returns its output's last line.
func run(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	lines := strings.Fields(string(out))
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// digest returns what follows the @ of a reference.
func digest(reference string) string {
	_, d, _ := strings.Cut(reference, "@")
	return d
}

// The same commit makes the same image, wherever its files lie and whatever was
// built before: base and function have one digest each.
func TestTwoBuildsAreOne(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	ko := run(t, ".", []string{"GOWORK=off"}, "go", "tool", "-n", "ko")
	to := open(t) // one for both: ko writes into an image where its base comes from
	var bases, functions []string
	for range 2 {
		top := t.TempDir()
		run(t, here, nil, "git", "clone", "-q", here, top)
		base, err := push(to + "/base:1")
		if err != nil {
			t.Fatal(err)
		}
		built := run(t, top, []string{
			"KO_CONFIG_PATH=infra/images", "KO_DEFAULTBASEIMAGE=" + base, "KO_DOCKER_REPO=" + to, "GOWORK=off", "GOFLAGS=-buildvcs=false",
		}, ko, "build", "--base-import-paths", "--sbom=none", "--platform=linux/amd64", "./functions/cmd/shop-get")
		bases, functions = append(bases, digest(base)), append(functions, digest(built))
	}
	if bases[0] == "" || bases[0] != bases[1] {
		t.Errorf("the base is %s and then %s", bases[0], bases[1])
	}
	if functions[0] == "" || functions[0] != functions[1] {
		t.Errorf("the function is %s and then %s", functions[0], functions[1])
	}
}

// An image that weighs too much is refused by its name.
func TestHeavyImageIsRefused(t *testing.T) {
	t.Parallel()
	to := open(t)
	var references []string
	for function, size := range map[string]int64{"light": budget - 4096, "heavy": budget + 1} {
		tag, err := name.NewTag(to + "/" + function + ":1")
		if err != nil {
			t.Fatal(err)
		}
		img, err := random.Image(size, 1) // which does not compress, and has a few bytes of its own
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(tag, img); err != nil {
			t.Fatal(err)
		}
		d, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		references = append(references, tag.Context().Name()+"@"+d.String())
	}
	file := filepath.Join(t.TempDir(), "images.txt")
	if err := os.WriteFile(file, []byte(strings.Join(references, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := list(file)
	if err == nil || !strings.Contains(err.Error(), "heavy for its platform: 8.0 MB") || strings.Contains(err.Error(), "light") {
		t.Errorf("got %v; want the heavy one refused", err)
	}
}
