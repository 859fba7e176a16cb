package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// folder is where one server is kept:
//
//	lock        held while a process starts or stops the server
//	users       share-locked by every process that uses the server
//	password    the superuser's, readable by its owner only
//	data/       PostgreSQL's own
//	run/        the Unix socket
//	server.log  of the last start
//
// The folder belongs to the caller; data and run belong to the server's user.
type folder struct {
	path string
	user *syscall.Credential // runs the server; nil for the caller itself
}

// openFolder makes the folder, or checks that an existing one is ours and can
// be reached by the server's user.
func openFolder(path string) (folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return folder{}, err
	}
	if err := mkdir(path); err != nil {
		return folder{}, fmt.Errorf("%w; give a folder that can be made", err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return folder{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return folder{}, err
	}
	if uid, _ := owner(info); int(uid) != os.Geteuid() {
		return folder{}, fmt.Errorf("the folder belongs to user %d, not to you (%d): give one of your own", uid, os.Geteuid())
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return folder{}, err
	}
	if _, err := os.Stat(filepath.Join(path, "lock")); len(entries) > 0 && err != nil {
		return folder{}, errors.New("the folder holds other things: give an empty or a new one")
	}
	f := folder{path: path}
	if os.Geteuid() == 0 {
		if f.user, err = serverUser(f.data()); err != nil {
			return folder{}, err
		}
	}
	return f, reachable(path, f.user)
}

func (f folder) file(name string) string { return filepath.Join(f.path, name) }
func (f folder) data() string            { return f.file("data") }

// version returns the major version of PostgreSQL that made the data folder, 0
// when there is none yet.
func (f folder) version() (int, error) {
	text, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("the data folder is damaged: PG_VERSION says %q: move %s away to begin with an empty database", text, f.path)
	}
	return major, nil
}

func (f folder) password() (string, error) {
	text, err := os.ReadFile(f.file("password"))
	if err != nil {
		return "", fmt.Errorf("the password of the data folder is lost: %w; bring that file back, or move %s away "+
			"to begin with an empty database", err, f.path)
	}
	return strings.TrimSpace(string(text)), nil
}

// newPassword makes a password of 130 random bits and keeps it. It is written
// before the data folder is made, hence never missing beside one.
func (f folder) newPassword() (string, error) {
	password := rand.Text()
	file, err := os.OpenFile(f.file("password"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(password + "\n")
	return password, errors.Join(err, file.Sync(), file.Close())
}

// fresh returns an empty folder that belongs to the server's user, in place of
// any that has the name.
func (f folder) fresh(name string) (string, error) {
	path := f.file(name)
	if err := os.RemoveAll(path); err != nil {
		return "", err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", err
	}
	if f.user == nil {
		return path, nil
	}
	return path, os.Chown(path, int(f.user.Uid), int(f.user.Gid))
}

// postmaster is what a server says of itself in postmaster.pid.
type postmaster struct {
	pid    int
	port   int
	status string
}

// ready is the status of a server that accepts connections.
const ready = "ready"

// postmaster reads that file: process id, data folder, start time, port,
// socket folder, address, shared memory key and status, one a line.
func (f folder) postmaster() (postmaster, bool) {
	text, err := os.ReadFile(filepath.Join(f.data(), "postmaster.pid"))
	if err != nil {
		return postmaster{}, false
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 8 {
		return postmaster{pid: atoi(lines[0])}, true // still being written
	}
	return postmaster{pid: atoi(lines[0]), port: atoi(lines[3]), status: strings.TrimSpace(lines[7])}, true
}

// alive reports whether a process has the server's number.
func (p postmaster) alive() bool {
	return p.pid > 0 && syscall.Kill(p.pid, 0) != syscall.ESRCH
}

func atoi(s string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(s))
	return n
}

// serverUser chooses who runs the server when the caller is root, which
// PostgreSQL refuses: the owner of a data folder that exists, else postgres,
// else nobody.
func serverUser(data string) (*syscall.Credential, error) {
	if info, err := os.Stat(data); err == nil {
		if uid, gid := owner(info); uid != 0 {
			return &syscall.Credential{Uid: uid, Gid: gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and this machine has no user postgres or nobody to run it: " +
		"add one (useradd --system postgres) or start as another user")
}

// reachable returns an error that names the first folder on the way to path
// which the user cannot pass.
func reachable(path string, who *syscall.Credential) error {
	if who == nil {
		return nil
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		pass := fs.FileMode(0o001)
		switch uid, gid := owner(info); {
		case uid == who.Uid:
			pass = 0o100
		case gid == who.Gid:
			pass = 0o010
		}
		if info.Mode()&pass == 0 {
			return fmt.Errorf("user %d, who runs the server because PostgreSQL does not run as root, cannot enter %s (mode %04o): "+
				"give a folder elsewhere, such as %s, or chmod o+x %s", who.Uid, dir, info.Mode().Perm(), DefaultDir(), dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func owner(info fs.FileInfo) (uid, gid uint32) {
	st := info.Sys().(*syscall.Stat_t)
	return st.Uid, st.Gid
}

// base is the folder that holds what this package keeps by default.
func base() string {
	if os.Geteuid() == 0 {
		return "/var/lib/rackless"
	}
	if cache, err := os.UserCacheDir(); err == nil {
		return filepath.Join(cache, "rackless")
	}
	return filepath.Join(os.TempDir(), "rackless-"+strconv.Itoa(os.Geteuid()))
}

// mkdir makes a folder and its missing parents, each of which others can pass
// whatever the caller's umask.
func mkdir(path string) error {
	err := os.Mkdir(path, 0o755)
	switch {
	case err == nil:
		return os.Chmod(path, 0o755)
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		if err := mkdir(filepath.Dir(path)); err != nil {
			return err
		}
		return mkdir(path)
	default:
		return err
	}
}

// held is a lock on a file. It ends with Close or with the process, unlike
// that of an os.File, which also ends when nothing refers to the file any more.
type held struct{ fd int }

// lock opens a file and waits until it has its lock.
func lock(ctx context.Context, path string, how int) (*held, error) {
	fd, err := syscall.Open(path, syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	for {
		err := syscall.Flock(fd, how|syscall.LOCK_NB)
		if err == nil {
			return &held{fd}, nil
		}
		if err == syscall.EWOULDBLOCK || err == syscall.EINTR {
			err = sleep(ctx, poll)
		}
		if err != nil {
			syscall.Close(fd)
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}

// alone reports whether nobody else shares the lock. If so, the lock has become
// an exclusive one; else it is lost.
func (h *held) alone() bool {
	return syscall.Flock(h.fd, syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

func (h *held) Close() { syscall.Close(h.fd) }

// secret returns a pipe from which a program that runs as the user can read
// text, also by the name /dev/stdin: no file ever holds it.
func secret(text string, who *syscall.Credential) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if who != nil {
		if err := r.Chown(int(who.Uid), int(who.Gid)); err != nil {
			r.Close()
			return nil, err
		}
	}
	if _, err := w.WriteString(text + "\n"); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}
