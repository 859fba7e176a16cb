// Images does what ko leaves to do for the functions' images: it makes the image
// that they begin with, and checks what they weigh.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// architectures are those for which there are images of the functions.
var architectures = []string{"amd64", "arm64"}

const usage = `usage:
  images base REGISTRY/NAME:TAG     push the base image and print its digest
  images list REFERENCES            check the sizes of the images that ko has pushed, and print
                                    them as variables of OpenTofu
`

func main() {
	if len(os.Args) != 3 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	var err error
	switch os.Args[1] {
	case "base":
		err = printBase(os.Args[2])
	case "list":
		err = list(os.Args[2])
	default:
		err = fmt.Errorf("there is no command %q\n\n%s", os.Args[1], usage)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func printBase(to string) error {
	digest, err := push(to)
	if err == nil {
		fmt.Println(digest)
	}
	return err
}

// budget is what an image of a function may weigh, compressed: what a node has to
// fetch before the function can start for the first time.
const budget = 8 << 20

// list checks the images named in a file, one to a line.
func list(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	images := map[string]string{}
	var heavy []string
	for reference := range strings.Lines(string(data)) {
		reference = strings.TrimSpace(reference)
		digest, err := name.NewDigest(reference)
		if err != nil {
			return err
		}
		sizes, err := weigh(digest)
		if err != nil {
			return fmt.Errorf("%s: %w", reference, err)
		}
		function := path.Base(digest.Context().RepositoryStr())
		images[function] = reference
		for platform, size := range sizes {
			if size > budget && function != "shop" && function != "domain" { // which hold many in one
				heavy = append(heavy, fmt.Sprintf("%s for %s: %.1f MB", function, platform, float64(size)/(1<<20)))
			}
		}
	}
	if len(heavy) > 0 {
		return fmt.Errorf("heavier than %d MB: %s", budget>>20, strings.Join(heavy, ", "))
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{"images": images})
}

// weigh returns the compressed size of an image, by platform if it is for several.
func weigh(reference name.Digest) (map[string]int64, error) {
	d, err := remote.Get(reference, remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, err
	}
	if !d.MediaType.IsIndex() {
		img, err := d.Image()
		if err != nil {
			return nil, err
		}
		size, err := layers(img)
		return map[string]int64{"its platform": size}, err
	}
	index, err := d.ImageIndex()
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	for _, m := range manifest.Manifests {
		img, err := index.Image(m.Digest)
		if err != nil {
			return nil, err
		}
		if sizes[m.Platform.String()], err = layers(img); err != nil {
			return nil, err
		}
	}
	return sizes, nil
}

func layers(img v1.Image) (sum int64, err error) {
	manifest, err := img.Manifest()
	if err != nil {
		return 0, err
	}
	for _, l := range manifest.Layers {
		sum += l.Size
	}
	return sum, nil
}

// push makes the base: empty but for the root certificates of Mozilla's list and a
// user without privileges. It is the same for everybody: nothing of this machine
// is in it.
func push(to string) (string, error) {
	tag, err := name.NewTag(to)
	if err != nil {
		return "", err
	}
	layer, err := tarball.LayerFromOpener(content)
	if err != nil {
		return "", err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range architectures {
		img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{Layer: layer})
		if err != nil {
			return "", err
		}
		file, err := img.ConfigFile()
		if err != nil {
			return "", err
		}
		file.Architecture, file.OS = arch, "linux"
		file.Config = v1.Config{User: "65532:65532", WorkingDir: "/", Env: []string{"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"}}
		if img, err = mutate.ConfigFile(img, file); err != nil {
			return "", err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	if err := remote.WriteIndex(tag, index, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return "", err
	}
	digest, err := index.Digest()
	return tag.Context().Name() + "@" + digest.String(), err
}

// content is the base's one layer.
func content() (io.ReadCloser, error) {
	var roots bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue // trusted for some names only, which a file of certificates cannot say
		}
		if err := pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		header tar.Header
		data   []byte
	}{
		{tar.Header{Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644}, roots.Bytes()},
		{tar.Header{Name: "etc/passwd", Mode: 0o644}, []byte("nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		{tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}, nil},
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
