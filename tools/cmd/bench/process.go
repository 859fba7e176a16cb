package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// process is a server under measurement.
type process struct {
	*exec.Cmd
	address string
	listens time.Duration // from exec until it accepted a connection
	started time.Time
}

// start runs a program that listens on PORT, and waits until it does.
func start(ctx context.Context, program string, args []string, env ...string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &process{Cmd: exec.CommandContext(ctx, program, args...), address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	p.Env = append(os.Environ(), append(env, "PORT="+strconv.Itoa(port), "LISTEN_ADDRESS="+p.address, "LOG_LEVEL=error")...)
	p.Stderr = os.Stderr
	p.Cancel = func() error { return p.Process.Signal(syscall.SIGTERM) }
	p.started = time.Now()
	if err := p.Start(); err != nil {
		return nil, err
	}
	for time.Since(p.started) < 20*time.Second {
		conn, err := net.DialTimeout("tcp", p.address, time.Second)
		if err == nil {
			p.listens = time.Since(p.started)
			return p, conn.Close()
		}
		time.Sleep(200 * time.Microsecond)
	}
	return nil, fmt.Errorf("%s does not listen on %s", program, p.address)
}

func (p *process) stop() error {
	_ = p.Process.Signal(syscall.SIGTERM)
	_ = p.Wait() // how it exits is not what is measured
	return nil
}

// residentMB is the resident set of a process, in MB.
func residentMB(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1000, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// call makes one request and reads the reply to its end.
func call(ctx context.Context, client *http.Client, method, url, token, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, url, res.Status, data)
	}
	return string(data), err
}

// ticks is how Linux counts processor time in /proc, per second.
const ticks = 100

// cpu returns the processor time that a process has used, its children that have
// ended included; 0 if there is no such process.
func cpu(pid int) time.Duration {
	stat := procStat(pid)
	if stat == nil {
		return 0
	}
	var sum int64
	for _, field := range stat[11:15] { // utime, stime, cutime, cstime: proc(5)
		n, _ := strconv.ParseInt(field, 10, 64)
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}

// cpuOfTree returns that of a process and its children. One that ends meanwhile
// would be missed, or counted twice: then it looks again.
func cpuOfTree(pid int) time.Duration {
	for before := children(pid); ; {
		sum := cpu(pid)
		for _, child := range before {
			sum += cpu(child)
		}
		after := children(pid)
		if slices.Equal(before, after) {
			return sum
		}
		before = after
	}
}

// children returns the process ids of a process's children, in order.
func children(pid int) []int {
	var found []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if stat := procStat(child); stat != nil && stat[1] == strconv.Itoa(pid) {
			found = append(found, child)
		}
	}
	slices.Sort(found)
	return found
}

// procStat returns the fields of a process's stat from the third on, the state:
// the second, its name, may hold anything.
func procStat(pid int) []string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data)[strings.LastIndexByte(string(data), ')')+1:])
}

// postmaster returns the process id of the server, the parent of the one that
// serves a connection.
func (b *bench) postmaster(ctx context.Context) (int, error) {
	conn, err := pgx.Connect(ctx, b.admin)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	var pid int
	if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		return 0, err
	}
	stat := procStat(pid)
	if stat == nil {
		return 0, fmt.Errorf("there is no process %d of the server", pid)
	}
	return strconv.Atoi(stat[1])
}
