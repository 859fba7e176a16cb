package chaos

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
)

// wire is a connection to Postgres that knows which statements pass. It tells
// points of each before it is sent, and of a commit also when the server has done
// it but the function has not heard.
type wire struct {
	net.Conn
	points *points
	plant  *plant

	mu      sync.Mutex
	begun   bool              // the start-up packet has passed
	rest    []byte            // of a message that was written in parts
	sql     map[string]string // of prepared statements
	bound   string            // the statement of the unnamed portal
	held    []execution       // statements that a planted fault keeps back until the commit
	binding []byte            // the last Bind message
	pending []string          // executed since the last Sync
	seen    map[string]int    // how often in this transaction; nil outside one
	unheard string            // a commit whose reply has not come
	shop    string            // of the transaction
}

// execution is a statement with its parameters, as they were sent.
type execution struct {
	shop string
	sql  string
	bind []byte
}

// Write passes messages on to the server.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	var out bytes.Buffer
	for {
		message, ok := w.next()
		if !ok {
			break
		}
		w.take(message, &out)
	}
	if out.Len() > 0 {
		if _, err := w.Conn.Write(out.Bytes()); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// next cuts a whole message off what was written.
func (w *wire) next() ([]byte, bool) {
	head := 0
	if w.begun {
		head = 1
	}
	if len(w.rest) < head+4 {
		return nil, false
	}
	size := head + int(binary.BigEndian.Uint32(w.rest[head:]))
	if len(w.rest) < size {
		return nil, false
	}
	message := w.rest[:size:size]
	w.rest = w.rest[size:]
	return message, true
}

// take looks at a message and adds what the server is to see of it to out. Before
// the last message of a round trip it is the moment to die.
func (w *wire) take(m []byte, out *bytes.Buffer) {
	if !w.begun {
		w.begun = binary.BigEndian.Uint32(m[4:]) != 80877103 // a request for TLS comes before the start-up packet
		out.Write(m)
		return
	}
	switch body := m[5:]; m[0] {
	case 'P':
		name, after, _ := bytes.Cut(body, []byte{0})
		sql, types, _ := bytes.Cut(after, []byte{0})
		w.sql[string(name)] = string(sql)
		if changed := w.plant.rewrite(string(sql)); changed != string(sql) {
			m = parse(name, changed, types)
		}
	case 'B':
		_, after, _ := bytes.Cut(body, []byte{0}) // the portal has no name
		statement, _, _ := bytes.Cut(after, []byte{0})
		w.bound, w.binding = w.sql[string(statement)], m
	case 'E':
		w.pending = append(w.pending, w.bound)
		switch {
		case strings.EqualFold(w.bound, "begin"):
			w.seen, w.held = map[string]int{}, nil
		case strings.Contains(w.bound, "set_config('rackless.shop', $1"):
			if values, _, err := parameters(w.binding); err == nil && len(values) == 1 {
				w.shop = string(values[0])
			}
		}
		if w.plant.holds(w.bound) {
			w.held = append(w.held, execution{w.shop, w.bound, w.binding})
		}
	case 'Q':
		w.pending = append(w.pending, strings.TrimSuffix(string(body), "\x00"))
		w.boundary()
	case 'S':
		w.boundary()
	}
	out.Write(m)
}

// boundary is before the server is told to go on.
func (w *wire) boundary() {
	name := summary(w.pending)
	w.pending = nil
	switch {
	case name == "":
		return // it only prepares
	case name == "ROLLBACK":
		w.seen, w.held = nil, nil
		return
	case name == "COMMIT":
		w.seen = nil
	}
	if w.seen != nil {
		if w.seen[name]++; w.seen[name] > 1 {
			name = fmt.Sprint(name, " #", w.seen[name])
		}
	}
	if name == "COMMIT" {
		w.plant.pause()
	}
	w.points.reach("before " + name)
	if name == "COMMIT" {
		w.unheard = "after " + name
	}
}

// Read passes what the server answers to the function.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	unheard, held := w.unheard, w.held
	if n > 0 && unheard != "" {
		w.unheard, w.held = "", nil
	}
	w.mu.Unlock()
	if n > 0 && unheard != "" {
		w.points.reach(unheard)
		w.plant.release(held)
	}
	return n, err
}

// parse makes a Parse message.
func parse(name []byte, sql string, types []byte) []byte {
	body := append(append([]byte{}, name...), 0)
	body = append(append(body, sql...), 0)
	body = append(body, types...)
	m := binary.BigEndian.AppendUint32([]byte{'P'}, uint32(len(body)+4))
	return append(m, body...)
}

var (
	writes = regexp.MustCompile(`(?:^|[^R]\s)(INSERT INTO|DELETE FROM|UPDATE)\s+([a-z_]+)`)
	reads  = regexp.MustCompile(`\bFROM\s+([a-z_]+)`)
)

// summary names the statements of one round trip, for people and across builds:
// what they change, or what they read. A commit is named alone.
func summary(statements []string) string {
	var names []string
	add := func(name string) {
		for _, n := range names {
			if n == name {
				return
			}
		}
		names = append(names, name)
	}
	for _, sql := range statements {
		flat := strings.Join(strings.Fields(sql), " ")
		upper := strings.ToUpper(flat)
		switch {
		case upper == "BEGIN":
			add("BEGIN")
			continue
		case strings.HasPrefix(flat, "SELECT set_config"):
			continue
		case strings.HasPrefix(upper, "COMMIT"):
			return "COMMIT"
		case strings.HasPrefix(upper, "ROLLBACK"):
			return "ROLLBACK"
		}
		found := writes.FindAllStringSubmatch(flat, -1)
		for _, f := range found {
			add(f[1] + " " + f[2])
		}
		if len(found) == 0 {
			if f := reads.FindStringSubmatch(flat); f != nil {
				add("SELECT FROM " + f[1])
			} else {
				add("SELECT")
			}
		}
	}
	if len(names) > 4 {
		names = append(names[:4], "…")
	}
	return strings.Join(names, ", ")
}
