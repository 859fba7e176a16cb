package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/clock"
	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/topology"
	"github.com/rackless/rackless/tools/home"
)

// Options say what to do to a shop.
type Options struct {
	Dir   string // where the database's server keeps its data
	Runs  int
	First int            // the number of the first run, to repeat one
	Only  *regexp.Regexp // the points at which to die; nil: all
	Seed  uint64
	Out   io.Writer                      // progress and findings
	Plant string                         // the fault to plant, for the proof
	Ebay  func(clock.Clock) http.Handler // eBay, as the functions reach it; nil: there is none
}

// world is what outlives a run: the database, the clock, the processes, and what
// the functions know as the broker and the gateways.
type world struct {
	options  Options
	dir      string
	database *home.Database
	db       *pgxpool.Pool
	clock    timepiece
	fault    fault
	manifest *topology.Manifest
	sinks    atomic.Pointer[http.Handler] // the broker of this run
	server   *http.Server
	urls     map[string]string // of "broker", "stripe", "authorizenet"
	logs     *os.File
	seed     atomic.Uint64 // of the simulators' next start

	mu        sync.Mutex
	processes map[string]*process
	deaths    int
	recording bool
}

func open(ctx context.Context, o Options) (_ *world, err error) {
	w := &world{options: o, processes: map[string]*process{}, urls: map[string]string{}}
	if w.fault, err = planted(o.Plant); err != nil {
		return nil, err
	}
	if w.dir, err = os.MkdirTemp("", "rackless-chaos-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.close(ctx)
		}
	}()
	if w.logs, err = os.Create(filepath.Join(w.dir, "log")); err != nil {
		return nil, err
	}
	if w.clock, err = openClock(w.file("clock")); err != nil {
		return nil, err
	}
	if w.database, err = home.Open(ctx, home.Options{Dir: o.Dir, Scratch: true, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	if err := w.database.Migrate(ctx); err != nil {
		return nil, err
	}
	if w.db, err = pgxpool.New(ctx, w.database.URL); err != nil {
		return nil, err
	}
	for _, sql := range w.fault.prepare {
		if _, err := w.db.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("prepare the fault %s: %w", o.Plant, err)
		}
	}
	manifests, err := fs.Sub(rackless.Manifests, "infra/knative")
	if err != nil {
		return nil, err
	}
	if w.manifest, err = topology.Load(manifests); err != nil {
		return nil, err
	}
	for i := range w.manifest.Brokers {
		w.manifest.Brokers[i].Spec.Delivery.BackoffDelay = "PT0.02S" // the broker's patience is not what is tested
	}
	return w, w.listen()
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

// listen serves the broker and the gateways at addresses of their own.
func (w *world) listen() error {
	w.server = &http.Server{ReadHeaderTimeout: 10 * time.Second}
	handlers := map[string]http.Handler{
		"broker": http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if h := w.sinks.Load(); h != nil {
				(*h).ServeHTTP(rw, r)
				return
			}
			http.Error(rw, "there is no broker", http.StatusServiceUnavailable)
		}),
		"stripe":       w.process("stripe"),
		"authorizenet": w.process("authorizenet"),
	}
	if w.options.Ebay != nil {
		handlers["ebay"] = w.options.Ebay(w.clock)
	}
	byHost := map[string]http.Handler{}
	w.server.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { byHost[r.Host].ServeHTTP(rw, r) })
	for name, h := range handlers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		byHost[l.Addr().String()] = h
		w.urls[name] = "http://" + l.Addr().String()
		go func() { _ = w.server.Serve(l) }()
	}
	return nil
}

// process returns the process of a role; it starts when it is called.
func (w *world) process(role string) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.processes[role]
	if p == nil {
		p = newProcess(role, w.dir, func() []string { return w.env(role) }, func(string) {
			w.mu.Lock()
			w.deaths++
			w.mu.Unlock()
		}, w.logs)
		w.processes[role] = p
	}
	return p
}

// env is what a process is told.
func (w *world) env(role string) []string {
	env := []string{
		"CHAOS_CLOCK=" + w.file("clock"),
		fmt.Sprint("CHAOS_SEED=", w.seed.Load()),
		"DATABASE_URL=" + w.database.Logins.URL(role),
		"DATABASE_POOL=4",
		"K_SINK=" + w.urls["broker"] + "/rackless/rackless",
		"CREDENTIALS_KEY=" + w.database.Key,
		"STRIPE_URL=" + w.urls["stripe"],
		"AUTHORIZENET_SANDBOX_URL=" + w.urls["authorizenet"] + authorizenet.Path,
		"CHAOS_PLANT=" + w.options.Plant,
	}
	if site := w.urls["ebay"]; site != "" {
		env = append(env, "EBAY_URL="+site, "EBAY_CONSENT_URL="+site+"/oauth2/authorize", "EBAY_CLIENT_ID="+ebayClient, "EBAY_CLIENT_SECRET="+ebaySecret, "EBAY_RU_NAME="+ebayName, "EBAY_PAUSE=5ms")
	}
	if w.recording {
		env = append(env, "CHAOS_RECORD="+w.file("points"))
	}
	return env
}

