// Package local brings up a PostgreSQL server of one's own, for a developer's
// machine and for tests. The command that runs the whole shop and package
// pgtest call it; a function never does, since it is given DATABASE_URL.
//
// The server's programs are those found on PATH or where Debian puts them;
// where there are none they are fetched. The server is a process of its own
// that outlives a caller which was killed: the next Start finds and uses it.
// It runs on Unix-like systems only.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// MaxConnections is the number of connections that a server accepts.
const MaxConnections = 400

// superuser is the login that URL uses. PostgreSQL's own default name.
const superuser = "postgres"

// poll is how often a state that cannot be waited for is looked at.
const poll = 10 * time.Millisecond

// Options say what server to bring up. The zero value is good.
type Options struct {
	// Dir holds everything that is kept between runs: the data, the
	// superuser's password, the socket and the log of the last start. It is
	// made if need be; one that exists must be empty or made by Start.
	// Default: DefaultDir.
	Dir string

	// Port is the TCP port on 127.0.0.1. Default: any free one. A server that
	// already runs keeps the port that it has.
	Port int

	// Volatile makes the server faster, for tests: data may be lost, and the
	// folder damaged, when the machine crashes; not when a process does.
	Volatile bool

	// Mirror is the base URL of a repository in Maven's layout from which to
	// fetch the server's programs where the machine has none.
	// Default: the environment's RACKLESS_POSTGRES_MIRROR, else Maven Central.
	Mirror string

	// Cache keeps the fetched programs. Default: "programs" beside DefaultDir.
	Cache string

	// Log is told of the steps that take long. Default: nothing is logged.
	Log *slog.Logger

	// search replaces the folders in which programs are looked for, in tests.
	search func() []string
}

// Server is a running server and this process's share in it.
type Server struct {
	dir      folder
	programs programs
	log      *slog.Logger
	port     int
	password string
	child    int   // process id when this process began the server, else 0
	share    *held // this process uses the server; nil once stopped
}

// DefaultDir is where a server is kept unless told otherwise: below
// /var/lib/rackless for root, else in the user's cache folder.
func DefaultDir() string {
	return filepath.Join(base(), "postgres")
}

