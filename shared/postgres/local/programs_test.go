package local_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/postgres/local"
)

func TestStartFetchesPrograms(t *testing.T) {
	t.Parallel()
	archive := jar(t)
	mirror := newMirror(t, archive, checksum(archive))
	cache := filepath.Join(folder(t), "cache")
	opt := local.Options{Mirror: mirror.url + "/", Cache: cache, Volatile: true}.Search()

	// A killed process has left half an archive.
	write(t, filepath.Join(cache, "fetch-1", "archive", "half"), "")

	opt.Dir = folder(t)
	s := start(t, opt)
	query(t, s.URL("postgres"), func(conn *pgx.Conn) error { return conn.Ping(t.Context()) })
	stop(t, s)

	// From now on they are there.
	downloads := mirror.downloads.Load()
	opt.Dir = folder(t)
	start(t, opt)
	if n := mirror.downloads.Load(); downloads != 1 || n != 1 {
		t.Errorf("downloaded %d times for the first server and %d for both, want once", downloads, n)
	}
	left, err := filepath.Glob(filepath.Join(cache, "fetch-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}

func TestFetchSaysHowToMend(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		archive []byte
		sum     string
		want    string
	}{
		"no_such_version":   {nil, "", "no version found"},
		"wrong_checksum":    {[]byte("altered"), checksum([]byte("original")), "checksums do not match"},
		"no_archive":        {[]byte("altered"), checksum([]byte("altered")), "zip"},
		"archive_in_pieces": {zipped(t, "x.txz", []byte("half")), "", "unable to extract"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mirror := newMirror(t, tt.archive, tt.sum)
			cache := filepath.Join(folder(t), "cache")
			_, err := local.Start(t.Context(), local.Options{Dir: folder(t), Mirror: mirror.url, Cache: cache}.Search())
			if err == nil {
				t.Fatal("start: no error")
			}
			for _, want := range []string{tt.want, mirror.url, "apt-get install postgresql", "DATABASE_URL"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q: %v", want, err)
				}
			}
			kept, err := os.ReadDir(cache)
			if err != nil || len(kept) != 1 || kept[0].Name() != "lock" {
				t.Errorf("cache holds %v, %v, want only its lock", kept, err)
			}
		})
	}
}

func TestFetchEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	}))
	t.Cleanup(func() { close(release); server.Close() })

	_, err := local.Start(ctx, local.Options{Dir: folder(t), Mirror: server.URL, Cache: folder(t)}.Search())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("start from a mirror that hangs: %v, want %v", err, context.Canceled)
	}
}

type mirror struct {
	url       string
	downloads atomic.Int32
}

// newMirror serves one archive, for any version, under the names that Maven
// gives it; sum is the text of its checksum file, which is missing for "".
func newMirror(t *testing.T, archive []byte, sum string) *mirror {
	t.Helper()
	m := new(mirror)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /io/zonky/test/postgres/{artifact}/{version}/{file}", func(w http.ResponseWriter, r *http.Request) {
		artifact, version := r.PathValue("artifact"), r.PathValue("version")
		jar := artifact + "-" + version + ".jar"
		switch {
		case !strings.HasPrefix(artifact, "embedded-postgres-binaries-"+runtime.GOOS+"-"):
			http.NotFound(w, r)
		case r.PathValue("file") == jar && archive != nil:
			m.downloads.Add(1)
			w.Write(archive)
		case r.PathValue("file") == jar+".sha256" && sum != "":
			io.WriteString(w, sum)
		default:
			http.NotFound(w, r)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// jar packs this machine's own server programs as the library expects them: a
// zip with a tar compressed by xz. Their libraries are a link to the machine's;
// the rest they find by the path that was built into them.
func jar(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	xz := exec.CommandContext(t.Context(), "xz", "-0", "--stdout")
	xz.Stdout = &packed
	in, err := xz.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := xz.Start(); err != nil {
		t.Fatalf("%v: install it (Debian: apt-get install xz-utils)", err)
	}
	tape := tar.NewWriter(in)
	for _, name := range []string{"postgres", "initdb", "pg_ctl"} {
		program, err := os.ReadFile(filepath.Join(serverPrograms(t), name))
		if err != nil {
			t.Fatal(err)
		}
		header := &tar.Header{Name: "bin/" + name, Mode: 0o700, Size: int64(len(program)), Typeflag: tar.TypeReg}
		if err := tape.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := tape.Write(program); err != nil {
			t.Fatal(err)
		}
	}
	libraries := filepath.Join(filepath.Dir(serverPrograms(t)), "lib")
	if err := tape.WriteHeader(&tar.Header{Name: "lib", Linkname: libraries, Typeflag: tar.TypeSymlink}); err != nil {
		t.Fatal(err)
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := xz.Wait(); err != nil {
		t.Fatal(err)
	}
	return zipped(t, fmt.Sprintf("postgres-%s-x86_64.txz", runtime.GOOS), packed.Bytes())
}

func zipped(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// serverPrograms returns the folder of the machine's own server programs.
func serverPrograms(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path)
		}
	}
	debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(debian) == 0 {
		t.Fatal("no PostgreSQL server found: install one (Debian: apt-get install postgresql)")
	}
	return debian[len(debian)-1]
}
