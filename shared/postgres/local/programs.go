package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// oldest is the first major version of PostgreSQL that the project supports.
const oldest = 15

// fetched is the version that is fetched where a machine has none.
const fetched = embedded.V18

const install = "install one (Debian: apt-get install postgresql), or set DATABASE_URL to use a server elsewhere"

// programs is a folder that holds postgres, initdb and pg_ctl.
type programs struct {
	dir   string
	major int
}

// findPrograms returns the first programs that are new enough and, when
// version is not 0, of that very version, which made the data folder. It
// fetches them if the machine has none at all.
func findPrograms(ctx context.Context, opt Options, dir folder, version int) (programs, error) {
	cache := cmp.Or(opt.Cache, filepath.Join(base(), "programs"))
	search := opt.search
	if search == nil {
		search = installed
	}
	kept, _ := filepath.Glob(filepath.Join(cache, "*", "bin"))

	var found []programs
	for _, place := range append(search(), kept...) {
		place, err := filepath.EvalSymlinks(place)
		if err != nil || slices.ContainsFunc(found, func(p programs) bool { return p.dir == place }) {
			continue
		}
		p, err := probe(ctx, dir, place)
		if err != nil {
			opt.Log.DebugContext(ctx, "passing over server programs", "dir", place, "reason", err)
			continue
		}
		if p.suits(version) {
			return p, nil
		}
		found = append(found, p)
	}
	if len(found) == 0 {
		p, err := fetch(ctx, opt, dir, cache)
		if err != nil {
			return programs{}, fmt.Errorf("this machine has no PostgreSQL server that user %d can run, and %w: %s",
				runner(dir.user), err, install)
		}
		if p.suits(version) {
			return p, nil
		}
		found = append(found, p)
	}

	var have []string
	for _, p := range found {
		have = append(have, fmt.Sprintf("%d in %s", p.major, p.dir))
	}
	if version == 0 {
		return programs{}, fmt.Errorf("PostgreSQL %d or newer is needed, but this machine has %s: %s",
			oldest, strings.Join(have, ", "), install)
	}
	return programs{}, fmt.Errorf("the data folder was made by PostgreSQL %d, but this machine has %s: "+
		"install that version (Debian: apt-get install postgresql-%d), or move %s away to begin with an empty database, "+
		"or set DATABASE_URL to use a server elsewhere", version, strings.Join(have, ", "), version, dir.path)
}

func (p programs) suits(version int) bool {
	return p.major >= oldest && (version == 0 || version == p.major)
}

func runner(who *syscall.Credential) int {
	if who == nil {
		return os.Geteuid()
	}
	return int(who.Uid)
}

// installed lists the folders in which a machine's own programs may be: that
// on PATH, then Debian's, newest first.
func installed() []string {
	var places []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			places = append(places, filepath.Dir(path))
		}
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(debian, func(a, b string) int {
		return cmp.Compare(atoi(filepath.Base(filepath.Dir(b))), atoi(filepath.Base(filepath.Dir(a))))
	})
	return append(places, debian...)
}

// versionLine is what postgres --version prints, e.g. "postgres (PostgreSQL) 15.18".
var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// probe asks the programs in a folder, as the user who is to run them, for
// their version.
func probe(ctx context.Context, dir folder, place string) (programs, error) {
	for _, name := range []string{"initdb", "pg_ctl"} {
		if _, err := os.Stat(filepath.Join(place, name)); err != nil {
			return programs{}, err
		}
	}
	out, err := command(ctx, dir, filepath.Join(place, "postgres"), "--version").Output()
	if err != nil {
		return programs{}, err
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return programs{}, fmt.Errorf("unknown version %q", out)
	}
	major, err := strconv.Atoi(string(m[1]))
	return programs{dir: place, major: major}, err
}

// fetch downloads programs into the cache and returns them. The library checks
// the archive's SHA-256 where the mirror gives one.
func fetch(ctx context.Context, opt Options, dir folder, cache string) (programs, error) {
	mirror := cmp.Or(opt.Mirror, os.Getenv("RACKLESS_POSTGRES_MIRROR"), "https://repo1.maven.org/maven2")
	mirror = strings.TrimRight(mirror, "/")
	if err := mkdir(cache); err != nil {
		return programs{}, err
	}
	cache, err := filepath.EvalSymlinks(cache)
	if err != nil {
		return programs{}, err
	}
	if err := reachable(cache, dir.user); err != nil {
		return programs{}, err
	}
	guard, err := lock(ctx, filepath.Join(cache, "lock"), syscall.LOCK_EX)
	if err != nil {
		return programs{}, err
	}
	defer guard.Close()

	target := filepath.Join(cache, string(fetched))
	if _, err := os.Stat(target); err == nil { // by another process, a moment ago
		return probe(ctx, dir, filepath.Join(target, "bin"))
	}
	abandoned, _ := filepath.Glob(filepath.Join(cache, "fetch-*"))
	for _, path := range abandoned {
		if err := os.RemoveAll(path); err != nil {
			return programs{}, err
		}
	}
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return programs{}, err
	}
	defer os.RemoveAll(work)

	opt.Log.InfoContext(ctx, "fetching postgres, once", "version", string(fetched), "from", mirror)
	done := make(chan error, 1)
	go func() { done <- unpack(work, mirror) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err() // the library cannot be interrupted; what it still writes is removed by the next fetch
	}
	if err == nil {
		err = share(filepath.Join(work, "programs"))
	}
	if err == nil {
		err = os.Rename(filepath.Join(work, "programs"), target)
	}
	if err != nil {
		return programs{}, fmt.Errorf("fetching version %s from %s went wrong: %w", fetched, mirror, err)
	}
	return probe(ctx, dir, filepath.Join(target, "bin"))
}

// unpack has the library download and unpack an archive into work/programs.
//
// The library offers that only as the first half of starting a server, which
// this package does itself (the library cannot as root, nor find a server that
// was left running). It is therefore given a data folder that cannot exist,
// below a file, and stops there. That the first half went well shows in its
// runtime folder, which it makes next.
func unpack(work, mirror string) error {
	file := filepath.Join(work, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return err
	}
	runtime := filepath.Join(work, "runtime")
	err := embedded.NewDatabase(embedded.DefaultConfig().
		Version(fetched).
		BinaryRepositoryURL(mirror).
		CachePath(filepath.Join(work, "archive")).
		BinariesPath(filepath.Join(work, "programs")).
		RuntimePath(runtime).
		DataPath(filepath.Join(file, "data")).
		Port(0).
		Logger(io.Discard)).Start()
	if _, missing := os.Stat(runtime); missing == nil {
		return nil
	}
	return cmp.Or(err, errors.New("nothing was unpacked"))
}

// share lets everybody read and run what its owner can, whatever the umask was
// while the files were made: the server's user is not always their owner.
func share(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()
		return os.Chmod(path, mode|mode&0o500>>3|mode&0o500>>6)
	})
}
