package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// sources returns this program's own folder, where modules/ pins everything that
// the cluster is built of: one Go module for each component, because their
// dependencies do not agree with each other.
func sources() (fs.FS, error) {
	dir := os.Getenv("TESTCLUSTER_SOURCES")
	if dir == "" {
		dir = filepath.Join("infra", "testcluster")
	}
	if _, err := os.Stat(filepath.Join(dir, "modules")); err != nil {
		return nil, fmt.Errorf("run it in the repository's top folder, or set TESTCLUSTER_SOURCES: %w", err)
	}
	return os.DirFS(dir), nil
}

// component is what one module's packages are built into.
type component struct {
	module   string
	flags    []string
	into     string   // folder below the binaries' one
	packages []string // built under their own names
	output   string   // the name of the binary, if there is one package
}

const (
	kubernetesVersion = "1.36.3"
	containerdVersion = "2.3.7"
)

const stripped = "-s -w"

// components are in the order in which they are built, which is from the one
// that most others share packages with.
var components = []component{
	{
		module: "kubernetes",
		flags: []string{"-ldflags", stripped + " -X k8s.io/component-base/version.gitVersion=v" + kubernetesVersion +
			" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"},
		packages: prefixed("k8s.io/kubernetes/cmd/", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"),
	},
	{module: "kubernetes", flags: []string{"-ldflags", stripped}, packages: []string{"go.etcd.io/etcd/server/v3"}, output: "etcd"},
	{
		module:   "containerd",
		flags:    []string{"-ldflags", stripped + " -X github.com/containerd/containerd/v2/version.Version=v" + containerdVersion},
		packages: prefixed("github.com/containerd/containerd/v2/cmd/", "containerd", "containerd-shim-runc-v2", "ctr"),
	},
	{module: "coredns", flags: []string{"-ldflags", stripped}, packages: []string{"."}, output: "coredns"},
	{
		module: "knative", flags: []string{"-ldflags", stripped}, into: "serving",
		packages: prefixed("knative.dev/serving/cmd/", "activator", "autoscaler", "controller", "webhook", "queue"),
	},
	{
		module: "knative", flags: []string{"-ldflags", stripped}, into: "eventing",
		packages: prefixed("knative.dev/eventing/cmd/", "controller", "webhook", "jobsink", "mtping", "requestreply", "auth_proxy",
			"broker/ingress", "broker/filter", "mtchannel_broker", "in_memory/channel_controller", "in_memory/channel_dispatcher"),
	},
	{module: "traefik", flags: []string{"-mod=mod", "-ldflags", stripped}, packages: []string{"github.com/traefik/traefik/v3/cmd/traefik"}},
	{module: "tofu", flags: []string{"-ldflags", stripped}, packages: []string{"github.com/opentofu/opentofu/cmd/tofu"}},
	{module: "provider", flags: []string{"-ldflags", stripped}, packages: []string{"github.com/gavinbunney/terraform-provider-kubectl"}},
	{module: ".", flags: []string{"-ldflags", stripped}, packages: []string{"./cmd/pause", "./cmd/hello"}},
}

func prefixed(prefix string, names ...string) []string {
	for i, n := range names {
		names[i] = prefix + n
	}
	return names
}

// cache is the folder of what is built once for these sources.
func cache() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	files, err := sources()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		counts := strings.HasSuffix(name, "go.sum") || strings.HasSuffix(name, "go.mod") || strings.HasPrefix(name, "cmd/") ||
			strings.HasPrefix(name, "modules/") || name == "build.go" || name == "images.go"
		if err != nil || d.IsDir() || !counts {
			return err
		}
		data, err := fs.ReadFile(files, name)
		fmt.Fprintf(h, "%s %d\n", name, len(data))
		h.Write(data)
		return err
	})
	return filepath.Join(base, "rackless", "testcluster", hex.EncodeToString(h.Sum(nil)[:8])), err
}

