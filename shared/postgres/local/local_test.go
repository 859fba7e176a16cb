package local_test

import (
	"bufio"
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
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rackless/rackless/shared/postgres/local"
)

// dirVariable makes the test binary start a server in that folder, say so, and
// wait to be killed.
const dirVariable = "RACKLESS_TEST_LOCAL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirVariable); dir != "" {
		s, err := local.Start(context.Background(), local.Options{Dir: dir, Volatile: true})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(s.URL("postgres"))
		select {}
	}
	os.Exit(run(m))
}

// run keeps everything in one folder that the server's user can reach, also
// what the library that fetches programs leaves among temporary files.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "local")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(os.Chmod(dir, 0o755), os.Setenv("TMPDIR", dir)); err != nil {
		fmt.Println(err)
		return 1
	}
	return m.Run()
}

// seed is made once, for tests which are not about making a folder.
var seed sync.Once

// used returns the path of a folder that a server has run in.
func used(t *testing.T) string {
	t.Helper()
	original := filepath.Join(os.TempDir(), "seed")
	seed.Do(func() { stop(t, start(t, local.Options{Dir: original, Volatile: true})) })
	dir := folder(t)
	if out, err := exec.Command("cp", "-a", original+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("copy the seed: %v: %s", err, out)
	}
	return dir
}

func TestStartKeepsDataAndRunsDurably(t *testing.T) {
	t.Parallel()
	opt := local.Options{Dir: folder(t), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}

	s := start(t, opt)
	settings := map[string]string{}
	query(t, s.URL("postgres"), func(conn *pgx.Conn) error {
		for _, name := range []string{"max_connections", "data_checksums", "fsync", "synchronous_commit", "full_page_writes",
			"listen_addresses", "password_encryption", "TimeZone", "server_encoding", "lc_collate"} {
			var value string
			if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
				return err
			}
			settings[name] = value
		}
		_, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT lower('É') AS folded")
		return err
	})
	want := map[string]string{
		"max_connections": "400", "data_checksums": "on", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
		"listen_addresses": "127.0.0.1", "password_encryption": "scram-sha-256", "TimeZone": "UTC", "server_encoding": "UTF8",
		"lc_collate": "C",
	}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if mode := stat(t, filepath.Join(opt.Dir, "password")).Mode(); mode.Perm() != 0o600 {
		t.Errorf("password file has mode %v, want 0600", mode)
	}
	stop(t, s)

	s = start(t, opt)
	query(t, s.URL("postgres"), func(conn *pgx.Conn) error {
		var folded string
		err := conn.QueryRow(t.Context(), "SELECT folded FROM kept").Scan(&folded)
		if folded != "é" {
			t.Errorf("kept %q, want é", folded)
		}
		return err
	})
}

