package chaos

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"syscall"
)

// points are the places at which one function may die.
type points struct {
	function string
	armed    string // the point at which to die, empty: none
	spare    int    // how often it passes first

	mu     sync.Mutex
	record *os.File // where every point that is reached is told, nil: nowhere
}

// reach is called at every point. At the armed one the process ends without
// another instruction: no deferred call, no rollback, no reply.
func (p *points) reach(name string) {
	name = p.function + " " + name
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.record != nil {
		fmt.Fprintln(p.record, name)
	}
	if name != p.armed {
		return
	}
	if p.spare > 0 {
		p.spare--
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// transport tells points of the requests that a function sends.
type transport struct {
	base   http.RoundTripper
	points *points
	what   string // "publishing", "the gateway"
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.points.reach("before " + t.what)
	res, err := t.base.RoundTrip(r)
	t.points.reach("after " + t.what)
	return res, err
}

// replies tells points of the moment between the work and its reply.
func replies(h http.Handler, p *points) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		late := &lateReply{header: http.Header{}}
		h.ServeHTTP(late, r)
		p.reach("before replying")
		for name, values := range late.header {
			w.Header()[name] = values
		}
		w.WriteHeader(late.status)
		_, _ = w.Write(late.body)
	})
}

// lateReply keeps a reply back.
type lateReply struct {
	header http.Header
	status int
	body   []byte
}

func (l *lateReply) Header() http.Header { return l.header }

func (l *lateReply) WriteHeader(status int) {
	if l.status == 0 {
		l.status = status
	}
}

func (l *lateReply) Write(p []byte) (int, error) {
	l.WriteHeader(http.StatusOK)
	l.body = append(l.body, p...)
	return len(p), nil
}
