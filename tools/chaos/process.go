package chaos

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// process is a child that is there whenever it is called: it is started by the
// first call and again after it has died.
type process struct {
	role string
	dir  string
	env  func() []string
	died func(role string) // by SIGKILL

	mu      sync.Mutex
	cmd     *exec.Cmd
	exited  chan struct{}
	arms    []string // environment of the next start only
	client  *http.Transport
	started int
	logs    io.Writer
}

func newProcess(role, dir string, env func() []string, died func(string), logs io.Writer) *process {
	p := &process{role: role, dir: dir, env: env, died: died, logs: logs}
	p.client = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", p.socket())
		},
		MaxIdleConnsPerHost: 64,
	}
	return p
}

func (p *process) socket() string { return filepath.Join(p.dir, p.role+".sock") }

// arm has the next start die at a point, after it has passed it so often. What
// runs now is ended.
func (p *process) arm(env ...string) {
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arms = env
}

// up starts the child if it is not there.
func (p *process) up(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		select {
		case <-p.exited:
		default:
			return nil
		}
	}
	p.client.CloseIdleConnections()
	_ = os.Remove(p.socket())
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(program)
	cmd.Env = append(append(os.Environ(), p.env()...), append(p.arms, "CHAOS_ROLE="+p.role, "CHAOS_SOCKET="+p.socket())...)
	cmd.Stderr = p.logs
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no orphans, whatever happens to us
	p.arms = nil
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited
	p.started++
	go func() {
		err := cmd.Wait()
		close(exited)
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			p.died(p.role)
		} else if err != nil && status.Signal() != syscall.SIGTERM {
			fmt.Fprintln(p.logs, p.role, "ended:", err)
		}
	}()
	deadline, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		conn, err := net.Dial("unix", p.socket())
		if err == nil {
			return conn.Close()
		}
		select {
		case <-exited:
			return fmt.Errorf("%s ended before it listened", p.role)
		case <-deadline.Done():
			return fmt.Errorf("%s does not listen: %w", p.role, err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// kill ends the child as a crash does, if it is up.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may have ended by itself
	}
}

// stop ends the child.
func (p *process) stop() {
	p.mu.Lock()
	cmd, exited := p.cmd, p.exited
	p.cmd = nil
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-exited:
	case <-time.After(5 * time.Second):
		_ = cmd.Process.Kill()
		<-exited
	}
}

// ServeHTTP passes a request on. A child that dies over it breaks the connection.
func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := p.up(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	proxy := httputil.ReverseProxy{
		Transport: p.client,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", p.role, r.In.Host
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} { // said by the gateway
				r.Out.Header[name] = r.In.Header[name]
			}
		},
		ErrorLog:     log.New(io.Discard, "", 0), // the deaths are counted
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	proxy.ServeHTTP(w, r)
}