func TestStartRefusesOtherPasswords(t *testing.T) {
	t.Parallel()
	dir := used(t)
	s := start(t, local.Options{Dir: dir, Volatile: true})

	tcp, err := url.Parse(s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	socket := *tcp
	socket.Host = ""
	socket.RawQuery = url.Values{"host": {filepath.Join(dir, "run")}, "port": {tcp.Port()}, "sslmode": {"disable"}}.Encode()
	for name, u := range map[string]url.URL{"tcp": *tcp, "socket": socket} {
		t.Run(name, func(t *testing.T) {
			query(t, u.String(), func(conn *pgx.Conn) error { return conn.Ping(t.Context()) })

			u.User = url.UserPassword("postgres", "guess")
			_, err := pgx.Connect(t.Context(), u.String())
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != "28P01" {
				t.Errorf("connect with a wrong password: %v, want SQLSTATE 28P01", err)
			}
		})
	}
}

// A terminal sends Ctrl-C to the process group in front; and PostgreSQL refuses
// to be root.
func TestServerIsNobodysForeground(t *testing.T) {
	t.Parallel()
	dir := used(t)
	start(t, local.Options{Dir: dir, Volatile: true})

	pid := postmaster(t, dir)
	group, err := syscall.Getpgid(pid)
	if err != nil {
		t.Fatal(err)
	}
	if group != pid {
		t.Errorf("server %d is in process group %d, want its own", pid, group)
	}
	owner := stat(t, filepath.Join(dir, "data")).Sys().(*syscall.Stat_t).Uid
	if owner == 0 {
		t.Error("the data folder belongs to root")
	}
	if os.Geteuid() != 0 && int(owner) != os.Geteuid() {
		t.Errorf("the data folder belongs to user %d, want %d", owner, os.Geteuid())
	}
}

func TestStopLeavesServerToOtherUsers(t *testing.T) {
	t.Parallel()
	opt := local.Options{Dir: used(t), Volatile: true}
	first := start(t, opt)
	second := start(t, opt)
	if first.URL("x") != second.URL("x") {
		t.Fatalf("second start gave another server: %s, want %s", second.URL("x"), first.URL("x"))
	}

	stop(t, first)
	stop(t, first) // does nothing
	query(t, second.URL("postgres"), func(conn *pgx.Conn) error { return conn.Ping(t.Context()) })

	stop(t, second)
	if conn, err := pgx.Connect(t.Context(), second.URL("postgres")); err == nil {
		conn.Close(t.Context())
		t.Error("the server still answers after its last user stopped it")
	}
}

// A share is not lost with the last reference to it.
func TestStopRespectsForgottenServers(t *testing.T) {
	t.Parallel()
	opt := local.Options{Dir: used(t), Volatile: true}
	if _, err := local.Start(t.Context(), opt); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.GC()
	s := start(t, opt)
	stop(t, s)
	query(t, s.URL("postgres"), func(conn *pgx.Conn) error { return conn.Ping(t.Context()) })
	pid := postmaster(t, opt.Dir)
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
}

func TestStartAtOnce(t *testing.T) {
	t.Parallel()
	opt := local.Options{Dir: folder(t), Volatile: true}

	urls := make([]string, 6)
	var group sync.WaitGroup
	for i := range 3 {
		group.Go(func() { urls[i] = start(t, opt).URL("x") })
		group.Go(func() {
			_, u := startElsewhere(t, opt.Dir)
			urls[3+i] = strings.Replace(u, "/postgres?", "/x?", 1)
		})
	}
	group.Wait()
	for _, u := range urls {
		if u != urls[0] {
			t.Errorf("started %v, want one server", urls)
			break
		}
	}
}

func TestStartAfterKill(t *testing.T) {
	t.Parallel()
	opt := local.Options{Dir: used(t), Volatile: true}
	other, u := startElsewhere(t, opt.Dir)
	query(t, u, func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), "CREATE TABLE kept ()")
		return err
	})
	kill(t, other)

	// The server outlived its starter, and is used again.
	before := postmaster(t, opt.Dir)
	s := start(t, opt)
	if now := postmaster(t, opt.Dir); now != before {
		t.Errorf("start began server %d, want the running %d", now, before)
	}
	stop(t, s)
	if _, err := os.Stat(filepath.Join(opt.Dir, "data", "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("the adopted server was not stopped: %v", err)
	}

	// Now the server dies, too: the next one recovers.
	other, _ = startElsewhere(t, opt.Dir)
	before = postmaster(t, opt.Dir)
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	kill(t, other)
	s = start(t, opt)
	if postmaster(t, opt.Dir) == before {
		t.Error("start found a dead server running")
	}
	query(t, s.URL("postgres"), func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), "TABLE kept")
		return err
	})
}

func TestStartEndsWithContext(t *testing.T) {
	t.Parallel()
	opt := local.Options{Dir: used(t), Volatile: true}

	// Cancelled by the log line that says that the server is being started.
	ctx, cancel := context.WithCancel(t.Context())
	var said strings.Builder
	opt.Log = slog.New(slog.NewTextHandler(writer(func(line []byte) (int, error) {
		if strings.Contains(string(line), "starting postgres") {
			cancel()
		}
		return said.Write(line)
	}), nil))
	_, err := local.Start(ctx, opt)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("start with a cancelled context: %v, want %v", err, context.Canceled)
	}
	start(t, opt)
	if strings.Contains(said.String(), "using the running postgres") {
		t.Errorf("the cancelled start left a server behind:\n%s", &said)
	}
}