// Start returns a server that accepts connections. It makes the data folder on
// first use, uses the server that already runs on that folder, or starts one,
// which recovers by itself from an earlier crash. Any number of processes may
// call it at once for one folder: one starts the server, the others use it.
//
// An error says what is wrong and how to mend it. When ctx ends first, no
// server that Start began is left behind.
func Start(ctx context.Context, opt Options) (*Server, error) {
	if opt.Dir == "" {
		opt.Dir = DefaultDir()
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s, err := start(ctx, opt)
	if err != nil {
		return nil, fmt.Errorf("start a local PostgreSQL in %s: %w", opt.Dir, err)
	}
	return s, nil
}

func start(ctx context.Context, opt Options) (*Server, error) {
	dir, err := openFolder(opt.Dir)
	if err != nil {
		return nil, err
	}
	guard, err := lock(ctx, dir.file("lock"), syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer guard.Close()

	s := &Server{dir: dir, log: opt.Log}
	version, err := dir.version()
	if err != nil {
		return nil, err
	}
	if s.programs, err = findPrograms(ctx, opt, dir, version); err != nil {
		return nil, err
	}
	if version == 0 {
		err = s.initialise(ctx, opt.Volatile)
	} else {
		s.password, err = dir.password()
	}
	if err != nil {
		return nil, err
	}

	if s.share, err = lock(ctx, dir.file("users"), syscall.LOCK_SH); err != nil {
		return nil, err
	}
	if err := s.bringUp(ctx, opt); err != nil {
		s.share.Close()
		return nil, err
	}
	return s, nil
}

// URL returns the address of a database, for the superuser, with the password
// in it.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Stop shuts the server down: transactions under way are rolled back, sessions
// closed, the data written. It leaves the server alone while another process,
// or another Server of this one, still uses it. When ctx ends first the server
// goes on to stop by itself. A second Stop does nothing.
func (s *Server) Stop(ctx context.Context) error {
	if s.share == nil {
		return nil
	}
	guard, err := lock(ctx, s.dir.file("lock"), syscall.LOCK_EX)
	if err != nil {
		return fmt.Errorf("stop the local PostgreSQL: %w", err)
	}
	defer guard.Close()

	// Nobody can take a share meanwhile, because that needs guard.
	alone := s.share.alone()
	s.share.Close()
	s.share = nil
	if !alone {
		s.log.InfoContext(ctx, "leaving postgres to its other users", "port", s.port)
		return nil
	}
	if s.gone() {
		return nil
	}
	out, err := s.command(ctx, "pg_ctl", "stop", "-D", s.dir.data(), "-m", "fast", "-W").CombinedOutput()
	if err != nil {
		return fmt.Errorf("stop the local PostgreSQL: %w: %s", err, tail(out))
	}
	for !s.gone() {
		if err := sleep(ctx, poll); err != nil {
			return fmt.Errorf("stop the local PostgreSQL: still stopping: %w", err)
		}
	}
	return nil
}

// gone reports whether the server has ended.
func (s *Server) gone() bool {
	if s.child != 0 {
		return exited(s.child)
	}
	p, found := s.dir.postmaster()
	return !found || !p.alive()
}

// initialise makes the data folder. It appears under its name only when it is
// complete, so that a crash on the way leaves nothing that looks like one.
func (s *Server) initialise(ctx context.Context, volatile bool) error {
	began := time.Now()
	s.log.InfoContext(ctx, "making the data folder of postgres", "dir", s.dir.path, "version", s.programs.major)
	password, err := s.dir.newPassword()
	if err != nil {
		return err
	}
	s.password = password
	unfinished, err := s.dir.fresh("data.new")
	if err != nil {
		return err
	}
	stdin, err := secret(password, s.dir.user)
	if err != nil {
		return err
	}
	defer stdin.Close()

	// Bytewise order is the same on every machine and the fastest; characters
	// are those of Unicode, so that lower() folds more than ASCII.
	characters := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		characters = "UTF-8"
	}
	cmd := s.command(ctx, "initdb", "-D", unfinished, "-U", superuser,
		"--auth=scram-sha-256", "--pwfile=/dev/stdin", "--data-checksums", "--no-instructions",
		"--encoding=UTF8", "--lc-collate=C", "--lc-ctype="+characters,
		"--lc-messages=C", "--lc-monetary=C", "--lc-numeric=C", "--lc-time=C")
	if volatile {
		cmd.Args = append(cmd.Args, "--no-sync")
	}
	cmd.Stdin = stdin
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the data folder: initdb: %w: %s", err, tail(out))
	}
	if err := os.Rename(unfinished, s.dir.data()); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	s.log.InfoContext(ctx, "made the data folder of postgres", "took", time.Since(began))
	return nil
}

// running reports whether a server left by an earlier Start answers, and waits
// for one that is just starting or stopping. When in doubt it says no: a server
// never starts on a folder that another one holds.
func (s *Server) running(ctx context.Context) (bool, error) {
	for wait := time.Minute; wait > 0; wait -= poll {
		p, found := s.dir.postmaster()
		if !found || !p.alive() {
			return false, nil
		}
		if p.status == ready {
			s.port = p.port
			err := s.ping(ctx)
			var answer *pgconn.PgError
			switch {
			case err == nil:
				return true, nil
			case ctx.Err() != nil:
				return false, ctx.Err()
			case !errors.As(err, &answer):
				// It is just dying; or it died long ago and another program has
				// its process id now.
				wait = min(wait, 2*time.Second)
			case answer.Code == tooManyConnections:
				return true, nil
			case answer.Code != cannotConnectNow:
				return false, fmt.Errorf("the server that runs there (process %d, port %d) refuses us: %w; "+
					"stop it (kill -INT %d) and start again", p.pid, p.port, err, p.pid)
			}
		}
		if err := sleep(ctx, poll); err != nil {
			return false, err
		}
	}
	return false, nil
}

// SQLSTATE codes of refused connections (PostgreSQL manual, appendix A).
const (
	tooManyConnections = "53300"
	cannotConnectNow   = "57P03"
)

