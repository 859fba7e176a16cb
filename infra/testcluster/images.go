package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// archive is the file that holds all images of the cluster's own programs.
const archive = "images.tar"

// imageOf returns the name under which a binary's image is known; it is never
// looked up anywhere.
func imageOf(binary string) string {
	return "dev.local/" + strings.ReplaceAll(binary, "_", "-") + ":1"
}

// makeImages puts each binary that runs in a pod into an image of its own.
func makeImages(dir string) error {
	binaries := []string{"coredns", "traefik", "pause", "hello"}
	for _, c := range components {
		if c.module == "knative" {
			for _, n := range c.names() {
				binaries = append(binaries, filepath.Join(c.into, n))
			}
		}
	}
	images := map[name.Tag]v1.Image{}
	for _, b := range binaries {
		tag, err := name.NewTag(imageOf(b))
		if err != nil {
			return err
		}
		if images[tag], err = image(filepath.Join(dir, "bin", b)); err != nil {
			return fmt.Errorf("image of %s: %w", b, err)
		}
	}
	return tarball.MultiWriteToFile(filepath.Join(dir, archive), images)
}

// image returns an image of nothing but a static binary. Its layer is not
// compressed: it goes from this machine to this machine.
func image(binary string) (v1.Image, error) {
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return content(binary) }, tarball.WithCompression(compression.None))
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(img, &v1.ConfigFile{
		Architecture: "amd64", OS: "linux", RootFS: must(img).RootFS,
		Config: v1.Config{Entrypoint: []string{"/ko-app/app"}, User: "65532", Env: []string{"PATH=/ko-app"}, WorkingDir: "/"},
	})
}

func must(img v1.Image) *v1.ConfigFile {
	c, err := img.ConfigFile()
	if err != nil {
		return &v1.ConfigFile{}
	}
	return c
}

// content returns the file system of an image.
func content(binary string) (io.ReadCloser, error) {
	data, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	users := []byte("root:x:0:0:root:/:/\nnonroot:x:65532:65532:nonroot:/tmp:/\n")
	for _, f := range []struct {
		header tar.Header
		data   []byte
	}{
		{tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		{tar.Header{Name: "ko-app/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		{tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}, nil},
		{tar.Header{Name: "etc/passwd", Mode: 0o644}, users},
		{tar.Header{Name: "ko-app/app", Mode: 0o755}, data},
	} {
		f.header.Size, f.header.ModTime = int64(len(f.data)), time.Unix(0, 0)
		if err := w.WriteHeader(&f.header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(&b), w.Close()
}

// manifestSet is a file of objects, gathered from the modules' sources.
type manifestSet struct {
	file     string
	patterns []string // "module:pattern"
	except   string   // files with this in their path are left out
}

const (
	serving    = "knative.dev/serving:"
	eventing   = "knative.dev/eventing:"
	networking = "knative.dev/networking:"
	caching    = "knative.dev/caching:"
)

var manifestSets = []manifestSet{
	{"1-serving-crds.yaml", []string{
		networking + "config/ingress.yaml", networking + "config/serverlessservice.yaml", networking + "config/certificate.yaml",
		networking + "config/domain-claim.yaml", caching + "config/image.yaml", serving + "config/core/300-resources/*.yaml",
	}, ""},
	{"1-eventing-crds.yaml", []string{eventing + "config/core/resources/*.yaml", eventing + "config/channels/in-memory-channel/resources/*.yaml"}, ""},
	{"2-serving.yaml", []string{
		serving + "config/core/100-namespace.yaml", serving + "config/core/200-serviceaccount.yaml", serving + "config/core/200-roles/*.yaml",
		serving + "config/core/configmaps/*.yaml", networking + "config/config-network.yaml", serving + "config/core/webhooks/*.yaml",
		serving + "config/core/deployments/activator.yaml", serving + "config/core/deployments/autoscaler.yaml",
		serving + "config/core/deployments/controller.yaml", serving + "config/core/deployments/webhook.yaml", serving + "config/core/999-cache.yaml",
	}, ""},
	{"2-eventing.yaml", []string{
		eventing + "config/core/100-namespace.yaml", eventing + "third_party/eventing-integrations-latest/*-images.yaml",
		eventing + "config/core/200-*.yaml", eventing + "config/core/roles/*.yaml", eventing + "config/core/configmaps/*.yaml",
		eventing + "config/core/webhooks/*.yaml", eventing + "config/core/deployments/controller.yaml", eventing + "config/core/deployments/job-sink.yaml",
		eventing + "config/core/deployments/pingsource-mt-adapter.yaml", eventing + "config/core/deployments/request-reply.yaml",
		eventing + "config/core/deployments/webhook.yaml",
	}, ""},
	{"3-eventing-broker.yaml", []string{
		eventing + "config/channels/in-memory-channel/*.yaml", eventing + "config/channels/in-memory-channel/*/*.yaml",
		eventing + "config/brokers/mt-channel-broker/*.yaml", eventing + "config/brokers/mt-channel-broker/*/*.yaml",
	}, "/in-memory-channel/resources/|hpa.yaml"},
}

var (
	koImage  = regexp.MustCompile(`ko://knative\.dev/(serving|eventing)/cmd/(?:[a-z_]+/)*([a-z_]+)`)
	comments = regexp.MustCompile(`(?m)^#.*\n`)
	requests = regexp.MustCompile(`(requests:\s*\n(?:\s*#.*\n)*(?:\s+memory:.*\n)?\s+cpu:)[^\n]*`)
)

// makeManifests writes Knative's objects with our images, asking for little
// processor time: two cores are to do for all of it.
func makeManifests(ctx context.Context, src, dir string) error {
	out := filepath.Join(dir, "manifests")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, set := range manifestSets {
		var b bytes.Buffer
		for _, p := range set.patterns {
			module, pattern, _ := strings.Cut(p, ":")
			folder, err := moduleDir(ctx, filepath.Join(src, "modules", "knative"), module)
			if err != nil {
				return err
			}
			files, err := filepath.Glob(filepath.Join(folder, filepath.FromSlash(pattern)))
			if err != nil {
				return err
			}
			for _, f := range files {
				if set.except != "" && regexp.MustCompile(set.except).MatchString(f) {
					continue
				}
				data, err := os.ReadFile(f)
				if err != nil {
					return err
				}
				fmt.Fprintf(&b, "---\n%s\n", comments.ReplaceAll(data, nil))
			}
		}
		text := koImage.ReplaceAllStringFunc(b.String(), func(s string) string {
			m := koImage.FindStringSubmatch(s)
			return imageOf(m[1] + "/" + m[2])
		})
		text = requests.ReplaceAllString(text, "${1} 5m")
		text = strings.ReplaceAll(text, "app.kubernetes.io/version: devel", `app.kubernetes.io/version: "0.50.0"`)
		if err := os.WriteFile(filepath.Join(out, set.file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