func TestStartSaysHowToMend(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	old := programs(t, "13.4")

	tests := map[string]struct {
		prepare func(t *testing.T, dir string)
		options func(local.Options) local.Options
		want    []string
	}{
		"programs_too_old": {
			options: func(o local.Options) local.Options {
				o.Dir += "-new"
				return o.Search(old)
			},
			want: []string{"PostgreSQL 15 or newer is needed", "13 in " + old, "apt-get install postgresql", "DATABASE_URL"},
		},
		"data_of_other_version": {
			prepare: func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, "data", "PG_VERSION"), "96\n")
			},
			want: []string{"made by PostgreSQL 96", "apt-get install postgresql-96", "move"},
		},
		"data_damaged": {
			prepare: func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, "data", "PG_VERSION"), "?")
			},
			want: []string{"damaged", "move"},
		},
		"configuration_damaged": {
			prepare: func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, "data", "postgresql.conf"), "nonsense = 1\n")
			},
			want: []string{"server.log", `unrecognized configuration parameter "nonsense"`},
		},
		"password_lost": {
			prepare: func(t *testing.T, dir string) {
				if err := os.Remove(filepath.Join(dir, "password")); err != nil {
					t.Fatal(err)
				}
			},
			want: []string{"password", "lost", "move"},
		},
		"password_changed_under_running_server": {
			prepare: func(t *testing.T, dir string) {
				start(t, local.Options{Dir: dir, Volatile: true})
				write(t, filepath.Join(dir, "password"), "other\n")
			},
			want: []string{"refuses us", "kill -INT"},
		},
		"port_taken": {
			options: func(o local.Options) local.Options {
				o.Port = taken.Addr().(*net.TCPAddr).Port
				return o
			},
			want: []string{"is taken by another program", "another port", "DATABASE_URL"},
		},
		"folder_with_other_things": {
			options: func(o local.Options) local.Options {
				o.Dir += "-other"
				write(t, filepath.Join(o.Dir, "thesis.txt"), "")
				return o
			},
			want: []string{"holds other things"},
		},
		"folder_is_file": {
			options: func(o local.Options) local.Options {
				write(t, o.Dir+"-file", "")
				o.Dir = filepath.Join(o.Dir+"-file", "x")
				return o
			},
			want: []string{"not a directory", "give a folder"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opt := local.Options{Dir: used(t), Volatile: true}
			if tt.prepare != nil {
				tt.prepare(t, opt.Dir)
			}
			if tt.options != nil {
				opt = tt.options(opt)
			}
			_, err := local.Start(t.Context(), opt)
			if err == nil {
				t.Fatal("start: no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q: %v", want, err)
				}
			}
		})
	}
}

func TestStartPrefersProgramsOfDataFolder(t *testing.T) {
	t.Parallel()
	opt := local.Options{Dir: used(t), Volatile: true}

	newer := programs(t, "97.1")
	start(t, opt.Search(newer, serverPrograms(t)))
}

func TestStartUsesGivenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()

	s := start(t, local.Options{Dir: used(t), Port: port, Volatile: true})
	if want := ":" + strconv.Itoa(port) + "/"; !strings.Contains(s.URL("x"), want) {
		t.Errorf("URL %s, want port %d", s.URL("x"), port)
	}
}

// The path of a Unix socket has little room.
func TestStartInDeepFolder(t *testing.T) {
	t.Parallel()
	start(t, local.Options{Dir: filepath.Join(folder(t), strings.Repeat("deep/", 25)), Volatile: true})
}

func TestReachableNamesClosedFolder(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(folder(t), "closed")
	inside := filepath.Join(closed, "a", "b")
	if err := os.MkdirAll(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	info := stat(t, closed).Sys().(*syscall.Stat_t)
	stranger, strangers := info.Uid+7, info.Gid+7

	tests := map[string]struct {
		mode     os.FileMode
		uid, gid uint32
		want     bool
	}{
		"open":           {0o701, stranger, strangers, true},
		"closed":         {0o770, stranger, strangers, false},
		"group":          {0o710, stranger, info.Gid, true},
		"group_shut_out": {0o701, stranger, info.Gid, false},
		"owner":          {0o700, info.Uid, strangers, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := os.Chmod(closed, tt.mode); err != nil {
				t.Fatal(err)
			}
			err := local.Reachable(inside, tt.uid, tt.gid)
			if (err == nil) != tt.want {
				t.Fatalf("reachable: %v, want %v", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "cannot enter "+closed+" (mode") {
				t.Errorf("error does not name %s: %v", closed, err)
			}
		})
	}
}

// folder returns the path of a new folder which the server's user can reach,
// unlike that of t.TempDir. A server that is left running there is stopped.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); err != nil {
			return
		}
		s, err := local.Start(context.WithoutCancel(t.Context()), local.Options{Dir: dir, Volatile: true})
		if err != nil {
			t.Errorf("a server may be left running: %v", err)
			return
		}
		stop(t, s)
	})
	return dir
}

func start(t *testing.T, opt local.Options) *local.Server {
	t.Helper()
	s, err := local.Start(t.Context(), opt)
	if err != nil {
		t.Error(err)
		return new(local.Server)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *local.Server) {
	t.Helper()
	if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

// startElsewhere starts a server from another process, which stays until it is
// killed.
func startElsewhere(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), dirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Error(err)
		return cmd, ""
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return cmd, ""
	}
	t.Cleanup(func() { kill(t, cmd) })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "postgres://") {
		t.Errorf("start in another process: %v %s", err, line)
	}
	return cmd, strings.TrimSpace(line)
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if cmd.ProcessState != nil {
		return
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // says that it was killed
}

func query(t *testing.T, url string, do func(*pgx.Conn) error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := do(conn); err != nil {
		t.Fatal(err)
	}
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// programs makes a folder of programs that claim to be of a version.
func programs(t *testing.T, version string) string {
	t.Helper()
	dir := folder(t)
	for _, name := range []string{"postgres", "initdb", "pg_ctl"} {
		script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