// build makes the binaries, images and manifests, unless they are there, and
// returns their folder.
func build(ctx context.Context, p *progress) (string, error) {
	dir, err := cache()
	if err != nil {
		return "", err
	}
	done := filepath.Join(dir, "complete")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if _, err := os.Stat(done); err == nil {
		return dir, nil // another has built it meanwhile
	}
	p.say("building the cluster's programs in %s: a quarter of an hour the first time, a minute when Go's cache is warm", dir)
	src := filepath.Join(dir, "src")
	if err := os.RemoveAll(src); err != nil {
		return "", err
	}
	files, err := sources()
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(src, files); err != nil {
		return "", err
	}
	if err := withoutDNSProviders(ctx, filepath.Join(src, "modules", "traefik")); err != nil {
		return "", err
	}
	for _, c := range components {
		if err := p.step("build "+strings.Join(c.names(), ", "), func() error { return c.build(ctx, src, filepath.Join(dir, "bin")) }); err != nil {
			return "", err
		}
	}
	if err := p.step("make images of them", func() error { return makeImages(dir) }); err != nil {
		return "", err
	}
	if err := p.step("gather Knative's manifests", func() error { return makeManifests(ctx, src, dir) }); err != nil {
		return "", err
	}
	if err := os.RemoveAll(src); err != nil {
		return "", err
	}
	return dir, os.WriteFile(done, nil, 0o644)
}

func (c component) names() []string {
	if c.output != "" {
		return []string{c.output}
	}
	names := make([]string, len(c.packages))
	for i, p := range c.packages {
		names[i] = path.Base(p)
	}
	return names
}

func (c component) build(ctx context.Context, src, bin string) error {
	out := filepath.Join(bin, c.into) + "/"
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	folder := filepath.Join(src, "modules", c.module)
	if c.module == "." {
		folder = src
	}
	args := append([]string{"build", "-trimpath", "-o", out + c.output}, c.flags...)
	return golang(ctx, folder, nil, append(args, c.packages...)...)
}

// golang runs the go command; its output goes to out if that is not nil.
func golang(ctx context.Context, folder string, out any, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	data, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// module returns the folder of a module's source.
func moduleDir(ctx context.Context, folder, name string) (string, error) {
	var m struct{ Dir, Version string }
	if err := golang(ctx, folder, &m, "list", "-m", "-json", name); err != nil {
		return "", err
	}
	if m.Dir == "" {
		if err := golang(ctx, folder, &m, "mod", "download", "-json", name+"@"+m.Version); err != nil {
			return "", err
		}
	}
	return m.Dir, nil
}

// withoutDNSProviders lets Traefik build without the SDKs of 180 DNS providers,
// by which it could prove that it owns a domain: a copy of lego has none.
func withoutDNSProviders(ctx context.Context, folder string) error {
	var traefik, lego struct{ Dir, Version string }
	if err := golang(ctx, folder, &traefik, "mod", "download", "-json", "github.com/traefik/traefik/v3@v3.6.12"); err != nil {
		return err
	}
	if err := golang(ctx, traefik.Dir, &lego, "list", "-mod=mod", "-m", "-json", "github.com/go-acme/lego/v4"); err != nil {
		return err
	}
	if err := golang(ctx, folder, &lego, "mod", "download", "-json", "github.com/go-acme/lego/v4@"+lego.Version); err != nil {
		return err
	}
	target := filepath.Join(folder, "lego")
	if err := os.CopyFS(target, os.DirFS(lego.Dir)); err != nil {
		return err
	}
	providers := filepath.Join(target, "providers", "dns")
	entries, err := os.ReadDir(providers)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != "internal" {
			if err := os.RemoveAll(filepath.Join(providers, e.Name())); err != nil {
				return err
			}
		}
	}
	const none = `package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
)

// NewDNSChallengeProviderByName knows no DNS provider in this build.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("unrecognized DNS provider: %s", name)
}
`
	return os.WriteFile(filepath.Join(providers, "zz_gen_dns_providers.go"), []byte(none), 0o644)
}