// bringUp uses the server that runs already, or starts it. It tries again in
// case another program took the free port before the server did, or a server
// that a killed process had just begun came up first.
func (s *Server) bringUp(ctx context.Context, opt Options) error {
	began := time.Now()
	var failure error
	for range 3 {
		running, err := s.running(ctx)
		if err != nil {
			return err
		}
		if running {
			s.log.InfoContext(ctx, "using the running postgres", "port", s.port)
			return nil
		}
		s.log.InfoContext(ctx, "starting postgres", "version", s.programs.major, "dir", s.dir.path)
		if s.port, failure = freePort(opt.Port); failure != nil {
			continue
		}
		if failure = s.launch(ctx, opt.Volatile); failure == nil {
			s.log.InfoContext(ctx, "postgres is ready", "port", s.port, "took", time.Since(began))
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return failure
}

// launch starts the server's process once, in a session of its own: the
// terminal's Ctrl-C is for this process, which may need the server to finish
// its work.
func (s *Server) launch(ctx context.Context, volatile bool) error {
	run, err := s.dir.fresh("run")
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.dir.file("server.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", s.dir.data(), "-p", strconv.Itoa(s.port)}
	for _, setting := range settings(run, s.port, volatile) {
		args = append(args, "-c", setting)
	}
	cmd := s.command(context.WithoutCancel(ctx), "postgres", args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	// The process is looked after by its number, not by a goroutine that waits
	// for it: the server may well live longer than this process.
	s.child = cmd.Process.Pid
	_ = cmd.Process.Release()

	for {
		if exited(s.child) {
			s.child = 0
			said, err := os.ReadFile(log.Name())
			if err != nil {
				return err
			}
			return fmt.Errorf("the server does not start; the end of %s says: %s", log.Name(), tail(said))
		}
		if p, found := s.dir.postmaster(); found && p.pid == s.child && p.status == ready && s.ping(ctx) == nil {
			return nil
		}
		if err := sleep(ctx, poll); err != nil {
			_ = syscall.Kill(s.child, syscall.SIGQUIT) // at once; nothing was written yet
			_, _ = syscall.Wait4(s.child, nil, 0, nil)
			s.child = 0
			return err
		}
	}
}

// settings are given on the command line, so that an existing folder follows
// this code; whatever they leave open is for its postgresql.conf.
func settings(run string, port int, volatile bool) []string {
	// A path of a Unix socket has room for 104 bytes (macOS; 108 on Linux). A
	// server in a deeper folder does without one.
	if len(filepath.Join(run, ".s.PGSQL."+strconv.Itoa(port))) > 103 {
		run = ""
	}
	set := []string{
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=" + strings.ReplaceAll(run, ",", `\,`),
		"max_connections=" + strconv.Itoa(MaxConnections),
		"password_encryption=scram-sha-256",
		"timezone=UTC",
		"log_timezone=UTC",
		// For a small machine: little memory, short queries, nobody replicates.
		"shared_buffers=64MB",
		"maintenance_work_mem=32MB",
		"min_wal_size=80MB",
		"max_wal_size=512MB",
		"wal_level=minimal",
		"max_wal_senders=0",
		"max_parallel_workers_per_gather=0",
		"jit=off",
	}
	if volatile {
		set = append(set,
			"fsync=off",
			"synchronous_commit=off",
			"full_page_writes=off",
			"autovacuum=off",
			"log_checkpoints=off",
			"log_min_messages=log", // refused statements are what many tests are about
		)
	}
	return set
}

// ping connects once, which succeeds only when the server is ours and ready.
func (s *Server) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// command prepares one of the server's programs. It runs as the server's user,
// in a session of its own and without this process's environment, whose PG…
// variables would change what it does.
func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return command(ctx, s.dir, filepath.Join(s.programs.dir, program), args...)
}

func command(ctx context.Context, dir folder, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir.path
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: dir.user}
	return cmd
}

// freePort returns port if it is free, or any free port for 0.
func freePort(port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("port %d is taken by another program: give another port, "+
			"or 0 for any free one, or set DATABASE_URL to use the server that listens there: %w", port, err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// exited reports whether a child of this process has ended, and if so lets the
// system forget it.
func exited(child int) bool {
	pid, err := syscall.Wait4(child, nil, syscall.WNOHANG, nil)
	return pid == child || err == syscall.ECHILD
}

// sleep waits for d or until ctx ends, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// tail returns the last lines of what a program said, for an error message.
func tail(output []byte) string {
	lines := slices.Collect(strings.Lines(strings.TrimSpace(string(output))))
	return strings.Join(lines[max(0, len(lines)-8):], "")
}