// restart ends every process that is up, so that its next call starts another.
func (w *world) restart(roles ...string) {
	w.mu.Lock()
	var all []*process
	for role, p := range w.processes {
		for _, r := range roles {
			if r == role {
				all = append(all, p)
			}
		}
		if len(roles) == 0 {
			all = append(all, p)
		}
	}
	w.mu.Unlock()
	for _, p := range all {
		p.stop()
	}
}

// cluster returns the broker of one run, with its own ill luck.
func (w *world) cluster(random *rand.Rand, calls *calls, calm bool) (*topology.Cluster, error) {
	var c *topology.Cluster
	chaos := topology.Chaos{Rand: random, Lose: 8, Duplicate: 15, Reorder: 10, Delay: 15, MaxDelay: 20 * time.Millisecond}
	if calm {
		chaos = topology.Chaos{}
	}
	var err error
	c, err = topology.New(w.manifest, topology.Options{
		Clock: w.clock, Chaos: chaos,
		Subscribers: func(name string) (topology.Subscriber, bool) {
			if name == "gateway" {
				return func() http.Handler { return w.gateway(c) }, true
			}
			p := w.process(name)
			return func() http.Handler { return calls.watch(name, p) }, true
		},
	})
	if err != nil {
		return nil, err
	}
	ingress := c.Ingress()
	w.sinks.Store(&ingress)
	return c, nil
}

// gateway returns the public API. It has no state, so nothing can be seen of its
// death but a broken connection, which the functions' own deaths cause enough of.
func (w *world) gateway(c *topology.Cluster) http.Handler {
	f := rackless.Functions()["gateway"]
	f.Use(runtime.Env{
		Config: config.Function{DatabaseURL: w.database.Logins.URL("gateway"), DatabasePool: 1, FunctionURL: "http://{name}"},
		Client: &http.Client{Transport: c.Transport()}, Log: slog.New(slog.DiscardHandler),
	})
	return f
}

// administer sends a request to a simulator's administration.
func (w *world) administer(ctx context.Context, gateway, method, path string, in, out any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, w.urls[gateway]+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: status %d: %s", gateway, path, res.StatusCode, reply)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(reply, out)
}

// advance lets time pass for everyone.
func (w *world) advance(ctx context.Context, d time.Duration, gateway string) error {
	w.clock.advance(d)
	if gateway == "test" {
		return nil
	}
	return w.administer(ctx, gateway, http.MethodPost, "/_sim/clock", map[string]string{"advance": "0s"}, nil)
}

// books returns what a gateway has booked, by the gateway's reference.
func (w *world) books(ctx context.Context, gateway string) (map[string]sim.Account, error) {
	var ledger struct{ Accounts []sim.Account }
	if err := w.administer(ctx, gateway, http.MethodGet, "/_sim/ledger", nil, &ledger); err != nil {
		return nil, err
	}
	byID := map[string]sim.Account{}
	for _, a := range ledger.Accounts {
		byID[a.ID] = a
	}
	return byID, nil
}

// said returns how much the processes have written to their log.
func (w *world) said() int64 {
	info, err := w.logs.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// saidSince returns what they have written since, 64 kB at most.
func (w *world) saidSince(offset int64) []byte {
	data, err := io.ReadAll(io.NewSectionReader(w.logs, offset, 64<<10))
	if err != nil {
		return []byte(err.Error() + "\n")
	}
	return data
}

// close ends everything and removes it.
func (w *world) close(ctx context.Context) {
	w.restart()
	if w.server != nil {
		_ = w.server.Close()
	}
	if w.db != nil {
		w.db.Close()
	}
	var err error
	if w.database != nil {
		err = w.database.Stop(ctx)
	}
	if w.logs != nil {
		err = errors.Join(err, w.logs.Close())
	}
	if err = errors.Join(err, os.RemoveAll(w.dir)); err != nil {
		fmt.Fprintln(w.options.Out, "tidy up:", err)
	}
}
